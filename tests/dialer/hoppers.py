"""Many leads at once, agents at work, and what is in a hopper."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import count
from typing import Any

from crm.organization.models import Company, Unit, User
from dialer.hours import EVERYWHERE
from dialer.models import AgentSession, AgentSkill, CallingHours, Campaign, HopperEntry, LeadFilter
from dialer.services.sessions import log_in
from leads.models import Assignment, ContactPoint, Lead
from leads.services.creating import first_stage, ownership_of

numbers = count(1)
ALL_DAY = [list(range(7)), "00:00", "24:00"]


def make_leads(owner: Unit | User, number: int, *, agent: User | None = None, **fields: Any) -> list[Lead]:
    """So many callable leads, in a few statements."""
    values = ownership_of(owner, owner.company) | {"stage": first_stage(owner.company_id)} | fields
    leads = Lead.objects.bulk_create(
        Lead(company_id=owner.company_id, first_name=f"Lead {next(numbers)}", **values) for _ in range(number)
    )
    add_phones(leads)
    if agent is not None:
        Assignment.objects.bulk_create(
            Assignment(company_id=lead.company_id, lead=lead, role="agent", user=agent) for lead in leads
        )
    return leads


def add_phones(leads: Iterable[Lead]) -> None:
    ContactPoint.objects.bulk_create(
        ContactPoint(company_id=lead.company_id, lead=lead, kind="phone", value=f"+1602555{next(numbers):04}")
        for lead in leads
    )


def set_hours(company: Company, *hours: Any) -> None:
    """When everybody may be called, whatever the hour is as the test runs."""
    version = CallingHours.objects.filter(company=company).count() + 1
    states = {EVERYWHERE: list(hours)}
    CallingHours.objects.create(company=company, version=version, as_of=date(2026, 1, 1), states=states)


def at_work(campaign: Campaign, *people: User) -> list[AgentSession]:
    """Logged in, at an hour at which anybody may be called."""
    if not CallingHours.objects.filter(company=campaign.company).exists():
        set_hours(campaign.company, ALL_DAY)
    return [log_in(user=user, campaign=campaign) for user in people]


def give_skill(user: User, lead_filter: LeadFilter) -> None:
    AgentSkill.objects.create(company_id=user.company_id, user=user, lead_filter=lead_filter)


def owned_by(user: User) -> int:
    return HopperEntry.objects.filter(agent=user).count()


def general_in(campaign: Campaign) -> int:
    return HopperEntry.objects.filter(campaign=campaign, agent=None).count()


def leads_in(campaign: Campaign, agent: User | None = None) -> list[int]:
    """The leads of an agent's entries, or the general ones, in their turn."""
    entries = HopperEntry.objects.filter(campaign=campaign, agent=agent).order_by("-priority", "at", "place", "pk")
    return list(entries.values_list("lead", flat=True))
