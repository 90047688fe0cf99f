"""Caps, hours and licences: who is skipped for what, and when hours do not count (R3, R4, R7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from leads.models import Lead
from leads.states import code_of
from routing.models import Decision, Offer, RosterMember
from routing.rotation import AT_CAP, OFF_HOURS, UNLICENSED, Place, able, first_able, next_for_lead
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage
from tests.routing.scenes import holders, lakeside, make_policy, on_roster, route

PLACES = st.builds(
    Place,
    user_id=st.integers(1, 10**6),
    weight=st.integers(1, 10),
    skip=st.sampled_from(["", "", "", "paused"]),
    room=st.none() | st.integers(0, 3),
    states=st.sampled_from([frozenset(), frozenset({"AZ"}), frozenset({"AZ", "CA"})]),
    off_hours=st.booleans(),
)
ROSTERS = st.lists(PLACES, min_size=1, max_size=8, unique_by=lambda place: place.user_id)
STATES = st.sampled_from(["", "AZ", "ca ", "TX"])


@given(ROSTERS, STATES)
def test_r4_whoever_is_chosen_may_receive_it_and_all_others_have_a_reason(places: list[Place], state: str) -> None:
    allowed = {place.user_id for place in places if not place.why_not(code_of(state))}
    choice = next_for_lead(places, had_it=(), last=None, pass_number=1, passes=2, state=state)
    assert (choice.user_id is None) == (not allowed)
    assert choice.user_id is None or choice.user_id in allowed
    ready, reasons = able(places, state)
    assert {user for user, _ in choice.skipped} <= {place.user_id for place in places}
    assert all(reason for _, reason in choice.skipped)
    on_duty = {place.user_id for place in places if place.user_id in allowed and not place.off_hours}
    assert choice.user_id is None or not on_duty or choice.user_id in on_duty
    assert all(reasons[place.user_id] == "" for place in ready)


@given(ROSTERS, STATES, st.integers(1, 40))
def test_r3_nobody_gets_more_than_her_cap(places: list[Place], state: str, leads: int) -> None:
    caps = {place.user_id: place.room for place in places}
    got = [
        next_for_lead(places, had_it=(), last=None, pass_number=1, passes=1, state=state).user_id for _ in range(leads)
    ]
    for user, cap in caps.items():
        assert cap is None or got.count(user) <= cap


def test_r2_number_one_is_the_first_who_can() -> None:
    places = [Place(1, skip="paused"), Place(2, states=frozenset({"CA"})), Place(3)]
    choice = first_able(places, "AZ")
    assert (choice.user_id, choice.skipped) == (3, ((1, "paused"), (2, UNLICENSED)))


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


def place(user: Any, **fields: Any) -> None:
    RosterMember.objects.filter(user=user).update(**fields)


def routed(harbor: Brokerage, **fields: Any) -> Lead:
    lead = make_lead(harbor.lakeside, **fields)
    route(harbor.lakeside, lead)
    lead.refresh_from_db()
    return lead


def reasons(lead: Lead) -> dict[int, str]:
    skipped: list[tuple[int, str]] = Decision.objects.get(lead=lead).skipped
    return dict(skipped)


pytestmark = pytest.mark.django_db


def test_r3_a_daily_cap_ends_her_day_and_the_next_day_begins_anew(harbor: Brokerage) -> None:
    place(harbor.ana, daily_cap=1)
    leads = [make_lead(harbor.lakeside) for _ in range(4)]
    route(harbor.lakeside, *leads)
    assert sorted(holders(leads)) == sorted([harbor.ana.pk, *[harbor.ben.pk] * 3])
    lead = routed(harbor)
    assert (lead.agent, reasons(lead)[harbor.ana.pk]) == (harbor.ben, AT_CAP)
    Decision.objects.update(at=timezone.now() - timedelta(days=2))
    place(harbor.ben, paused=True)
    assert routed(harbor).agent == harbor.ana


def test_r3_a_cap_of_none_receives_none_and_no_cap_any_number(harbor: Brokerage) -> None:
    place(harbor.ana, daily_cap=0)
    leads = [make_lead(harbor.lakeside) for _ in range(3)]
    route(harbor.lakeside, *leads)
    assert holders(leads) == [harbor.ben.pk] * 3


def test_r3_open_offers_at_once_are_counted_and_free_when_they_end(harbor: Brokerage) -> None:
    place(harbor.ana, open_cap=1)
    place(harbor.ben, paused=True)
    first, second = routed(harbor), routed(harbor)
    assert (first.agent, second.agent) == (harbor.ana, harbor.lead)
    assert reasons(second)[harbor.ana.pk] == AT_CAP
    Offer.objects.filter(lead=first).update(state="claimed", closed_at=timezone.now())
    assert routed(harbor).agent == harbor.ana


def test_r3_number_one_has_her_caps_too(harbor: Brokerage) -> None:
    make_policy(harbor.lakeside, round_robin=False, fallback=harbor.lead)
    place(harbor.ana, daily_cap=2)
    leads = [make_lead(harbor.lakeside) for _ in range(3)]
    route(harbor.lakeside, *leads)
    assert holders(leads) == [harbor.ana.pk, harbor.ana.pk, harbor.ben.pk]


def test_r4_a_lead_of_a_state_goes_to_who_is_licensed_there(harbor: Brokerage) -> None:
    place(harbor.ana, states=["AZ"])
    place(harbor.ben, states=["CA"])
    lead = routed(harbor, state="ca")
    assert (lead.agent, reasons(lead)) == (harbor.ben, {harbor.ana.pk: UNLICENSED})
    assert routed(harbor, state="TX").agent == harbor.lead  # nobody is: the fallback


def off_now(user: Any) -> list[Any]:
    """Hours that are over for today, in her zone."""
    from zoneinfo import ZoneInfo

    there = timezone.now().astimezone(ZoneInfo(user.time_zone))
    return [[[(there.weekday() + 3) % 7], "09:00", "10:00"]]


def test_r4_outside_her_hours_she_is_skipped_unless_nobody_else_is_there(harbor: Brokerage) -> None:
    place(harbor.ana, hours=off_now(harbor.ana))
    lead = routed(harbor)
    assert (lead.agent, reasons(lead)) == (harbor.ben, {harbor.ana.pk: OFF_HOURS})
    place(harbor.ben, paused=True)
    assert routed(harbor).agent == harbor.ana  # R7: nobody is within hours, so that hours do not count


def test_r7_in_a_pause_hours_do_not_count_and_the_lead_is_offered_at_once(harbor: Brokerage) -> None:
    place(harbor.ana, hours=off_now(harbor.ana))
    make_policy(harbor.lakeside, fallback=harbor.lead, pauses=around_now(harbor))
    agents = [routed(harbor).agent for _ in range(2)]
    assert {harbor.ana, harbor.ben} == set(agents)
    for offer in Offer.objects.all():
        assert offer.deadline - offer.offered_at > timedelta(minutes=60)
        assert sum_of(offer.runs) == timedelta(minutes=60)


def around_now(harbor: Brokerage) -> list[Any]:
    """A pause that began an hour ago and lasts an hour more, in the unit's zone."""
    from zoneinfo import ZoneInfo

    there = timezone.now().astimezone(ZoneInfo(harbor.lakeside.time_zone))
    start, end = there - timedelta(hours=1), there + timedelta(hours=1)
    return [[[start.weekday()], f"{start:%H:%M}", f"{end:%H:%M}"]]


