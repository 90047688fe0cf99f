"""Leads added to a campaign in mass, and taken out (M4, D6)."""

from __future__ import annotations

import pytest
from django.test import Client

from dialer.models import Campaign, CampaignLead, HopperEntry
from dialer.services.loading import load
from leads.batches.verb import NotNowError
from leads.models import Lead
from leads.services.sharing import share_lead
from permissions.keyring import load_keyring
from permissions.models import Profile
from permissions.profiles.services import give_profile
from tests.dialer.hoppers import at_work, make_leads
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.batches.doing import done, drafted, outcomes, run, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def hot(harbor: Brokerage) -> Campaign:
    """A campaign of Lakeside for leads of a high score."""
    return make_campaign(harbor.lakeside, lead_filter=make_filter(harbor.lakeside, ("score", "at_least", "50")))


def in_hopper(campaign: Campaign) -> set[int]:
    load(campaign.pk)
    return set(HopperEntry.objects.filter(campaign=campaign).values_list("lead", flat=True))


def test_m4_added_leads_are_called_whatever_the_filter_and_the_scope_say(harbor: Brokerage, hot: Campaign) -> None:
    [own] = make_leads(harbor.lakeside, 1, score=60)
    [cold, other] = make_leads(harbor.lakeside, 2)
    [elsewhere] = make_leads(harbor.hilltop, 1)
    at_work(hot, harbor.ana)
    assert in_hopper(hot) == {own.pk}
    batch = done(harbor.broker, "campaign", [own, cold, elsewhere], campaign=hot)
    assert outcomes(batch) == {own.pk: "there", cold.pk: "changed", elsewhere.pk: "changed"}
    assert in_hopper(hot) == {own.pk, cold.pk, elsewhere.pk}
    assert other.pk not in in_hopper(hot)


def test_m4_what_was_added_leaves_with_the_undo_and_comes_back_with_its_undo(harbor: Brokerage, hot: Campaign) -> None:
    [cold] = make_leads(harbor.lakeside, 1)
    at_work(hot, harbor.ana)
    batch = done(harbor.broker, "campaign", [cold], campaign=hot)
    assert in_hopper(hot) == {cold.pk}
    back = run(undo(harbor.broker, batch))
    assert (outcomes(back), in_hopper(hot)) == ({cold.pk: "changed"}, set())
    again = run(undo(harbor.broker, back))
    assert (outcomes(again), in_hopper(hot)) == ({cold.pk: "changed"}, {cold.pk})


def test_m4_taken_out_is_only_what_was_added(harbor: Brokerage, hot: Campaign) -> None:
    [own] = make_leads(harbor.lakeside, 1, score=60)
    [cold] = make_leads(harbor.lakeside, 1)
    done(harbor.broker, "campaign", [cold], campaign=hot)
    at_work(hot, harbor.ana)
    batch = done(harbor.broker, "uncampaign", [own, cold], campaign=hot)
    assert outcomes(batch) == {own.pk: "there", cold.pk: "changed"}
    assert in_hopper(hot) == {own.pk}
    run(undo(harbor.broker, batch))
    assert in_hopper(hot) == {own.pk, cold.pk}


def test_m4_what_the_campaign_knows_of_a_lead_stays(harbor: Brokerage, hot: Campaign) -> None:
    [tried, finished] = make_leads(harbor.lakeside, 2)
    known = {"company": harbor.company, "campaign": hot}
    CampaignLead.objects.create(lead=tried, attempts=3, **known)
    CampaignLead.objects.create(lead=finished, attempts=1, closed=True, **known)
    batch = done(harbor.broker, "campaign", [tried, finished], campaign=hot)
    assert outcomes(batch) == {tried.pk: "changed", finished.pk: "finished"}
    run(undo(harbor.broker, batch))
    rows = CampaignLead.objects.order_by("lead").values_list("attempts", "closed", "added_at")
    assert list(rows) == [(3, False, None), (1, True, None)]


def test_m4_no_gate_is_passed_by_adding(harbor: Brokerage, hot: Campaign) -> None:
    [forbidden, hers] = make_leads(harbor.lakeside, 2)
    Lead.objects.filter(pk=forbidden.pk).update(do_not_call=True)
    [bens] = make_leads(harbor.lakeside, 1, agent=harbor.ben)
    done(harbor.broker, "campaign", [forbidden, hers, bens], campaign=hot)
    at_work(hot, harbor.ana)
    assert in_hopper(hot) == {hers.pk}


def test_m4_who_joins_a_campaign_adds_what_she_works_and_who_runs_it_what_she_reads(
    harbor: Brokerage, hot: Campaign
) -> None:
    [works], [reads] = make_leads(harbor.lakeside, 1, agent=harbor.ana), make_leads(harbor.hilltop, 1)
    keyring = load_keyring(harbor.broker)
    share_lead(keyring=keyring, actor=harbor.broker, lead=reads, user=harbor.ana, verb="view_lead")
    can = [*harbor.ana.holding.profile.permissions, "mass_edit_lead"]
    profile = Profile.objects.create(company=harbor.company, code="many", name="Many", permissions=can)
    give_profile(harbor.ana, profile.code)
    theirs = drafted(harbor.ana, "campaign", [works, reads], campaign=hot)
    assert outcomes(theirs) == {works.pk: "", reads.pk: "work"}
    hers = drafted(harbor.north_admin, "campaign", [works, reads], campaign=hot)
    assert outcomes(hers) == {works.pk: "", reads.pk: ""}


def test_m4_nobody_adds_to_a_campaign_she_neither_runs_nor_may_join(harbor: Brokerage, hot: Campaign) -> None:
    [cold] = make_leads(harbor.lakeside, 1)
    elsewhere = make_campaign(harbor.hilltop)
    for actor, campaign in ((harbor.lead, elsewhere), (stranger(), hot)):
        with pytest.raises(NotNowError):
            drafted(actor, "campaign", [cold], campaign=campaign)


def test_m4_the_form_offers_the_campaigns_she_may_feed(client: Client, harbor: Brokerage, hot: Campaign) -> None:
    hidden = make_campaign(harbor.hilltop, name="Of Hilltop")
    [cold] = make_leads(harbor.lakeside, 1)
    client.force_login(harbor.lead)
    page = client.post("/batches/", {"verb": "campaign", "lead": [cold.public_id]}, follow=True)
    assert (hot.name in page.content.decode(), hidden.name in page.content.decode()) == (True, False)
    address = page.redirect_chain[-1][0]
    refused = client.post(address, {"campaign": hidden.pk}, follow=True)
    assert "Select a valid choice" in refused.content.decode()
    done = client.post(address, {"campaign": hot.pk}, follow=True)
    assert f"Add to the campaign {hot.name}" in done.content.decode()
