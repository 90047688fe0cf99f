"""Shares of turns beside ideal ones, reckoned from what the rotation itself gives out (R3, R11)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.reports.shares import Member, Share, Turns, furthest, shares_of
from routing.rotation import Place, take_turn

WEIGHTS = st.lists(st.integers(1, 10), min_size=1, max_size=12)


def members(weights: list[int]) -> list[Member]:
    return [Member(user_id, weight) for user_id, weight in enumerate(weights, start=1)]


def given_out(weights: list[int], away: list[set[int]]) -> list[Turns]:
    """One turn for each of `away`, who are skipped in it; none where nobody is left."""
    places, turns = [Place(user_id, weight) for user_id, weight in enumerate(weights, start=1)], []
    for gone in away:
        chosen = take_turn([place for place in places if place.user_id not in gone])
        if chosen is not None:
            skipped = tuple((user_id, "paused") for user_id in sorted(gone))
            turns.append(Turns(len(places), skipped, chosen.user_id))
    return turns


@given(WEIGHTS, st.integers(1, 150))
def test_r11_with_nobody_skipped_the_rotation_is_within_one_turn(weights: list[int], count: int) -> None:
    far = furthest(shares_of(members(weights), given_out(weights, [set()] * count)))
    assert far is not None
    assert abs(far.ahead) < 1 + 1e-9


@given(WEIGHTS, st.data())
def test_r11_every_turn_is_somebodys_ideal_share(weights: list[int], data: st.DataObject) -> None:
    people = st.sets(st.integers(1, len(weights)))
    turns = given_out(weights, data.draw(st.lists(people, min_size=1, max_size=60)))
    shares = shares_of(members(weights), turns)
    assert sum(share.ideal for share in shares) == pytest.approx(len(turns))
    assert sum(share.turns for share in shares) == len(turns)
    assert {share.user_id: share.turns for share in shares if share.turns} == Counter(turn.chosen for turn in turns)
    skips = Counter(user_id for turn in turns for user_id, _ in turn.skipped)
    assert {share.user_id: share.skips["paused"] for share in shares if share.skips} == skips


def test_r11_alike_turns_count_as_often_as_there_were() -> None:
    one = shares_of(members([2, 1]), [Turns(2, (), 1), Turns(2, (), 1), Turns(2, ((1, "paused"),), 2)])
    assert one == shares_of(members([2, 1]), [Turns(2, (), 1, count=2), Turns(2, ((1, "paused"),), 2)])
    assert [(share.turns, share.ideal) for share in one] == [(2, pytest.approx(4 / 3)), (1, pytest.approx(5 / 3))]


def test_r11_a_late_joiner_has_no_claim_to_earlier_turns() -> None:
    shares = shares_of(members([1, 1]), [Turns(1, (), 1, count=10), Turns(2, (), 2)])
    assert [share.ideal for share in shares] == [10.5, 0.5]


def test_r11_nobody_knows_what_was_ideal_for_who_left_the_roster() -> None:
    here, gone = shares_of(members([1]), [Turns(1, ((9, "paused"),), 1), Turns(1, (), 7)])
    assert (here.user_id, here.turns, here.ideal) == (1, 1, 2.0)
    assert gone == Share(7, None, turns=1)
    assert gone.ahead == 0
    assert furthest([]) is None
