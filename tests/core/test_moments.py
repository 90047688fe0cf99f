"""Days and moments at the ends of what a form can be sent."""

from __future__ import annotations

import ast
from datetime import date
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from crm.core.moments import ClockField, DayField, MomentField
from tests.architecture.tree import assert_only, name_of, parsed, product_files


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize(
    ("field", "text"),
    [(MomentField(), f"{year}-{day}T23:59") for year, day in (("9999", "12-31"), ("0001", "01-01"), ("2200", "01-01"))]
    + [(DayField(), "9999-12-31"), (DayField(), "0001-01-01"), (DayField(), "1899-12-31")],
)
def test_what_a_database_could_not_say_in_every_zone_is_refused(field: forms.Field, text: str, zone: str) -> None:
    with timezone.override(zone), pytest.raises(ValidationError, match="between 1900 and 2199"):
        field.clean(text)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_what_is_in_reach_is_taken(zone: str) -> None:
    with timezone.override(zone):
        moment: Any = MomentField().clean("2199-12-31T23:59")
        assert (moment.year, moment.hour, moment.utcoffset() is not None) == (2199, 23, True)
        assert DayField().clean("1900-01-01") == date(1900, 1, 1)
        assert MomentField(required=False).clean("") is None


@pytest.mark.parametrize(
    ("zone", "text", "words"),
    [
        ("America/New_York", "2026-03-08T02:30", "On 8 March 2026 the clocks skip from 02:00 to 03:00: choose another"),
        ("America/New_York", "2026-03-08T02:00", "from 02:00 to 03:00"),
        ("Europe/London", "2026-03-29T01:59", "On 29 March 2026 the clocks skip from 01:00 to 02:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "from 02:00 to 02:30"),
    ],
)
def test_l5_a_time_that_no_clock_shows_is_refused_plainly(zone: str, text: str, words: str) -> None:
    with timezone.override(zone), pytest.raises(ValidationError, match=words):
        MomentField().clean(text)
    with timezone.override(zone):
        assert ClockField().clean(text).isoformat()[:16] == text  # it may be another clock’s


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01T01:30", "2026-11-01T01:30:00-04:00"),  # the first of two
        ("2026-11-01T02:00", "2026-11-01T02:00:00-05:00"),
        ("2026-03-08T03:00", "2026-03-08T03:00:00-04:00"),
        ("2026-03-08T01:59", "2026-03-08T01:59:00-05:00"),
        ("2026-03-08T02:30Z", "2026-03-08T02:30:00+00:00"),
    ],
)
def test_l5_around_it_every_time_is_taken(text: str, moment: str) -> None:
    with timezone.override("America/New_York"):
        assert MomentField().clean(text).isoformat() == moment


def test_forms_take_days_and_moments_by_these_fields_only() -> None:
    plain = {"DateField", "DateTimeField"}
    users = {
        name_of(path)
        for path in product_files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in plain and ast.unparse(node.value) == "forms"
    }
    assert_only(users, {"crm/core/moments.py"})
