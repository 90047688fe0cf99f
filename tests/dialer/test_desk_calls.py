"""A call from the desk (D9, D10): the gates asked, what is recorded, and what follows from what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from dialer.models import (
    AgentSession,
    CallAttempt,
    Campaign,
    CampaignDisposition,
    CampaignLead,
    Disposition,
    DoNotCall,
    HopperEntry,
)
from dialer.services.callbacks import NotThenError
from dialer.services.loading import load
from dialer.services.on_call import Said, dial, dispose, hang_up
from dialer.services.serving import next_lead
from dialer.services.sessions import NotNowError, end
from dialer.signals import disposed
from leads.models import Activity, Lead, Task
from routing.models import Offer
from tests.dialer.hoppers import at_work, leads_in, make_leads, set_hours
from tests.factories.campaigns import make_campaign
from tests.factories.leads import offer
from tests.factories.scenes import Brokerage, brokerage


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def previewing(harbor: Brokerage, **settings: Any) -> tuple[AgentSession, Lead, str]:
    """Ana at work with a lead of hers before her; and its number."""
    campaign = make_campaign(harbor.lakeside, **settings)
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert next_lead(session) == lead.pk
    return session, lead, lead.contact_points.get().value


def on_call(harbor: Brokerage, **settings: Any) -> tuple[AgentSession, Lead]:
    session, lead, number = previewing(harbor, **settings)
    dial(session=session, number=number)
    return session, lead


def said(name: str, **fields: Any) -> Said:
    return Said(Disposition.objects.get(name=name), **fields)


def known(lead: Lead) -> CampaignLead:
    return CampaignLead.objects.get(lead=lead)


def test_d14_every_call_has_its_permission_record_and_counts_as_an_attempt(harbor: Brokerage) -> None:
    session, lead, number = previewing(harbor)
    attempt = dial(session=session, number=number)
    session.refresh_from_db()
    assert (attempt.refused_by, attempt.number, attempt.user, attempt.lead_id) == ("", number, harbor.ana, lead.pk)
    assert (session.state, session.lead_id) == ("on_call", lead.pk)
    assert known(lead).attempts == 1
    assert known(lead).next_at is not None  # also where nobody says what came of it
    with pytest.raises(NotNowError):
        dial(session=session, number=number)
    assert CallAttempt.objects.count() == 1


def test_d14_where_a_gate_is_shut_there_is_no_call_and_the_lead_goes_back(harbor: Brokerage) -> None:
    session, _, number = previewing(harbor)
    set_hours(harbor.company)
    attempt = dial(session=session, number=number)
    session.refresh_from_db()
    assert attempt.refused_by == "hours"
    assert (session.state, session.lead_id) == ("ready", None)
    assert not CampaignLead.objects.exists()
    assert not HopperEntry.objects.exists()


def test_d14_a_number_that_is_not_the_leads_is_not_called(harbor: Brokerage) -> None:
    session, _, _ = previewing(harbor)
    assert dial(session=session, number="+12125550100").refused_by == "number"


def test_d9_the_end_of_a_call_is_recorded_and_wrap_up_begins(harbor: Brokerage) -> None:
    session, _ = on_call(harbor)
    hang_up(session)
    session.refresh_from_db()
    assert session.state == "wrap_up"
    assert CallAttempt.objects.get().ended_at is not None
    with pytest.raises(NotNowError):
        hang_up(session)


def test_d10_what_came_of_it_is_on_the_timeline_in_the_record_and_told(harbor: Brokerage) -> None:
    heard: list[tuple[Any, ...]] = []

    def hear(sender: object, campaign: Campaign, lead: Lead, disposition: Disposition, **kwargs: Any) -> None:
        heard.append((campaign, lead.pk, disposition.name))

    disposed.connect(hear)
    try:
        session, lead = on_call(harbor)
        dispose(session=session, said=said("Left voicemail", note="Call in the evening"))
    finally:
        disposed.disconnect(hear)
    call = Activity.objects.get(lead=lead, kind="call")
    attempt = CallAttempt.objects.get()
    assert (call.outcome, call.direction, call.body) == ("voicemail", "out", "Left voicemail. Call in the evening")
    assert (attempt.disposition, attempt.activity_id) == (said("Left voicemail").disposition, call.pk)
    assert attempt.ended_at is not None
    assert heard == [(session.campaign, lead.pk, "Left voicemail")]
    session.refresh_from_db()
    assert (session.state, session.lead_id) == ("ready", None)
    assert leads_in(session.campaign, harbor.ana) == []


@pytest.mark.parametrize(("name", "outcome"), [("Talked", "reached"), ("No answer", "no_answer"), ("Busy", "busy")])
def test_d10_a_disposition_counts_as_an_outcome(harbor: Brokerage, name: str, outcome: str) -> None:
    session, lead = on_call(harbor)
    dispose(session=session, said=said(name))
    lead.refresh_from_db()
    assert (lead.last_outcome, lead.attempts) == (outcome, 1)


@pytest.mark.parametrize(("own", "minutes"), [(None, 240), (15, 15)])
def test_d10_a_lead_is_dialed_again_after_the_delay_of_the_disposition_or_the_campaigns(
    harbor: Brokerage, own: int | None, minutes: int
) -> None:
    session, lead = on_call(harbor)
    CampaignDisposition.objects.filter(disposition__name="No answer").update(recycle_after=own)
    dispose(session=session, said=said("No answer"))
    again = known(lead).next_at
    assert again is not None
    assert abs(again - timezone.now() - timedelta(minutes=minutes)) < timedelta(minutes=1)
    load(session.campaign_id)
    assert leads_in(session.campaign, harbor.ana) == []
    CampaignLead.objects.update(next_at=Now() - timedelta(minutes=1))
    load(session.campaign_id)
    assert leads_in(session.campaign, harbor.ana) == [lead.pk]


def test_d10_after_a_final_one_the_campaign_is_done_with_the_lead(harbor: Brokerage) -> None:
    session, lead = on_call(harbor)
    dispose(session=session, said=said("Not interested"))
    assert (known(lead).closed, known(lead).next_at) == (True, None)
    load(session.campaign_id)
    assert leads_in(session.campaign, harbor.ana) == []


def test_d10_as_often_as_the_campaign_tries_and_no_more(harbor: Brokerage) -> None:
    session, _ = on_call(harbor, attempt_limit=1)
    dispose(session=session, said=said("Busy"))
    CampaignLead.objects.update(next_at=None)
    load(session.campaign_id)
    assert leads_in(session.campaign, harbor.ana) == []


@pytest.mark.parametrize("anyone", [False, True])
def test_d11_a_callback_is_promised_by_the_leads_clock_and_kept_as_a_task(harbor: Brokerage, anyone: bool) -> None:
    session, lead = on_call(harbor)
    dispose(session=session, said=said("Callback", call_back=datetime(2027, 3, 1, 17, 0, tzinfo=UTC), anyone=anyone))
    in_phoenix = datetime(2027, 3, 2, 0, 0, tzinfo=UTC)
    assert (known(lead).next_at, known(lead).closed) == (in_phoenix, False)
    task = Task.objects.get(lead=lead)
    assert (task.kind, task.due_at, task.user) == ("callback", in_phoenix, None if anyone else harbor.ana)


def test_d11_no_callback_is_promised_for_a_time_at_which_nobody_may_call(harbor: Brokerage) -> None:
    session, _ = on_call(harbor)
    set_hours(harbor.company, [[0, 1, 2, 3, 4, 5, 6], "09:00", "17:00"])
    with pytest.raises(NotThenError):
        dispose(session=session, said=said("Callback", call_back=datetime(2027, 3, 1, 18, 0, tzinfo=UTC)))
    session.refresh_from_db()
    assert (session.state, Task.objects.count()) == ("on_call", 0)


def test_d16_a_line_that_the_provider_has_begun_is_ended_and_not_written_twice(harbor: Brokerage) -> None:
    session, lead = on_call(harbor)
    begun = Activity.objects.create(company=harbor.company, lead=lead, kind="call", direction="out", actor=harbor.ana)
    CallAttempt.objects.update(activity_id=begun.pk)
    dispose(session=session, said=said("Talked", note="Nice"))
    begun.refresh_from_db()
    assert Activity.objects.filter(lead=lead, kind="call").count() == 1
    assert (begun.outcome, begun.body) == ("reached", "Talked. Nice")


def test_d14_do_not_call_is_for_the_lead_and_for_the_number_by_whatever_lead(harbor: Brokerage) -> None:
    session, lead = on_call(harbor)
    dispose(session=session, said=said("Do not call"))
    lead.refresh_from_db()
    assert lead.do_not_call
    assert DoNotCall.objects.get().number == lead.contact_points.get().value
    assert known(lead).closed


def test_r6_a_call_from_the_desk_claims_what_is_on_offer_to_her(harbor: Brokerage) -> None:
    session, lead, number = previewing(harbor)
    offer(lead, harbor.ana)
    dial(session=session, number=number)
    dispose(session=session, said=said("Talked"))
    assert Offer.objects.get().state == "claimed"


def test_d10_only_what_the_campaign_has_can_be_said_and_only_of_a_call(harbor: Brokerage) -> None:
    session, _, number = previewing(harbor)
    with pytest.raises(NotNowError):
        dispose(session=session, said=said("Talked"))
    dial(session=session, number=number)
    CampaignDisposition.objects.filter(disposition__name="Sale").delete()
    Disposition.objects.filter(name="Busy").update(archived=True)
    for name in ("Sale", "Busy"):
        with pytest.raises(NotNowError):
            dispose(session=session, said=said(name))


def test_d9_going_on_pause_with_what_came_of_it(harbor: Brokerage) -> None:
    session, _ = on_call(harbor)
    dispose(session=session, said=said("Talked", pause="lunch"))
    session.refresh_from_db()
    assert (session.state, session.pause_reason) == ("paused", "lunch")


def test_d5_what_came_of_a_call_can_be_said_though_the_lead_changed_hands(harbor: Brokerage) -> None:
    session, lead = on_call(harbor)
    lead.assignments.update(user=harbor.ben)
    dispose(session=session, said=said("Talked"))
    assert Activity.objects.filter(lead=lead, kind="call", actor=harbor.ana).exists()


def test_d5_and_though_it_was_deleted(harbor: Brokerage) -> None:
    session, lead = on_call(harbor)
    Lead.objects.filter(pk=lead.pk).update(removed_at=Now())
    dispose(session=session, said=said("Do not call"))
    assert CallAttempt.objects.get().disposition == said("Do not call").disposition
    assert DoNotCall.objects.count() == 1


def test_d9_a_call_whose_agent_is_gone_is_not_made_again_at_once(harbor: Brokerage) -> None:
    session, _ = on_call(harbor)
    end(session)
    at_work(session.campaign, harbor.ana)
    load(session.campaign_id)
    assert leads_in(session.campaign, harbor.ana) == []
