"""Smooth weighted round robin, and how a lead walks through a roster (R3, R4, R8). Pure: standard library only.

Each turn every eligible place earns its weight in credit, and the chosen one pays the sum of what was earned. Chosen is,
of those that are owed anything, whoever would soonest be a whole turn behind; the richest of several. So from a fresh
start nobody's share is ever a full turn away from ideal, whatever the weights (always choosing the richest, as nginx
does, drifts beyond a turn from seven places on). It is the earliest-deadline rule of proportionate progress: Baruah and
others, "Proportionate progress: a notion of fairness in resource allocation", 1996.
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
    total = sum(place.weight for place in places)
    for place in places:
        place.credit += place.weight
    chosen = min(places, key=lambda place: _order(place, total))
    chosen.credit -= total
    return chosen


def _order(place: Place, total: int) -> tuple[bool, int, int]:
    """Owed anything before owed nothing; then by the turns left until she is a whole turn behind; then the richest."""
    owed = place.credit > 0
    return not owed, (total - place.credit - 1) // place.weight if owed else 0, -place.credit


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
