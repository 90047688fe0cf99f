"""Values of a company's own fields: texts, numbers, days as 2026-03-01, choices (L1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from leads.models import CustomField

LONGEST_VALUE = 10_000
DECIMAL = re.compile(r"[$€£]?\s*([+-]?[\d,]*\.?\d+)")
CLOCK = re.compile(r"[ T]\d{1,2}:\d{2}.*$")
DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%d-%b-%y")
DAYS_THERE = ("%d/%m/%Y", "%d/%m/%y", "%d-%m-%Y")
DAYS_IN_US = ("%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y")


class UnreadableValueError(ValueError):
    """A value that cannot be what its field holds; the message is for the person who gave it."""


def read_own(text: str, region: str, kind: str, choices: Sequence[str]) -> str:
    """What a field of this kind keeps of a text as people write it. Raises UnreadableValueError."""
    if kind == CustomField.Kind.NUMBER:
        return _read_number(text)
    if kind == CustomField.Kind.DATE:
        return read_day(text, region)
    return _read_choice(text, choices) if kind == CustomField.Kind.CHOICE else text


def read_all(sent: Mapping[str, str], fields: Mapping[str, CustomField], region: str) -> dict[str, str]:
    """What the company's `fields` keep of texts, by key; an empty one stays empty. Raises UnreadableValueError."""
    kept = {}
    for key, text in sent.items():
        if key not in fields:
            raise UnreadableValueError(f"There is no field “{key[:60]}” among the company’s own")
        try:
            kept[key] = read_own(text, region, fields[key].kind, fields[key].choices) if text else ""
        except UnreadableValueError as error:
            raise UnreadableValueError(f"{fields[key].label}: {error}") from error
    return kept


def _read_number(text: str) -> str:
    found = DECIMAL.fullmatch(text)
    if not found or len(text) > 30:
        raise UnreadableValueError(f"“{text[:40]}” is not a number")
    return f"{Decimal(found[1].replace(',', '')):f}"


def read_day(text: str, region: str) -> str:
    """A day as people of `region` write it, as 2026-03-01."""
    day = CLOCK.sub("", text)
    for pattern in (*DAYS, *(DAYS_IN_US if region == "US" else DAYS_THERE)):
        try:
            return f"{datetime.strptime(day, pattern):%Y-%m-%d}"  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
    raise UnreadableValueError(f"“{text[:40]}” is not a day such as 2026-03-01")


def _read_choice(text: str, choices: Sequence[str]) -> str:
    wanted = " ".join(text.split()).lower()
    found = next((choice for choice in choices if choice.lower() == wanted), None)
    if found is None:
        raise UnreadableValueError(f"“{text[:40]}” is none of {', '.join(choices) or 'its choices'}"[:300])
    return found
