"""What becomes of a person who leaves (O4), and how she is brought back: in the transaction of the batch that does it."""

from __future__ import annotations

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
from leads.services.transferring import Cause, clear
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry

AGENT, COVERED = Assignment.Role.AGENT, Assignment.Role.COVERED
Receiver = User | Pond | None  # none: the routing of the unit


def worked_by(user: User) -> LeadQuerySet:
    """Leads of units that she is assigned to in any role: what stays when she leaves."""
    hers = Assignment.objects.filter(user=user).values("lead")
    return Lead.objects.filter(company=user.company_id, owner_unit__isnull=False, removed_at=None, pk__in=hers)


def last_owner(user: User) -> bool:
    """Whether the company would have no owner without her (O7)."""
    owners = Membership.objects.current().filter(
        unit__company=user.company_id, unit__kind=Unit.Kind.COMPANY, role=Membership.Role.OWNER, user__is_active=True
    )
    return owners.filter(user=user).exists() and not owners.exclude(user=user).exists()


def depart(user: User, cause: Cause, but: QuerySet[Lead]) -> dict[str, Any]:
    """Deactivate her, and end all she has but her own leads and those of `but`: what `bring_back` needs."""
    others = Assignment.objects.filter(user=user).exclude(lead__owner_user=user).exclude(lead__in=but)
    list(Lead.objects.filter(pk__in=others.values("lead")).in_id_order().values_list("pk"))
    memberships = Membership.objects.current().filter(user=user).order_by("pk")
    ponds = PondMember.objects.filter(user=user).order_by("pk")
    kept: dict[str, Any] = {
        "memberships": list(memberships.values_list("pk", flat=True)),
        "ponds": list(ponds.values_list("pond", "may_claim")),
        "slots": list(others.order_by("pk").values_list("lead", "role")),
    }
    clear(Lead.objects.filter(agent=user, pk__in=others.values("lead")), cause)
    end_slots(Assignment.objects.filter(pk__in=others.values("pk")), **cause.params())
    ponds.delete()
    User.objects.filter(pk=user.pk).update(is_active=False, left_at=Now())
    memberships.update(ended_at=Now())  # not before she left: her managers of then stay her managers
    for receiver, answer in signals.departing.send(sender=User, user=user):
        kept[receiver.__module__] = answer
    _record(user, cause, LedgerEntry.Kind.LEFT)
    return kept


def bring_back(user: User, cause: Cause, kept: dict[str, Any]) -> None:
    """Undo `depart`: who has taken her place meanwhile keeps it."""
    User.objects.filter(pk=user.pk).update(is_active=True, left_at=None)
    ended = Membership.objects.filter(pk__in=kept["memberships"], unit__closed_at=None)
    ended.exclude(unit__in=Membership.objects.current().filter(user=user).values("unit")).update(ended_at=None)
    open_ponds = set(Pond.objects.filter(closed_at=None, company=user.company_id).values_list("pk", flat=True))
    for pond, may_claim in kept["ponds"]:
        if pond in open_ponds:
            values = {"may_claim": may_claim, "company_id": user.company_id}
            PondMember.objects.get_or_create(pond_id=pond, user=user, defaults=values)
    _fill_again(user, [(lead, role) for lead, role in kept["slots"]], cause)
    signals.coming_back.send(sender=User, user=user, kept=kept)
    _record(user, cause, LedgerEntry.Kind.RESTORED)


def _fill_again(user: User, slots: list[tuple[int, str]], cause: Cause) -> None:
    """Those of her slots that are still empty."""
    there = Lead.objects.filter(pk__in={lead for lead, _ in slots}, removed_at=None)
    leads = set(there.in_id_order().values_list("pk", flat=True))
    taken = set(Assignment.objects.filter(lead__in=leads).order_by("pk").values_list("lead", "role"))
    empty = [(lead, role) for lead, role in slots if lead in leads and (lead, role) not in taken]
    for role in sorted({role for _, role in empty}):
        fill_slots([(lead, user.pk) for lead, its in empty if its == role], role=role, **cause.params())


def _record(user: User, cause: Cause, kind: LedgerEntry.Kind) -> None:
    record(
        Fact(
            company_id=user.company_id,
            kind=kind,
            actor_id=cause.actor.pk,
            to_user_id=user.pk,
            why=cause.why,
            batch_id=cause.batch_id,
        )
    )


def hand_on(user: User, lead_ids: list[int], to: Receiver, cause: Cause) -> None:
    """End all her slots on these leads of a unit, which the caller holds; those she had as Agent go to the receiver.

    Where she only covered, the lead returns at once; where somebody covers for her, it goes on at once.
    """
    slots = Assignment.objects.filter(lead__in=lead_ids)
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
        pool_leads(going, to, cause)
    else:
        clear(Lead.objects.filter(pk__in=going), cause)
        route_anew(going, user.company_id)
