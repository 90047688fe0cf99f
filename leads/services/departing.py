"""What becomes of a person who leaves (O4), and how she is brought back: in the transaction of the batch that does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from crm.organization.models import Membership, Unit, User
from leads import signals
from leads.models import Assignment, Lead, Pond, PondMember
from leads.querysets import LeadQuerySet
from leads.services.assigning import assign_leads, end_slots, fill_slots
from leads.services.covering import end_covers
from leads.services.ponding import pool_leads
from leads.services.running_ponds import route_anew
from leads.services.tasks import drop_tasks
from leads.services.transferring import Cause, clear
from permissions.joining.invitations import roles_for
from permissions.joining.memberships import end_role, units_lost
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry

AGENT, COVERED = Assignment.Role.AGENT, Assignment.Role.COVERED
Receiver = User | Pond | None  # none: the routing of the unit


@dataclass(frozen=True)
class Leaving:
    """Who leaves what: a unit, or without one the company. Whatever she belongs to by another membership stays hers."""

    user: User
    unit: Unit | None = None

    @cached_property
    def lost(self) -> frozenset[int] | None:
        """The units she no longer belongs to; None: all, with everything else."""
        return units_lost(self.user, self.unit) if self.unit else None

    @property
    def owners(self) -> QuerySet[Unit]:
        """Those of them whose leads she may not work then. The company's own anyone may work who is there (M1)."""
        if self.lost is None:
            return Unit.objects.filter(company=self.user.company_id)
        return Unit.objects.filter(pk__in=self.lost).exclude(kind=Unit.Kind.COMPANY)

    @property
    def slots(self) -> QuerySet[Assignment]:
        """Her slots that end: with a unit those on its leads, with the company all but those on leads of her own."""
        hers = Assignment.objects.filter(user=self.user).exclude(lead__owner_user=self.user)
        return hers if self.lost is None else hers.filter(lead__owner_unit__in=self.owners)

    @property
    def ponds(self) -> QuerySet[PondMember]:
        places = PondMember.objects.filter(user=self.user).order_by("pk")
        return places if self.lost is None else places.filter(pond__unit__in=self.lost, pond__closed_at=None)

    @property
    def memberships(self) -> QuerySet[Membership]:
        current = Membership.objects.current().filter(user=self.user).order_by("pk")
        return current.filter(unit=self.unit) if self.unit else current


def worked_by(leaving: Leaving) -> LeadQuerySet:
    """Leads of units that she is assigned to in any role: what stays when she leaves."""
    slots = leaving.slots.filter(lead__owner_unit__in=leaving.owners).values("lead")
    return Lead.objects.filter(company=leaving.user.company_id, removed_at=None, pk__in=slots)


def why_not_leave(leaving: Leaving, actor: User) -> str:
    """Why she stays, in a sentence; empty where the actor may let her go (O7)."""
    owners = Membership.objects.current().filter(
        unit__company=leaving.user.company_id,
        unit__kind=Unit.Kind.COMPANY,
        role=Membership.Role.OWNER,
        user__is_active=True,
    )
    last = owners.filter(user=leaving.user).exists() and not owners.exclude(user=leaving.user).exists()
    if last and (leaving.unit is None or leaving.unit.kind == Unit.Kind.COMPANY):
        return f"{leaving.user} is the last owner of the company. Make somebody else an owner first."
    if leaving.unit is None:
        return ""
    membership = leaving.memberships.first()
    if membership is None:
        return f"{leaving.user} is no member of {leaving.unit}."
    if membership.role not in dict(roles_for(actor, leaving.unit)):
        return f"Only an owner of {leaving.unit}, or of a unit above it, takes that role away."
    return ""


def begin_leaving(leaving: Leaving) -> dict[str, Any]:
    """Take her out of ponds and rotations, so that nothing new comes to her: what `bring_back` needs."""
    kept: dict[str, Any] = {"ponds": list(leaving.ponds.values_list("pond", "may_claim"))}
    kept["tasks"] = drop_tasks(leaving.user, leaving.lost)
    leaving.ponds.delete()
    for receiver, answer in signals.departing.send(sender=User, user=leaving.user, units=leaving.lost):
        kept[receiver.__module__] = answer
    return kept


