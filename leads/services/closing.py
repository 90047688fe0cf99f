"""What becomes of a unit that is closed (O4), and how it is opened again: in the transactions of the batch that does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crm.organization.models import Unit
from leads import signals
from leads.models import Assignment, ImportRun, Lead, Pond
from leads.services.running_ponds import route_anew
from leads.services.transferring import Cause, change_owner
from permissions.joining.closing import close_unit, reopen_unit
from permissions.ledger import Fact, record_all
from permissions.models import LedgerEntry


def import_under_way(unit: Unit) -> bool:
    """Whether an import is about to bring it more leads."""
    states = (ImportRun.State.QUEUED, ImportRun.State.RUNNING)
    return ImportRun.objects.filter(owner_unit=unit, state__in=states).exists()


def begin_closing(unit: Unit, cause: Cause) -> dict[str, Any]:
    """Its ponds go to the unit above, its roster ends: what `reopen` needs."""
    ponds = Pond.objects.filter(unit=unit, closed_at=None).order_by("pk")
    kept: dict[str, Any] = {"ponds": list(ponds.values_list("pk", flat=True))}
    ponds.update(unit=unit.parent)
    _record(kept["ponds"], unit, unit.parent, cause)
    for receiver, answer in signals.closing.send(sender=Unit, unit=unit):
        kept[receiver.__module__] = answer
    return kept


def hand_over(lead_ids: Sequence[int], to: Unit, cause: Cause) -> None:
    """Give leads that the caller holds to their new owner. Whoever, or whatever pond, may not work them there is
    followed by its routing.
    """
    slots = Assignment.objects.filter(lead__pk__any_of=list(lead_ids), role=Assignment.Role.AGENT).order_by("lead")
    before = list(slots.values_list("lead", flat=True))
    change_owner(lead_ids, to, cause, tell=False)
    after = set(slots.values_list("lead", flat=True))
    route_anew([pk for pk in before if pk not in after], cause.actor.company_id)


def finish_closing(unit: Unit, to: Unit, cause: Cause) -> dict[str, Any]:
    """Hand over what came meanwhile, and close: what `reopen` needs beside that. Raises RefusedError."""
    Unit.objects.select_for_update(of=("self",)).get(pk=unit.pk)  # leads that are being made for it are waited for
    late = Lead.objects.filter(owner_unit=unit, removed_at=None).in_id_order().values_list("pk", flat=True)
    hand_over(list(late), to, cause)
    return close_unit(actor=cause.actor, unit=unit, batch_id=cause.batch_id)


def reopen(unit: Unit, cause: Cause, kept: dict[str, Any]) -> None:
    """Undo what was done of a closing. Raises RefusedError."""
    if "members" in kept:
        reopen_unit(actor=cause.actor, unit=unit, kept=kept, batch_id=cause.batch_id)
    ponds = Pond.objects.filter(pk__in=kept["ponds"], unit=unit.parent, closed_at=None).order_by("pk")
    back = list(ponds.values_list("pk", flat=True))
    ponds.update(unit=unit)
    _record(back, unit.parent, unit, cause)
    signals.reopening.send(sender=Unit, unit=unit, kept=kept)


def _record(ponds: Sequence[int], old: Unit | None, new: Unit | None, cause: Cause) -> None:
    record_all(
        Fact(
            company_id=cause.actor.company_id,
            kind=LedgerEntry.Kind.POLICY_CHANGED,
            actor_id=cause.actor.pk,
            from_unit_id=old.pk if old else None,
            to_unit_id=new.pk if new else None,
            why="pond",
            batch_id=cause.batch_id,
            detail={"pond": pond},
        )
        for pond in ponds
    )
