"""Lead filters (D3): sets of groups of items. Items in a group are OR-ed, groups in a set AND-ed, sets OR-ed.

An item is a field, an operator and a value, each out of a closed list or of a closed shape; what is none of these is
refused with a reason. Pure: standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from leads.states import kept_as

MOST_SETS, MOST_GROUPS, MOST_ITEMS = 6, 10, 20
MOST_WORDS, LONGEST_WORD = 60, 80
MOST_NUMBER = 10**12
CUSTOM = "custom:"


class Operator(StrEnum):
    IS = "is"
    IS_NOT = "is_not"
    BEGINS = "begins"
    CONTAINS = "contains"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    SINCE = "since"
    UNTIL = "until"
    WITHIN = "within"
    OVER = "over"
    EMPTY = "empty"
    FILLED = "filled"


O = Operator  # noqa: E741
WORDS = {
    O.IS: "is",
    O.IS_NOT: "is not",
    O.BEGINS: "begins with",
    O.CONTAINS: "contains",
    O.AT_LEAST: "is at least",
    O.AT_MOST: "is at most",
    O.SINCE: "is on or after",
    O.UNTIL: "is on or before",
    O.WITHIN: "was in the last … days",
    O.OVER: "was more than … days ago",
    O.EMPTY: "is empty",
    O.FILLED: "is not empty",
}
WITHOUT_VALUE = frozenset({O.EMPTY, O.FILLED})
BLANK = (O.EMPTY, O.FILLED)


class Shape(StrEnum):
    """What a value looks like. One of a list is written as a code, whose meaning the company's lists give."""

    TEXT = "text"  # words, comma apart: any one of them
    NUMBER = "number"
    DECIMAL = "decimal"
    DAYS = "days"
    DAY = "day"
    ONE_OF = "one of"


@dataclass(frozen=True)
class Field:
    """`codes` is how a value out of a list is written, `keep` how a word is; `said` are operators that this field says in
    its own words.
    """

    key: str
    label: str
    shape: Shape
    operators: tuple[Operator, ...]
    codes: str = ""
    said: Mapping[Operator, str] | None = None
    keep: Callable[[str], str] = str

    def words(self, operator: Operator) -> str:
        return (self.said or {}).get(operator, WORDS[operator])


NUMBERED, CODED, PERSON, PRINCIPAL = r"\d{1,8}", r"[a-z_]{1,16}", r"person-\d{1,8}", r"(?:unit|person)-\d{1,8}"
ONE, TEXT = (O.IS, O.IS_NOT), (O.IS, O.IS_NOT, O.BEGINS, O.CONTAINS, *BLANK)
COUNT, AGO = (O.AT_LEAST, O.AT_MOST, O.IS), (O.WITHIN, O.OVER)
GENERAL = {O.EMPTY: "is nobody: general leads", O.FILLED: "is somebody: held leads"}
NEVER = {O.EMPTY: "never was", O.FILLED: "was at some time"}
FIELDS = (
    Field("stage", "Stage", Shape.ONE_OF, ONE, NUMBERED),
    Field("source", "Source", Shape.ONE_OF, (*ONE, *BLANK), NUMBERED),
    Field("tag", "Tag", Shape.TEXT, (*ONE, *BLANK)),
    Field("kind", "Type", Shape.ONE_OF, (*ONE, *BLANK), CODED),
    Field("state", "State", Shape.TEXT, (*ONE, *BLANK), keep=kept_as),
    Field("city", "City", Shape.TEXT, TEXT),
    Field("postal_code", "Postal code", Shape.TEXT, (O.BEGINS, *ONE, *BLANK)),
    Field("language", "Language", Shape.TEXT, (*ONE, *BLANK)),
    Field("score", "Score", Shape.NUMBER, COUNT),
    Field("price", "Price", Shape.NUMBER, (O.AT_LEAST, O.AT_MOST, *BLANK)),
    Field("owner", "Lead owner", Shape.ONE_OF, (*ONE, *BLANK), PRINCIPAL, GENERAL),
    Field("holder", "Held by", Shape.ONE_OF, (*ONE, *BLANK), PERSON, GENERAL),
    Field("pond", "Pond", Shape.ONE_OF, ONE, NUMBERED),
    Field("origin", "Origin", Shape.ONE_OF, (O.IS,), CODED),
    Field("created", "Created", Shape.DAYS, AGO),
    Field("active", "Last activity", Shape.DAYS, AGO),
    Field("contact", "Last contact", Shape.DAYS, (*AGO, *BLANK), said=NEVER),
    Field("called", "Last call", Shape.DAYS, (*AGO, *BLANK), said=NEVER),
    Field("attempts", "Attempts", Shape.NUMBER, COUNT),
    Field("outcome", "Last outcome", Shape.ONE_OF, (*ONE, *BLANK), CODED),
)
# a company's own fields, by their kind
OWN = {
    "number": (Shape.DECIMAL, (*COUNT, *BLANK)),
    "date": (Shape.DAY, (O.SINCE, O.UNTIL, *BLANK)),
}
Fields = Mapping[str, Field]


def fields_with(own: Iterable[tuple[str, str, str]]) -> Fields:
    """All fields by key, with those of the company's own, given as key, label and kind."""
    found = {field.key: field for field in FIELDS}
    for key, label, kind in own:
        shape, operators = OWN.get(kind, (Shape.TEXT, TEXT))
        found[CUSTOM + key] = Field(CUSTOM + key, label, shape, operators)
    return found


