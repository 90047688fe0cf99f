"""The surfaces of monitors: who has which lead before her, what is in a hopper, and where leads fell out; and why one
cannot be dialed.
"""

from __future__ import annotations

import re

from crm.organization.models import Unit, User
from dialer.models import AgentSession, Campaign, HopperEntry
from tests.factories import marks
from tests.factories.marks import Told, told
from tests.properties import oracle
from tests.properties.details import BASE
from tests.properties.surfaces import Visit, read, surface
from tests.properties.surfaces_of_campaigns import WHOLE, in_scope


def watches(visit: Visit) -> bool:
    return visit.has("view_hopper") and oracle.manages_unit(visit.world, visit.person, WHOLE)


def watched(visit: Visit) -> Told:
    return {visit.number: "view"} if watches(visit) and visit.number in read(visit) else {}


def made(scope: str = Campaign.Scope.BELOW) -> Campaign:
    """A campaign of the whole first company."""
    unit = Unit.objects.get(pk=BASE + WHOLE)
    return Campaign.objects.create(company=unit.company, unit=unit, name="Told", scope=scope)


def colleague(visit: Visit) -> User | None:
    company = Unit.objects.get(pk=BASE + WHOLE).company
    return next((user for user in visit.built.users if user.company == company and user != visit.user), None)


@surface("monitors", "monitor", expects=lambda visit: watched(visit) if colleague(visit) else {})
def agents_watched(visit: Visit) -> Told:
    """Somebody else of the company, if there is anybody, has the lead before her."""
    agent = colleague(visit)
    if agent is None:
        return {}
    campaign = made()
    owned = {"company": campaign.company, "campaign": campaign, "user": agent, "lead_id": BASE + visit.number}
    AgentSession.objects.create(state=AgentSession.State.ON_CALL, **owned)
    return told(visit.get("monitors") if visit.turn % 2 else visit.get("monitor", campaign.pk))


@surface("monitor-hopper", "monitor-file", expects=watched)
def hopper_watched(visit: Visit) -> Told:
    campaign = made()
    HopperEntry.objects.create(company=campaign.company, campaign=campaign, lead_id=BASE + visit.number)
    there = marks.public_id(visit.number)
    if visit.turn % 2 == 0:
        return told(visit.get("monitor-hopper", campaign.pk))
    answer = visit.get("monitor-file", campaign.pk, "hopper")
    return {visit.number: "view"} if there in answer else told(answer)


def scoped(visit: Visit) -> int | None:
    scope = visit.one_of(*Campaign.Scope.values)
    found = [n for n in read(visit) if in_scope(visit, visit.world.leads[n], scope)]
    return len(found) if watches(visit) else None


@surface("monitor-funnel", "monitor-file", expects=scoped)
def funnel_counted(visit: Visit) -> int | None:
    campaign = made(visit.one_of(*Campaign.Scope.values))
    if visit.turn % 2:
        found = re.search(r"In scope,,(\d+)", visit.get("monitor-file", campaign.pk, "funnel"))
    else:
        page = visit.get("monitor-funnel", campaign.pk, counted="1")
        found = re.search(r'In scope</span><span class="stat-value">(\d+)<', page)
    return int(found[1]) if found else None


@surface("people", expects=lambda visit: dict.fromkeys(listed(visit), "view"))
def people_of_a_campaign(visit: Visit) -> Told:
    return told(visit.get("people", campaign=str(made(visit.one_of(*Campaign.Scope.values)).pk)))


def listed(visit: Visit) -> list[int]:
    scope = visit.one_of(*Campaign.Scope.values)
    return [n for n in read(visit) if watches(visit) and in_scope(visit, visit.world.leads[n], scope)]


@surface("lead-dialing", expects=lambda visit: {visit.number: "view"} if visit.number in read(visit) else {})
def lead_dialing(visit: Visit) -> Told:
    made()
    return told(visit.get("lead-dialing", marks.public_id(visit.number)), marks.public_id(visit.number))
