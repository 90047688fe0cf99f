"""Deleting many leads, and bringing them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q

from leads import signals
from leads.batches.restoring import restore_slots, slots_image
from leads.batches.sight import Shape, sight_after
from leads.batches.verb import Act, MassVerb, Sight, Skip
from leads.models import BatchItem, Lead
from leads.querysets import LeadQuerySet
from leads.services.disputing import reopen_removed
from leads.services.removing import delete_leads
from leads.services.transferring import tell_personal_owners
from permissions.access import Keyring, Level
from permissions.door import doable, seen_by
from permissions.ledger import record_select
from permissions.verbs import Verb

BACK = """
WITH changed AS (
    UPDATE leads_lead AS lead SET removed_at = (item.before ->> 'removed_at')::timestamptz FROM leads_batchitem AS item
    WHERE item.batch_id = %(undone)s AND item.lead_id = ANY(%(leads)s) AND lead.id = item.lead_id
    RETURNING lead.id, lead.company_id, lead.owner_unit_id, lead.owner_user_id, lead.removed_at IS NULL AS there
)
"""
FACTS = """
SELECT company_id, CASE WHEN there THEN 'restored' ELSE 'deleted' END, %(actor)s::bigint, id,
    CASE WHEN NOT there THEN owner_unit_id END, CASE WHEN NOT there THEN owner_user_id END,
    CASE WHEN there THEN owner_unit_id END, CASE WHEN there THEN owner_user_id END, %(why)s, %(batch)s::bigint
FROM changed ORDER BY id
"""
COLUMNS = (
    *("company_id", "kind", "actor_id", "lead_id", "from_unit_id", "from_user_id", "to_unit_id", "to_user_id"),
    *("why", "batch_id"),
)


class Delete(MassVerb):
    code = "delete"
    label = "Delete"
    gives_away = True
    doing = "Delete"
    done = "Deleted"
    revives = True
    reasons = {
        "personal": "Somebody’s own lead",
        "unit": "Belongs to a unit: your profile does not include deleting such leads",
        "left": "Its unit was closed",
    }

    def allowed(self, keyring: Keyring) -> Q:
        return doable(keyring, Verb.DELETE)

    def refusals(self, act: Act) -> Sequence[Skip]:
        return [
            Skip("personal", Q(owner_user__isnull=False) & ~Q(owner_user=act.actor)),
            Skip("unit", ~Q(owner_unit=None)),
        ]

    def parts(self, act: Act) -> dict[str, Any]:
        return {
            "removed_at": "removed_at",
            "merged_into": "merged_into_id",
            "owner": "owner_user_id",
            "slots": slots_image(),
        }

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        delete_leads(lead_ids, act.by)

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        company_id, actor_id = act.batch.company_id, act.actor.pk
        going = list(Lead.objects.filter(pk__in=lead_ids, removed_at=None).order_by("pk").values_list("pk", flat=True))
        if going:  # undone and undone again: they go once more
            signals.removed.send(sender=Lead, company_id=company_id, lead_ids=going, actor_id=actor_id)
        given = {"leads": list(lead_ids), "undone": act.batch.undoes_id, **act.cause}
        record_select(COLUMNS, FACTS, given, changing=BACK)
        reopen_removed(company_id, lead_ids)
        restore_slots(act, lead_ids)

    def undo_skips(self, act: Act) -> Sequence[Skip]:
        return [Skip("left", Q(owner_unit__closed_at__isnull=False))]

    def undoable_by_manager(self, act: Act) -> Q:
        return seen_by(act.keyring, Level.MANAGE, removed=True)

    def words(self, act: Act) -> str:
        return "Delete this lead" if act.batch.is_of_one else "Delete them"

    def told(self, act: Act, images: Sequence[Any]) -> list[str]:
        return ["Deleted" if one["removed_at"] else "There" for one in images]

    def loss(self, act: Act) -> str:
        return (
            "They are gone from every list, search and count, also for whoever works them. Assignments, open offers and"
            " requests end. The ledger keeps what was."
        )

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        return sight_after(act, leads, removed, shares_end=True)

    def tell(self, act: Act) -> None:
        """Personal owners of what somebody else deleted, or brought back (M8)."""
        changed = act.batch.items.filter(outcome=BatchItem.Outcome.CHANGED)
        owners = dict(changed.order_by("number").values_list("lead_id", "before__owner"))
        gone = changed.exclude(after__removed_at=None).exists()
        said = ("was deleted", "were deleted") if gone else ("came back", "came back")
        tell_personal_owners(owners, act.actor, *said, f"By {act.actor}.")


def removed(shape: Shape) -> Shape:
    return replace(shape, lead=replace(shape.lead, removed=True), agent=None, slots=())
