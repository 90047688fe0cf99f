"""Days and moments at the ends of what a form can be sent."""

from __future__ import annotations

import ast
from datetime import date
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from crm.core.moments import DayField, MomentField
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


def test_forms_take_days_and_moments_by_these_fields_only() -> None:
    plain = {"DateField", "DateTimeField"}
    users = {
        name_of(path)
        for path in product_files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr in plain and ast.unparse(node.value) == "forms"
    }
    assert_only(users, {"crm/core/moments.py"})
