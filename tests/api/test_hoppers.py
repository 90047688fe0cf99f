"""Leads that programs put into a hopper (D6): at once, through the gates, and general ones given out by skill."""

from __future__ import annotations

from typing import Any

import pytest

from dialer.models import Campaign, HopperEntry
from dialer.services.do_not_call import add_numbers
from dialer.services.loading import load
from dialer.services.serving import next_lead
from dialer.services.sessions import session_of
from leads.models import Lead
from tests.api.asking import Program, refusal, said
from tests.dialer.hoppers import ALL_DAY, at_work, give_skill, make_leads, set_hours
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.support.racing import together


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


@pytest.fixture
def campaign(harbor: Brokerage) -> Campaign:
    """Of Lakeside's leads, with skills; Ana, who sees to Arizona, and Ben, to California, are at work in it."""
    made = make_campaign(harbor.lakeside, agent_skills=True)
    give_skill(harbor.ana, make_filter(harbor.lakeside, ("state", "is", "AZ")))
    give_skill(harbor.ben, make_filter(harbor.lakeside, ("state", "is", "CA")))
    at_work(made, harbor.ana, harbor.ben)
    return made


@pytest.fixture
def broker(harbor: Brokerage) -> Program:
    return Program(harbor.broker)


def sent_to(campaign: Campaign, **fields: Any) -> dict[str, Any]:
    known = {
        "first_name": "Maya",
        "phones": ["(602) 555-0199"],
        "unit_id": campaign.unit_id,
        "campaign_id": campaign.pk,
    }
    return {**known, "hopper": 1, **fields}


def entry_of(answer: dict[str, Any]) -> HopperEntry:
    return HopperEntry.objects.get(lead__public_id=answer["id"])


def test_d6_a_general_lead_enters_at_once_and_is_given_out_after_the_next_load_by_skill(
    harbor: Brokerage, campaign: Campaign, broker: Program
) -> None:
    answer = said(broker.post("leads", sent_to(campaign, state="AZ")))
    assert (answer["outcome"], answer["in_hopper"], answer["detail"]) == ("created", True, "")
    entry = entry_of(answer)
    assert (entry.source, entry.agent, entry.campaign) == ("api", None, campaign)
    ana, ben = session_of(harbor.ana), session_of(harbor.ben)
    assert ana
    assert ben
    assert next_lead(ana) is None
    load(campaign.pk)
    assert next_lead(ben) is None
    assert next_lead(ana) == entry.lead_id


def test_d6_a_lead_with_a_holder_is_hers_before_any_load(
    harbor: Brokerage, campaign: Campaign, broker: Program
) -> None:
    answer = said(broker.post("leads", sent_to(campaign, owner_id=harbor.ana.pk, unit_id=None)))
    assert answer["in_hopper"]
    ben, ana = session_of(harbor.ben), session_of(harbor.ana)
    assert ana
    assert ben
    assert next_lead(ben) is None
    assert next_lead(ana) == entry_of(answer).lead_id


def test_d6_for_whom_nobody_has_the_skill_goes_at_the_next_load(campaign: Campaign, broker: Program) -> None:
    answer = said(broker.post("leads", sent_to(campaign, state="NV")))
    assert answer["in_hopper"]
    done = load(campaign.pk)
    assert done is not None
    assert done.removed == {"nobody logged in has the skill": 1}


def test_d6_without_hopper_it_waits_for_the_load(campaign: Campaign, broker: Program) -> None:
    answer = said(broker.post("leads", sent_to(campaign, state="AZ", hopper=0)))
    assert not answer["in_hopper"]
    assert not HopperEntry.objects.exists()
    load(campaign.pk)
    assert entry_of(answer).source == "load"


def test_d6_nothing_enters_past_the_gates(harbor: Brokerage, campaign: Campaign, broker: Program) -> None:
    add_numbers(company_id=harbor.company.pk, user_id=None, numbers=["+16025550100"], reason="asked")
    listed = said(broker.post("leads", sent_to(campaign, phones=["(602) 555-0100"])))
    assert (listed["outcome"], listed["in_hopper"]) == ("created", False)
    assert listed["detail"] == "On the do-not-call list"
    mute = said(broker.post("leads", sent_to(campaign, phones=[], emails=["m@example.com"])))
    assert mute["detail"] == "No number to call"
    set_hours(harbor.company, [list(range(7)), "00:00", "00:01"])
    late = said(broker.post("leads", sent_to(campaign, state="AZ")))
    assert late["detail"] == "Outside calling hours"
    set_hours(harbor.company, ALL_DAY)
    assert not HopperEntry.objects.exists()


