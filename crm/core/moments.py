"""Days and moments as forms take them: such that PostgreSQL, Python and every time zone can say them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

EARLIEST, LATEST = 1900, 2199  # Python cannot read back what a time zone moves out of its years, 1 to 9999
A_MINUTE = timedelta(minutes=1)
NO_ZONE = ZoneInfo("UTC")  # in which a clock is read whose zone is not known yet

D = TypeVar("D", date, datetime)


def database_now() -> datetime:
    """The transaction's time: where rows are compared, the database's clock decides."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment = cursor.fetchone()[0]
    assert isinstance(moment, datetime)
    return moment


class SkippedError(ValueError):
    """A time that no clock of the zone shows, as it is put forward over it; the text says so."""


def at_clock(shown: datetime, zone: tzinfo) -> datetime:
    """The moment at which the clocks of a zone show this; the first, where they do so twice. Raises SkippedError."""
    shown = shown.replace(tzinfo=None, fold=0, microsecond=0)
    if _is_shown(shown, zone):
        return shown.replace(tzinfo=zone)
    first = shown.replace(second=0)
    while not _is_shown(first - A_MINUTE, zone):
        first -= A_MINUTE
    after, before = (first.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (1, 0))
    then = first + ((after or timedelta()) - (before or timedelta()))
    raise SkippedError(
        f"On {shown.day} {shown:%B %Y} the clocks skip from {first:%H:%M} to {then:%H:%M}: choose another time."
    )


def _is_shown(shown: datetime, zone: tzinfo) -> bool:
    return shown.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == shown


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


class ClockField(forms.DateTimeField):
    """What a clock shows, without a zone: whose clock it is is known later."""

    widget = MomentInput

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(NO_ZONE):
            found = in_reach(super().to_python(value))
        return found.replace(tzinfo=None) if found is not None and found.tzinfo is NO_ZONE else found


class MomentField(ClockField):
    """A moment in the reader's time zone."""

    def to_python(self, value: Any) -> datetime | None:
        found = super().to_python(value)
        if found is None or timezone.is_aware(found):
            return found
        try:
            return at_clock(found, timezone.get_current_timezone())
        except SkippedError as error:
            raise ValidationError(str(error)) from error
