"""Times of the week on a wall clock, and the moments they stand for. Pure: standard library only.

A span lasts from the first moment at which a clock on the wall has reached its start to the first at which it has reached
its end. So in the night in which an hour comes twice it begins and ends once, and a time that is left out is the moment
of the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]  # from, to (not included); both in UTC
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEK = 7 * 1440  # minutes
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True)
class Weekly:
    """From `start` to `end` on these days (0: Monday); into the next day where the end is not after the start."""

    days: tuple[int, ...]
    start: time
    end: time

    def on(self, day: date, zone: ZoneInfo) -> Span:
        """The span that begins on this day."""
        last = day if self.end > self.start else day + DAY
        return moment(day, self.start, zone), moment(last, self.end, zone)

    def minutes(self) -> Iterator[int]:
        """Which minutes of a usual week, from 0 on Monday to WEEK - 1."""
        start, end = (at.hour * 60 + at.minute for at in (self.start, self.end))
        for day in self.days:
            for minute in range((end - start) % 1440 or 1440):
                yield (day * 1440 + start + minute) % WEEK

    def __str__(self) -> str:
        return f"{days_in_words(self.days)} {self.start:%H:%M} to {self.end:%H:%M}"


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """When the wall clock first reaches this time."""
    early = datetime.combine(day, at, zone).astimezone(UTC)
    if early.astimezone(zone).time() == at:
        return early
    # left out in spring: read with the offset from before the change it is after it, with the later one before it
    late, after = datetime.combine(day, at, zone).replace(fold=1).astimezone(UTC), early.astimezone(zone).utcoffset()
    while late.astimezone(zone).utcoffset() != after:
        late += MINUTE
    return late


def spans(weekly: Sequence[Weekly], zone: ZoneInfo, since: datetime, weeks: int = 60) -> Iterator[Span]:
    """The spans that are not over at `since`, in order; those that touch are one."""
    first = since.astimezone(zone).date() - 2 * DAY
    begun = (first + number * DAY for number in range(weeks * 7))
    daily = (one.on(day, zone) for day in begun for one in weekly if day.weekday() in one.days)
    return _joined(span for span in _in_order(daily) if span[1] > since)


def _in_order(daily: Iterable[Span]) -> Iterator[Span]:
    """Of spans by the day on which they begin."""
    waiting: list[Span] = []
    for span in daily:
        sure = span[0] - 2 * DAY
        yield from sorted(one for one in waiting if one[0] < sure)
        waiting = [one for one in waiting if one[0] >= sure] + ([span] if span[0] < span[1] else [])
    yield from sorted(waiting)


def _joined(ordered: Iterable[Span]) -> Iterator[Span]:
    current: Span | None = None
    for start, end in ordered:
        if current is None or start > current[1]:
            if current:
                yield current
            current = (start, end)
        else:
            current = (current[0], max(current[1], end))
    if current:
        yield current


def is_within(weekly: Sequence[Weekly], zone: ZoneInfo, now: datetime) -> bool:
    first = next(spans(weekly, zone, now, weeks=2), None)
    return first is not None and first[0] <= now


def read_weekly(stored: Iterable[Sequence[object]]) -> tuple[Weekly, ...]:
    """From rows as they are stored: `[[0, 1], "20:00", "08:00"]`."""
    found = []
    for days, start, end in stored:
        assert isinstance(days, list)
        found.append(Weekly(tuple(days), time.fromisoformat(str(start)), time.fromisoformat(str(end))))
    return tuple(found)


def days_in_words(days: Sequence[int]) -> str:
    """`Mon–Fri`, `Sat, Sun`, `every day`."""
    ordered = sorted(set(days))
    if len(ordered) == 7:
        return "every day"
    runs: list[list[int]] = []
    for day in ordered:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        f"{DAYS[run[0]]}–{DAYS[run[-1]]}" if len(run) > 2 else ", ".join(DAYS[d] for d in run) for run in runs
    )
