"""A brokerage whose team Lakeside hands out leads: its agents are on the roster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from crm.organization.models import Unit, User
from leads.models import Lead
from routing.models import Offer, RosterMember, RoutingPolicy
from routing.services.handing_out import route_leads
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage


def make_policy(unit: Unit, *, window: timedelta = timedelta(minutes=60), **fields: Any) -> RoutingPolicy:
    values = {"company": unit.company, "claim_window": window, **fields}
    return RoutingPolicy.objects.update_or_create(unit=unit, defaults=values)[0]


def on_roster(unit: Unit, *people: User, **fields: Any) -> list[RosterMember]:
    """Places in this order, after those there are."""
    start = RosterMember.objects.filter(unit=unit).count()
    values = {"company": unit.company, "unit": unit, "enrolled": True} | fields
    return [
        RosterMember.objects.create(user=person, position=position, **values)
        for position, person in enumerate(people, start=start + 1)
    ]


def lakeside() -> Brokerage:
    """Ana and Ben take turns; Lead is the fallback."""
    harbor = brokerage()
    make_policy(harbor.lakeside, fallback=harbor.lead)
    on_roster(harbor.lakeside, harbor.ana, harbor.ben)
    return harbor


def route(unit: Unit, *leads: Lead) -> None:
    route_leads(company_id=unit.company_id, unit_id=unit.pk, lead_ids=[lead.pk for lead in leads])


def offered(unit: Unit, **fields: Any) -> Offer:
    """A new lead of the unit, offered to whoever is next."""
    lead = make_lead(unit, **fields)
    route(unit, lead)
    return Offer.objects.select_related("lead", "user").get(lead=lead)


def holders(leads: Sequence[Lead]) -> list[int | None]:
    """Who has the Agent slot of each lead now."""
    agents = dict(Lead.objects.filter(pk__in=[lead.pk for lead in leads]).values_list("pk", "agent"))
    return [agents[lead.pk] for lead in leads]
