"""The funnel (D15): it, the load, its lists and the page of one lead say the same."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.organization.models import User
from dialer.hours import EVERYWHERE
from dialer.models import AgentSkill, CallingHours, Campaign, CampaignLead, HopperEntry
from dialer.services.campaigns import scope_of
from dialer.services.do_not_call import add_numbers
from dialer.services.falling import WORDS, Place, fell, lacking, steps_of
from dialer.services.funnel import figures_of, funnel_of, summary_of
from dialer.services.loading import load
from dialer.services.reach import Reach, agents_in
from dialer.services.serving import next_lead
from dialer.services.sessions import log_in
from dialer.services.why import why
from leads.models import Assignment, Consent, ContactPoint, Lead
from permissions.keyring import load_keyring
from tests.dialer.hoppers import ALL_DAY, at_work, make_leads
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.leads import make_stage, make_task
from tests.factories.scenes import Brokerage, brokerage


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


# --- the same by every way --------------------------------------------------------------------------------------------

SHUT = st.sampled_from(
    [""] * 8
    + ["phone", "stage", "forbidden", "listed", "opted_out", "finished", "attempts", "later", "elsewhere", "owner"]
)


@dataclass(frozen=True)
class Given:
    state: str
    holder: int | None
    score: int
    shut: str
    agreed: bool


@dataclass(frozen=True)
class Case:
    enforce: bool
    skills: bool
    filtered: bool
    consent: bool
    here: frozenset[int]
    leads: tuple[Given, ...]


LEADS = st.builds(
    Given,
    state=st.sampled_from(["AZ", "AZ", "CA", "TX"]),
    holder=st.sampled_from([None, None, 0, 1]),
    score=st.sampled_from([0, 60]),
    shut=SHUT,
    agreed=st.booleans(),
)
CASES = st.builds(
    Case,
    enforce=st.sampled_from([True, True, False]),
    skills=st.booleans(),
    filtered=st.booleans(),
    consent=st.sampled_from([False, False, True]),
    here=st.sampled_from([frozenset({0, 1}), frozenset({0, 1}), frozenset({0}), frozenset()]),
    leads=st.lists(LEADS, min_size=4, max_size=14).map(tuple),
)


def built(case: Case, harbor: Brokerage) -> Campaign:
    agents = [harbor.ana, harbor.ben]
    hours = {EVERYWHERE: [ALL_DAY], "TX": []}
    rules: dict[str, Any] = {"version": 1, "as_of": date(2026, 1, 1), "states": hours}
    CallingHours.objects.create(company=harbor.company, consent_for_calls=case.consent, **rules)
    hot = make_filter(harbor.lakeside, ("score", "at_least", "50"))
    campaign = make_campaign(
        harbor.lakeside,
        hopper_level=1000,
        attempt_limit=3,
        enforce_lead_ownership=case.enforce,
        agent_skills=case.enforce and case.skills,
        lead_filter=hot if case.filtered else None,
    )
    west = make_filter(harbor.lakeside, ("state", "is", "AZ, TX"))
    AgentSkill.objects.create(company=harbor.company, user=harbor.ana, lead_filter=west)
    other = make_campaign(harbor.lakeside)
    closed = make_stage(harbor.company, f"Sold {campaign.pk}", "won")
    for one in case.leads:
        lead = _lead(one, harbor, agents)
        _shut(one, lead, harbor, campaign, other, closed)
    for number in sorted(case.here):
        log_in(user=agents[number], campaign=campaign)
    return campaign


def _lead(one: Given, harbor: Brokerage, agents: list[User]) -> Lead:
    owner = harbor.hilltop if one.shut == "owner" else harbor.lakeside
    [lead] = make_leads(owner, 1, state=one.state, score=one.score)
    if one.holder is not None and one.shut != "owner":
        Assignment.objects.create(company=harbor.company, lead=lead, role="agent", user=agents[one.holder])
    if one.agreed:
        Consent.objects.create(company=harbor.company, lead=lead, kind="call", given=True)
    return lead


def _shut(one: Given, lead: Lead, harbor: Brokerage, campaign: Campaign, other: Campaign, closed: Any) -> None:
    known: dict[str, Any] = {"company": harbor.company, "campaign": campaign, "lead": lead}
    numbers = list(lead.contact_points.order_by("pk").values_list("value", flat=True))
    acts = {
        "phone": lambda: ContactPoint.objects.filter(lead=lead).delete(),
        "stage": lambda: Lead.objects.filter(pk=lead.pk).update(stage=closed),
        "forbidden": lambda: Lead.objects.filter(pk=lead.pk).update(do_not_call=True),
        "listed": lambda: add_numbers(company_id=harbor.company.pk, user_id=None, numbers=numbers, reason=""),
        "opted_out": lambda: Consent.objects.create(company=harbor.company, lead=lead, kind="call", given=False),
        "finished": lambda: CampaignLead.objects.create(closed=True, **known),
        "attempts": lambda: CampaignLead.objects.create(attempts=3, **known),
        "later": lambda: CampaignLead.objects.create(next_at=Now() + timedelta(hours=1), **known),
        "elsewhere": lambda: HopperEntry.objects.create(**known | {"campaign": other}),
    }
    acts.get(one.shut, lambda: None)()


def placed(campaign: Campaign) -> dict[int, str]:
    """Where each lead of the scope fell out, or is."""
    steps = steps_of(Reach.of(campaign, agents_in(campaign), timezone.now()))
    leads = Lead.objects.filter(scope_of(campaign)).annotate(fell=fell(steps, campaign))
    return dict(leads.order_by().values_list("pk", "fell"))


def listed(campaign: Campaign, name: str) -> set[int]:
    steps = steps_of(Reach.of(campaign, agents_in(campaign), timezone.now()))
    return set(
        Lead.objects.filter(scope_of(campaign) & lacking(steps, campaign, name)).order_by().values_list("pk", flat=True)
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=CASES)
def test_d15_what_remains_of_the_funnel_is_what_the_load_takes(harbor: Brokerage, case: Case) -> None:
    with transaction.atomic():
        campaign = built(case, harbor)
        before = placed(campaign)
        held = load_keyring(harbor.broker)
        counted = figures_of(campaign, held).counts["fell"]
        assert counted == Counter(before.values())
        assert {name: listed(campaign, name) for name in WORDS} == {
            name: {pk for pk, fallen in before.items() if fallen == name} for name in WORDS
        }
        for lead in Lead.objects.visible_to(held).filter(pk__in=before).order_by("pk")[:6]:
            found = why(lead, campaign, held, None)
            assert found.dialable == (before[lead.pk] in set(Place)), before[lead.pk]
            assert all(answer.words for answer in found.shut)
        load(campaign.pk)
        taken = set(HopperEntry.objects.filter(campaign=campaign).order_by().values_list("lead", flat=True))
        assert taken == {pk for pk, name in before.items() if name == Place.FREE}
        assert set(placed(campaign).items()) - set(before.items()) == {(pk, Place.WAITING) for pk in taken}
        transaction.set_rollback(True)


# --- examples ---------------------------------------------------------------------------------------------------------


def test_d15_the_funnel_says_where_leads_fell_out(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, agent_skills=True)
    AgentSkill.objects.create(
        company=harbor.company, user=harbor.ana, lead_filter=make_filter(harbor.lakeside, ("state", "is", "AZ"))
    )
    make_leads(harbor.lakeside, 3, do_not_call=True)
    make_leads(harbor.lakeside, 2, agent=harbor.ben, state="AZ")
    make_leads(harbor.lakeside, 4, state="CA")
    make_leads(harbor.lakeside, 5, state="AZ")
    make_leads(harbor.hilltop, 7)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    next_lead(session)
    found = figures_of(campaign, load_keyring(harbor.broker))
    assert (found.scope, found.dialable) == (14, 5)
    rows = [[cell.text for cell in row] for row in funnel_of(found).rows]
    assert [row for row in rows if row[1] not in ("", "0")] == [
        ["Do not call", "−3", "11"],
        ["Holder not logged in", "−2", "9"],
        ["Nobody with the skills", "−4", "5"],
    ]
    assert [found.counts["fell"][place] for place in Place] == [1, 4, 0]


def test_d15_nobody_is_given_a_lead_of_a_stopped_campaign(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, enforce_lead_ownership=False)
    make_leads(harbor.lakeside, 2)
    at_work(campaign, harbor.ana)
    Campaign.objects.update(active=False)
    campaign.refresh_from_db()
    assert figures_of(campaign, load_keyring(harbor.broker)).counts["fell"] == {"holder": 2}


def test_d15_the_summary_counts_by_stage_outcome_and_attempts(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 3)
    make_leads(harbor.lakeside, 2, attempts=5, last_outcome="busy")
    found = figures_of(campaign, load_keyring(harbor.broker))
    stages, outcomes, attempts = summary_of(found)
    assert [[cell.text for cell in row] for row in stages.rows] == [["New", "5", "100 %"]]
    assert [[cell.text for cell in row] for row in outcomes.rows] == [["None yet", "3", "60 %"], ["Busy", "2", "40 %"]]
    assert [row[1].text for row in attempts.rows] == ["3", "0", "0", "2", "0"]


def test_d15_callbacks_of_the_campaign_are_counted_as_due_or_to_come(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    lead, other = make_leads(harbor.lakeside, 2)
    for days, pk, one in ((-1, campaign.pk, lead), (2, campaign.pk, lead), (3, campaign.pk, other), (-1, 0, other)):
        make_task(harbor.ana, lead=one, kind="callback", due_at=Now() + timedelta(days=days), campaign_id=pk)
    assert figures_of(campaign, load_keyring(harbor.broker)).callbacks == (1, 2)


# --- what one may read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "counted"), [("visible", 1), ("private", 0)])
def test_d15_the_funnel_counts_what_the_viewer_may_read(policy: str, counted: int) -> None:
    harbor = brokerage(policy)
    campaign = make_campaign(harbor.lakeside, scope="personal")
    make_leads(harbor.ana, 1)
    make_leads(harbor.ana, 1, hidden=True)
    at_work(campaign, harbor.ana)
    assert figures_of(campaign, load_keyring(harbor.north_admin)).scope == counted
    assert figures_of(campaign, load_keyring(harbor.ana)).scope == 2


# --- the pages --------------------------------------------------------------------------------------------------------


def test_d15_each_figure_leads_to_its_list(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    [shut] = make_leads(harbor.lakeside, 1, do_not_call=True)
    [ready, _] = make_leads(harbor.lakeside, 2, attempts=2)
    make_leads(harbor.hilltop, 1)
    at_work(campaign, harbor.ana)
    client.force_login(harbor.north_admin)
    html = client.get(f"/dialer/monitors/{campaign.pk}/funnel/?counted=1").content.decode()
    pages = {
        unescape(url): client.get(unescape(url)).content.decode()
        for url in set(re.findall(r'href="(/people/\?campaign=[^"]+)"', html))
    }
    names = {
        url.partition("campaign=")[2]: re.findall(r'row-link" id="r\d+" href="[^"]+">([^<]+)<', page)
        for url, page in pages.items()
    }
    assert names[f"{campaign.pk}.do_not_call"] == [shut.name]
    assert len(names[f"{campaign.pk}.free"]) == 2
    assert len(names[str(campaign.pk)]) == 3
    assert ready.name in names[f"{campaign.pk}&attempts_min=2&attempts_max=3"]
    assert f"{campaign.name}: do not call" in pages[f"/people/?campaign={campaign.pk}.do_not_call"]


@pytest.mark.parametrize("figure", ["0", "x", "{}.nonsense", "{}.", "{}.free.free", "99999999999"])
def test_d15_a_figure_that_is_none_lists_nobody(client: Client, harbor: Brokerage, figure: str) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 1)
    client.force_login(harbor.north_admin)
    html = client.get("/people/", {"campaign": figure.format(campaign.pk)}).content.decode()
    assert "Nobody matches" in html


def test_d15_whose_monitors_are_closed_to_her_its_lists_are_too(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.south, name="Autumn in the south")
    make_leads(harbor.south, 1)
    client.force_login(harbor.north_admin)
    html = client.get("/people/", {"campaign": str(campaign.pk)}).content.decode()
    assert "not one you may look at" in html
    assert campaign.name not in html


def test_d15_the_page_comes_at_once_and_its_figures_when_they_are_counted(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 2)
    client.force_login(harbor.north_admin)
    path = f"/dialer/monitors/{campaign.pk}/funnel/"
    assert "Counting the leads" in client.get(path).content.decode()
    part = client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert "In scope" in part
    assert "<html" not in part


@pytest.mark.parametrize("name", ["funnel", "leads"])
def test_d15_the_figures_as_a_file(client: Client, harbor: Brokerage, name: str) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 2, do_not_call=True)
    client.force_login(harbor.north_admin)
    response: Any = client.get(f"/dialer/monitors/{campaign.pk}/{name}.csv")
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    expected = "Funnel,Do not call,2,0" if name == "funnel" else "Attempts,Never called,2,100 %"
    assert expected in lines


def test_d15_the_figures_are_a_few_queries_however_many_leads(
    client: Client, harbor: Brokerage, django_assert_num_queries: Any
) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 30, agent=harbor.ana)
    at_work(campaign, harbor.ana, harbor.ben)
    held = load_keyring(harbor.broker)
    with django_assert_num_queries(10):
        summary_of(figures_of(campaign, held))
