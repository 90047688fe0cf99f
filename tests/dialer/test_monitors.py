"""Monitors (D15): who is at work, what is in the hopper, and for whom the pages are."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.notifications.models import Notification
from dialer.models import AgentSession, CallAttempt, Campaign, CampaignLead, Disposition, HopperEntry
from dialer.services.loading import load
from dialer.services.monitoring import Agent, Today, agents_live
from dialer.services.serving import next_lead, skip
from dialer.services.sessions import pause
from leads.models import Lead
from permissions.keyring import load_keyring
from permissions.models import Profile
from tests.dialer.hoppers import at_work, give_skill, make_leads
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.people import fresh, make_member
from tests.factories.scenes import Brokerage, brokerage, stranger

PAGES = ("", "hopper/", "funnel/", "agents.csv", "hopper.csv", "funnel.csv", "leads.csv")


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def page(client: Client, campaign: Campaign, name: str = "", **query: Any) -> str:
    response: Any = client.get(f"/dialer/monitors/{campaign.pk}/{name}", query)
    assert response.status_code == 200
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode("utf-8-sig"))


def agents(harbor: Brokerage, campaign: Campaign) -> dict[str, Agent]:
    campaign = Campaign.objects.select_related("company", "unit", "lead_filter").get(pk=campaign.pk)
    return {one.session.user.name: one for one in agents_live([campaign], load_keyring(harbor.north_admin))}


# --- agents -----------------------------------------------------------------------------------------------------------


def test_d15_agents_with_their_leads_entries_and_skills(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, agent_skills=True)
    give_skill(harbor.ana, make_filter(harbor.lakeside, ("state", "is", "AZ"), name="Arizona"))
    make_leads(harbor.lakeside, 3, agent=harbor.ana)
    make_leads(harbor.lakeside, 4, state="AZ")
    session, other = at_work(campaign, harbor.ana, harbor.ben)
    load(campaign.pk)
    given = next_lead(session)
    pause(session=other, reason="lunch")
    AgentSession.objects.filter(pk=other.pk).update(heartbeat_at=Now() - timedelta(seconds=33))
    found = agents(harbor, campaign)
    ana, ben = found["Ana"], found["Ben"]
    assert ana.lead is not None
    assert (ana.lead.pk, ana.session.state, ana.silent, ana.skill) == (given, "preview", 0, "Arizona")
    assert (ana.owned, ana.general, ana.dialable) == (3, 4, None)
    assert (ben.lead, ben.owned, ben.general, ben.skill) == (None, 0, 0, "")
    assert 33 <= ben.silent < 60


def test_d15_without_ownership_each_agent_has_so_many_dialable_leads(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, enforce_lead_ownership=False)
    make_leads(harbor.lakeside, 3, agent=harbor.ana)
    make_leads(harbor.lakeside, 2)
    at_work(campaign, harbor.ana, harbor.ben, harbor.lead)
    load(campaign.pk)
    found = agents(harbor, campaign)
    assert {name: one.dialable for name, one in found.items()} == {"Ana": 5, "Ben": 2, "Lead": 5}
    assert {(one.owned, one.general) for one in found.values()} == {(None, None)}


def test_d15_dialable_leads_read_not_applicable_where_ownership_is_enforced(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    at_work(campaign, harbor.ana)
    client.force_login(harbor.north_admin)
    row = page(client, campaign).partition('id="agent-')[2]
    assert re.findall(r'<td class="num">(.*?)</td>', row) == [
        *["0"] * 5,
        '<span class="faint">not applicable</span>',
    ]
    Campaign.objects.update(enforce_lead_ownership=False)
    row = page(client, campaign).partition('id="agent-')[2]
    assert re.findall(r'<td class="num">(.*?)</td>', row)[3:] == [*['<span class="faint">–</span>'] * 2, "0"]


def test_d15_calls_contacts_and_sales_of_today(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    [lead] = make_leads(harbor.lakeside, 1)
    at_work(campaign, harbor.ana)
    given = [("Sale", 0, ""), ("Talked", 0, ""), ("Busy", 0, ""), ("Sale", 2, ""), ("Sale", 0, "hours")]
    for name, days, refused in given:
        CallAttempt.objects.create(
            company=harbor.company,
            campaign=campaign,
            lead=lead,
            user=harbor.ana,
            number="+16025550100",
            at=Now() - timedelta(days=days),
            refused_by=refused,
            local_times=[],
            zones=[],
            hours_version=1,
            list_version=0,
            disposition=Disposition.objects.get(company=harbor.company, name=name),
        )
    assert agents(harbor, campaign)["Ana"].today == Today(calls=3, contacts=2, sales=1)


def test_d15_a_lead_she_may_not_see_is_none_on_the_page(client: Client) -> None:
    harbor = brokerage("private")
    campaign = make_campaign(harbor.lakeside, scope="personal")
    [lead] = make_leads(harbor.ana, 1)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    next_lead(session)
    client.force_login(harbor.north_admin)
    for name in PAGES:
        html = page(client, campaign, name) + page(client, campaign, "funnel/", counted=1)
        assert lead.first_name not in html
        assert lead.public_id not in html
    assert "A lead you cannot see" in page(client, campaign)
    assert "A lead you cannot see" in page(client, campaign, "hopper/")
    assert "Ana,Loaded," in page(client, campaign, "hopper.csv")


def test_d15_the_board_asks_again_and_is_told_only_of_what_changed(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    [session] = at_work(campaign, harbor.ana)
    client.force_login(harbor.north_admin)
    for path in (f"/dialer/monitors/{campaign.pk}/", "/dialer/monitors/"):
        html = client.get(path).content.decode()
        found = re.search(r'hx-get="([^"]+)" hx-trigger="live:tick', html)
        assert found
        assert client.get(found[1], headers={"HX-Request": "true"}).status_code == 204
        pause(session=session, reason="lunch" if path.endswith(f"{campaign.pk}/") else "break")
        again = client.get(found[1], headers={"HX-Request": "true"})
        assert again.status_code == 200
        assert "Paused" in again.content.decode()
        assert "<html" not in again.content.decode()


def test_d15_queries_do_not_grow(client: Client, harbor: Brokerage) -> None:
    campaigns = [make_campaign(harbor.lakeside), make_campaign(harbor.lakeside, enforce_lead_ownership=False)]
    client.force_login(harbor.north_admin)

    def asked(path: str) -> int:
        client.get(path)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(path)
        return len(queries)

    paths = [
        "/dialer/monitors/",
        *(f"/dialer/monitors/{one.pk}/{name}" for one in campaigns for name in ("", "hopper/", "funnel/?counted=1")),
    ]
    for campaign in campaigns:
        session, _ = at_work(campaign, *(make_member(harbor.lakeside) for _ in range(2)))
        make_leads(harbor.lakeside, 4)
        load(campaign.pk)
        next_lead(AgentSession.objects.whole().get(pk=session.pk))
    before = [asked(path) for path in paths]
    for campaign in campaigns:
        for session in at_work(campaign, *(make_member(harbor.lakeside) for _ in range(3))):
            make_leads(harbor.lakeside, 3, agent=session.user)
            load(campaign.pk)
            next_lead(AgentSession.objects.whole().get(pk=session.pk))
    assert [asked(path) for path in paths] == before


# --- logging somebody out ---------------------------------------------------------------------------------------------


def test_d15_a_manager_frees_a_session_that_is_stuck(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 1, agent=harbor.ana)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    next_lead(session)
    client.force_login(harbor.north_admin)
    path = f"/dialer/monitors/log-out/{session.pk}/"
    assert f'href="{path}"' in page(client, campaign)
    assert "back to its place in the hopper" in client.get(path).content.decode()
    assert client.post(path)["Location"] == f"/dialer/monitors/{campaign.pk}/"
    assert not AgentSession.objects.live().exists()
    assert HopperEntry.objects.get().reserved_by is None
    assert Notification.objects.get(user=harbor.ana).title == f"North Admin logged you out of {campaign}"
    assert client.post(path).status_code == 404


def test_d15_who_only_watches_frees_nobody(client: Client, harbor: Brokerage) -> None:
    Profile.objects.filter(company=harbor.company, code="office_admin").update(permissions=["view_hopper"])
    [session] = at_work(make_campaign(harbor.lakeside), harbor.ana)
    client.force_login(fresh(harbor.north_admin))
    path = f"/dialer/monitors/log-out/{session.pk}/"
    assert path not in page(client, session.campaign)
    for response in (client.get(path), client.post(path)):
        assert response.status_code == 403
        assert "Only who runs the campaign" in response.content.decode()
    assert AgentSession.objects.live().exists()


# --- the hopper -------------------------------------------------------------------------------------------------------


def hopper(client: Client, campaign: Campaign, **query: str) -> list[tuple[str, str, str]]:
    """Lead, queue and source of each row."""
    rows = re.findall(r"<tr data-row>(.*?)</tr>", page(client, campaign, "hopper/", **query), re.DOTALL)
    found = []
    for row in rows:
        name, queue, source = (
            re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd] ?[^>]*>(.*?)</t[hd]>", row, re.DOTALL)[:3]
        )
        found.append((name, queue, source))
    return found


def test_d15_the_hopper_in_the_order_it_comes(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    old, new = make_leads(harbor.lakeside, 2)
    [hers] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    HopperEntry.objects.filter(lead=old).update(priority=5, source="callback")
    client.force_login(harbor.north_admin)
    assert hopper(client, campaign) == [
        (hers.name, "Ana", "Loaded"),
        (old.name, "General", "Callback"),
        (new.name, "General", "Loaded"),
    ]
    assert [name for name, *_ in hopper(client, campaign, queue="general")] == [old.name, new.name]
    assert [name for name, *_ in hopper(client, campaign, queue=str(harbor.ana.pk))] == [hers.name]
    assert [name for name, *_ in hopper(client, campaign, came="callback")] == [old.name]
    assert hopper(client, campaign, came="api") == []


def test_d15_what_was_skipped_or_called_before_says_so(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    tried, skipped = make_leads(harbor.lakeside, 2, agent=harbor.ana)
    known = {"company": harbor.company, "campaign": campaign, "next_at": Now() - timedelta(hours=1)}
    CampaignLead.objects.create(lead=tried, attempts=2, **known)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert next_lead(session) == skipped.pk
    skip(session)
    client.force_login(harbor.north_admin)
    assert {name: source for name, _, source in hopper(client, campaign)} == {
        skipped.name: "Skipped",
        tried.name: "Called before",
    }
    assert [name for name, *_ in hopper(client, campaign, came="skipped")] == [skipped.name]
    Lead.objects.filter(pk=tried.pk).update(owner_unit=None, owner_user=harbor.ana, privacy=0)
    assert hopper(client, campaign, came="recycled") == []


def next_page(client: Client, campaign: Campaign, cursor: str) -> str:
    found = re.search(r'rel="next" href="[^"]*cursor=([\w-]+)"', page(client, campaign, "hopper/", cursor=cursor))
    return found[1] if found else ""


def test_d15_the_hopper_page_by_page_and_whole_as_a_file(
    client: Client, harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make_campaign(harbor.lakeside, hopper_level=1000)
    make_leads(harbor.lakeside, 60)
    make_leads(harbor.lakeside, 60, agent=harbor.ana)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    client.force_login(harbor.north_admin)
    found, after = hopper(client, campaign), next_page(client, campaign, "")
    while after:
        found += hopper(client, campaign, cursor=after)
        after = next_page(client, campaign, after)
    entries = HopperEntry.objects.order_by("agent", "-priority", "at", "place", "pk").select_related("lead")
    assert [name for name, *_ in found] == [entry.lead.name for entry in entries]
    monkeypatch.setattr("dialer.services.queues.CSV_STEP", 50)
    lines = page(client, campaign, "hopper.csv").splitlines()
    assert len(lines) == 121
    assert all(entry.lead.public_id in line for entry, line in zip(entries, lines[1:], strict=True))
    assert not any(entry.lead.first_name in line for entry, line in zip(entries, lines[1:], strict=True))


@pytest.mark.parametrize("query", [{"queue": "x"}, {"queue": "999999"}, {"came": "x"}])
def test_d15_a_filter_that_cannot_be_read_shows_nothing(
    client: Client, harbor: Brokerage, query: dict[str, str]
) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 1)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    client.force_login(harbor.north_admin)
    for name in ("hopper/", "hopper.csv"):
        assert "A filter could not be read" in page(client, campaign, name, **query)


def test_d15_an_empty_hopper_says_what_would_fill_it(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    client.force_login(harbor.north_admin)
    assert "loaded every minute" in page(client, campaign, "hopper/")
    assert "Nobody is at work" in page(client, campaign)
    Campaign.objects.update(active=False)
    assert "The campaign is stopped" in page(client, campaign, "hopper/")


# --- for whom ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*PAGES, "nonsense.csv"])
def test_d15_monitors_are_for_who_manages_the_unit_and_may_see_the_hopper(
    client: Client, harbor: Brokerage, name: str
) -> None:
    campaign = make_campaign(harbor.south)
    path = f"/dialer/monitors/{campaign.pk}/{name}"
    expected = 404 if name == "nonsense.csv" else 200
    for person, status in ((harbor.broker, expected), (harbor.north_admin, 404), (harbor.lead, 403), (stranger(), 404)):
        client.force_login(person)
        assert client.get(path).status_code == status, person
        assert client.post(path).status_code == 405


def test_d15_monitors_are_found_from_the_campaigns(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    client.force_login(harbor.north_admin)
    for path in ("/dialer/campaigns/", f"/dialer/campaigns/{campaign.pk}/", "/dialer/monitors/"):
        assert f'href="/dialer/monitors/{campaign.pk}/"' in client.get(path).content.decode(), path
    client.force_login(harbor.ana)
    assert "/dialer/monitors/" not in client.get("/dialer/desk/").content.decode()


def test_d15_there_is_nothing_to_watch_yet(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.north_admin)
    assert "No campaign to watch" in client.get("/dialer/monitors/").content.decode()
