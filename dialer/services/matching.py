"""A lead filter as one condition over leads (D3). Values travel as parameters, whatever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import reduce
from operator import and_, or_
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.fields.array import ArrayOverlap  # type: ignore[attr-defined]  # the stubs lack it
from django.db.models import Case, DecimalField, F, Func, Q, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Lower, Now, Replace
from django.db.models.lookups import (
    Exact,
    GreaterThanOrEqual,
    IContains,
    IExact,
    IsNull,
    IStartsWith,
    LessThanOrEqual,
    Regex,
)

from dialer.filtering import CUSTOM, Fields, Filter, Item, Operator, Shape
from permissions.access import Lock

NOTHING = Q(pk__in=[])
NUMBER = r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
LETTERS = {
    Operator.IS: IExact,
    Operator.IS_NOT: IExact,
    Operator.BEGINS: IStartsWith,
    Operator.CONTAINS: IContains,
}
Moment = Combinable | Any


def matching(found: Filter, fields: Fields, now: Moment | None = None) -> Q:
    """The condition over Lead: of any company, and whoever may see it."""
    moment = Now() if now is None else now
    sets = (_all(_any(condition(item, fields, moment) for item in group) for group in one) for one in found)
    return _any(sets)


def _any(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions, NOTHING)


def _all(conditions: Iterable[Q]) -> Q:
    return reduce(and_, conditions)


def condition(item: Item, fields: Fields, now: Moment) -> Q:
    """What one item asks. Raises KeyError for a field that is not there."""
    if item.field.startswith(CUSTOM):
        return OWN[fields[item.field].shape](item)
    return CONDITIONS[item.field](item, now)


# --- words ------------------------------------------------------------------------------------------------------------


def _text(expression: Any, item: Item) -> Q:
    if item.operator in (Operator.EMPTY, Operator.FILLED):
        return _blank(Q(Exact(expression, Value(""))), item)
    found = _any(Q(LETTERS[item.operator](expression, text)) for text in item.texts)
    return ~found if item.operator == Operator.IS_NOT else found


def _column(name: str) -> Callable[[Item, Moment], Q]:
    return lambda item, _: _text(F(name), item)


def _tags(item: Item, now: Moment) -> Q:
    """“VIP” and “vip” are one tag."""
    if item.operator in (Operator.EMPTY, Operator.FILLED):
        return _blank(Q(tags=[]), item)
    has = Q(ArrayOverlap(_lowered(F("tags")), _lowered(Value(item.texts, ArrayField(TextField())))))
    return ~has if item.operator == Operator.IS_NOT else has


def _lowered(tags: Any) -> Cast:
    return Cast(Lower(Cast(tags, TextField())), ArrayField(TextField()))


def _blank(empty: Q, item: Item) -> Q:
    return empty if item.operator == Operator.EMPTY else ~empty


# --- one of a list ----------------------------------------------------------------------------------------------------


def _one_of(name: str, empty: Any = None) -> Callable[[Item, Moment], Q]:
    """A column with one of some values; `empty` is what stands for none."""

    def asked(item: Item, now: Moment) -> Q:
        if item.operator in (Operator.EMPTY, Operator.FILLED):
            return _blank(Q(**{name: empty}), item)
        return _is(Q(**{name: item.value}), item)

    return asked


def _is(same: Q, item: Item) -> Q:
    return ~same if item.operator == Operator.IS_NOT else same


def _principal(item: Item) -> tuple[str, int]:
    kind, _, number = item.value.partition("-")
    return kind, int(number)


def _owner(item: Item, now: Moment) -> Q:
    """An owner that is (empty) means general leads: nobody holds them."""
    if item.operator in (Operator.EMPTY, Operator.FILLED):
        return _blank(Q(holder_id=None), item)
    kind, number = _principal(item)
    return _is(Q(owner_unit=number) if kind == "unit" else Q(owner_user=number), item)


def _holder(item: Item, now: Moment) -> Q:
    if item.operator in (Operator.EMPTY, Operator.FILLED):
        return _blank(Q(holder_id=None), item)
    hers = Q(holder_id=_principal(item)[1])
    # Django takes a generated column for one that is never null
    return ~hers | Q(holder_id=None) if item.operator == Operator.IS_NOT else hers


def _pond(item: Item, now: Moment) -> Q:
    return _is(Q(locks__fits=[Lock.POND.of(item.number)]), item)


# --- numbers and days -------------------------------------------------------------------------------------------------


def _compared(expression: Any, operator: Operator, value: Any) -> Q:
    lookup = {
        Operator.IS: Exact,
        Operator.AT_LEAST: GreaterThanOrEqual,
        Operator.SINCE: GreaterThanOrEqual,
        Operator.AT_MOST: LessThanOrEqual,
        Operator.UNTIL: LessThanOrEqual,
    }[operator]
    return Q(lookup(expression, value))


def _number(name: str) -> Callable[[Item, Moment], Q]:
    return lambda item, _: _compared(F(name), item.operator, item.number)


def _price(item: Item, now: Moment) -> Q:
    """The lead's range reaches there; one that says only one end is that number."""
    if item.operator in (Operator.EMPTY, Operator.FILLED):
        return _blank(Q(price_min=None, price_max=None), item)
    ends = ("price_max", "price_min") if item.operator == Operator.AT_LEAST else ("price_min", "price_max")
    return _compared(Coalesce(*ends), item.operator, item.number)


