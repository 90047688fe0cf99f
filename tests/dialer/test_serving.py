"""The next lead (D7), skipping (D8), sessions and their end (D9), and what a reservation opens (V2, rule d)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from crm.organization.models import User
from dialer import tasks
from dialer.filtering import Shape
from dialer.models import AgentSession, Campaign, HopperEntry, LeadFilter
from dialer.services.loading import load
from dialer.services.on_call import dial
from dialer.services.reach import fitting
from dialer.services.serving import next_lead, skip
from dialer.services.sessions import LOST_AFTER, NotNowError, beat, end, log_in, pause, resume, session_of
from leads.models import Activity, CustomField, Lead
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from tests.dialer.filters import CODES, KNOWN, OWN
from tests.dialer.hoppers import at_work, give_skill, leads_in, make_leads
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.leads import assign
from tests.factories.people import fresh, make_member
from tests.factories.scenes import Brokerage, brokerage


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def done_with(session: AgentSession) -> None:
    """As if she had said what came of the call."""
    HopperEntry.objects.filter(reserved_by=session).delete()
    AgentSession.objects.filter(pk=session.pk).update(lead=None, state="ready")


def all_of(session: AgentSession) -> list[int]:
    """What she is given, one after the other, until there is nothing more."""
    found = []
    while (lead := next_lead(session)) is not None:
        found.append(lead)
        done_with(session)
    return found


def test_d7_her_own_first_then_general_ones_of_her_skill_the_oldest_first(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, agent_skills=True)
    give_skill(harbor.ana, make_filter(harbor.lakeside, ("state", "is", "AZ")))
    give_skill(harbor.ben, make_filter(harbor.lakeside, ("state", "is", "CA")))
    general = make_leads(harbor.lakeside, 2, state="AZ")
    make_leads(harbor.lakeside, 2, state="CA")
    owned = make_leads(harbor.lakeside, 2, agent=harbor.ana)
    make_leads(harbor.lakeside, 2, agent=harbor.ben)
    session, _ = at_work(campaign, harbor.ana, harbor.ben)
    load(campaign.pk)
    later = make_leads(harbor.lakeside, 1, state="AZ")
    load(campaign.pk)
    HopperEntry.objects.filter(lead__in=later).update(at=Now() + timedelta(seconds=1))
    expected = [*reversed(owned), *reversed(general), *later]
    assert all_of(session) == [lead.pk for lead in expected]


def test_d7_a_higher_priority_goes_before_the_oldest(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    first, second, third = make_leads(harbor.lakeside, 3)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    HopperEntry.objects.filter(lead=first).update(priority=1, at=Now() + timedelta(seconds=1))
    assert all_of(session) == [first.pk, third.pk, second.pk]


def test_d7_without_ownership_anybody_is_given_what_is_general_or_what_she_may_work(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, enforce_lead_ownership=False)
    hers, his = (make_leads(harbor.lakeside, 1, agent=agent)[0] for agent in (harbor.ana, harbor.ben))
    [general] = make_leads(harbor.lakeside, 1)
    session, _ = at_work(campaign, harbor.ana, harbor.ben)
    load(campaign.pk)
    assert set(all_of(session)) == {hers.pk, general.pk}
    assert leads_in(campaign) == [his.pk]


def test_d7_asked_again_it_is_the_same_lead(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 2)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    assert next_lead(session) == next_lead(session)
    assert HopperEntry.objects.filter(reserved_by=session).count() == 1


def test_d3_what_no_longer_fits_her_skill_is_not_given_to_her(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, agent_skills=True)
    give_skill(harbor.ana, make_filter(harbor.lakeside, ("state", "is", "AZ")))
    moved, stayed = make_leads(harbor.lakeside, 2, state="AZ")
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    Lead.objects.filter(pk=moved.pk).update(state="CA")
    assert all_of(session) == [stayed.pk]


@pytest.mark.parametrize(("again", "order"), [(True, [2, 1, 0]), (False, [])])
def test_d8_what_she_skipped_comes_after_the_rest_or_not_before_she_logs_in_anew(
    harbor: Brokerage, again: bool, order: list[int]
) -> None:
    campaign = make_campaign(harbor.lakeside, reinsert_skipped=again)
    leads = make_leads(harbor.lakeside, 3)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    for _ in leads:
        assert next_lead(session) is not None
        skip(session)
    assert all_of(session) == [leads[n].pk for n in order]
    [anew] = at_work(campaign, harbor.ana)
    AgentSession.objects.filter(pk=anew.pk).update(loaded=True)  # by a load that finds nothing to add
    assert len(all_of(anew)) == (0 if again else 3)


def test_d8_a_campaign_may_bring_the_last_skipped_back_first(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, enforce_lead_ownership=False, secondary_priority="lifo")
    leads = make_leads(harbor.lakeside, 3)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    for _ in leads:
        next_lead(session)
        skip(session)
    assert all_of(session) == [lead.pk for lead in leads]


def test_d8_skipped_twice_it_is_the_last_again(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    second, first = make_leads(harbor.lakeside, 2)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    given = []
    for _ in range(5):
        given.append(next_lead(session))
        skip(session)
    assert given == [first.pk, second.pk, first.pk, second.pk, first.pk]


def test_d8_what_one_skipped_is_the_others_in_its_turn(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    [lead] = make_leads(harbor.lakeside, 1)
    hers, his = at_work(campaign, harbor.ana, harbor.ben)
    load(campaign.pk)
    next_lead(hers)
    skip(hers)
    assert next_lead(his) == lead.pk


def test_d8_skipping_has_to_be_allowed_and_of_something(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside, may_skip=False)
    make_leads(harbor.lakeside, 1)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    with pytest.raises(NotNowError):
        skip(session)
    next_lead(session)
    with pytest.raises(NotNowError):
        skip(session)


def test_d7_whatever_a_filter_can_ask_can_be_a_skill(harbor: Brokerage) -> None:
    """Its values are bound by the server, which has to see of what kind they are."""
    for key, label, kind in OWN:
        CustomField.objects.create(company=harbor.company, key=key, label=label, kind=kind)
    campaign = make_campaign(harbor.lakeside, agent_skills=True)
    make_leads(harbor.lakeside, 1)
    skill = make_filter(harbor.lakeside)
    give_skill(harbor.ana, skill)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    for field in KNOWN.values():
        value = {Shape.TEXT: "AZ, CA", Shape.DAY: "2026-01-01"}.get(field.shape, CODES.get(field.key, ["1"])[0])
        for operator in field.operators:
            item = {"field": field.key, "operator": operator.value, "value": value}
            LeadFilter.objects.filter(pk=skill.pk).update(sets=[[[item]]])
            given = next_lead(AgentSession.objects.whole().get(pk=session.pk))
            fits = Lead.objects.filter(fitting(campaign, [skill.pk])[skill.pk]).exists()
            assert (given is not None) == fits
            AgentSession.objects.update(lead=None, state="ready")
            HopperEntry.objects.update(reserved_by=None)


# --- a reservation ----------------------------------------------------------------------------------------------------


def level(user: User, lead: Lead) -> Level:
    lead.refresh_from_db()
    return access_to(load_keyring(fresh(user)), lead).level


def test_v2_d_the_lead_before_her_is_hers_to_work_until_it_is_not_before_her(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.north)
    [lead] = make_leads(harbor.lakeside, 1)
    [session] = at_work(campaign, harbor.dee)
    load(campaign.pk)
    assert level(harbor.dee, lead) == Level.NONE
    next_lead(session)
    assert level(harbor.dee, lead) == Level.WORK
    assert level(harbor.ana, lead) == Level.NONE
    skip(session)
    assert level(harbor.dee, lead) == Level.NONE


def test_v2_d_a_lead_that_changes_hands_is_taken_from_before_her_at_once(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.north)
    [lead] = make_leads(harbor.lakeside, 1)
    [session] = at_work(campaign, harbor.dee)
    load(campaign.pk)
    next_lead(session)
    assign(lead, harbor.ana)
    assert level(harbor.dee, lead) == Level.NONE
    session.refresh_from_db()
    assert (session.state, session.lead_id) == ("ready", None)


def test_d7_the_database_gives_a_lead_to_one_at_a_time(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    [lead] = make_leads(harbor.lakeside, 1)
    hers, his = at_work(campaign, harbor.ana, harbor.ben)
    AgentSession.objects.filter(pk=hers.pk).update(lead=lead, state="preview")
    with pytest.raises(IntegrityError, match="agent_session_lead"), transaction.atomic():
        AgentSession.objects.filter(pk=his.pk).update(lead=lead, state="preview")


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_d9_one_logs_in_where_one_may_join_and_in_one_campaign_at_a_time(harbor: Brokerage) -> None:
    first, second = make_campaign(harbor.lakeside), make_campaign(harbor.north)
    with pytest.raises(NotNowError):
        log_in(user=harbor.eve, campaign=first)
    log_in(user=harbor.ana, campaign=first)
    log_in(user=harbor.ana, campaign=second)
    found = session_of(harbor.ana)
    assert found is not None
    assert found.campaign == second
    assert AgentSession.objects.filter(user=harbor.ana).count() == 2


def test_d9_pausing_has_a_reason_and_is_done_between_two_leads(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 1)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    with pytest.raises(NotNowError):
        pause(session=session, reason="no such reason")
    pause(session=session, reason="lunch")
    assert next_lead(session) is None
    resume(session=session)
    with pytest.raises(NotNowError):
        resume(session=session)
    next_lead(session)
    with pytest.raises(NotNowError):
        pause(session=session, reason="lunch")


def test_d9_who_logs_out_leaves_what_she_looked_at_and_has_had_what_she_called(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 2)
    looking, calling = at_work(campaign, harbor.ana, harbor.ben)
    load(campaign.pk)
    looked_at, called = next_lead(looking), next_lead(calling)
    AgentSession.objects.filter(pk=calling.pk).update(state="on_call")
    for session in (looking, calling):
        end(session)
        end(session)
    assert leads_in(campaign) == [looked_at]
    assert called not in leads_in(campaign)
    assert session_of(harbor.ana) is None


def test_d9_a_lost_session_frees_what_it_had_and_one_that_is_heard_of_does_not(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 2)
    lost, there = at_work(campaign, harbor.ana, harbor.ben)
    load(campaign.pk)
    freed, kept = next_lead(lost), next_lead(there)
    AgentSession.objects.update(heartbeat_at=Now() - LOST_AFTER)
    beat(there)
    tasks.end_lost_sessions()
    tasks.end_lost_sessions()
    assert set(HopperEntry.objects.filter(reserved_by=None).values_list("lead", flat=True)) == {freed}
    assert session_of(harbor.ana) is None
    assert next_lead(there) == kept


def test_d9_an_end_comes_within_a_minute() -> None:
    every = tasks.end_lost_sessions.every
    assert every is not None
    assert LOST_AFTER.total_seconds() + every <= 60


def test_o4_who_leaves_the_company_is_logged_out(harbor: Brokerage) -> None:
    from leads.signals import departing

    campaign = make_campaign(harbor.lakeside)
    at_work(campaign, harbor.ana)
    departing.send(sender=User, user=harbor.ana, units=None)
    assert session_of(harbor.ana) is None


# --- many at once -----------------------------------------------------------------------------------------------------


def test_d7_many_who_ask_at_once_are_given_different_leads(committing_db: str) -> None:
    harbor = brokerage()
    campaign = make_campaign(harbor.lakeside)
    agents = [make_member(harbor.lakeside) for _ in range(8)]
    make_leads(harbor.lakeside, 8)
    sessions = at_work(campaign, *agents)
    load(campaign.pk)
    start = Barrier(len(sessions))

    def ask(session: AgentSession) -> int | None:
        start.wait()
        try:
            return next_lead(session)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(sessions)) as pool:
        given = list(pool.map(ask, sessions))
    assert None not in given
    assert len(set(given)) == 8


def test_d7_two_windows_of_one_agent_are_given_one_lead(committing_db: str) -> None:
    harbor = brokerage()
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 8)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    start = Barrier(4)

    def ask(_: int) -> int | None:
        start.wait()
        try:
            return next_lead(session)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        given = set(pool.map(ask, range(4)))
    assert len(given) == 1
    assert HopperEntry.objects.filter(reserved_by=session).count() == 1


def test_d7_campaigns_without_anything_give_nothing(harbor: Brokerage) -> None:
    [session] = at_work(make_campaign(harbor.lakeside), harbor.ana)
    assert next_lead(session) is None
    assert Campaign.objects.count() == 1


def test_d7_nobody_gets_a_general_lead_before_a_load_has_brought_her_own(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    make_leads(harbor.lakeside, 3)
    [hers] = make_leads(harbor.lakeside, 1, agent=harbor.ben)
    [ana] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    [ben] = at_work(campaign, harbor.ben)
    assert next_lead(ben) is None
    load(campaign.pk)
    assert next_lead(ben) == hers.pk
    assert next_lead(ana) is not None


def test_d9_a_call_of_which_nothing_was_said_is_on_the_timeline(harbor: Brokerage) -> None:
    campaign = make_campaign(harbor.lakeside)
    [lead] = make_leads(harbor.lakeside, 1, agent=harbor.ana)
    [session] = at_work(campaign, harbor.ana)
    load(campaign.pk)
    next_lead(session)
    [number] = lead.contact_points.values_list("value", flat=True)
    attempt = dial(session=session, number=number)
    for _ in range(2):
        end(session)
    [line] = Activity.objects.filter(lead=lead, kind="call")
    assert (line.actor, line.direction, line.outcome) == (harbor.ana, "out", "")
    assert line.body == "What came of it was not written down."
    attempt.refresh_from_db()
    assert attempt.activity_id == line.pk
