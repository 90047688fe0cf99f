"""Calling hours by the clocks where somebody may be (D14), also in the nights in which a clock is put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.hours import USUAL, Row, Rules, all_open, is_open, next_open

NEW_YORK, PHOENIX, ANGELES, LORD_HOWE = (
    "America/New_York",
    "America/Phoenix",
    "America/Los_Angeles",
    "Australia/Lord_Howe",
)
USUALLY = Rules.of(USUAL)
TEXAS = Rules.of({**USUAL, "TX": [[[0, 1, 2, 3, 4, 5], "09:00", "21:00"], [[6], "12:00", "21:00"]]})
CHANGES = [datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC)]


def at(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("local", "expected"),
    [("07:59", False), ("08:00", True), ("20:59:59", True), ("21:00", False), ("00:00", False)],
)
def test_d14_the_usual_hours_are_eight_to_nine(local: str, expected: bool) -> None:
    assert is_open(USUALLY, "", NEW_YORK, at(f"2026-11-22T{local}")) is expected


def test_d14_a_state_has_hours_of_its_own_by_the_day() -> None:
    sunday = at("2026-11-22T11:00", "America/Chicago")
    assert is_open(TEXAS, "CA", "America/Chicago", sunday)
    assert not is_open(TEXAS, "TX", "America/Chicago", sunday)
    assert is_open(TEXAS, "TX", "America/Chicago", sunday + timedelta(hours=1))


def test_d14_where_two_zones_may_be_right_both_must_be_open() -> None:
    early = at("2026-11-23T09:00", NEW_YORK)  # six in Los Angeles
    assert is_open(USUALLY, "", NEW_YORK, early)
    assert not all_open(USUALLY, "", [NEW_YORK, ANGELES], early)
    assert next_open(USUALLY, "", [NEW_YORK, ANGELES], early) == at("2026-11-23T08:00", ANGELES)


def test_d14_a_campaign_narrows_the_hours_and_never_widens_them() -> None:
    narrow = Rules.of(TEXAS_ROWS, within=(7 * 60, 10 * 60))
    assert not is_open(narrow, "TX", NEW_YORK, at("2026-11-23T07:30"))
    assert is_open(narrow, "TX", NEW_YORK, at("2026-11-23T09:30"))
    assert not is_open(narrow, "TX", NEW_YORK, at("2026-11-23T10:00"))


TEXAS_ROWS = {**USUAL, "TX": [[[0, 1, 2, 3, 4, 5, 6], "09:00", "21:00"]]}


def test_d14_what_is_closed_all_week_never_opens() -> None:
    shut = Rules.of({**USUAL, "TX": []})
    assert next_open(shut, "TX", [NEW_YORK], at("2026-11-23T12:00")) is None


def test_d14_zones_that_are_never_open_together_never_open() -> None:
    short = Rules.of({"": [[[0, 1, 2, 3, 4, 5, 6], "08:00", "09:00"]]})
    assert next_open(short, "", [NEW_YORK, ANGELES], at("2026-11-23T12:00")) is None


clocks = st.integers(0, 23 * 60 + 58)


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """One or two times of the week that do not overlap."""
    one, two = sorted(draw(st.sets(clocks, min_size=2, max_size=2)))
    days = sorted(draw(st.sets(st.integers(0, 6), min_size=1)))
    return [[days, f"{one // 60:02d}:{one % 60:02d}", f"{two // 60:02d}:{two % 60:02d}"]]


@settings(deadline=None, max_examples=60)
@given(
    rows=rows(),
    zones=st.sets(st.sampled_from([NEW_YORK, PHOENIX, LORD_HOWE, "Africa/Cairo", "UTC"]), min_size=1, max_size=2),
    near=st.sampled_from(CHANGES),
    minute=st.integers(0, 60 * 36),
)
def test_d14_the_next_opening_is_the_first_minute_that_is_open(
    rows: list[Row], zones: set[str], near: datetime, minute: int
) -> None:
    """Against looking at every minute, around the nights in which the clocks change."""
    rules, start = Rules.of({"": rows}), near + timedelta(minutes=minute)
    found = next_open(rules, "", zones, start)
    minutes = (start + timedelta(minutes=ahead) for ahead in range(2 * 1440))
    seen = next((moment for moment in minutes if all_open(rules, "", zones, moment)), None)
    if seen is not None:
        assert found == seen
    else:
        assert found is None or found >= start + timedelta(minutes=2 * 1440)


@settings(deadline=None, max_examples=60)
@given(near=st.sampled_from(CHANGES), minute=st.integers(0, 60 * 48), rows=rows())
def test_d14_it_is_never_open_outside_the_wall_clocks_hours(near: datetime, minute: int, rows: list[Row]) -> None:
    moment = near + timedelta(minutes=minute)
    local = moment.astimezone(ZoneInfo(NEW_YORK))
    days, start, end = rows[0]
    wall = local.weekday() in days and start <= f"{local:%H:%M}" < end
    assert is_open(Rules.of({"": rows}), "", NEW_YORK, moment) == wall


def test_d14_a_time_that_is_left_out_in_spring_opens_when_the_clock_has_passed_it() -> None:
    rules = Rules.of({"": [[[6], "02:30", "05:00"]]})
    assert next_open(rules, "", [NEW_YORK], at("2026-03-08T00:30")) == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)
