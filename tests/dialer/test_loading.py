"""Loading a hopper (D4): the examples of the rule, order and room, and one run at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models.functions import Now

from crm.organization.models import User
from dialer import tasks
from dialer.models import Campaign, CampaignLead, HopperEntry
from dialer.services.loading import LOAD_LOCK, load
from dialer.services.sessions import end
from leads.models import Activity, Lead
from tests.dialer.hoppers import at_work, general_in, give_skill, leads_in, make_leads, owned_by
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.leads import make_lead, make_stage
from tests.factories.scenes import Brokerage, brokerage


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def counts(campaign: Campaign, *agents: User) -> tuple[int, ...]:
    """Owned entries of each agent, and general ones."""
    return (*(owned_by(agent) for agent in agents), general_in(campaign))


def test_d4_level_50_and_one_agent_makes_50_owned_and_50_general(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, hopper_level=50)
    make_leads(harbor.lakeside, 60, agent=harbor.ana)
    make_leads(harbor.lakeside, 60)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert counts(campaign, harbor.ana) == (50, 50)
    load(campaign.pk)
    assert counts(campaign, harbor.ana) == (50, 50)


def test_d4_level_100_with_99_and_99_there_adds_a_whole_chunk_of_each(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, hopper_level=100)
    owned, general = make_leads(harbor.lakeside, 99, agent=harbor.ana), make_leads(harbor.lakeside, 99)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert counts(campaign, harbor.ana) == (99, 99)
    make_leads(harbor.lakeside, 150, agent=harbor.ana)
    make_leads(harbor.lakeside, 150)
    load(campaign.pk)
    assert counts(campaign, harbor.ana) == (199, 199)
    there = set(leads_in(campaign, harbor.ana)) | set(leads_in(campaign))
    assert {lead.pk for lead in owned + general} < there
    assert len(there) == 398


def test_d4_two_agents_with_the_same_skills_at_level_100_share_200_general(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, hopper_level=100, agent_skills=True)
    skill = make_filter(harbor.lakeside, ("state", "is", "AZ"))
    for agent in (harbor.ana, harbor.ben):
        give_skill(agent, skill)
        make_leads(harbor.lakeside, 120, agent=agent)
    make_leads(harbor.lakeside, 210, state="AZ")
    make_leads(harbor.lakeside, 10, state="CA")
    at_work(campaign, harbor.ana, harbor.ben)
    load(campaign.pk)
    assert counts(campaign, harbor.ana, harbor.ben) == (100, 100, 200)


@pytest.mark.parametrize(("level", "expected"), [(1000, (1000, 0)), (600, (600, 400))])
def test_d4_at_most_a_thousand_for_each_agent_her_own_first(
    harbor: Brokerage, level: int, expected: tuple[int, int]
) -> None:
    campaign = make_campaign(harbor.lakeside, hopper_level=level)
    make_leads(harbor.lakeside, 1010, agent=harbor.ana)
    make_leads(harbor.lakeside, 610)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert counts(campaign, harbor.ana) == expected
    load(campaign.pk)
    assert counts(campaign, harbor.ana) == expected


def test_d4_room_left_by_her_own_is_what_general_ones_and_the_next_chunk_may_take(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, hopper_level=600)
    make_leads(harbor.lakeside, 620, agent=harbor.ana)
    make_leads(harbor.lakeside, 400)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    gone = leads_in(campaign, harbor.ana)[:590]
    HopperEntry.objects.filter(lead__in=gone).delete()
    load(campaign.pk)
    assert counts(campaign, harbor.ana) == (600, 400)


def test_d4_overlapping_skills_are_filled_each_on_its_own_the_narrowest_first(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, hopper_level=20, agent_skills=True, order=Campaign.Order.NEWEST)
    give_skill(harbor.ana, make_filter(harbor.lakeside, ("state", "is", "AZ, CA"), name="Wide"))
    give_skill(harbor.ben, make_filter(harbor.lakeside, ("state", "is", "AZ"), name="Narrow"))
    make_leads(harbor.lakeside, 30, state="CA")
    narrow = make_leads(harbor.lakeside, 20, state="AZ")  # the newest: the wide skill would take them all
    at_work(campaign, harbor.ana, harbor.ben)
    load(campaign.pk)
    there = set(leads_in(campaign))
    assert {lead.pk for lead in narrow} < there
    assert len(there) == 40


def test_d4_each_skill_counts_the_entries_that_fit_it_whoever_they_came_for(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, hopper_level=20, agent_skills=True)
    give_skill(harbor.ben, make_filter(harbor.lakeside, ("state", "is", "AZ")))
    give_skill(harbor.ana, make_filter(harbor.lakeside, ("state", "is", "AZ, CA")))
    make_leads(harbor.lakeside, 50, state="AZ")
    at_work(campaign, harbor.ben)
    load(campaign.pk)
    assert general_in(campaign) == 20
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert general_in(campaign) == 20  # hers count the same twenty


def test_d3_without_skills_and_without_a_default_she_gets_no_general_leads(harbor: Brokerage) -> None:
    skill = make_filter(harbor.lakeside, ("state", "is", "AZ"))
    campaign = make_campaign(harbor.lakeside, hopper_level=10, agent_skills=True)
    make_leads(harbor.lakeside, 15, state="AZ")
    make_leads(harbor.lakeside, 15, agent=harbor.ana)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert counts(campaign, harbor.ana) == (10, 0)
    Campaign.objects.filter(pk=campaign.pk).update(default_skill=skill)
    load(campaign.pk)
    assert counts(campaign, harbor.ana) == (10, 10)


def test_d2_without_ownership_the_level_is_the_campaigns_total_of_what_is_general_or_somebodys(
    harbor: Brokerage,
) -> None:
    campaign = make_campaign(harbor.north, hopper_level=30, enforce_lead_ownership=False)
    hers = make_leads(harbor.lakeside, 5, agent=harbor.ana)
    make_leads(harbor.hilltop, 5, agent=harbor.eve)
    general = make_leads(harbor.lakeside, 10)
    at_work(campaign, harbor.ana, harbor.dee)
    load(campaign.pk)
    assert set(leads_in(campaign)) == {lead.pk for lead in hers + general}
    make_leads(harbor.hilltop, 30)
    load(campaign.pk)
    assert general_in(campaign) == 30


def test_d2_without_ownership_what_a_manager_may_work_is_loaded_for_her(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, enforce_lead_ownership=False)
    held = make_leads(harbor.lakeside, 3, agent=harbor.ben)
    at_work(campaign, harbor.lead)
    load(campaign.pk)
    assert set(leads_in(campaign)) == {lead.pk for lead in held}


YEARS_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ORDERS: list[tuple[str, Callable[[Lead], Any]]] = [
    ("newest", lambda lead: (-lead.created_at.timestamp(), -lead.pk)),
    ("oldest", lambda lead: (lead.created_at, lead.pk)),
    ("attempts", lambda lead: (lead.attempts, -lead.created_at.timestamp(), -lead.pk)),
    ("not_called", lambda lead: (lead.last_called_at or YEARS_AGO, -lead.created_at.timestamp(), -lead.pk)),
    ("score", lambda lead: (-lead.score, -lead.created_at.timestamp(), -lead.pk)),
]


@pytest.mark.parametrize(("order", "key"), ORDERS, ids=[name for name, _ in ORDERS])
def test_d1_in_the_campaigns_order(harbor: Brokerage, order: str, key: Callable[[Lead], Any]) -> None:
    campaign = make_campaign(harbor.lakeside, order=order, hopper_level=4)
    leads = [make_leads(harbor.lakeside, 1, score=score)[0] for score in (5, 90, 30, 60, 0)]
    for days, lead in enumerate(leads):
        Lead.objects.filter(pk=lead.pk).update(created_at=Now() - timedelta(days=(days * 3) % 5))
    for lead, calls in ((leads[1], 2), (leads[3], 1)):
        for hours in range(calls):
            at = Now() - timedelta(hours=hours + lead.pk)
            Activity.objects.create(company=harbor.company, lead=lead, kind="call", direction="out", at=at)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    expected = sorted(Lead.objects.filter(pk__in=[lead.pk for lead in leads]), key=key)[:4]
    assert leads_in(campaign) == [lead.pk for lead in expected]


def test_d4_only_open_leads_of_the_campaign_with_a_phone_that_pass_the_gates(harbor: Brokerage) -> None:
    hot = make_filter(harbor.lakeside, ("score", "at_least", "50"))
    campaign = make_campaign(harbor.lakeside, lead_filter=hot, attempt_limit=3)
    [good, closed, forbidden, tried, done, later] = make_leads(harbor.lakeside, 6, score=60)
    make_lead(harbor.lakeside, score=60)  # no phone
    make_leads(harbor.lakeside, 1, score=40)
    make_leads(harbor.hilltop, 1, score=60)
    Lead.objects.filter(pk=closed.pk).update(stage=make_stage(harbor.company, "Sold", "won"))
    Lead.objects.filter(pk=forbidden.pk).update(do_not_call=True)
    known = {"company": harbor.company, "campaign": campaign}
    CampaignLead.objects.create(lead=tried, attempts=3, **known)
    CampaignLead.objects.create(lead=done, closed=True, **known)
    CampaignLead.objects.create(lead=later, next_at=Now() + timedelta(hours=1), **known)
    CampaignLead.objects.create(lead=good, attempts=2, next_at=Now() - timedelta(hours=1), **known)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert leads_in(campaign) == [good.pk]


def test_d5_a_lead_is_in_one_hopper_of_the_company(harbor: Brokerage) -> None:
    first, second = make_campaign(harbor.lakeside), make_campaign(harbor.north)
    make_leads(harbor.lakeside, 3)
    at_work(first, harbor.ana)
    at_work(second, harbor.ben)
    load(first.pk)
    load(second.pk)
    assert (general_in(first), general_in(second)) == (3, 0)


# --- one run at a time ------------------------------------------------------------------------------------------------


def test_d4_one_run_at_a_time(committing_db: str) -> None:
    harbor = brokerage()
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 3)
    at_work(campaign, harbor.ana)
    results: list[object] = []
    under_way, over = Barrier(2), Barrier(2)

    def elsewhere() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOAD_LOCK, campaign.pk])
            under_way.wait()
            over.wait()
        connection.close()

    other = Thread(target=elsewhere)
    other.start()
    under_way.wait()
    results.append(load(campaign.pk))
    over.wait()
    other.join()
    assert results == [None]
    assert load(campaign.pk, wait=True) is not None
    assert general_in(campaign) == 3


# --- tasks and the command --------------------------------------------------------------------------------------------


def test_d4_the_clock_loads_each_campaign_that_somebody_is_logged_in_to_and_empties_the_others(
    harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, left, idle = (make_campaign(harbor.lakeside) for _ in range(3))
    lead, _ = make_leads(harbor.lakeside, 2)
    at_work(busy, harbor.ana)
    HopperEntry.objects.create(company=harbor.company, campaign=left, lead=lead)
    queued: list[int] = []
    monkeypatch.setattr(tasks.load_hopper, "queue", queued.append)
    tasks.load_hoppers()
    assert sorted(queued) == [busy.pk, left.pk]
    for pk in sorted(queued):
        tasks.load_hopper(pk)
        tasks.load_hopper(pk)
    assert (general_in(busy), general_in(left), general_in(idle)) == (1, 0, 0)


def test_d4_many_who_log_in_at_once_are_loaded_for_once(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    queued: list[int] = []
    monkeypatch.setattr(tasks.load_for_newcomer, "queue", queued.append)
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 2)
    at_work(campaign, harbor.ana)
    tasks.load_soon(campaign.pk)
    tasks.load_soon(campaign.pk)
    assert queued == [campaign.pk]
    tasks.load_for_newcomer(campaign.pk)
    assert general_in(campaign) == 2
    tasks.load_soon(campaign.pk)
    assert queued == [campaign.pk] * 2


def told(campaign: str) -> list[str]:
    out = StringIO()
    call_command("hopper_load", campaign, stdout=out)
    return out.getvalue().splitlines()


def test_d4_the_command_says_what_came_and_went_and_why(harbor: Brokerage) -> None:
    skill = make_filter(harbor.lakeside, ("state", "is", "AZ"), name="Arizona")
    campaign = make_campaign(harbor.lakeside, name="Spring", agent_skills=True)
    give_skill(harbor.ana, skill)
    make_leads(harbor.lakeside, 2, agent=harbor.ana)
    make_leads(harbor.lakeside, 3, state="AZ")
    [session] = at_work(campaign, harbor.ana)
    assert told("spring") == ["Spring: 1 logged in.", "+2 owned: Ana", "+3 general: Arizona"]
    assert told(str(campaign.pk)) == ["Spring: 1 logged in.", "Nothing to add or remove."]
    end(session)
    assert told("Spring") == ["Spring: 0 logged in.", "-5 nobody logged in"]
    with pytest.raises(CommandError, match="There is no campaign Autumn"):
        told("Autumn")