def finish_leaving(leaving: Leaving, cause: Cause) -> dict[str, Any]:
    """End all else that ties her, and let her go: what `bring_back` needs beside that.

    Raises RefusedError where the actor may not end her membership.
    """
    others = leaving.slots
    list(Lead.objects.filter(pk__in=others.values("lead")).in_id_order().values_list("pk"))
    kept = {
        "memberships": list(leaving.memberships.values_list("pk", flat=True)),
        "slots": list(others.order_by("pk").values_list("lead", "role")),
    }
    late = worked_by(leaving).order_by("pk").values_list("pk", flat=True)
    hand_on(leaving.user, list(late), None, cause)
    end_slots(leaving.slots, **cause.params())
    if leaving.unit:
        end_role(actor=cause.actor, user=leaving.user, unit=leaving.unit, batch_id=cause.batch_id)
        return kept
    User.objects.filter(pk=leaving.user.pk).update(is_active=False, left_at=Now())
    leaving.memberships.update(ended_at=Now())  # not before she left: her managers of then stay her managers
    _record(leaving, cause, LedgerEntry.Kind.LEFT)
    return kept


def why_not_back(leaving: Leaving, kept: Mapping[str, Any]) -> str:
    """Why her departure cannot be undone now, in a sentence: she would be in no unit. Empty where it can."""
    was_in = Unit.objects.filter(memberships__in=kept.get("memberships", [])).distinct().order_by("name")
    if not was_in or was_in.open().exists() or Unit.objects.joined_by(leaving.user).exists():
        return ""
    names = " and ".join(unit.name for unit in was_in)
    return f"{names}, where {leaving.user} was, {'is' if len(was_in) == 1 else 'are'} closed. Undo that first."


def bring_back(leaving: Leaving, cause: Cause, kept: dict[str, Any]) -> None:
    """Undo what was done of a departure: who has taken her place meanwhile keeps it."""
    user = leaving.user
    if not leaving.unit:
        User.objects.filter(pk=user.pk).update(is_active=True, left_at=None)
    ended = Membership.objects.filter(pk__in=kept.get("memberships", []), unit__closed_at=None)
    ended.exclude(unit__in=Membership.objects.current().filter(user=user).values("unit")).update(ended_at=None)
    open_ponds = set(Pond.objects.filter(closed_at=None, company=user.company_id).values_list("pk", flat=True))
    for pond, may_claim in kept["ponds"]:
        if pond in open_ponds:
            values = {"may_claim": may_claim, "company_id": user.company_id}
            PondMember.objects.get_or_create(pond_id=pond, user=user, defaults=values)
    _fill_again(user, [(lead, role) for lead, role in kept.get("slots", [])], cause)
    signals.coming_back.send(sender=User, user=user, kept=kept)
    if kept.get("memberships"):
        _record(leaving, cause, LedgerEntry.Kind.MEMBERSHIP_CHANGED if leaving.unit else LedgerEntry.Kind.RESTORED)


def _fill_again(user: User, slots: list[tuple[int, str]], cause: Cause) -> None:
    """Those of her slots that are still empty."""
    there = Lead.objects.filter(pk__in={lead for lead, _ in slots}, removed_at=None)
    leads = set(there.in_id_order().values_list("pk", flat=True))
    taken = set(Assignment.objects.filter(lead__in=leads).order_by("pk").values_list("lead", "role"))
    empty = [(lead, role) for lead, role in slots if lead in leads and (lead, role) not in taken]
    for role in sorted({role for _, role in empty}):
        fill_slots([(lead, user.pk) for lead, its in empty if its == role], role=role, **cause.params())


def _record(leaving: Leaving, cause: Cause, kind: LedgerEntry.Kind) -> None:
    record(
        Fact(
            company_id=leaving.user.company_id,
            kind=kind,
            actor_id=cause.actor.pk,
            to_user_id=leaving.user.pk,
            to_unit_id=leaving.unit.pk if leaving.unit else None,
            why=cause.why,
            batch_id=cause.batch_id,
        )
    )


def hand_on(user: User, lead_ids: list[int], to: Receiver, cause: Cause) -> None:
    """End all her slots on these leads of a unit, which the caller holds; those she had as Agent go to the receiver.

    Where she only covered, the lead returns at once; where somebody covers for her, it goes on at once.
    """
    slots = Assignment.objects.filter(lead__pk__any_of=lead_ids)
    covers = slots.filter(role=AGENT, user=user, until__isnull=False).exclude(
        lead__in=slots.filter(role=COVERED, user=user).values("lead")
    )
    end_covers(list(covers.order_by("lead").values_list("lead", flat=True)), **cause.params())
    hers = slots.filter(user=user, role__in=(AGENT, COVERED)).order_by("lead").values_list("lead", flat=True)
    going = sorted(set(hers))
    end_slots(slots.filter(user=user).exclude(role=AGENT), **cause.params())
    if isinstance(to, User):
        assign_leads(going, to, **cause.params())
    elif isinstance(to, Pond):
        pool_leads(going, to, **cause.params())
    else:
        clear(Lead.objects.filter(pk__any_of=going), cause)
        route_anew(going, user.company_id, but=user.pk)
