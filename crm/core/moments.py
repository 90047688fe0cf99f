"""Days and moments as forms take them: such that PostgreSQL, Python and every time zone can say them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError

EARLIEST, LATEST = 1900, 2199  # Python cannot read back what a time zone moves out of its years, 1 to 9999

D = TypeVar("D", date, datetime)


def in_reach(moment: D | None) -> D | None:
    """The day or moment. Raises ValidationError outside of the years that are taken."""
    if moment is not None and not EARLIEST <= moment.year <= LATEST:
        raise ValidationError(f"Choose a year between {EARLIEST} and {LATEST}.")
    return moment


class DayInput(forms.DateInput):
    input_type = "date"


class MomentInput(forms.DateTimeInput):
    """In the browser's own picker, which wants minutes and no zone."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class DayField(forms.DateField):
    widget = DayInput

    def to_python(self, value: Any) -> date | None:
        return in_reach(super().to_python(value))


class MomentField(forms.DateTimeField):
    """A moment in the reader's time zone."""

    widget = MomentInput

    def to_python(self, value: Any) -> datetime | None:
        return in_reach(super().to_python(value))
