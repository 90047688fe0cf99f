"""Fifty agents in fifty processes at one hopper, while it is loaded, leads change hands and processes die (D4–D9)."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Count, F, Q

from crm.organization.models import User
from dialer.models import AgentSession, CallAttempt, Campaign, CampaignLead, Disposition, HopperEntry
from dialer.services import sessions
from dialer.services.loading import load
from dialer.services.on_call import Said, dial, dispose
from dialer.services.reach import fitting, skills_among
from dialer.services.serving import next_lead, skip
from dialer.services.sessions import NotNowError, beat, end, log_in, recover, session_of
from leads.models import Assignment, ContactPoint, Lead
from tests.dialer.hoppers import ALL_DAY, at_work, give_skill, make_leads, set_hours
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.people import company_unit, make_company, make_member, make_team

AGENTS, OWNED, GENERAL, LEVEL = 50, 8, 1500, 5
STATES = (("AZ",), ("AZ", "CA"), ("CA", "NV"), ("NV", "UT", "AZ"))
ABSENT = timedelta(seconds=3)  # instead of forty
forked = multiprocessing.get_context("fork")


def open_shop() -> tuple[Campaign, list[User]]:
    team = make_team(company_unit(make_company()))
    set_hours(team.company, ALL_DAY)
    campaign = make_campaign(team, hopper_level=LEVEL, agent_skills=True)
    filters = [make_filter(team, ("state", "is", ", ".join(states))) for states in STATES]
    agents = [make_member(team) for _ in range(AGENTS)]
    for n, agent in enumerate(agents):
        give_skill(agent, filters[n % len(filters)])
        make_leads(team, OWNED, agent=agent)
    for n in range(GENERAL // 100):
        make_leads(team, 100, state=("AZ", "CA", "NV", "UT", "WY")[n % 5])
    return campaign, agents


class Diary:
    """What one agent was given: a line as a lead comes, one as it goes, and one for each promise that was broken."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a", buffering=1)

    def write(self, what: str, **about: Any) -> None:
        self.file.write(json.dumps({"what": what, "at": time.monotonic(), **about}) + "\n")


def work(user_id: int, campaign_id: int, until: float, path: Path) -> None:
    """An agent's day: the next lead, and the next, skipping some, now and then logging in anew."""
    chance, diary = random.Random(user_id), Diary(path)
    user, campaign = User.objects.get(pk=user_id), Campaign.objects.get(pk=campaign_id)
    session = session_of(user) or log_in(user=user, campaign=campaign)
    while time.monotonic() < until:
        beat(session)
        waiting = own_waiting(session)
        lead = next_lead(session)
        if lead is None:
            time.sleep(0.05)
            continue
        diary.write("given", lead=lead)
        for broken in broken_promises(session, lead, waiting):
            diary.write("broken", lead=lead, promise=broken)
        time.sleep(chance.uniform(0, 0.03))
        still = AgentSession.objects.filter(pk=session.pk, lead=lead).exists()
        diary.write("left", lead=lead, still=still)
        session = go_on(session, chance, campaign, diary)
    end_of_day(session)


def go_on(session: AgentSession, chance: random.Random, campaign: Campaign, diary: Diary) -> AgentSession:
    lot = chance.random()
    if lot < 0.1:
        return log_in(user=session.user, campaign=campaign)
    try:
        skip(session) if lot < 0.3 else call(session, diary)
    except NotNowError:
        pass  # it was taken from before her
    return session


def call(session: AgentSession, diary: Diary) -> None:
    """She calls the lead, and nobody answers: the campaign has no more to do with it today."""
    before_her = AgentSession.objects.filter(pk=session.pk).values("lead")
    [point] = ContactPoint.objects.filter(lead__in=before_her).order_by("pk") or [None]
    attempt = dial(session=session, number=point.value if point else "")
    diary.write("called", attempt=attempt.pk)
    if attempt.allowed:
        no_answer = Disposition.objects.get(company=session.company_id, name="No answer")
        dispose(session=session, said=Said(no_answer))


@transaction.atomic
def end_of_day(session: AgentSession) -> None:
    end(session)


def own_waiting(session: AgentSession) -> set[int]:
    """Her own entries that she has not skipped."""
    hers = HopperEntry.objects.filter(agent=session.user_id, reserved_by=None, campaign=session.campaign_id)
    return set(hers.exclude(lead__in=session.skips.order_by().values("lead")).order_by().values_list("pk", flat=True))


def broken_promises(session: AgentSession, lead: int, waiting: set[int]) -> Iterator[str]:
    """What must not be of a lead that is before her; looked at in one moment, as it may be taken from her in the next."""
    before_her = Lead.objects.filter(pk__in=AgentSession.objects.filter(pk=session.pk).values("lead"))
    others = Q(holder_id__isnull=False) & ~Q(holder_id=session.user_id)
    skill = skills_among(session.campaign, [session.user_id])[session.user_id]
    assert skill is not None
    fits = fitting(session.campaign, [skill])[skill]
    if before_her.filter(others).exists():
        yield "somebody else holds it"
    if before_her.filter(holder_id=None).exclude(fits).exists():
        yield "outside her skills"
    if before_her.filter(Q(do_not_call=True) | ~Q(stage__kind="open") | Q(removed_at__isnull=False)).exists():
        yield "a gate is shut"
    if CampaignLead.objects.filter(lead=lead, campaign=session.campaign_id).exists():
        yield "called today"
    general = HopperEntry.objects.filter(lead=lead, agent=None, reserved_by=session.pk)
    skipped = session.skips.filter(lead=lead).exists()
    if waiting & own_waiting(session) and (general.exists() or skipped):
        yield "her own were waiting"


