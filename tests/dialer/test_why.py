"""Why a lead cannot be dialed, and when it can (D15): for managers as it stands, for an agent as it is for her."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dialer.models import Campaign, CampaignLead, HopperEntry
from dialer.services.do_not_call import add_numbers
from dialer.services.gates import permit
from dialer.services.loading import load
from dialer.services.serving import next_lead
from leads.models import Lead
from tests.dialer.hoppers import ALL_DAY, at_work, give_skill, make_leads, set_hours
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.scenes import Brokerage, brokerage, stranger


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def page(client: Client, lead: Lead, **query: Any) -> str:
    response = client.get(f"/dialer/lead/{lead.public_id}/dialing/", query)
    assert response.status_code == 200
    return str(response.content.decode())


def test_d15_from_ready_to_the_hopper_to_an_agent(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    [lead] = make_leads(harbor.lakeside, 1)
    client.force_login(harbor.north_admin)
    set_hours(harbor.company, ALL_DAY)
    assert "Nobody is logged in to the campaign" in page(client, lead)
    [session] = at_work(campaign, harbor.ana)
    assert "The next load takes it" in page(client, lead)
    load(campaign.pk)
    assert "waits in the hopper" in page(client, lead)
    next_lead(session)
    assert "before an agent of the campaign now" in page(client, lead)
    Campaign.objects.update(active=False)
    assert "The campaign is stopped" in page(client, lead)


def test_d15_every_gate_is_named_with_when_it_opens(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, attempt_limit=2)
    [lead] = make_leads(harbor.lakeside, 1, do_not_call=True)
    at_work(campaign, harbor.ana)
    later = timezone.now() + timedelta(hours=3)
    known = CampaignLead.objects.create(
        company=harbor.company, campaign=campaign, lead=lead, attempts=2, next_at=later, closed=True
    )
    client.force_login(harbor.north_admin)
    html = page(client, lead)
    for words in (
        "marked do not call",
        "done with it",
        "It was tried 2 times in this campaign",
        "It was tried lately",
        "It cannot be dialed",
    ):
        assert words in html, words
    Lead.objects.update(do_not_call=False)
    CampaignLead.objects.filter(pk=known.pk).update(attempts=1, closed=False)
    html = page(client, lead)
    assert "It can be dialed from" in html
    assert "It cannot be dialed" not in html


@pytest.mark.parametrize(
    ("enforce", "person", "said"),
    [
        (True, "north_admin", "Ana holds it, and is not logged in"),
        (True, "ben", "Ana holds it, and leads go to their holder alone"),
        (False, "north_admin", "Nobody logged in may work it"),
    ],
)
def test_d15_whose_it_is(client: Client, harbor: Brokerage, enforce: bool, person: str, said: str) -> None:
    campaign = make_campaign(harbor.lakeside, enforce_lead_ownership=enforce)
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    at_work(campaign, harbor.ben)
    if person == "ben":
        give_sight(lead, harbor)
    client.force_login(getattr(harbor, person))
    assert said in page(client, lead)


def give_sight(lead: Lead, harbor: Brokerage) -> None:
    from leads.models import LeadShare
    from permissions.grants import give

    give(LeadShare, obj=lead, user=harbor.ben, verb="view_lead", given_by=harbor.ana, until=None)


def test_d15_an_agent_is_told_of_her_own_skills(client: Client, harbor: Brokerage) -> None:
    make_campaign(harbor.lakeside, agent_skills=True)
    [lead] = make_leads(harbor.lakeside, 1, state="CA")
    give_sight(lead, harbor)
    set_hours(harbor.company, ALL_DAY)
    client.force_login(harbor.ben)
    assert "You have no skills set" in page(client, lead)
    give_skill(harbor.ben, make_filter(harbor.lakeside, ("state", "is", "AZ")))
    assert "Your skills leave it out" in page(client, lead)
    Lead.objects.update(state="AZ")
    assert "It can be dialed now" in page(client, lead)


def test_d15_what_is_none_of_the_campaigns_leads(client: Client, harbor: Brokerage) -> None:
    hot = make_filter(harbor.lakeside, ("score", "at_least", "50"), name="Hot")
    campaign = make_campaign(harbor.lakeside, lead_filter=hot)
    [lead] = make_leads(harbor.hilltop, 1)
    at_work(campaign, harbor.ana)
    client.force_login(harbor.north_admin)
    html = page(client, lead)
    assert "Hilltop owns it, and the campaign of Lakeside calls others" in html
    assert "none of those that “Hot” means" in html
    HopperEntry.objects.create(company=harbor.company, campaign=campaign, lead=lead, source="api")
    assert "It can be dialed now" in page(client, lead)


def test_d15_a_lead_without_a_phone(client: Client, harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    [lead] = make_leads(harbor.lakeside, 1)
    lead.contact_points.all().delete()
    at_work(campaign, harbor.ana)
    client.force_login(harbor.north_admin)
    assert "It has no phone yet" in page(client, lead)


def test_d15_one_chooses_among_the_campaigns_one_watches_or_may_join(client: Client, harbor: Brokerage) -> None:
    ours, south = make_campaign(harbor.lakeside, name="Ours"), make_campaign(harbor.south, name="South side")
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    for person in (harbor.north_admin, harbor.ana):
        client.force_login(person)
        assert "South side" not in page(client, lead)
        path = f"/dialer/lead/{lead.public_id}/dialing/"
        assert client.get(path, {"campaign": south.pk}).status_code == 404
        assert client.get(path, {"campaign": "x"}).status_code == 404
        assert client.get(path, {"campaign": ours.pk}).status_code == 200
        assert client.post(path).status_code == 405
    client.force_login(harbor.broker)
    assert "In South side" in page(client, lead, campaign=south.pk)
    Campaign.objects.all().delete()
    assert "No campaign to ask about" in page(client, lead)


def test_d15_of_a_lead_that_is_not_hers_to_read_there_is_no_page(client: Client, harbor: Brokerage) -> None:
    make_campaign(harbor.lakeside)
    [lead] = make_leads(harbor.ana, 1, hidden=True)
    for person in (harbor.ben, harbor.north_admin, stranger()):
        client.force_login(person)
        assert client.get(f"/dialer/lead/{lead.public_id}/dialing/").status_code == 404


def test_d14_the_permission_record_of_each_call_is_shown_to_who_reads_the_lead(
    client: Client, harbor: Brokerage
) -> None:
    campaign = make_campaign(harbor.lakeside, name="Autumn")
    [lead] = make_leads(harbor.ana, 1)
    set_hours(harbor.company, ALL_DAY)
    point = lead.contact_points.get(kind="phone")
    client.force_login(harbor.ana)
    assert "Nobody has called or texted it" in page(client, lead)
    permit(lead=lead, user=harbor.ana, campaign=campaign, number=point.value)
    add_numbers(company_id=harbor.company.pk, user_id=None, numbers=[point.value], reason="asked")
    last = permit(lead=lead, user=harbor.ana, campaign=None, number=point.value)
    html = page(client, lead).partition("Permission record")[2]
    assert html.index("On the do-not-call list") < html.index("Allowed")
    for words in (
        "by Ana, Autumn",
        "by Ana<",
        "do-not-call list version 1<",
        "calling hours version 1",
        *last.local_times,
    ):
        assert words in html
    client.force_login(harbor.eve)
    assert client.get(f"/dialer/lead/{lead.public_id}/dialing/").status_code == 404
