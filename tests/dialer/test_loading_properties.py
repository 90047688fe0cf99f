"""The hopper load beside a slow and obvious way to do the same, over random campaigns (D4, D5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.organization.models import User
from dialer import hopper
from dialer.models import AgentSession, AgentSkill, Campaign, CampaignLead, HopperEntry, LeadFilter
from dialer.services.loading import load
from leads.models import Assignment, Lead
from tests.dialer.hoppers import at_work, make_leads
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.people import make_member
from tests.factories.scenes import Brokerage, brokerage

ROOM = 7  # instead of a thousand
STATES = ("AZ", "AZ", "CA", "NV")
SHIFTS = [frozenset(who) for who in ((0, 1, 2), (0, 1, 2), (0, 1, 2), (0, 1), (1, 2), (0,), ())]
SKILLS = {  # by name: what the filter says, and the same in Python
    "az": (("state", "is", "AZ"), lambda lead: lead.state == "AZ"),
    "west": (("state", "is", "AZ, CA"), lambda lead: lead.state in ("AZ", "CA")),
    "hot": (("score", "at_least", "50"), lambda lead: lead.score >= 50),
}


@dataclass(frozen=True)
class Given:
    """A lead: `holder` is the number of the agent who has it."""

    holder: int | None
    state: str
    score: int
    attempts: int
    callable: bool


@dataclass(frozen=True)
class Case:
    level: int
    enforce: bool
    with_skills: bool
    skills: tuple[str | None, ...]  # of each agent
    shifts: tuple[frozenset[int], ...]  # who is logged in at each load
    leads: tuple[Given, ...]
    taken: frozenset[int]  # leads whose entries are gone between the loads, were they there


OFTEN = st.sampled_from([True] * 7 + [False])
GIVEN = st.builds(
    Given,
    holder=st.sampled_from([None] * 6 + [0, 0, 0, 1, 2]),
    state=st.sampled_from(STATES),
    score=st.sampled_from([0, 50, 90]),
    attempts=st.sampled_from([0] * 8 + [2, 3]),
    callable=OFTEN,
)
CASES = st.builds(
    Case,
    level=st.integers(2, 6),
    enforce=OFTEN,
    with_skills=OFTEN,
    skills=st.tuples(*[st.sampled_from([*SKILLS, *SKILLS, None])] * 3),
    shifts=st.lists(st.sampled_from(SHIFTS), min_size=1, max_size=3).map(tuple),
    leads=st.lists(GIVEN, min_size=10, max_size=30).map(tuple),
    taken=st.frozensets(st.integers(0, 29), max_size=15),
)


# --- the obvious way --------------------------------------------------------------------------------------------------


@dataclass
class Plain:
    """Entries: the number of the lead → that of the agent who owns it, or None."""

    case: Case
    entries: dict[int, int | None] = field(default_factory=dict)
    here: list[int] = field(default_factory=list)

    def skill(self, agent: int) -> str | None:
        return self.case.skills[agent] if self.case.with_skills else "any"

    def fits(self, skill: str | None, lead: int) -> bool:
        if skill is None:
            return False
        return skill == "any" or SKILLS[skill][1](self.case.leads[lead])

    def may_be_loaded(self, lead: int) -> bool:
        one = self.case.leads[lead]
        return one.callable and one.attempts < 3

    def agents_for(self, lead: int) -> list[int]:
        return [agent for agent in self.here if self.fits(self.skill(agent), lead)]

    def fitting(self, skill: str | None) -> list[int]:
        return [lead for lead, agent in self.entries.items() if agent is None and self.fits(skill, lead)]

    def room(self, agent: int, share: Fraction) -> int:
        owned = sum(1 for one in self.entries.values() if one == agent)
        return max(0, int(ROOM - owned - share))

    def share(self, agent: int) -> Fraction:
        mine = self.fitting(self.skill(agent))
        return sum((Fraction(1, len(self.agents_for(lead))) for lead in mine), Fraction(0))

    def load(self, here: frozenset[int]) -> None:
        self.here = sorted(here)
        self.flush()
        if not self.here:
            return
        if not self.case.enforce:
            self.fill([n for n in self.newest() if self.is_for_all(n)], self.case.level - len(self.entries))
            return
        shares = {agent: self.share(agent) for agent in self.here}
        skills = sorted({skill for agent in self.here if (skill := self.skill(agent))}, key=self.width)
        short = [skill for skill in skills if len(self.fitting(skill)) < self.case.level * self.having(skill)]
        for agent in self.here:
            if sum(1 for one in self.entries.values() if one == agent) < self.case.level:
                hers = [n for n in self.newest() if self.case.leads[n].holder == agent]
                self.fill(hers, min(self.case.level, self.room(agent, shares[agent])), agent)
        room = {s: sum(self.room(a, shares[a]) for a in self.here if self.skill(a) == s) for s in skills}
        for skill in short:
            general = [n for n in self.newest() if self.case.leads[n].holder is None and self.fits(skill, n)]
            self.fill(general, min(self.case.level * self.having(skill), room[skill]))

    def flush(self) -> None:
        for lead, agent in list(self.entries.items()):
            general = bool(self.agents_for(lead)) if self.case.enforce else self.is_for_all(lead)
            stays = general if agent is None else agent in self.here
            if not self.here or not stays or not self.may_be_loaded(lead):
                del self.entries[lead]

    def is_for_all(self, lead: int) -> bool:
        holder = self.case.leads[lead].holder
        return holder is None or holder in self.here

    def having(self, skill: str) -> int:
        return sum(1 for agent in self.here if self.skill(agent) == skill)

    def width(self, skill: str) -> tuple[int, int]:
        """How many general leads of the campaign it fits; of two alike the filter that was made first."""
        general = [n for n, one in enumerate(self.case.leads) if one.holder is None]
        return sum(1 for n in general if self.fits(skill, n)), ["any", *SKILLS].index(skill)

    def newest(self) -> list[int]:
        return [n for n in reversed(range(len(self.case.leads))) if self.may_be_loaded(n) and n not in self.entries]

    def fill(self, leads: list[int], number: int, agent: int | None = None) -> None:
        for lead in leads[: max(0, number)]:
            self.entries[lead] = agent


# --- both ways --------------------------------------------------------------------------------------------------------


@pytest.fixture
def harbor(db: None, monkeypatch: pytest.MonkeyPatch) -> Brokerage:
    monkeypatch.setattr(hopper, "MOST", ROOM)
    harbor = brokerage()
    for name, (item, _) in SKILLS.items():
        make_filter(harbor.lakeside, item, name=name)
    make_member(harbor.lakeside, "Cy")
    return harbor


def built(case: Case, harbor: Brokerage, agents: list[User]) -> tuple[Campaign, list[int]]:
    """The campaign and the ids of the leads."""
    campaign = make_campaign(
        harbor.lakeside,
        hopper_level=case.level,
        attempt_limit=3,
        enforce_lead_ownership=case.enforce,
        agent_skills=case.enforce and case.with_skills,
    )
    filters = {one.name: one for one in LeadFilter.objects.order_by("pk")}
    for agent, skill in zip(agents, case.skills, strict=True):
        if skill:
            AgentSkill.objects.create(company=harbor.company, user=agent, lead_filter=filters[skill])
    return campaign, [_built(one, harbor, agents, campaign).pk for one in case.leads]


def _built(one: Given, harbor: Brokerage, agents: list[User], campaign: Campaign) -> Lead:
    [lead] = make_leads(harbor.lakeside, 1, state=one.state, score=one.score, do_not_call=not one.callable)
    if one.holder is not None:
        Assignment.objects.create(company=harbor.company, lead=lead, role="agent", user=agents[one.holder])
    if one.attempts:
        CampaignLead.objects.create(company=harbor.company, campaign=campaign, lead=lead, attempts=one.attempts)
    return lead


def work(campaign: Campaign, agents: list[User], here: frozenset[int]) -> None:
    AgentSession.objects.all().delete()
    at_work(campaign, *(agents[n] for n in sorted(here)))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=CASES)
def test_d4_the_load_does_what_the_obvious_way_does(harbor: Brokerage, case: Case) -> None:
    agents, plain = list(User.objects.filter(name__in=("Ana", "Ben", "Cy")).order_by("name")), Plain(case)
    with transaction.atomic():
        campaign, ids = built(case, harbor, agents)
        people = {agent.pk: n for n, agent in enumerate(agents)}
        for here in case.shifts:
            work(campaign, agents, here)
            load(campaign.pk)
            plain.load(here)
            found = HopperEntry.objects.filter(campaign=campaign).order_by().values_list("lead", "agent")
            assert {ids.index(lead): people.get(agent) for lead, agent in found} == plain.entries
            gone = {lead for lead in case.taken if lead in plain.entries}
            HopperEntry.objects.filter(lead__in=[ids[lead] for lead in gone]).delete()
            plain.entries = {lead: agent for lead, agent in plain.entries.items() if lead not in gone}
        transaction.set_rollback(True)
