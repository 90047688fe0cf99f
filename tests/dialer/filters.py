"""Random lead filters, and the slow and obvious way to say which leads they mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from dialer.filtering import Filter, Item, Operator, Shape, fields_with
from leads.models import Lead

OWN = [("hobby", "Hobby", "text"), ("rooms", "Rooms", "number"), ("moved", "Moved", "date"), ("2025", "Odd", "choice")]
KNOWN = fields_with(OWN)
WORDS = ["AZ", "az", "CA", "850", "85001", "Mesa", "me", "a%", "_", "'", "\\", "VIP", "vip", "en", "é", "{x}", '"']
NUMBERS = ["0", "1", "50", "100", "200000", "1000000000000"]
DAYS = ["2026-01-01", "2026-06-15", "2199-12-31"]
CODES = {
    "kind": ["buyer", "seller", "nonsense"],
    "origin": ["company", "agent"],
    "outcome": ["busy", "reached"],
    "holder": ["person-1", "person-2"],
    "owner": ["unit-1", "unit-2", "person-1", "person-2"],
}
VALUES: dict[Shape, st.SearchStrategy[str]] = {
    Shape.TEXT: st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(", ".join),
    Shape.NUMBER: st.sampled_from(NUMBERS),
    Shape.DECIMAL: st.sampled_from(["0", "1", "50.5", "-2.5", "2.50", "200000"]),
    Shape.DAYS: st.sampled_from(["1", "7", "3650"]),
    Shape.DAY: st.sampled_from(DAYS),
    Shape.ONE_OF: st.sampled_from(["1", "2", "99999999"]),
}


@st.composite
def items(draw: st.DrawFn) -> dict[str, str]:
    field = draw(st.sampled_from(list(KNOWN.values())))
    codes = st.sampled_from(CODES[field.key]) if field.key in CODES else VALUES[field.shape]
    return {"field": field.key, "operator": draw(st.sampled_from(field.operators)).value, "value": draw(codes)}


def filters() -> st.SearchStrategy[list[Any]]:
    group = st.lists(items(), min_size=1, max_size=3)
    return st.lists(st.lists(group, min_size=1, max_size=3), min_size=1, max_size=2)


# --- the obvious way --------------------------------------------------------------------------------------------------


def means(found: Filter, lead: Lead, ponds: set[int], now: datetime) -> bool:
    return any(all(any(holds(item, lead, ponds, now) for item in group) for group in one) for one in found)


def holds(item: Item, lead: Lead, ponds: set[int], now: datetime) -> bool:
    blank = {Operator.EMPTY: True, Operator.FILLED: False}.get(item.operator)
    if item.field.startswith("custom:"):
        return own(item, lead.custom.get(item.field.removeprefix("custom:"), ""), blank)
    if item.field in ("created", "active", "contact", "called"):
        return was(item, moment_of(item.field, lead), blank, now)
    if item.field in ("owner", "holder"):
        return belongs(item, lead, blank)
    if item.field == "price":
        return priced(item, lead.price_min, lead.price_max, blank)
    if item.field == "tag":
        tags = {tag.lower() for tag in lead.tags}
        if blank is not None:
            return (not tags) == blank
        return tags.isdisjoint(word.lower() for word in item.texts) == (item.operator == Operator.IS_NOT)
    if item.field == "pond":
        return (item.number in ponds) == (item.operator == Operator.IS)
    return plain(item, lead, blank)


def plain(item: Item, lead: Lead, blank: bool | None) -> bool:
    if item.field in ("score", "attempts"):
        return compared(item.operator, getattr(lead, item.field), item.number)
    if item.field in ("stage", "source", "kind", "origin", "outcome"):
        column = {"stage": "stage_id", "source": "source_id", "outcome": "last_outcome"}.get(item.field, item.field)
        has = str(getattr(lead, column) or "")
        return (not has) == blank if blank is not None else (has == item.value) == (item.operator == Operator.IS)
    return worded(item, getattr(lead, item.field), blank)


def worded(item: Item, text: str, blank: bool | None) -> bool:
    if blank is not None:
        return (not text) == blank
    alike: Callable[[str, str], bool] = {
        Operator.BEGINS: str.startswith,
        Operator.CONTAINS: str.__contains__,
    }.get(item.operator, str.__eq__)
    found = any(alike(text.upper(), word.upper()) for word in item.texts)
    return not found if item.operator == Operator.IS_NOT else found


def own(item: Item, text: str, blank: bool | None) -> bool:
    shape = KNOWN[item.field].shape
    if shape == Shape.TEXT:
        return worded(item, text, blank)
    if shape == Shape.DAY:
        is_day = bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text))
        if blank is not None:
            return (not is_day) == blank
        return is_day and (text >= item.value if item.operator == Operator.SINCE else text <= item.value)
    plainly = text.replace(",", "")
    number = Decimal(plainly) if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", plainly) else None
    if blank is not None:
        return (number is None) == blank
    return number is not None and compared(item.operator, number, item.decimal)


def compared(operator: Operator, has: Any, wanted: Any) -> bool:
    if operator == Operator.IS:
        return bool(has == wanted)
    return bool(has >= wanted if operator == Operator.AT_LEAST else has <= wanted)


def moment_of(field: str, lead: Lead) -> datetime | None:
    columns = {"created": "created_at", "active": "last_activity_at", "contact": "last_contact_at"}
    found: datetime | None = getattr(lead, columns.get(field, "last_called_at"))
    return found


def was(item: Item, at: datetime | None, blank: bool | None, now: datetime) -> bool:
    if blank is not None:
        return (at is None) == blank
    recently = at is not None and at >= now - timedelta(days=item.number)
    return recently == (item.operator == Operator.WITHIN)


def belongs(item: Item, lead: Lead, blank: bool | None) -> bool:
    holder = lead.agent_id or lead.owner_user_id
    if blank is not None:
        return (holder is None) == blank
    kind, _, number = item.value.partition("-")
    owner = lead.owner_unit_id if kind == "unit" else lead.owner_user_id
    has = holder if item.field == "holder" else owner
    return (has == int(number)) == (item.operator == Operator.IS)


def priced(item: Item, low: int | None, high: int | None, blank: bool | None) -> bool:
    if blank is not None:
        return (low is None and high is None) == blank
    ends = [end for end in (low, high) if end is not None]
    if not ends:
        return False
    return max(ends) >= item.number if item.operator == Operator.AT_LEAST else min(ends) <= item.number
