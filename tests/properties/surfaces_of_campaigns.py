"""The surfaces of campaigns: how many leads a filter or a campaign has, what sources a filter may name, and to
which leads something was done by itself.
"""

from __future__ import annotations

import re
from typing import Any

from django.urls import reverse

from crm.organization.models import Unit, User
from dialer.models import Automation, AutomationRun, Campaign, LeadFilter
from tests.factories import marks
from tests.factories.marks import Told, told
from tests.properties import oracle
from tests.properties.details import BASE
from tests.properties.surfaces import Visit, read, said, seen, surface
from tests.properties.world import Lead

WHOLE = 0  # the company unit of the first company


def runs(visit: Visit) -> bool:
    return visit.has("manage_campaign") and oracle.manages_unit(visit.world, visit.person, WHOLE)


def built(visit: Visit, field: str, operator: str, value: str) -> str:
    """The page on which a filter of one line is built, or the number alone."""
    sent = {
        "0-0-0-field": field,
        "0-0-0-operator": operator,
        "0-0-0-value": value,
        "step": visit.one_of("count", "look"),
    }
    headers = {"HX-Request": "true"} if visit.turn % 2 else None
    return said(visit.client.post(reverse("lead-filter-add"), sent, headers=headers))


def counted(visit: Visit) -> int | None:
    if not visit.has("manage_campaign"):
        return None
    return len(read(visit)) if visit.turn % 3 else int(visit.number in read(visit))


@surface("lead-filter-add", expects=counted)
def filter_counted(visit: Visit) -> int | None:
    """By something that redaction conceals: of all leads, or of the one she asks about."""
    one = marks.columns(visit.number)["postal_code"]
    asked = ("begins", one[:6]) if visit.turn % 3 else ("is", one)
    found = re.search(r'class="matches">([\d,]+)<', built(visit, "postal_code", *asked))
    return int(found[1].replace(",", "")) if found else None


@surface("lead-filter-add", expects=lambda visit: read(visit) if visit.has("manage_campaign") else {})
def sources_for_a_filter(visit: Visit) -> Told:
    headers = {"HX-Request": "true"} if visit.turn % 2 else None
    sent = {"0-0-0-field": "source", "0-0-0-operator": "is", "0-0-0-value": "", "step": "look"}
    return told(said(visit.client.post(reverse("lead-filter-add"), sent, headers=headers)))


def named(visit: Visit) -> Told:
    return {visit.number: "view"} if runs(visit) and visit.number in read(visit) else {}


@surface("lead-filters", "lead-filter", expects=named)
def filters_named(visit: Visit) -> Told:
    """A filter that somebody else made of a lead's source."""
    one = {"field": "source", "operator": "is", "value": str(BASE + visit.number)}
    unit = Unit.objects.get(pk=BASE + WHOLE)
    made = LeadFilter.objects.create(company=unit.company, unit=unit, name="Told", sets=[[[one]]])
    if visit.turn % 2:
        return told(visit.get("lead-filters"))
    options = re.search(r'id="v-0-0-0".*?</select>', visit.get("lead-filter", made.pk), re.DOTALL)
    chosen = re.search(r"<option[^>]* selected>.*?</option>", options[0] if options else "")
    return told(chosen[0]) if chosen else {}


def in_scope(visit: Visit, lead: Lead, scope: str) -> bool:
    world = visit.world
    own = [n for n, unit in enumerate(world.units) if unit.company == world.units[WHOLE].company]
    units = [WHOLE] if scope == "unit" else own
    if lead.owner_person is None or scope != "personal":
        return lead.owner_unit in units
    person = world.people[lead.owner_person]
    return person.active and any(one.unit in units for one in oracle.current_memberships(world, lead.owner_person))


@surface(
    "campaign",
    expects=lambda visit: (
        sum(in_scope(visit, visit.world.leads[n], visit.one_of(*Campaign.Scope.values)) for n in read(visit))
        if runs(visit)
        else None
    ),
)
def campaign_counted(visit: Visit) -> int | None:
    unit = Unit.objects.get(pk=BASE + WHOLE)
    scope = visit.one_of(*Campaign.Scope.values)
    made = Campaign.objects.create(company=unit.company, unit=unit, name="Told", scope=scope)
    found = re.search(r"It has ([\d,]+) of the leads", visit.get("campaign", made.pk))
    return int(found[1].replace(",", "")) if found else None


def logged(visit: Visit) -> Told:
    level = seen(visit).get(visit.number)
    return {visit.number: level} if runs(visit) and level else {}


def ran(visit: Visit) -> None:
    """An automation of the whole company did something to the lead."""
    unit = Unit.objects.get(pk=BASE + WHOLE)
    owned: dict[str, Any] = {"company_id": unit.company_id, "lead_id": BASE + visit.number}
    author = User.objects.filter(company=unit.company_id).order_by("pk")[0]
    made = Automation.objects.create(company=unit.company, unit=unit, name="Told", author=author, trigger="created")
    AutomationRun.objects.create(automation=made, outcome="done", said=["Done."], **owned)


@surface("automation-log", expects=logged)
def runs_logged(visit: Visit) -> Told:
    ran(visit)
    return told(visit.get("automation-log"))


@surface("automations", expects=lambda visit: int(visit.number in seen(visit)) if runs(visit) else None)
def runs_counted(visit: Visit) -> int | None:
    ran(visit)
    found = re.search(r">([\d,]+) done<", visit.get("automations"))
    return int(found[1]) if found else None