def test_d6_leads_that_are_there_enter_by_their_ids_once(
    harbor: Brokerage, campaign: Campaign, broker: Program
) -> None:
    made = [*make_leads(harbor.lakeside, 2, state="AZ"), *make_leads(stranger(), 1)]
    ids = list(
        Lead.objects.filter(pk__in=[lead.pk for lead in made]).order_by("pk").values_list("public_id", flat=True)
    )
    path = f"campaigns/{campaign.pk}/hopper"
    for _ in range(2):
        results = said(broker.post(path, {"leads": [*ids, "nobody"]}))["results"]
        assert [(one["in_hopper"], one["detail"]) for one in results[:2]] == [(True, "")] * 2
        assert {one["detail"] for one in results[2:]} == {"There is no such lead that you may put into a hopper"}
    assert HopperEntry.objects.count() == 2


def test_d6_an_agent_feeds_what_she_works_into_what_she_may_join(harbor: Brokerage, campaign: Campaign) -> None:
    ana = Program(harbor.ana)
    hers, others = make_leads(harbor.ana, 1)[0], make_leads(harbor.lakeside, 1, agent=harbor.ben)[0]
    ids = [Lead.objects.get(pk=lead.pk).public_id for lead in (hers, others)]
    results = said(ana.post(f"campaigns/{campaign.pk}/hopper", {"leads": ids}))["results"]
    assert [one["in_hopper"] for one in results] == [True, False]
    closed = make_campaign(harbor.lakeside, name="Named people only", open_to_members=False)
    refusal(ana.post(f"campaigns/{closed.pk}/hopper", {"leads": ids}), 404)
    refused = ana.post("leads", sent_to(closed, unit_id=None, owner_id=harbor.ana.pk))
    assert "no such campaign" in refusal(refused, 422)
    assert Lead.objects.count() == 2
    refusal(Program(stranger()).post(f"campaigns/{campaign.pk}/hopper", {"leads": ids}), 404)


def test_d6_while_nobody_is_logged_in_it_enters_until_the_next_load(harbor: Brokerage, broker: Program) -> None:
    made = make_campaign(harbor.lakeside)
    set_hours(harbor.company, ALL_DAY)
    general = said(broker.post("leads", sent_to(made)))
    held = said(broker.post("leads", sent_to(made, owner_id=harbor.ben.pk, unit_id=None, phones=["6025550177"])))
    assert general["in_hopper"]
    assert entry_of(held).agent == harbor.ben
    done = load(made.pk)
    assert done is not None
    assert done.removed == {"nobody logged in": 2}


def test_d6_whoever_logs_in_before_the_next_load_gets_it(harbor: Brokerage, broker: Program) -> None:
    made = make_campaign(harbor.lakeside)
    set_hours(harbor.company, ALL_DAY)
    entry = entry_of(said(broker.post("leads", sent_to(made))))
    (session,) = at_work(made, harbor.ana)
    load(made.pk)
    assert next_lead(session) == entry.lead_id


def test_d6_nothing_enters_a_campaign_that_is_stopped(harbor: Brokerage, broker: Program) -> None:
    made = make_campaign(harbor.lakeside, active=False)
    set_hours(harbor.company, ALL_DAY)
    answer = said(broker.post("leads", sent_to(made)))
    assert (answer["outcome"], answer["in_hopper"]) == ("created", False)
    assert answer["detail"] == "The campaign is stopped"


def test_d6_without_ownership_a_general_lead_waits_for_the_load_as_well(harbor: Brokerage, broker: Program) -> None:
    made = make_campaign(harbor.lakeside, enforce_lead_ownership=False)
    (session,) = at_work(made, harbor.ana)
    answer = said(broker.post("leads", sent_to(made)))
    assert answer["in_hopper"]
    assert next_lead(session) is None
    load(made.pk)
    assert next_lead(session) == entry_of(answer).lead_id


@pytest.mark.parametrize("sent", [{"hopper": 1}, {"hopper": 2, "campaign_id": 1}, {"campaign_id": 2**70}])
def test_d6_a_hopper_without_a_campaign_is_refused(broker: Program, harbor: Brokerage, sent: dict[str, Any]) -> None:
    refusal(broker.post("leads", {"first_name": "Maya", "unit_id": harbor.lakeside.pk, **sent}), 422)


def test_d6_the_same_leads_from_many_programs_while_loads_run_enter_once(committing_db: str) -> None:
    harbor = brokerage()
    campaign = make_campaign(harbor.lakeside)
    at_work(campaign, harbor.ana)
    made = make_leads(harbor.lakeside, 30)
    ids = list(
        Lead.objects.filter(pk__in=[lead.pk for lead in made]).order_by("pk").values_list("public_id", flat=True)
    )
    programs = [Program(harbor.broker) for _ in range(6)]
    path = f"campaigns/{campaign.pk}/hopper"
    sending = [lambda one=one: one.post(path, {"leads": ids}) for one in programs]
    answers = together(*sending, lambda: load(campaign.pk), lambda: load(campaign.pk))[:6]
    told = [one for answer in answers for one in said(answer)["results"]]
    assert {one["detail"] for one in told} <= {"", "Somebody is changing it just now: send it again"}
    assert HopperEntry.objects.count() == 30
