"""Which rule a new lead follows (R1): the first that matches. Pure: standard library only.

Conditions are of kinds: any one value of a kind is enough, and every kind that is given must hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from leads.states import code_of
from routing.weekly import is_within, read_weekly

Conditions = Mapping[str, Sequence[Any]]
NO_NUMBER = None, None
PLACE = ("state", "postal_code", "city")


@dataclass(frozen=True)
class Subject:
    """What rules look at in a lead. Words are compared without case; `price` is from–to, `at` when it came.

    Place and price are those of the property asked about, if any, else the lead's own.
    """

    source: str = ""
    channel: int | None = None
    kind: str = ""
    price: tuple[int | None, int | None] = NO_NUMBER
    state: str = ""
    postal_code: str = ""
    city: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    at: datetime | None = None


class Ruled(Protocol):
    @property
    def conditions(self) -> Conditions: ...


R = TypeVar("R", bound=Ruled)


def first_match(rules: Sequence[R], subject: Subject, zone: ZoneInfo) -> R | None:
    """The first rule whose conditions hold; `zone` is where the hours are meant."""
    return next((rule for rule in rules if matches(rule.conditions, subject, zone)), None)


def matches(conditions: Conditions, subject: Subject, zone: ZoneInfo) -> bool:
    return all(HOLDS[kind](values, subject, zone) for kind, values in conditions.items() if values)


def fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _price(values: Sequence[Any], subject: Subject, zone: ZoneInfo) -> bool:
    """Any of the ranges and the lead's have a number in common; one without a price is in none."""
    low, high = subject.price
    if low is None and high is None:
        return False
    low, high = low if low is not None else high, high if high is not None else low
    return any((top is None or low <= top) and (bottom is None or high >= bottom) for bottom, top in values)


def _postal(values: Sequence[Any], subject: Subject, zone: ZoneInfo) -> bool:
    code = fold(subject.postal_code)
    return any(code.startswith(fold(value)) for value in values)


def _word(name: str) -> Callable[[Sequence[Any], Subject, ZoneInfo], bool]:
    return lambda values, subject, _: fold(getattr(subject, name)) in {fold(value) for value in values}


def _tags(values: Sequence[Any], subject: Subject, zone: ZoneInfo) -> bool:
    return not {fold(tag) for tag in subject.tags}.isdisjoint(fold(value) for value in values)


def _hours(values: Sequence[Any], subject: Subject, zone: ZoneInfo) -> bool:
    return subject.at is not None and is_within(read_weekly(values), zone, subject.at)


HOLDS: Mapping[str, Callable[[Sequence[Any], Subject, ZoneInfo], bool]] = {
    "source": _word("source"),
    "channel": lambda values, subject, _: subject.channel in values,
    "kind": lambda values, subject, _: subject.kind in values,
    "price": _price,
    "state": lambda values, subject, _: code_of(subject.state) in {code_of(value) for value in values},
    "postal_code": _postal,
    "city": _word("city"),
    "tag": _tags,
    "language": _word("language"),
    "hours": _hours,
}


def covers(earlier: Conditions, later: Conditions) -> bool:
    """Whether each lead that `later` matches is matched by `earlier`, as far as their values say (R12)."""
    return all(later.get(kind) and _within(kind, later[kind], values) for kind, values in earlier.items() if values)


def _within(kind: str, inner: Sequence[Any], outer: Sequence[Any]) -> bool:
    if kind == "price":
        return all(any(_holds(wide, narrow) for wide in outer) for narrow in inner)
    if kind == "postal_code":
        return all(any(fold(one).startswith(fold(short)) for short in outer) for one in inner)
    words = [fold(one) if isinstance(one, str) else one for one in outer]
    return all((fold(one) if isinstance(one, str) else one) in words for one in inner)


def _holds(wide: Sequence[int | None], narrow: Sequence[int | None]) -> bool:
    """A range within another; open ends are None."""
    low = wide[0] is None or (narrow[0] is not None and narrow[0] >= wide[0])
    return low and (wide[1] is None or (narrow[1] is not None and narrow[1] <= wide[1]))