@dataclass(frozen=True)
class Item:
    """The value is text as people write it, checked: `AZ, CA`, `500000`, `person-31`, and empty where none is asked for."""

    field: str
    operator: Operator
    value: str = ""

    @property
    def texts(self) -> list[str]:
        return self.value.split(", ")

    @property
    def number(self) -> int:
        return int(self.value)

    @property
    def decimal(self) -> Decimal:
        return Decimal(self.value)


Group = tuple[Item, ...]
Filter = tuple[tuple[Group, ...], ...]  # sets of groups of items
Place = tuple[int, ...]  # of an item: set, group, item; () for the filter as a whole


class FilterError(ValueError):
    """It cannot be read: what is wrong, by place."""

    def __init__(self, problems: Mapping[Place, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


# --- reading ----------------------------------------------------------------------------------------------------------


def read(raw: object, fields: Fields) -> Filter:
    """What a form sends or the database keeps: lists of lists of lists of mappings. Items without a field are left out.

    Raises FilterError, and nothing else whatever it is given.
    """
    problems: dict[Place, str] = {}
    sets = [
        [_items(group, (n, m), fields, problems) for m, group in enumerate(_list(one, MOST_GROUPS, problems))]
        for n, one in enumerate(_list(raw, MOST_SETS, problems))
    ]
    found = tuple(groups for one in sets if (groups := tuple(group for group in one if group)))
    if not found and not problems:
        problems[()] = "Say at least one thing that leads must have."
    if problems:
        raise FilterError(problems)
    return found


def _list(raw: object, most: int, problems: dict[Place, str]) -> Sequence[Any]:
    if not isinstance(raw, list):
        problems[()] = "This is no filter."
        return ()
    if len(raw) > most:
        problems[()] = f"There are more than {most} parts side by side. Make two filters of it."
    return raw[:most]


def _items(raw: object, place: Place, fields: Fields, problems: dict[Place, str]) -> Group:
    items = []
    for n, one in enumerate(_list(raw, MOST_ITEMS, problems)):
        try:
            item = _item(one, fields)
        except ValueError as error:
            problems[(*place, n)] = str(error)
        else:
            items.extend([item] if item else [])
    return tuple(items)


def _item(raw: object, fields: Fields) -> Item | None:
    given = raw if isinstance(raw, dict) else {}
    key, operator, value = (given.get(name) for name in ("field", "operator", "value"))
    if not key:
        return None
    field = fields.get(key) if isinstance(key, str) else None
    if field is None:
        raise ValueError("This field is not there any more. Choose another.")
    if operator not in field.operators:
        raise ValueError("Choose how it is compared.")
    chosen = Operator(operator)
    if chosen in WITHOUT_VALUE:
        return Item(field.key, chosen)
    return Item(field.key, chosen, READ[field.shape](field, value if isinstance(value, str) else ""))


def _texts(field: Field, text: str) -> str:
    words = list(dict.fromkeys(field.keep(found) for word in text.split(",") if (found := " ".join(word.split()))))
    if not words:
        raise ValueError("Write one or more words, comma apart.")
    if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD or not word.isprintable() for word in words):
        raise ValueError(f"At most {MOST_WORDS} words of {LONGEST_WORD} letters each.")
    return ", ".join(words)


def _number(field: Field, text: str) -> str:
    digits = re.sub(r"[\s,]", "", text)
    if not re.fullmatch(r"[0-9]{1,13}", digits) or int(digits) > MOST_NUMBER:
        raise ValueError("Write a whole number, such as 50.")
    return str(int(digits))


def _decimal(field: Field, text: str) -> str:
    digits = re.sub(r"[\s,]", "", text)
    if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", digits):
        raise ValueError("Write a number, such as 2.5.")
    return digits


def _days(field: Field, text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,4}", text.strip()) or not 1 <= int(text) <= 3650:
        raise ValueError("Write a number of days, 1 to 3650.")
    return str(int(text))


def _day(field: Field, text: str) -> str:
    try:
        if not re.fullmatch(r"(19|20|21)\d\d-\d\d-\d\d", text, re.ASCII):
            raise ValueError
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("Choose a day.") from None


def _one_of(field: Field, text: str) -> str:
    if not re.fullmatch(field.codes, text, re.ASCII):
        raise ValueError("Choose one.")
    return text


READ: Mapping[Shape, Callable[[Field, str], str]] = {
    Shape.TEXT: _texts,
    Shape.NUMBER: _number,
    Shape.DECIMAL: _decimal,
    Shape.DAYS: _days,
    Shape.DAY: _day,
    Shape.ONE_OF: _one_of,
}


def written(found: Filter) -> list[list[list[dict[str, str]]]]:
    """As it is kept."""
    return [
        [[{"field": i.field, "operator": i.operator.value, "value": i.value} for i in group] for group in one]
        for one in found
    ]


# --- saying -----------------------------------------------------------------------------------------------------------

Names = Callable[[Item], str]  # what a value out of a list is called


def say(found: Filter, fields: Fields, names: Names) -> list[str]:
    """Each set in words: `state is AZ or CA, and score is at least 50`."""
    return [
        ", and ".join(" or ".join(say_item(item, fields, names) for item in group) for group in one) for one in found
    ]


def say_item(item: Item, fields: Fields, names: Names) -> str:
    field = fields[item.field]
    label, words = field.label if field.key.startswith(CUSTOM) else field.label.lower(), field.words(item.operator)
    if item.operator in WITHOUT_VALUE:
        return f"{label} {words}"
    value = names(item) if field.shape == Shape.ONE_OF else _value(field, item)
    return f"{label} {words.replace('…', value)}" if "…" in words else f"{label} {words} {value}"


def _value(field: Field, item: Item) -> str:
    if field.shape == Shape.NUMBER:
        return f"{item.number:,}"
    texts = item.texts
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"
