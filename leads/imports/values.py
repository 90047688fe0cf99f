"""A record's cells as the lead they speak of: what is read, and every reason why it cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import available_timezones

from crm.core.lines import straight
from leads.contact import UnreadableContactError, read_email
from leads.imports.matching import (
    CALL,
    CUSTOM,
    EMAIL,
    KIND,
    NAME,
    NOTE,
    PERSON,
    PHONE,
    SOURCE,
    STAGE,
    UNWANTED,
    field_named,
)
from leads.imports.phones import phone_reader
from leads.models import Lead, Source
from leads.own_values import LONGEST_VALUE, UnreadableValueError, read_own
from leads.states import kept_as
from leads.tags import united

TEXTS = ("first_name", "last_name", "company_name", "street", "city", "state", "postal_code", "language")
LENGTHS = {name: getattr(Lead._meta.get_field(name), "max_length", LONGEST_VALUE) for name in TEXTS}
LENGTHS[SOURCE] = Source._meta.get_field("name").max_length or LONGEST_VALUE
LONGEST_TAG = 40
KINDS = {label.lower(): value for value, label in Lead.Kind.choices} | {value: value for value in Lead.Kind.values}
ZONES = available_timezones()
NOTHING = frozenset({"n/a", "na", "#n/a", "none", "null", "nil", "unknown", "-", "--", "?"})
PHONES_APART = re.compile(r":::|[;,|\n/]|\s&\s|\bor\b")
EMAILS_APART = re.compile(r":::|[;,|\s]+")
TAGS_APART = re.compile(r":::|[;,|\n]")
ERRORS = frozenset({"#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})
LOST_DIGITS = re.compile(r"\d([.,]\d+)?[eE]\+?\d+")
NUMBER = re.compile(r"[$€£]?\s*(\d[\d,]*)(\.\d+)?\s*([km])?", re.IGNORECASE)
LOST_ZEROS = re.compile(r"\d{3,4}(-\d{4})?")
LARGEST_PRICE = 2**62
YES, NO = frozenset({"yes", "y", "true", "t", "1", "x"}), frozenset({"no", "n", "false", "f", "0"})


@dataclass(frozen=True)
class Lists:
    """What cells may name: the company's stages, and the people that leads may be assigned to, by their names in lower
    case (of several people with one name none); and the custom fields that are more than text: kind and choices by key.
    """

    stages: Mapping[str, int] = field(default_factory=dict)
    people: Mapping[str, int | None] = field(default_factory=dict)
    customs: Mapping[str, tuple[str, Sequence[str]]] = field(default_factory=dict)


@dataclass
class Draft:
    """The lead of one record while it is being read. `points` keep their order: (kind, value) → the text as given.

    `unwanted` are the kinds of consent that it takes back.
    """

    fields: dict[str, object] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    points: dict[tuple[str, str], str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    agent_id: int | None = None
    note: str = ""
    unwanted: frozenset[str] = frozenset()

    @property
    def tags(self) -> list[str]:
        tags = self.fields.get("tags", [])
        assert isinstance(tags, list)
        return tags

    @property
    def name(self) -> str:
        return f"{self.fields.get('first_name', '')} {self.fields.get('last_name', '')}".strip()

    @property
    def refuses(self) -> bool:
        """Whether its person wants no calls or messages."""
        return bool(self.unwanted or self.fields.get("do_not_call"))

    @property
    def says_who(self) -> bool:
        return bool(self.points or self.name or "company_name" in self.fields)


Taker = Callable[[Draft, str], None]


class RowReader:
    """Reads records under one mapping (see matching.py). `region` (ISO country) says how phones, postal codes and days
    are written.
    """

    def __init__(self, mapping: Sequence[str], header: Sequence[str], region: str, lists: Lists | None = None) -> None:
        self.region, self.width, self.lists = region, len(mapping), lists or Lists()
        self.read_phone = phone_reader(region)
        self.plan = [
            (number, self._taker(name, title), title)
            for number, (name, title) in enumerate(zip(mapping, header, strict=True))
            if name
        ]

    def read(self, cells: Sequence[str]) -> Draft:
        draft = Draft()
        if len(cells) > self.width and any(map(str.strip, cells[self.width :])):
            draft.problems.append(f"It has {len(cells)} cells, but the header names {self.width} columns.")
            return draft
        for number, take, title in self.plan:
            text = straight(cells[number]) if number < len(cells) else ""
            if not text:
                continue
            if text[0] == "'" and text[1:2] in "=+-@":  # how spreadsheets, and our own reports, keep a text a text
                text = text[1:]
            elif text[0] == "#" and text in ERRORS:
                draft.problems.append(f"{title}: the spreadsheet could not work it out ({text})")
                continue
            try:
                if len(text) > LONGEST_VALUE:
                    raise UnreadableValueError(f"it is longer than {LONGEST_VALUE:,} characters")
                take(draft, text)
            except (UnreadableValueError, UnreadableContactError) as error:
                draft.problems.append(f"{title}: {error}")
        self._check(draft)
        return draft

    def _check(self, draft: Draft) -> None:
        low, high = draft.fields.get("price_min"), draft.fields.get("price_max")
        if isinstance(low, int) and isinstance(high, int) and low > high:
            draft.problems.append("The price goes from more to less.")
        if not draft.problems and not draft.says_who:
            draft.problems.append("It has no name, no company, no e-mail and no phone.")

    def _taker(self, name: str, title: str = "") -> Taker:
        if name.startswith(CUSTOM):
            key = name.removeprefix(CUSTOM)
            return _custom(key, self.region, *self.lists.customs.get(key, ("", ())))
        if name == PHONE:
            return self._take_phones
        if name == "postal_code" and self.region == "US":
            return _take_postal_code
        if name == STAGE:
            return _stage(self.lists.stages)
        if name == PERSON:
            return _person(self.lists.people)
        if name == NOTE:
            return _note("" if field_named(title) == NOTE else title)
        return TAKERS.get(name) or _text(name)

    def fits(self) -> Callable[[str, str], bool]:
        """Whether a text can be a value of a field, as `match_columns` asks it."""
        return lambda name, text: not self.problem_of(name, text)

    def problem_of(self, name: str, text: str) -> str:
        """Why a text cannot be a value of a field; empty where it can."""
        try:
            self._taker(name)(Draft(), straight(text))
        except UnreadableValueError as error:
            return str(error)
        return ""

    def _take_phones(self, draft: Draft, text: str) -> None:
        """One phone, or several in one cell: the whole is tried first, since people write 212/555-0100 too."""
        if text.lower() in NOTHING:
            return
        if "e" in text.lower() and LOST_DIGITS.fullmatch(text):
            raise UnreadableValueError(f"“{text}” lost its digits in a spreadsheet; make the column text there")
        text = text.removesuffix(".0")
        try:
            draft.points.setdefault((PHONE, self.read_phone(text)), text)
        except UnreadableContactError:
            parts = [part.strip() for part in PHONES_APART.split(text)]
            if len(parts) < 2:
                raise
            for part in filter(None, parts):
                draft.points.setdefault((PHONE, self.read_phone(part)), part)


def _custom(key: str, region: str, kind: str, choices: Sequence[str]) -> Taker:
    def take(draft: Draft, text: str) -> None:
        draft.custom[key] = read_own(text, region, kind, choices) if kind else text

    return take


def _stage(stages: Mapping[str, int]) -> Taker:
    def take(draft: Draft, text: str) -> None:
        if text.lower() not in stages:
            raise UnreadableValueError(f"“{text[:40]}” is none of your stages")
        draft.fields["stage_id"] = stages[text.lower()]

    return take


def _person(people: Mapping[str, int | None]) -> Taker:
    def take(draft: Draft, text: str) -> None:
        name = " ".join(text.lower().split())
        if name not in people:
            raise UnreadableValueError(f"“{text[:60]}” is nobody these leads can be assigned to")
        draft.agent_id = people[name]
        if draft.agent_id is None:
            raise UnreadableValueError(f"“{text[:60]}” are several people; give the e-mail instead")

    return take


def _text(name: str) -> Taker:
    longest = LENGTHS[name]

    def take(draft: Draft, text: str) -> None:
        text = " ".join(text.split())
        if name in draft.fields:  # a second column of the address
            text = f"{draft.fields[name]}, {text}"
        if len(text) > longest:
            raise UnreadableValueError(f"it is longer than {longest} characters")
        draft.fields[name] = text

    return take


def _take_name(draft: Draft, text: str) -> None:
    """`Ana Silva`, or `Silva, Ana`."""
    last, comma, first = text.partition(",")
    if not comma:
        first, _, last = " ".join(text.split()).partition(" ")
    for name, value in (("first_name", first), ("last_name", last)):
        if value.strip():
            _text(name)(draft, value)


def _take_emails(draft: Draft, text: str) -> None:
    if text.lower() in NOTHING:
        return
    for part in filter(None, EMAILS_APART.split(text)):
        address = read_email(part)
        if len(address) > 254:
            raise UnreadableValueError("it is longer than an e-mail address can be")
        draft.points.setdefault((EMAIL, address), part)


def _take_state(draft: Draft, text: str) -> None:
    _text("state")(draft, kept_as(text))


def _take_postal_code(draft: Draft, text: str) -> None:
    """With the zeros that spreadsheets take off the front of the codes of the north-east."""
    text = text.removesuffix(".0")
    if LOST_ZEROS.fullmatch(text):
        code, dash, rest = text.partition("-")
        text = code.zfill(5) + dash + rest
    _text("postal_code")(draft, text)


def _take_kind(draft: Draft, text: str) -> None:
    if text.lower() in NOTHING:
        return
    if text.lower() not in KINDS:
        raise UnreadableValueError(f"“{text[:40]}” is none of {', '.join(Lead.Kind.labels)}")
    draft.fields[KIND] = KINDS[text.lower()]


def _take_time_zone(draft: Draft, text: str) -> None:
    if text not in ZONES:
        raise UnreadableValueError(f"“{text[:40]}” is not a time zone such as America/New_York")
    draft.fields["time_zone"] = text


def _take_tags(draft: Draft, text: str) -> None:
    new = [tag for part in TAGS_APART.split(text) if (tag := " ".join(part.split()))]
    for tag in new:
        if len(tag) > LONGEST_TAG:
            raise UnreadableValueError(f"the tag “{tag[:40]}…” is longer than {LONGEST_TAG} characters")
    draft.fields["tags"] = united(draft.tags, new)


def _note(title: str) -> Taker:
    """Of several columns one after the other; of one that is named otherwise with its name."""

    def take(draft: Draft, text: str) -> None:
        if text.lower() not in NOTHING:
            said = f"{title}: {text}" if title else text
            draft.note = f"{draft.note}\n\n{said}" if draft.note else said

    return take


def _unwanted(kinds: frozenset[str]) -> Taker:
    """Calls are marked on the lead itself. A no takes nothing back that was said before."""

    def take(draft: Draft, text: str) -> None:
        if text.lower() in YES:
            draft.unwanted |= kinds - {CALL}
            if CALL in kinds:
                draft.fields["do_not_call"] = True
        elif text.lower() not in NO:
            raise UnreadableValueError(f"“{text[:40]}” is neither yes nor no")

    return take


def _number(name: str, largest: int) -> Taker:
    def take(draft: Draft, text: str) -> None:
        if text.lower() in NOTHING:
            return
        found = NUMBER.fullmatch(text)
        if not found or len(text) > 30:
            below = found is None and NUMBER.fullmatch(text.lstrip("-−"))
            raise UnreadableValueError(f"“{text[:40]}” is {'below 0' if below else 'not a number'}")
        times = {"k": 1_000, "m": 1_000_000}.get((found[3] or "").lower(), 1)
        value = round(Decimal(found[1].replace(",", "") + (found[2] or "")) * times)
        if value > largest:
            raise UnreadableValueError(f"{value:,} is more than {largest:,}")
        draft.fields[name] = value

    return take


TAKERS: Mapping[str, Taker] = {
    NAME: _take_name,
    EMAIL: _take_emails,
    KIND: _take_kind,
    "state": _take_state,
    "time_zone": _take_time_zone,
    "tags": _take_tags,
    "score": _number("score", 100),
    "price_min": _number("price_min", LARGEST_PRICE),
    "price_max": _number("price_max", LARGEST_PRICE),
    **{name: _unwanted(kinds) for name, kinds in UNWANTED.items()},
}