def _ago(name: str) -> Callable[[Item, Moment], Q]:
    """What never was is not a part of the last days, and longer ago than any."""

    def asked(item: Item, now: Moment) -> Q:
        if item.operator in (Operator.EMPTY, Operator.FILLED):
            return _blank(Q(**{name: None}), item)
        since = now - timedelta(days=item.number)
        if item.operator == Operator.WITHIN:
            return Q(**{f"{name}__gte": since})
        return Q(**{f"{name}__lt": since}) | Q(**{name: None})

    return asked


# --- fields of the company's own --------------------------------------------------------------------------------------


def _own(item: Item) -> Any:
    """Its text, empty where the lead has none. The key is taken as it is: a path of Django would read `__` and numbers."""
    key = Value(item.field.removeprefix(CUSTOM))
    text = Func(F("custom"), key, function="jsonb_extract_path_text", output_field=TextField())
    return Coalesce(text, Value(""), output_field=TextField())


def _own_number(item: Item) -> Q:
    text = Replace(_own(item), Value(","), Value(""), output_field=TextField())
    number = Case(
        When(Q(Regex(text, NUMBER)), then=Cast(text, DecimalField(max_digits=24, decimal_places=6))), default=None
    )
    if item.operator in (Operator.EMPTY, Operator.FILLED):
        return Q(IsNull(number, item.operator == Operator.EMPTY))
    return _compared(number, item.operator, item.decimal)


def _own_day(item: Item) -> Q:
    is_day = Q(Regex(_own(item), DAY))
    if item.operator in (Operator.EMPTY, Operator.FILLED):
        return is_day if item.operator == Operator.FILLED else ~is_day
    return is_day & _compared(_own(item), item.operator, item.value)


OWN: Mapping[Shape, Callable[[Item], Q]] = {
    Shape.TEXT: lambda item: _text(_own(item), item),
    Shape.DECIMAL: _own_number,
    Shape.DAY: _own_day,
}
CONDITIONS: Mapping[str, Callable[[Item, Moment], Q]] = {
    "stage": _one_of("stage"),
    "source": _one_of("source"),
    "tag": _tags,
    "kind": _one_of("kind", ""),
    "state": _column("state"),
    "city": _column("city"),
    "postal_code": _column("postal_code"),
    "language": _column("language"),
    "score": _number("score"),
    "price": _price,
    "owner": _owner,
    "holder": _holder,
    "pond": _pond,
    "origin": _one_of("origin"),
    "created": _ago("created_at"),
    "active": _ago("last_activity_at"),
    "contact": _ago("last_contact_at"),
    "called": _ago("last_called_at"),
    "attempts": _number("attempts"),
    "outcome": _one_of("last_outcome", ""),
}
