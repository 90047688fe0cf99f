"""The desk of who is in no campaign (D9): why she was logged out, whom she was calling, and who may make a campaign."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from crm.organization.models import User
from dialer.models import AgentSession, Disposition
from dialer.services.loading import load
from dialer.services.on_call import Said, dial, dispose
from dialer.services.serving import next_lead
from dialer.services.sessions import recover
from leads.models import Lead
from tests.dialer.hoppers import at_work, make_leads
from tests.factories.campaigns import make_campaign
from tests.factories.scenes import Brokerage, brokerage

UNHEARD = "as nothing was heard of this page for a minute"


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def desk(client: Client, user: User) -> str:
    client.force_login(user)
    return client.get(reverse("desk")).content.decode()


def calling(harbor: Brokerage) -> tuple[AgentSession, Lead]:
    """Ana has a lead of hers on the phone."""
    campaign = make_campaign(harbor.lakeside)
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    next_lead(session)
    dial(session=session, number=lead.contact_points.get().value)
    return session, lead


def leave_the_page(session: AgentSession) -> None:
    AgentSession.objects.filter(pk=session.pk).update(heartbeat_at=Now() - timedelta(minutes=1))
    recover()


def test_d9_who_left_her_page_in_a_call_is_told_so_with_the_lead(client: Client, harbor: Brokerage) -> None:
    session, lead = calling(harbor)
    leave_the_page(session)
    html = desk(client, harbor.ana)
    assert UNHEARD in html
    assert f'You were calling <a href="{reverse("lead", args=[lead.public_id])}">{lead.name}</a>' in html
    Lead.objects.filter(pk=lead.pk).update(removed_at=Now())
    html = desk(client, harbor.ana)
    assert UNHEARD in html
    assert lead.name not in html
    assert UNHEARD not in desk(client, harbor.ben)


def test_d9_a_call_that_she_wrote_down_is_not_asked_for_again(client: Client, harbor: Brokerage) -> None:
    session, lead = calling(harbor)
    dispose(session=session, said=Said(Disposition.objects.get(name="Talked")))
    leave_the_page(session)
    html = desk(client, harbor.ana)
    assert UNHEARD in html
    assert lead.name not in html


@pytest.mark.parametrize("unheard", [timedelta(0), timedelta(minutes=1)])
def test_d9_who_logs_out_herself_is_told_nothing(client: Client, harbor: Brokerage, unheard: timedelta) -> None:
    session, _ = calling(harbor)
    AgentSession.objects.filter(pk=session.pk).update(heartbeat_at=Now() - unheard)
    client.force_login(harbor.ana)
    client.post(reverse("desk-leave"))
    assert not AgentSession.objects.live().exists()
    assert UNHEARD not in desk(client, harbor.ana)


def test_d9_an_old_session_is_not_told_of(client: Client, harbor: Brokerage) -> None:
    session, _ = calling(harbor)
    leave_the_page(session)
    AgentSession.objects.filter(pk=session.pk).update(started_at=Now() - timedelta(days=8))
    assert UNHEARD not in desk(client, harbor.ana)


def test_d1_who_may_make_campaigns_is_offered_to_on_an_empty_desk(client: Client, harbor: Brokerage) -> None:
    make, ask = reverse("campaign-begin"), "Whoever runs your office makes campaigns"
    for user, may in ((harbor.broker, True), (harbor.north_admin, True), (harbor.ana, False)):
        html = desk(client, user)
        assert (f'href="{make}"' in html, ask in html) == (may, not may)
    make_campaign(harbor.lakeside)
    assert ask not in desk(client, harbor.ana)
