"""What leaves a hopper (D5): in the transaction of its cause, or at the next load."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from crm.notifications.live import state_of
from crm.organization.models import User
from dialer.models import AgentSession, Campaign, CampaignLead, HopperEntry
from dialer.services.do_not_call import add_numbers
from dialer.services.loading import load
from dialer.services.sessions import end
from leads.models import ContactPoint, Lead
from tests.dialer.hoppers import at_work, give_skill, leads_in, make_leads, set_hours
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.leads import assign, make_stage
from tests.factories.scenes import Brokerage, brokerage


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def test_d5_at_each_load_what_is_for_nobody_any_more_goes(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, agent_skills=True)
    give_skill(harbor.ana, make_filter(harbor.lakeside, ("state", "is", "AZ")))
    give_skill(harbor.ben, make_filter(harbor.lakeside, ("state", "is", "CA")))
    make_leads(harbor.lakeside, 2, agent=harbor.ana)
    kept = make_leads(harbor.lakeside, 2, agent=harbor.ben)
    make_leads(harbor.lakeside, 3, state="AZ")
    kept += make_leads(harbor.lakeside, 3, state="CA")
    hers, _ = at_work(campaign, harbor.ana, harbor.ben)
    load(campaign.pk)
    assert HopperEntry.objects.count() == 10
    end(hers)
    done = load(campaign.pk)
    assert done is not None
    assert done.removed == {"agent not logged in": 2, "nobody logged in has the skill": 3}
    assert set(HopperEntry.objects.values_list("lead", flat=True)) == {lead.pk for lead in kept}


def tried(campaign: Campaign, lead: Lead) -> None:
    CampaignLead.objects.create(company_id=lead.company_id, campaign=campaign, lead=lead, attempts=3)


def cooled(campaign: Campaign, lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(score=10)


@pytest.mark.parametrize(("change", "why"), [(tried, "not callable now"), (cooled, "not in the campaign any more")])
def test_d5_at_each_load_what_could_not_be_loaded_now_goes(
    harbor: Brokerage, change: Callable[[Campaign, Lead], None], why: str
) -> None:
    hot = make_filter(harbor.lakeside, ("score", "at_least", "50"))
    campaign = make_campaign(harbor.lakeside, lead_filter=hot, attempt_limit=3)
    [lead, other] = make_leads(harbor.lakeside, 2, score=60)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    change(campaign, lead)
    done = load(campaign.pk)
    assert done is not None
    assert done.removed == {why: 1}
    assert leads_in(campaign) == [other.pk]


def test_d5_what_somebody_has_before_her_stays(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    [lead, _] = make_leads(harbor.lakeside, 2)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    HopperEntry.objects.filter(lead=lead).update(reserved_by=session)
    Campaign.objects.filter(pk=campaign.pk).update(active=False)
    load(campaign.pk)
    assert leads_in(campaign) == [lead.pk]


def moved(harbor: Brokerage, lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(owner_unit=harbor.hilltop)


def held(harbor: Brokerage, lead: Lead) -> None:
    assign(lead, harbor.ben)


def forbidden(harbor: Brokerage, lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(do_not_call=True)


def closed(harbor: Brokerage, lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(stage=make_stage(harbor.company, f"Sold {lead.pk}", "won"))


def removed(harbor: Brokerage, lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(removed_at=Now())


def before_her(session: AgentSession, lead: Lead) -> None:
    AgentSession.objects.filter(pk=session.pk).update(lead=lead, state="preview")
    HopperEntry.objects.create(company_id=lead.company_id, campaign=session.campaign, lead=lead, reserved_by=session)


def told(user: User) -> int:
    return state_of(user.pk)["dialer"]


CAUSES = [moved, held, forbidden, closed, removed]


@pytest.mark.parametrize("cause", CAUSES, ids=lambda one: one.__name__)
def test_d5_an_entry_goes_in_the_same_transaction_as_its_cause(
    harbor: Brokerage, cause: Callable[[Brokerage, Lead], None]
) -> None:
    campaign = make_campaign(harbor.lakeside)
    [lead, other] = make_leads(harbor.lakeside, 2)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    cause(harbor, lead)
    assert leads_in(campaign) == [other.pk]


def test_d5_hiding_a_personal_lead_takes_it_out(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, scope="personal")
    [lead] = make_leads(harbor.ana, 1)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert leads_in(campaign, harbor.ana) == [lead.pk]
    Lead.objects.filter(pk=lead.pk).update(hidden=True)
    assert leads_in(campaign, harbor.ana) == []


@pytest.mark.parametrize("cause", CAUSES, ids=lambda one: one.__name__)
def test_d5_it_goes_from_before_her_too_unless_she_is_on_the_phone(
    harbor: Brokerage, cause: Callable[[Brokerage, Lead], None]
) -> None:
    campaign = make_campaign(harbor.lakeside)
    looked_at, called = make_leads(harbor.lakeside, 2)
    for agent, lead, state in ((harbor.ana, looked_at, "preview"), (harbor.dee, called, "on_call")):
        session = AgentSession.objects.create(
            company=harbor.company, user=agent, campaign=campaign, lead=lead, state=state
        )
        HopperEntry.objects.create(company=harbor.company, campaign=campaign, lead=lead, reserved_by=session)
    for lead in (looked_at, called):
        cause(harbor, lead)
    assert AgentSession.objects.get(user=harbor.ana).state == "ready"
    assert AgentSession.objects.get(user=harbor.dee).lead_id == called.pk


@pytest.mark.parametrize("cause", CAUSES, ids=lambda one: one.__name__)
def test_d5_the_desk_it_goes_from_is_told_once_that_is_committed(
    harbor: Brokerage, cause: Callable[[Brokerage, Lead], None], django_capture_on_commit_callbacks: Any
) -> None:
    [session] = at_work(make_campaign(harbor.lakeside), harbor.ana)
    lead, waits = make_leads(harbor.lakeside, 2)
    before_her(session, lead)
    HopperEntry.objects.create(company=harbor.company, campaign=session.campaign, lead=waits)
    cause(harbor, waits)
    assert told(harbor.ana) == 0, "nobody has it before her"
    with suppress(ZeroDivisionError), transaction.atomic():
        cause(harbor, lead)
        raise ZeroDivisionError
    with django_capture_on_commit_callbacks(execute=True):
        pass
    assert told(harbor.ana) == 0, "it was not taken away"
    with django_capture_on_commit_callbacks(execute=True):
        cause(harbor, lead)
        assert told(harbor.ana) == 0, "not committed yet"
    assert told(harbor.ana) > 0
    assert told(harbor.dee) == 0


def test_d14_the_desk_is_told_of_a_number_that_is_put_on_the_list(
    harbor: Brokerage, django_capture_on_commit_callbacks: Any
) -> None:
    leads = make_leads(harbor.lakeside, 2)
    sessions = at_work(make_campaign(harbor.lakeside), harbor.ana, harbor.ben)
    for session, lead in zip(sessions, leads, strict=True):
        before_her(session, lead)
    AgentSession.objects.filter(user=harbor.ben).update(state="on_call")
    phones = ContactPoint.objects.filter(lead__in=leads).order_by("pk")
    numbers = list(phones.values_list("value", flat=True))
    with django_capture_on_commit_callbacks(execute=True):
        add_numbers(company_id=harbor.company.pk, user_id=harbor.broker.pk, numbers=numbers, reason="asked")
    assert [told(user) > 0 for user in (harbor.ana, harbor.ben)] == [True, False]


def test_d14_a_number_that_is_put_on_the_list_leaves_the_hopper_with_it(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    looked_at, called, waits, other = make_leads(harbor.lakeside, 4)
    for session, lead, state in zip(
        at_work(campaign, harbor.ana, harbor.ben), (looked_at, called), ("preview", "on_call"), strict=True
    ):
        AgentSession.objects.filter(pk=session.pk).update(lead=lead, state=state)
        HopperEntry.objects.create(company=harbor.company, campaign=campaign, lead=lead, reserved_by=session)
    load(campaign.pk)
    phones = ContactPoint.objects.filter(lead__in=[looked_at, called, waits]).order_by("pk")
    numbers = list(phones.values_list("value", flat=True))
    add_numbers(company_id=harbor.company.pk, user_id=harbor.broker.pk, numbers=numbers, reason="asked")
    assert leads_in(campaign) == [other.pk]
    assert AgentSession.objects.get(user=harbor.ana).state == "ready"
    assert AgentSession.objects.get(user=harbor.ben).lead_id == called.pk
    load(campaign.pk)
    assert leads_in(campaign) == [other.pk]


def test_d5_what_is_outside_calling_hours_goes_with_the_next_load(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 2)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert len(leads_in(campaign)) == 2
    set_hours(harbor.company)
    done = load(campaign.pk)
    assert done is not None
    assert done.removed == {"not callable now": 2}
    assert leads_in(campaign) == []


def test_d5_another_open_stage_or_name_takes_nothing_out(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    [lead] = make_leads(harbor.lakeside, 1)
    at_work(campaign, harbor.ana)
    load(campaign.pk)
    Lead.objects.filter(pk=lead.pk).update(stage=make_stage(harbor.company, "Talking"), first_name="Kim", score=3)
    assert leads_in(campaign) == [lead.pk]


def test_d5_a_lead_that_somebody_is_changing_is_left_for_the_next_load(committing_db: str) -> None:
    harbor = brokerage()
    campaign = make_campaign(harbor.lakeside)
    lead, other = make_leads(harbor.lakeside, 2)
    at_work(campaign, harbor.ana)
    changed, loaded = Barrier(2), Barrier(2)

    def elsewhere() -> None:
        with transaction.atomic():
            Lead.objects.filter(pk=lead.pk).update(owner_unit=harbor.hilltop)
            changed.wait()
            loaded.wait()
        connection.close()

    thread = Thread(target=elsewhere)
    thread.start()
    changed.wait()
    load(campaign.pk)
    loaded.wait()
    thread.join()
    load(campaign.pk)
    assert leads_in(campaign) == [other.pk]