def sum_of(runs: list[list[str]]) -> timedelta:
    from datetime import datetime

    read = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in runs]
    return sum((end - start for start, end in read), timedelta())


def test_r7_no_offer_is_handed_on_in_a_pause_and_passing_is_at_once(harbor: Brokerage) -> None:
    from routing.services.claiming import decline
    from routing.services.handing_out import expire_due

    lead = routed(harbor)
    offer = Offer.objects.get(lead=lead)
    Offer.objects.update(deadline=timezone.now() - timedelta(hours=1))
    make_policy(harbor.lakeside, fallback=harbor.lead, pauses=around_now(harbor))
    assert expire_due() == 0
    assert Offer.objects.get(pk=offer.pk).state == "open"
    assert offer.user is not None
    decline(lead=lead, user=offer.user)
    assert Offer.objects.get(lead=lead, state="open").user != offer.user
    make_policy(harbor.lakeside, fallback=harbor.lead, pauses=[])
    Offer.objects.filter(state="open").update(deadline=timezone.now() - timedelta(hours=1))
    assert expire_due() == 1


def test_r4_licences_skip_nobody_for_a_lead_without_a_state(harbor: Brokerage) -> None:
    place(harbor.ana, states=["AZ"])
    place(harbor.ben, states=["CA"])
    lead = routed(harbor, state=" ")
    assert (lead.agent, reasons(lead)) == (harbor.ana, {})


def test_r4_a_lead_whose_state_is_spelled_out_is_of_that_state(harbor: Brokerage) -> None:
    place(harbor.ana, states=["CA"])
    place(harbor.ben, states=["ARIZONA"])
    assert routed(harbor, state=" arizona").agent == harbor.ben


def test_r3_a_third_person_is_untouched_by_the_limits_of_others(harbor: Brokerage) -> None:
    on_roster(harbor.lakeside, harbor.lead)
    place(harbor.ana, daily_cap=0)
    place(harbor.ben, states=["AZ"])
    assert routed(harbor, state="CA").agent == harbor.lead
