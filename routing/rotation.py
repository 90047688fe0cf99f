"""Smooth weighted round robin, and how a lead walks through a roster (R3, R4, R8). Pure: standard library only.

Each turn every eligible place earns its weight in credit; the richest is chosen and pays the sum of what was earned.
From a fresh start nobody's share is ever a full turn away from ideal, and heavy places are spread out, not bunched
(the algorithm is nginx's smooth weighted balancing, https://github.com/phusion/nginx/commit/27e94984486058d).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

HAD_IT = "had it already this pass"
JUST_HAD_IT = "just had it"


@dataclass
class Place:
    """A place on a roster. `skip` says why it cannot receive now; empty: it can. Choosing changes `credit`."""

    user_id: int
    weight: int = 1
    credit: int = 0
    skip: str = ""


@dataclass(frozen=True)
class Choice:
    """Who is next in which pass, and who was skipped for what; nobody once the passes are used up."""

    user_id: int | None
    pass_number: int
    skipped: tuple[tuple[int, str], ...]


def take_turn(places: Sequence[Place]) -> Place | None:
    """The next of `places` (roster order breaks ties), with credits moved on; None of none."""
    if not places:
        return None
    for place in places:
        place.credit += place.weight
    chosen = max(places, key=lambda place: place.credit)
    chosen.credit -= sum(place.weight for place in places)
    return chosen


def next_for_lead(
    places: Sequence[Place], *, had_it: Collection[int], last: int | None, pass_number: int, passes: int
) -> Choice:
    """Who gets a lead that `had_it` already received in this pass, `last` most recently.

    When everybody had it a new pass begins; whoever had it last waits while another is eligible.
    """
    able = [place for place in places if not place.skip]
    fresh = [place for place in able if place.user_id not in had_it]
    if not fresh and pass_number < passes:
        pass_number, had_it = pass_number + 1, ()
        fresh = [place for place in able if place.user_id != last] or able
    chosen = take_turn(fresh)
    reasons = [(place.user_id, place.skip or (HAD_IT if place.user_id in had_it else JUST_HAD_IT)) for place in places]
    in_turn = {place.user_id for place in fresh}
    skipped = tuple((user, reason) for user, reason in reasons if user not in in_turn)
    return Choice(chosen.user_id if chosen else None, pass_number, skipped)
