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

from leads.states import code_of

HAD_IT = "had it already this pass"
JUST_HAD_IT = "just had it"
OFF_HOURS = "outside working hours"
AT_CAP = "at cap"
UNLICENSED = "not licensed for the state"
NOBODY_IN, IN_PAUSE = "nobody", "pause"  # why working hours did not count


@dataclass
class Place:
    """A place on a roster. `skip` says why it cannot receive now; empty: it can. Choosing changes `credit` and `room`.

    `room`: how many leads it may have until its cap; None: any number. `states`: where she is licensed; empty: anywhere.
    `off_in_pause`: outside her hours, which do not count as a pause lasts.
    """

    user_id: int
    weight: int = 1
    credit: int = 0
    skip: str = ""
    room: int | None = None
    states: frozenset[str] = frozenset()
    off_hours: bool = False
    off_in_pause: bool = False

    def why_not(self, state: str) -> str:
        """Why it cannot receive a lead of this state (by its code), whatever the hour. Licences say nothing of a lead
        without a state.
        """
        if self.skip:
            return self.skip
        if self.room is not None and self.room <= 0:
            return AT_CAP
        return UNLICENSED if self.states and state and state not in self.states else ""

    def why_not_now(self) -> str:
        """Why it is not in turn at this moment, whatever the lead's state."""
        return self.skip or (
            AT_CAP if self.room is not None and self.room <= 0 else OFF_HOURS if self.off_hours else ""
        )

    @property
    def aside(self) -> str:
        """If she is chosen, why her working hours did not count; empty where they did, or she is within them."""
        return NOBODY_IN if self.off_hours else IN_PAUSE if self.off_in_pause else ""

    def receive(self) -> None:
        """One lead less until the cap."""
        if self.room is not None:
            self.room -= 1


@dataclass(frozen=True)
class Choice:
    """Who is next in which pass, and who was skipped for what; nobody once the passes are used up. `aside` says why her
    working hours did not count, if so.
    """

    user_id: int | None
    pass_number: int
    skipped: tuple[tuple[int, str], ...]
    aside: str = ""


def take_turn(places: Sequence[Place]) -> Place | None:
    """The next of `places` (roster order breaks ties), with credits moved on; None of none."""
    if not places:
        return None
    total = sum([place.weight for place in places])

    def order(place: Place) -> tuple[int, int]:
        """By the turns left until a whole turn behind; then the richest."""
        return (total - place.credit - 1) // place.weight, -place.credit

    for place in places:
        place.credit += place.weight
    owed = [place for place in places if place.credit > 0]
    chosen = min(owed, key=order) if owed else max(places, key=lambda place: place.credit)
    chosen.credit -= total
    return chosen


def able(places: Sequence[Place], state: str) -> tuple[list[Place], dict[int, str]]:
    """Who may receive a lead of this state, and why the others may not.

    Working hours count only while somebody who may receive it is within hers (R7).
    """
    code = code_of(state)
    reasons = {place.user_id: place.why_not(code) for place in places}
    ready = [place for place in places if not reasons[place.user_id]]
    on_duty = [place for place in ready if not place.off_hours]
    if on_duty:
        reasons |= {place.user_id: OFF_HOURS for place in ready if place.off_hours}
    return on_duty or ready, reasons


def next_for_lead(
    places: Sequence[Place],
    *,
    had_it: Collection[int],
    last: int | None,
    pass_number: int,
    passes: int,
    state: str = "",
) -> Choice:
    """Who gets a lead of this state that `had_it` already received in this pass, `last` most recently.

    When everybody had it a new pass begins; whoever had it last waits while another is eligible.
    """
    ready, reasons = able(places, state)
    fresh = [place for place in ready if place.user_id not in had_it]
    if not fresh and pass_number < passes:
        pass_number, had_it = pass_number + 1, ()
        fresh = [place for place in ready if place.user_id != last] or ready
    chosen = take_turn(fresh)
    if chosen:
        chosen.receive()
    in_turn = {place.user_id for place in fresh}
    skipped = tuple(
        (one, reason or (HAD_IT if one in had_it else JUST_HAD_IT))
        for one, reason in reasons.items()
        if one not in in_turn
    )
    return Choice(chosen.user_id if chosen else None, pass_number, skipped, chosen.aside if chosen else "")


def first_able(places: Sequence[Place], state: str) -> Choice:
    """Number one on the roster, or the first after her who can receive it (R2); nobody where none can."""
    ready, reasons = able(places, state)
    if not ready:
        return Choice(None, 1, tuple(reasons.items()))
    ready[0].receive()
    before = [(place.user_id, reasons[place.user_id]) for place in places[: places.index(ready[0])]]
    return Choice(ready[0].user_id, 1, tuple(before), ready[0].aside)
