"""O4: campaigns do not keep who left, and none is left with a unit that is closed."""

from __future__ import annotations

import pytest

from dialer.models import AgentSkill, Campaign, CampaignAgent, LeadFilter
from dialer.receivers import on_closing, on_coming_back, on_departing, on_reopening
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.scenes import Brokerage, brokerage


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def test_o4_who_leaves_is_out_of_campaigns_and_comes_back_to_them(harbor: Brokerage) -> None:
    skill = make_filter(harbor.north)
    AgentSkill.objects.create(company=harbor.company, user=harbor.ana, lead_filter=skill)
    here, there = make_campaign(harbor.lakeside, harbor.ana, harbor.ben), make_campaign(harbor.south, harbor.ana)
    part = on_departing(None, harbor.ana, [harbor.lakeside.pk])
    assert [one.campaign for one in CampaignAgent.objects.filter(user=harbor.ana)] == [there]
    assert AgentSkill.objects.exists()
    kept = on_departing(None, harbor.ana, None)
    assert not CampaignAgent.objects.filter(user=harbor.ana).exists()
    assert not AgentSkill.objects.exists()
    for answer in (kept, part):
        on_coming_back(None, harbor.ana, {"dialer.receivers": answer})
    assert set(CampaignAgent.objects.filter(user=harbor.ana).values_list("campaign", flat=True)) == {here.pk, there.pk}
    assert AgentSkill.objects.get().lead_filter == skill
    on_coming_back(None, harbor.ana, {})  # what left before there were campaigns


def test_o4_a_closing_unit_hands_its_campaigns_up_stopped(harbor: Brokerage) -> None:
    running, stopped = make_campaign(harbor.lakeside), make_campaign(harbor.lakeside, active=False)
    other, kept_filter = make_campaign(harbor.hilltop), make_filter(harbor.lakeside)
    kept = on_closing(None, harbor.lakeside)
    rows = {one.pk: (one.unit, one.active) for one in Campaign.objects.select_related("unit").order_by("pk")}
    assert rows == {
        running.pk: (harbor.north, False),
        stopped.pk: (harbor.north, False),
        other.pk: (harbor.hilltop, True),
    }
    assert LeadFilter.objects.get().unit == harbor.north
    on_reopening(None, harbor.lakeside, {"dialer.receivers": kept})
    running.refresh_from_db()
    stopped.refresh_from_db()
    kept_filter.refresh_from_db()
    assert (running.unit, running.active, stopped.active) == (harbor.lakeside, True, False)
    assert kept_filter.unit == harbor.lakeside