def keep_loading(campaign_id: int, until: float) -> None:
    while time.monotonic() < until:
        load(campaign_id, wait=random.random() < 0.5)
        recover()


def meddle(campaign_id: int, until: float) -> None:
    """Leads that are in hoppers get another holder, lose theirs, or are not to be called any more."""
    chance = random.Random(7)
    agents = list(User.objects.filter(holding__profile__code="agent").order_by("pk").values_list("pk", flat=True))
    while time.monotonic() < until:
        ids = list(HopperEntry.objects.filter(campaign=campaign_id).order_by("?").values_list("lead", flat=True)[:3])
        with transaction.atomic():
            for lead in Lead.objects.filter(pk__in=ids).in_id_order():
                hers = Assignment.objects.filter(lead=lead, role="agent")
                lot = chance.random()
                if lot < 0.3:
                    Lead.objects.filter(pk=lead.pk).update(do_not_call=True)
                elif hers.exists():
                    hers.delete()
                else:
                    hers.create(company_id=lead.company_id, lead=lead, role="agent", user_id=chance.choice(agents))
        time.sleep(0.02)


@contextmanager
def running(jobs: list[tuple[Any, ...]]) -> Iterator[list[Any]]:
    """Each job, a function and its arguments, in a process of its own with a connection of its own."""
    connection.close()
    processes = [forked.Process(target=function, args=given) for function, *given in jobs]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            process.join(60)
            process.kill()


def day(campaign: Campaign, agents: list[User], path: Path, seconds: float, deaths: int) -> set[int]:
    """Work for so long, and kill some of the agents' processes: whose."""
    at_work(campaign, *agents)
    load(campaign.pk)
    until, chance = time.monotonic() + seconds, random.Random(3)
    jobs: list[tuple[Any, ...]] = [(work, agent.pk, campaign.pk, until, path / f"{agent.pk}") for agent in agents]
    others: list[tuple[Any, ...]] = [(keep_loading, campaign.pk, until)] * 2 + [(meddle, campaign.pk, until)]
    dead = chance.sample(range(len(agents)), deaths)
    with running([*jobs, *others]) as processes:
        for n in dead:
            time.sleep(seconds / (deaths + 1) * chance.uniform(0.5, 1))
            processes[n].kill()
    lived = [process for n, process in enumerate(processes) if n not in dead]
    assert {process.exitcode for process in lived} == {0}
    return {agents[n].pk for n in dead}


def check_diaries(path: Path) -> int:
    """No promise was broken, and no lead was before two at once: how many were given."""
    held: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    given = 0
    for file in path.iterdir():
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert [line for line in lines if line["what"] == "broken"] == []
        given += sum(line["what"] == "given" for line in lines)
        for line, after in pairwise(lines):
            if line["what"] == "given" and after["still"]:
                held[line["lead"]].append((line["at"], after["at"]))
    for spans in held.values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
    return given


def check_records(path: Path) -> None:
    """Every attempt has its record, also those of agents who were killed before they could write it down."""
    lines = [json.loads(line) for file in path.iterdir() for line in file.read_text().splitlines()]
    called = {line["attempt"] for line in lines if line["what"] == "called"}
    assert called
    assert called <= set(CallAttempt.objects.values_list("pk", flat=True))
    made = CallAttempt.objects.filter(refused_by="").order_by("lead").values_list("lead").annotate(Count("pk"))
    known = CampaignLead.objects.filter(attempts__gt=0).order_by("lead").values_list("lead", "attempts")
    assert list(made) == list(known)


def check_all_is_back(seconds: float) -> None:
    """Whoever died is logged out, and what was before her waits for its turn again."""
    end_of_wait = time.monotonic() + seconds
    while AgentSession.objects.live().exists() and time.monotonic() < end_of_wait:
        recover()
        time.sleep(0.2)
    assert not AgentSession.objects.live().exists()
    assert not HopperEntry.objects.filter(reserved_by__isnull=False).exists()
    owned = HopperEntry.objects.filter(agent__isnull=False)
    assert not owned.exclude(lead__holder_id=F("agent")).exists()


def test_d7_fifty_agents_at_one_hopper_for_some_seconds(
    committing_db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LOST_AFTER", ABSENT)
    campaign, agents = open_shop()
    assert len(day(campaign, agents, tmp_path, seconds=8, deaths=5)) == 5
    assert check_diaries(tmp_path) > AGENTS
    check_records(tmp_path)
    check_all_is_back(10)


@pytest.mark.soak
def test_d7_fifty_agents_at_one_hopper_for_some_minutes(committing_db: str, tmp_path: Path) -> None:
    campaign, agents = open_shop()
    for n in range(8):
        make_leads(campaign.unit, 1000, state=("AZ", "CA", "NV", "UT")[n % 4])
    day(campaign, agents, tmp_path, seconds=120, deaths=20)
    assert check_diaries(tmp_path) > AGENTS * 10
    check_records(tmp_path)
    check_all_is_back(60)
