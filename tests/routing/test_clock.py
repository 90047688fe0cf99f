"""R7: times of the week and the claim clock, against a count minute by minute over the nights of both changes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.clock import set_clock
from routing.weekly import WEEK, Weekly, days_in_words, is_within, moment, read_weekly, spans

NEW_YORK, SYDNEY = ZoneInfo("America/New_York"), ZoneInfo("Australia/Sydney")
MINUTE = timedelta(minutes=1)
NIGHTS = [  # the changes of two years: forward and back, north and south
    *(datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
    *(datetime(2027, 3, 14, 7, tzinfo=UTC), datetime(2027, 11, 7, 6, tzinfo=UTC)),
    *(datetime(2026, 4, 4, 16, tzinfo=UTC), datetime(2026, 10, 3, 16, tzinfo=UTC)),
    *(datetime(2027, 4, 3, 16, tzinfo=UTC), datetime(2027, 10, 2, 16, tzinfo=UTC)),
]
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 29, 30, 59]))
WINDOWS = st.builds(Weekly, st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple), TIMES, TIMES)
MOMENTS = st.builds(
    lambda night, minutes: night + minutes * MINUTE, st.sampled_from(NIGHTS), st.integers(-4 * 1440, 2 * 1440)
) | st.builds(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE, st.integers(0, 2 * 525_600))


def shown(zone: ZoneInfo, since: datetime, minutes: int) -> Iterator[tuple[datetime, datetime]]:
    """Each minute with the latest time that a clock on the wall has shown until then, where it goes back an hour."""
    latest = None
    for number in range(minutes):
        at = since + number * MINUTE
        wall = at.astimezone(zone).replace(tzinfo=None)
        latest = wall if latest is None or wall > latest else latest
        yield at, latest


def paused(weekly: Sequence[Weekly], wall: datetime) -> bool:
    """The rule itself: some window of today or yesterday has begun and not ended."""
    for one in weekly:
        for day in (wall.date(), wall.date() - timedelta(days=1)):
            start = datetime.combine(day, one.start)
            end = datetime.combine(day + timedelta(days=one.end <= one.start), one.end)
            if day.weekday() in one.days and start <= wall < end:
                return True
    return False


@settings(deadline=None)
@given(st.lists(WINDOWS, max_size=3), st.sampled_from([NEW_YORK, SYDNEY]), MOMENTS)
def test_r7_the_spans_are_the_minutes_in_which_a_window_is_open(
    weekly: list[Weekly], zone: ZoneInfo, since: datetime
) -> None:
    early = since - timedelta(hours=3)  # so that an hour that comes twice is known to
    counted = {at for at, wall in shown(zone, early, 3 * 1440) if at >= since and paused(weekly, wall)}
    until, found = early + timedelta(days=3), set[datetime]()
    for start, end in spans(weekly, zone, since, weeks=2):
        assert start < end
        at = max(start, since)
        while at < min(end, until):
            found.add(at)
            at += MINUTE
    assert found == counted
    assert is_within(weekly, zone, since) == (since in counted)


@settings(deadline=None)
@given(st.lists(WINDOWS, max_size=3), st.sampled_from([NEW_YORK, SYDNEY]), MOMENTS)
def test_r7_spans_come_in_order_and_apart(weekly: list[Weekly], zone: ZoneInfo, since: datetime) -> None:
    found = list(spans(weekly, zone, since, weeks=3))
    assert all(a[1] < b[0] for a, b in itertools.pairwise(found))
    assert all(end > since for _, end in found)


def brute_deadline(offered: datetime, window: int, weekly: Sequence[Weekly], zone: ZoneInfo) -> datetime:
    """Minute by minute: a clock that comes to a pause starts anew at its end, once; then it stands still in pauses."""
    left, anew = window, False
    for at, wall in shown(zone, offered - timedelta(hours=3), 60 * 1440):
        if at < offered:
            continue
        stopped = paused(weekly, wall)
        if stopped and not anew:
            left, anew = window, True
        if not left and not stopped:
            return at
        left -= not stopped
    raise AssertionError("it never ends")


@settings(deadline=None)
@given(st.lists(WINDOWS, max_size=2), st.sampled_from([NEW_YORK, SYDNEY]), MOMENTS, st.integers(1, 1440))
def test_r7_the_deadline_is_that_of_a_count_minute_by_minute(
    weekly: list[Weekly], zone: ZoneInfo, offered: datetime, window: int
) -> None:
    free = WEEK - len({minute for one in weekly for minute in one.minutes()})
    if free < 1440:
        return
    clock = set_clock(offered, window * MINUTE, spans(weekly, zone, offered))
    assert clock.deadline == brute_deadline(offered, window, weekly, zone)
    assert sum((end - start for start, end in clock.runs), timedelta()) == window * MINUTE
    assert clock.runs[-1][1] == clock.deadline
    assert not is_within(weekly, zone, clock.deadline)


NIGHT = Weekly((0, 1, 2, 3, 4, 5, 6), time(20), time(8))


@pytest.mark.parametrize(
    ("offered", "deadline"),
    [
        ("2026-11-18 12:00", "2026-11-18 13:00"),  # nothing in its way
        ("2026-11-18 19:30", "2026-11-19 09:00"),  # it would run into the night: its full hour from eight
        ("2026-11-18 23:00", "2026-11-19 09:00"),  # offered in the night
        ("2026-10-31 19:30", "2026-11-01 09:00"),  # the night that is an hour longer
        ("2026-03-07 23:00", "2026-03-08 09:00"),  # the night that is an hour shorter
        ("2026-11-18 19:00", "2026-11-19 09:00"),  # no transfer at the very moment in which the pause begins
    ],
)
def test_r7_a_full_window_from_the_end_of_the_pause(offered: str, deadline: str) -> None:
    at = datetime.fromisoformat(offered).replace(tzinfo=NEW_YORK).astimezone(UTC)
    clock = set_clock(at, timedelta(hours=1), spans([NIGHT], NEW_YORK, at))
    assert clock.deadline.astimezone(NEW_YORK) == datetime.fromisoformat(deadline).replace(tzinfo=NEW_YORK)


def test_r7_after_its_new_start_the_clock_stands_still_in_pauses() -> None:
    """Noon to one is a pause, and two to three: offered at noon, ninety minutes end at half past three."""
    lunch = [Weekly((2,), time(12), time(13)), Weekly((2,), time(14), time(15))]
    at = datetime(2026, 11, 18, 12, tzinfo=NEW_YORK).astimezone(UTC)
    clock = set_clock(at, timedelta(minutes=90), spans(lunch, NEW_YORK, at))
    assert clock.deadline.astimezone(NEW_YORK) == datetime(2026, 11, 18, 15, 30, tzinfo=NEW_YORK)
    assert [(end - start).seconds // 60 for start, end in clock.runs] == [60, 30]


def test_r7_a_time_that_is_left_out_is_the_moment_of_the_change() -> None:
    day = datetime(2026, 3, 8, tzinfo=UTC).date()
    assert moment(day, time(2, 30), NEW_YORK) == datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert moment(day, time(3, 0), NEW_YORK) == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_times_of_the_week_are_read_and_said() -> None:
    [one] = read_weekly([[[0, 1, 2, 3, 4, 6], "20:00", "08:00"]])
    assert str(one) == "Mon–Fri, Sun 20:00 to 08:00"
    assert days_in_words((0, 1, 2, 3, 4, 5, 6)) == "every day"
    assert len(set(one.minutes())) == 6 * 720
