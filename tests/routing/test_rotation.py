"""The rotation's promises, over any weights, pauses and losses (R3, R8)."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.rotation import HAD_IT, JUST_HAD_IT, Place, next_for_lead, take_turn

WEIGHTS = st.lists(st.integers(1, 10), min_size=1, max_size=25)
TURNS = 300


def roster(weights: list[int]) -> list[Place]:
    return [Place(user_id, weight) for user_id, weight in enumerate(weights, start=1)]


def turn(places: list[Place]) -> int:
    chosen = take_turn(places)
    assert chosen is not None
    return chosen.user_id


@given(WEIGHTS)
def test_r3_nobodys_share_is_ever_a_turn_away_from_ideal(weights: list[int]) -> None:
    places, counts, total = roster(weights), Counter[int](), sum(weights)
    for turns in range(1, 2 * total + 1):
        counts[turn(places)] += 1
        for place in places:
            assert abs(counts[place.user_id] * total - turns * place.weight) < total


@given(WEIGHTS)
def test_r3_a_full_round_is_exactly_by_weight_and_then_starts_again(weights: list[int]) -> None:
    places = roster(weights)
    counts = Counter(turn(places) for _ in range(sum(weights)))
    assert all(counts[place.user_id] == place.weight and place.credit == 0 for place in places)


@given(st.integers(1, 12), st.integers(1, 10), st.integers(0, 60), st.integers(1, 60))
def test_r3_with_equal_weights_nobody_is_more_than_one_ahead_over_any_stretch(
    people: int, weight: int, start: int, length: int
) -> None:
    places = roster([weight] * people)
    given_out = [turn(places) for _ in range(start + length)]
    counts = Counter(given_out[start:])
    stretch = [counts[place.user_id] for place in places]
    assert max(stretch) - min(stretch) <= 1


@given(WEIGHTS)
def test_r3_over_any_stretch_nobody_is_two_turns_away_whatever_the_weights(weights: list[int]) -> None:
    """From a fresh start it is one (above); between two moments in the middle, two such deviations can add up."""
    places, total = roster(weights), sum(weights)
    ahead = {place.user_id: [0] for place in places}  # after each turn, in parts of a turn
    for _ in range(2 * total):
        chosen = turn(places)
        for place in places:
            ahead[place.user_id].append(
                ahead[place.user_id][-1] + (total if place.user_id == chosen else 0) - place.weight
            )
    assert all(max(parts) - min(parts) < 2 * total for parts in ahead.values())


@pytest.mark.parametrize("weights", [(3, 2, 1), (10, 3, 1), (9, 5, 4, 1)])
def test_r3_no_order_at_all_keeps_every_stretch_of_these_weights_within_one_turn(weights: tuple[int, ...]) -> None:
    """So less than two turns, over stretches that begin in the middle, is what can be promised for any weights."""
    assert not orders(weights, 3 * sum(weights))
    assert orders((1, 1, 1), 9)
    assert orders((4, 2, 1), 21)


def orders(weights: tuple[int, ...], turns: int) -> list[tuple[int, ...]]:
    """Orders of so many turns in which nobody is a turn away from ideal over any stretch: one for each standing."""
    total, nobody = sum(weights), (0,) * len(weights)
    standings = {(nobody, nobody, nobody): ()}  # now, and the least and the most that each was ahead
    for _ in range(turns):
        further: dict[Any, tuple[int, ...]] = {}
        for (now, least, most), order in standings.items():
            for chosen in range(len(weights)):
                after = tuple(
                    n - w + (total if one == chosen else 0) for one, (n, w) in enumerate(zip(now, weights, strict=True))
                )
                low, high = tuple(map(min, least, after)), tuple(map(max, most, after))
                if all(top - bottom < total for bottom, top in zip(low, high, strict=True)):
                    further[after, low, high] = (*order, chosen)
        standings = further
    return list(standings.values())


@given(WEIGHTS, st.integers(0, 40), st.data())
def test_r3_pausing_keeps_ones_place_and_turn(weights: list[int], before: int, data: st.DataObject) -> None:
    """What was owed to her before the pause is owed to her after it."""
    places = roster([*weights, 1])
    for _ in range(before):
        turn(places)
    away = data.draw(st.sampled_from(places))
    owed, order = away.credit, [place.user_id for place in places]
    for _ in range(TURNS):
        turn([place for place in places if place is not away])
    assert (away.credit, [place.user_id for place in places]) == (owed, order)


@given(st.integers(2, 10), st.integers(0, 40), st.integers(1, 200), st.data())
def test_r3_while_one_is_paused_the_others_share_evenly(
    people: int, before: int, length: int, data: st.DataObject
) -> None:
    places = roster([1] * people)
    for _ in range(before):
        turn(places)
    away = data.draw(st.sampled_from(places))
    others = [place for place in places if place is not away]
    counts = Counter(turn(others) for _ in range(length))
    shares = [counts[place.user_id] for place in others]
    assert max(shares) - min(shares) <= 2


@given(st.integers(1, 10), st.integers(0, 500))
def test_r3_a_late_joiner_gets_her_share_from_now_on_and_no_burst(people: int, before: int) -> None:
    places = roster([1] * people)
    for _ in range(before):
        turn(places)
    places.append(Place(people + 1))
    given_out = [turn(places) for _ in range(4 * (people + 1))]
    for length in range(1, len(given_out) + 1):
        assert given_out[:length].count(people + 1) <= length / (people + 1) + 1


SKIPS = st.lists(st.sampled_from(["", "", "", "paused", "not enrolled", "out of office"]), min_size=1, max_size=9)


@given(SKIPS, st.integers(1, 4), st.integers(0, 50))
def test_r8_a_lead_goes_to_everybody_once_a_pass_and_ends(skips: list[str], passes: int, before: int) -> None:
    places = [Place(user_id, skip=skip) for user_id, skip in enumerate(skips, start=1)]
    able = [place for place in places if not place.skip]
    for _ in range(before):
        take_turn(able)
    way: list[list[int]] = [[] for _ in range(passes)]
    last, pass_number = None, 1
    for _ in range(len(able) * passes):
        had_it = way[pass_number - 1]
        choice = next_for_lead(places, had_it=had_it, last=last, pass_number=pass_number, passes=passes)
        assert choice.user_id is not None
        pass_number, last = choice.pass_number, choice.user_id
        way[pass_number - 1].append(last)
    for offered in way:
        assert sorted(offered) == [place.user_id for place in able]
    over = next_for_lead(places, had_it=way[-1], last=last, pass_number=passes, passes=passes)
    assert (over.user_id, over.pass_number) == (None, passes)
    for earlier, later in pairwise(way):
        assert len(able) <= 1 or later[0] != earlier[-1]


@given(SKIPS)
def test_r4_everybody_who_was_skipped_has_the_reason(skips: list[str]) -> None:
    places = [Place(user_id, skip=skip) for user_id, skip in enumerate(skips, start=1)]
    able = [place.user_id for place in places if not place.skip]
    first = next_for_lead(places, had_it=(), last=None, pass_number=1, passes=2)
    assert dict(first.skipped) == {place.user_id: place.skip for place in places if place.skip}
    if len(able) < 2 or first.user_id is None:
        return
    had = [first.user_id]
    second = next_for_lead(places, had_it=had, last=first.user_id, pass_number=1, passes=2)
    assert dict(second.skipped)[first.user_id] == HAD_IT
    again = next_for_lead(places, had_it=able, last=able[-1], pass_number=1, passes=2)
    assert again.pass_number == 2
    assert dict(again.skipped)[able[-1]] == JUST_HAD_IT


@given(st.integers(2, 8), st.data())
def test_r8_whoever_sits_beside_a_loser_does_not_get_double(people: int, data: st.DataObject) -> None:
    """One member lets everything run out: the others share all of it evenly, in whatever place she sits."""
    places = roster([1] * people)
    loser = data.draw(st.integers(1, people))
    kept = Counter[int]()
    for _ in range(TURNS):
        choice = next_for_lead(places, had_it=(), last=None, pass_number=1, passes=2)
        if choice.user_id == loser:
            choice = next_for_lead(places, had_it=[loser], last=loser, pass_number=choice.pass_number, passes=2)
        assert choice.user_id is not None
        kept[choice.user_id] += 1
    shares = [kept[place.user_id] for place in places if place.user_id != loser]
    assert max(shares) - min(shares) <= 2


def test_r8_nobody_on_the_roster_is_nobody_at_once() -> None:
    choice = next_for_lead([], had_it=(), last=None, pass_number=1, passes=2)
    assert choice.user_id is None
    assert take_turn([]) is None
