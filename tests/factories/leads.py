"""Leads in every state of ownership, their slots, contact points and offers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import count
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from crm.organization.models import Unit, User
from leads.models import Assignment, Lead, Pond, PondMember, Stage, Task
from leads.search import reindex
from leads.services.creating import add_contact_points, first_stage, ownership_of, source_named
from permissions.access import Privacy
from routing.models import Offer, Rotation

numbers = count(1)


def make_stage(lead_or_company: Any, name: str, kind: str = "open") -> Stage:
    company_id = getattr(lead_or_company, "company_id", lead_or_company.pk)
    return Stage.objects.create(company_id=company_id, name=name, kind=kind, position=next(numbers))


def make_lead(
    owner: Unit | User,
    *,
    agent: User | None = None,
    privacy: Privacy | None = None,
    phones: Iterable[str] = (),
    emails: Iterable[str] = (),
    source: str = "",
    **fields: Any,
) -> Lead:
    """A lead of `owner` as it is read back; personal leads remember the policy of today unless `privacy` says another."""
    company = owner.company
    number = next(numbers)
    ownership = ownership_of(owner, company)
    if privacy is not None:
        ownership["privacy"] = privacy
    names = {"first_name": f"First{number}", "last_name": f"Last{number}"}
    values = ownership | names | {"stage": first_stage(company.pk), "source": source_named(company.pk, source)} | fields
    lead = Lead.objects.create(company=company, **values)
    add_contact_points(lead, company.phone_region, phones, emails)
    reindex([lead.pk])
    if agent is not None:
        assign(lead, agent)
    lead.refresh_from_db()
    return lead


def assign(lead: Lead, user: User, role: str = "agent") -> Assignment:
    return Assignment.objects.create(company_id=lead.company_id, lead=lead, role=role, user=user)


def offer(lead: Lead, user: User, *, minutes: float = 60, **fields: Any) -> Offer:
    """An offer of the unit-owned lead with its rotation; open, unless `state` and `closed_at` are given."""
    unit = lead.owner_unit
    assert unit is not None
    rotation, _ = Rotation.objects.get_or_create(
        lead=lead, ended_at=None, defaults={"company": unit.company, "unit": unit}
    )
    values = {"pass_number": 1, "deadline": Now() + timedelta(minutes=minutes)} | fields
    made = Offer.objects.create(company=unit.company, rotation=rotation, lead=lead, unit=unit, user=user, **values)
    refresh(made)
    return made


def refresh(*offers: Offer) -> None:
    """Find the moments of these anew: what came before them is known to no trigger."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT refresh_offers(%s)", [[offer.pk for offer in offers]])


def make_pond(unit: Unit, *members: User, name: str = "", **fields: Any) -> Pond:
    """A pond of the unit, from which all these may claim."""
    pond = Pond.objects.create(company=unit.company, unit=unit, name=name or f"Pond {next(numbers)}", **fields)
    for user in members:
        PondMember.objects.create(company=unit.company, pond=pond, user=user)
    return pond


def in_pond(lead: Lead, pond: Pond) -> Lead:
    """The lead, in the pond."""
    Assignment.objects.create(company_id=lead.company_id, lead=lead, pond=pond)
    lead.refresh_from_db()
    return lead


def make_task(user: User, lead: Lead | None = None, **fields: Any) -> Task:
    """A task of hers, due in an hour."""
    values = {"title": "Send the papers", "due_at": Now() + timedelta(hours=1), "time_zone": "UTC"} | fields
    return Task.objects.create(company=user.company, lead=lead, **({"user": user, "created_by": user} | values))
