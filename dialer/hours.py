"""When somebody may be called (D14): hours of the week by state, in the time zones where they may be. Pure.

What stands in a gap of the clock opens with the gap's end; an hour that comes twice is open twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = Sequence[Any]  # days, from, to: [[0, 1], "08:00", "21:00"]
Span = tuple[int, int]  # minutes of the day, the second one out of it
Week = tuple[tuple[Span, ...], ...]  # of Monday to Sunday
EVERYWHERE = ""  # the hours of all states that have none of their own
USUAL: dict[str, list[Row]] = {EVERYWHERE: [[[0, 1, 2, 3, 4, 5, 6], "08:00", "21:00"]]}
AHEAD = 15  # days in which the next opening is looked for
SECOND = timedelta(seconds=1)


def minutes(clock: str) -> int:
    """Of the day: `08:30` is 510."""
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)


def week_of(rows: Sequence[Row]) -> Week:
    """The spans of each day of the week."""
    return tuple(
        tuple(sorted((minutes(start), minutes(end)) for days, start, end in rows if day in days)) for day in range(7)
    )


@dataclass(frozen=True)
class Rules:
    """The weeks by state; `within` narrows every day, as a campaign may."""

    weeks: Mapping[str, Week]
    within: Span = (0, 24 * 60)

    @classmethod
    def of(cls, states: Mapping[str, Sequence[Row]], within: Span | None = None) -> Rules:
        weeks = {state: week_of(rows) for state, rows in states.items()}
        return cls(weeks, within) if within else cls(weeks)

    @property
    def own_states(self) -> list[str]:
        """Those with hours of their own."""
        return sorted(self.weeks.keys() - {EVERYWHERE})

    def spans(self, state: str, day: date) -> Iterator[Span]:
        first, last = self.within
        for start, end in self.weeks.get(state, self.weeks[EVERYWHERE])[day.weekday()]:
            if max(start, first) < min(end, last):
                yield max(start, first), min(end, last)


def is_open(rules: Rules, state: str, zone: str, at: datetime) -> bool:
    """Whether somebody of this state may be called at this moment, if that is where she is."""
    there = at.astimezone(ZoneInfo(zone))
    now = there.hour * 60 + there.minute
    return any(start <= now < end for start, end in rules.spans(state, there.date()))


def all_open(rules: Rules, state: str, zones: Collection[str], at: datetime) -> bool:
    """Whether she may be called in whichever of these zones she is."""
    return all(is_open(rules, state, zone, at) for zone in zones)


def next_open(rules: Rules, state: str, zones: Collection[str], at: datetime) -> datetime | None:
    """The first moment, from `at` on, that is open in all of the zones; None where none is near."""
    if not zones or all_open(rules, state, zones, at):
        return at
    openings = sorted({moment for zone in zones for moment in _openings(rules, state, ZoneInfo(zone), at)})
    return next((moment for moment in openings if moment > at and all_open(rules, state, zones, moment)), None)


def _openings(rules: Rules, state: str, zone: ZoneInfo, at: datetime) -> Iterator[datetime]:
    """The moments at which it may open there: when a span begins, and when the clock is put forward or back."""
    today = at.astimezone(zone).date()
    for ahead in range(AHEAD):
        day = today + timedelta(days=ahead)
        for start, _ in rules.spans(state, day):
            for fold in (0, 1):
                local = datetime.combine(day, time(start // 60, start % 60), zone).replace(fold=fold)
                yield local.astimezone(UTC)
        begin = datetime.combine(day, time(), UTC)
        yield from _shift(zone, begin, begin + timedelta(days=1))


def _shift(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[datetime]:
    """The moment between these at which the offset changes, if it does."""
    before = first.astimezone(zone).utcoffset()
    if before == last.astimezone(zone).utcoffset():
        return
    while last - first > SECOND:
        middle = first + timedelta(seconds=(last - first) // SECOND // 2)
        if middle.astimezone(zone).utcoffset() == before:
            first = middle
        else:
            last = middle
    yield last
