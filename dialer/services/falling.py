"""Where leads of a campaign fall out on their way to being dialed (D15): by the very conditions that the load goes by.

What a lead of the campaign's scope needs is asked one after the other, and it falls out at the first thing it lacks. What
lacks nothing is before somebody, waits in the hopper, or is what the next load takes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.db.models import Case, CharField, Exists, OuterRef, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.lookups import Exact

from dialer.models import AgentSession, Campaign, Gate, HopperEntry
from dialer.services.campaigns import filter_of
from dialer.services.gates import gate_by_gate
from dialer.services.matching import NOTHING
from dialer.services.reach import GENERAL, Reach


class Fall(StrEnum):
    """What a lead lacks, beside the gates."""

    FILTER = "filter"
    STAGE = "stage"
    HOLDER = "holder"
    SKILL = "skill"
    ELSEWHERE = "elsewhere"


class Place(StrEnum):
    """Where a lead is that lacks nothing."""

    BEFORE = "before"
    WAITING = "waiting"
    FREE = "free"


WORDS: dict[str, str] = {
    Fall.FILTER: "Not in the lead filter",
    Fall.STAGE: "Stage is closed",
    **{gate.value: str(gate.label) for gate in Gate},
    Gate.NUMBER: "No number to call",
    Fall.HOLDER: "Holder not logged in",
    Fall.SKILL: "Nobody with the skills",
    Fall.ELSEWHERE: "In another campaign’s hopper",
    Place.BEFORE: "Before an agent now",
    Place.WAITING: "Waiting in the hopper",
    Place.FREE: "Ready for the next load",
}
Steps = dict[str, Q]


def steps_of(reach: Reach) -> Steps:
    """The conditions over Lead that a lead of the campaign's scope is to fulfil, in turn."""
    campaign = reach.campaign
    steps: Steps = {Fall.FILTER: filter_of(campaign, reach.now)} if campaign.lead_filter else {}
    steps[Fall.STAGE] = reach.in_open_stage
    steps.update(gate_by_gate(campaign, reach.now))
    steps.update(_for_whom(reach))
    others = {"company": campaign.company_id, "lead": OuterRef("pk")}
    entries = HopperEntry.objects.filter(**others).exclude(campaign=campaign)
    sessions = AgentSession.objects.filter(**others).exclude(campaign=campaign)
    return steps | {Fall.ELSEWHERE: Q(~Exists(entries), ~Exists(sessions))}


def steps_of_inserted(reach: Reach) -> Steps:
    """The same for what is put into the hopper by hand: it need be none of the campaign's leads, and who is there for it
    is seen at the next load (D6).
    """
    aside = (Fall.FILTER, Fall.HOLDER, Fall.SKILL)
    return {name: one for name, one in steps_of(reach).items() if name not in aside}


def _for_whom(reach: Reach) -> Steps:
    if not reach.agents:
        return {Fall.HOLDER: NOTHING}
    if not reach.campaign.enforce_lead_ownership:
        return {Fall.HOLDER: reach.for_somebody()}
    hers = Q(holder_id__in=reach.agents)
    return {Fall.HOLDER: GENERAL | hers, Fall.SKILL: hers | reach.for_somebody()}


def fell(steps: Steps, campaign: Campaign) -> Combinable:
    """What the lead lacks first; or where it is. A condition that is null is not fulfilled, as in a filter."""
    here = {"campaign": campaign, "lead": OuterRef("pk")}
    found: Any = Case(
        When(Exists(AgentSession.objects.filter(**here)), then=Value(Place.BEFORE.value)),
        When(Exists(HopperEntry.objects.filter(**here)), then=Value(Place.WAITING.value)),
        default=Value(Place.FREE.value),
        output_field=CharField(),
    )
    for name, condition in reversed(steps.items()):
        found = Case(When(condition, then=found), default=Value(str(name)), output_field=CharField())
    return found  # type: ignore[no-any-return]


def lacking(steps: Steps, campaign: Campaign, name: str) -> Q:
    """The condition that a lead of the scope fell out there, or is there: `fell`, as the database finds such leads best."""
    names = list(steps)
    before = steps if name not in steps else {one: steps[one] for one in names[: names.index(name)]}
    passed = Q(*before.values())
    if name not in steps:
        return passed & Q(Exact(fell({}, campaign), Value(name)))
    return passed & Q(Exact(Case(When(steps[name], then=Value(True)), default=Value(False)), Value(False)))
