"""What a manager is told of a roster or policy that somebody changed while she had it open: each thing that differs."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.http import QueryDict

from routing.forms import PlaceForm, PolicyForm
from routing.models import RosterMember, RoutingPolicy
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage
from tests.routing.scenes import lakeside, make_policy

pytestmark = pytest.mark.django_db
MORNINGS: list[object] = [[[0, 2], "09:00", "12:00"]]


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


def told_of_place(harbor: Brokerage, was: dict[str, object], now: dict[str, object]) -> str:
    lead, mine = fresh(harbor.lead), RosterMember.objects.filter(unit=harbor.lakeside, user=harbor.ana)
    mine.update(**was)
    shown = PlaceForm(actor=lead, unit=harbor.lakeside, member=mine.get()).initial["seen"]
    mine.update(**now)
    data = QueryDict(mutable=True)
    data.update({"weight": "2", "enrolled": "on", "seen": shown})
    form = PlaceForm(data, actor=lead, unit=harbor.lakeside, member=mine.get())
    assert form.is_valid()
    assert not form.save()
    return str(form.errors)


def test_what_differs_of_a_place_is_named(harbor: Brokerage) -> None:
    now = {"daily_cap": 5, "open_cap": 0, "hours": MORNINGS, "states": ["AZ", "CA"]}
    said = told_of_place(harbor, {}, now)
    assert "not paused, at most 5 in a day, at most 0 unclaimed at once, working hours " in said
    assert "09:00 to 12:00, licensed in AZ, CA." in said


def test_what_was_taken_off_a_place_is_named(harbor: Brokerage) -> None:
    was = {"daily_cap": 5, "hours": MORNINGS, "states": ["AZ"]}
    said = told_of_place(harbor, was, {"daily_cap": None, "hours": [], "states": []})
    assert "not paused, any number in a day, at any time, licensed anywhere." in said


def test_what_stands_as_it_was_seen_is_not_named(harbor: Brokerage) -> None:
    said = told_of_place(harbor, {"daily_cap": 5, "hours": MORNINGS}, {"open_cap": 2})
    assert "not paused, at most 2 unclaimed at once." in said
    assert "09:00" not in said


@pytest.mark.parametrize(
    ("pauses", "words"), [(MORNINGS, "then Lead, pauses Mon, Wed 09:00 to 12:00."), ([], "then Lead, no pauses.")]
)
def test_pauses_that_differ_are_named(harbor: Brokerage, pauses: list[object], words: str) -> None:
    make_policy(harbor.lakeside, window=timedelta(minutes=30))
    policy = RoutingPolicy.objects.filter(unit=harbor.lakeside)
    policy.update(pauses=[] if pauses else MORNINGS)
    lead = fresh(harbor.lead)
    shown = PolicyForm(actor=lead, unit=harbor.lakeside).initial["seen"]
    policy.update(pauses=pauses)
    data = QueryDict(mutable=True)
    data.update({"round_robin": "on", "minutes": "15", "passes": "2", "fallback": "", "seen": shown})
    form = PolicyForm(data, actor=lead, unit=harbor.lakeside)
    assert form.is_valid()
    assert not form.save()
    assert words in str(form.errors)
    assert json.loads(form.data["seen"])[-1] == json.dumps(pauses)
