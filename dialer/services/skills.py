"""The skills of agents (D3): a lead filter each, which says what general leads she can take."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery

from crm.organization.models import Membership, Unit, User
from dialer.models import AgentSkill, LeadFilter
from dialer.services.filters import hold_filters
from permissions.catalog import Permission
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from routing.services.team import ChangedMeanwhileError, NotEligibleError


def agents_of(actor: User) -> Any:
    """Those whose skills she sets: active people of the units whose campaigns she runs; with `skill`, their filter's id."""
    if not actor.has_perm(Permission.MANAGE_CAMPAIGN):
        return User.objects.none()
    units = Unit.objects.managed_by(actor).values("pk")
    members = Membership.objects.current().filter(unit__in=units).values("user")
    skill = AgentSkill.objects.filter(user=OuterRef("pk")).values("lead_filter")
    people = User.objects.of(actor).active().filter(pk__in=members)
    return people.annotate(skill=Subquery(skill)).order_by("name", "pk")


@transaction.atomic
def give_skill(*, actor: User, user_id: int, lead_filter: LeadFilter | None, seen: int) -> bool:
    """Make the filter her skills, or take them away, where they still are the filter `seen` (0: none): whether it changed.

    Raises NotEligibleError, ChangedMeanwhileError.
    """
    if not agents_of(actor).filter(pk=user_id).exists():
        raise NotEligibleError
    user = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user_id)
    hold_filters(lead_filter)
    known = AgentSkill.objects.filter(user=user).first()
    before, after = (known.lead_filter_id if known else 0), (lead_filter.pk if lead_filter else 0)
    if before == after:
        return False
    if before != seen:
        raise ChangedMeanwhileError
    if lead_filter is None:
        AgentSkill.objects.filter(user=user).delete()
    elif not LeadFilter.objects.can_be_chosen_by(actor).filter(pk=lead_filter.pk).exists():
        raise NotEligibleError
    else:
        defaults = {"company_id": user.company_id, "lead_filter": lead_filter}
        AgentSkill.objects.update_or_create(user=user, defaults=defaults)
    record(
        Fact(
            company_id=user.company_id,
            kind=LedgerEntry.Kind.POLICY_CHANGED,
            actor_id=actor.pk,
            to_user_id=user.pk,
            why="skills",
            detail={"before": before or None, "after": after or None},
        )
    )
    return True
