"""D11: whoever promised a call can make it, though nobody holds the lead, and nobody is given the lead instead of her."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from dialer.models import CampaignLead, Disposition
from dialer.services.loading import load
from dialer.services.on_call import Said, dial, dispose
from dialer.services.serving import next_lead
from leads.models import Lead, Task
from leads.services.tasks import set_done
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from tests.dialer.hoppers import at_work, make_leads
from tests.factories.campaigns import make_campaign
from tests.factories.leads import assign, make_task
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage

THERE = datetime(2031, 3, 3, 10, 0, tzinfo=UTC)  # by the lead's clock
AT = datetime(2031, 3, 3, 17, 0, tzinfo=UTC)  # in Phoenix


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def promised(harbor: Brokerage, *, anyone: bool = False, held: bool = False) -> Lead:
    """A lead of Lakeside that Dee, who is not in it, was given in a campaign of North and promised to call again."""
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana if held else None)
    agent = harbor.ana if held else harbor.dee
    [session] = at_work(make_campaign(harbor.north), agent)
    load(session.campaign_id)
    assert next_lead(session) == lead.pk
    dial(session=session, number=lead.contact_points.get().value)
    callback = Disposition.objects.get(company=harbor.company, name="Callback")
    dispose(session=session, said=Said(callback, call_back=THERE, anyone=anyone))
    return lead


def level(harbor: Brokerage, lead: Lead) -> Level:
    lead.refresh_from_db()
    return access_to(load_keyring(fresh(harbor.dee)), lead).level


def test_d11_a_general_lead_is_open_to_who_promised_to_call_it_until_she_has(client: Client, harbor: Brokerage) -> None:
    lead = promised(harbor)
    [other] = make_leads(harbor.lakeside, 1)
    assert (level(harbor, lead), level(harbor, other)) == (Level.WORK, Level.NONE)
    client.force_login(harbor.dee)
    assert client.get(f"/dialer/lead/{lead.public_id}/").status_code == 200
    assert lead.first_name in client.get("/tasks/").content.decode()
    task = Task.objects.get()
    set_done(keyring=load_keyring(harbor.dee), actor=harbor.dee, task=task, done=True)
    assert level(harbor, lead) == Level.NONE
    assert client.get(f"/dialer/lead/{lead.public_id}/").status_code == 404


def test_d11_what_anyone_may_call_opens_nothing(harbor: Brokerage) -> None:
    assert level(harbor, promised(harbor, anyone=True)) == Level.NONE


def test_d11_a_callback_that_somebody_else_planned_opens_nothing(harbor: Brokerage) -> None:
    lead = promised(harbor, anyone=True)
    campaign = CampaignLead.objects.get().campaign_id
    make_task(harbor.dee, lead, kind="callback", created_by=harbor.lead, campaign_id=campaign)
    make_task(harbor.dee, lead, kind="callback")
    make_task(harbor.dee, lead, kind="appointment", campaign_id=campaign)
    assert level(harbor, lead) == Level.NONE


def test_d11_whoever_comes_to_hold_the_lead_has_the_callback_and_nobody_else_the_lead(harbor: Brokerage) -> None:
    lead = promised(harbor)
    assign(lead, harbor.ana)
    assert level(harbor, lead) == Level.NONE
    assert Task.objects.get().user == harbor.ana


@pytest.mark.parametrize(
    ("anyone", "held", "hers_alone"),
    [(False, False, timedelta(days=1)), (True, False, timedelta(0)), (False, True, timedelta(0))],
)
def test_d11_for_a_day_the_campaign_gives_a_general_lead_to_nobody_else(
    harbor: Brokerage, anyone: bool, held: bool, hers_alone: timedelta
) -> None:
    promised(harbor, anyone=anyone, held=held)
    assert Task.objects.get().due_at == AT
    assert CampaignLead.objects.get().next_at == AT + hers_alone
