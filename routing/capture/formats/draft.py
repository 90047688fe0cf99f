"""The inquiry while its answers come in. What a field cannot take, and what it would cut, is kept in `extra`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leads.imports.matching import CUSTOM
from leads.states import kept_as
from routing.capture.formats.bodies import Answer
from routing.capture.formats.text import label_of, one_line, whole
from routing.capture.formats.values import (
    LONGEST_CONTACT,
    day_in_words,
    emails_in,
    is_phone,
    kind_of,
    phones_in,
    price_in_words,
    read_moment,
    read_price,
)

# the lengths of the lead's columns; a test holds them against the model
LENGTHS = {
    "first_name": 120,
    "last_name": 120,
    "company_name": 160,
    "street": 200,
    "city": 120,
    "state": 40,
    "postal_code": 16,
    "language": 16,
}
LONGEST_TAG = 40
LONGEST_SOURCE = 80
LONGEST_ID = 200
MOST_POINTS = 20  # phones, and e-mails, of one person
NO_CONSENT = frozenset({"yes", "no", "on", "off", "true", "false", "1", "0", "y", "n", "agreed", "accepted"})

Lines = dict[str, dict[str, None]]  # label → what was said under it, once each


@dataclass
class Draft:
    """Every `take` answers whether it had a place for all that was said."""

    fields: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)  # without capitals → as sent
    emails: dict[str, str] = field(default_factory=dict)
    tags: dict[str, None] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    messages: dict[str, None] = field(default_factory=dict)
    about: Lines = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    extra: Lines = field(default_factory=dict)
    custom: Lines = field(default_factory=dict)
    utm: dict[str, str] = field(default_factory=dict)
    agents: dict[str, dict[str, str]] = field(default_factory=lambda: {"agent": {}, "chosen": {}})
    budget: dict[str, None] = field(default_factory=dict)
    happened_at: datetime | None = None

    def put(self, place: str, answer: Answer) -> None:
        """Into its place (see guessing.py), else under its own words."""
        head, colon, label = place.partition(":")
        if colon and head + colon == CUSTOM:
            add(self.custom, label, answer.text)
        elif colon:
            add(self.about, label, day_in_words(answer.text) if head == "day" else answer.text)
        elif place == "about":
            add(self.about, label_of(answer.path), answer.text)
        elif not self._take(*place.partition(".")[::2], answer):
            add(self.extra, label_of(answer.path), answer.text)

    def _take(self, head: str, part: str, answer: Answer) -> bool:
        if head in LENGTHS:
            return self._take_column(head, answer)
        if head in self.agents:
            return _take_agent(self.agents[head], part, answer)
        if head == "asked":
            return self._take_asked(part, answer)
        if head == "utm":
            return once(self.utm, part, one_line(answer.text))
        if head in ("budget", "price_min", "price_max"):
            return self._take_price(head, answer)
        if head in WORDS:
            return len(answer.text) <= WORDS[head] and once(self.words, head, one_line(answer.text))
        return head in TAKERS and TAKERS[head](self, answer)

    def _take_column(self, name: str, answer: Answer) -> bool:
        target = self.names if name in ("first_name", "last_name") else self.fields
        text = whole(one_line(answer.text))
        if name == "state":
            text = kept_as(text)
        if name == "street" and (before := target.pop(name, "")):
            text = before if text.casefold() in before.casefold() else f"{before}, {text}"
        return once(target, name, text[: LENGTHS[name]].rstrip()) and len(text) <= LENGTHS[name]

    def _take_asked(self, part: str, answer: Answer) -> bool:
        text = whole(one_line(answer.text))
        if part == "price":
            add(self.about, "Price", price_in_words(answer.text))
            low, high = read_price(answer.text) or (None, None)
            once(self.asked, part, high or low)
            return True
        return once(self.asked, part, kept_as(text) if part == "state" else text)

    def _take_price(self, end: str, answer: Answer) -> bool:
        """A budget, or one end of it. What cannot be counted is still what it is about."""
        self.budget[price_in_words(answer.text)] = None
        low, high = read_price(answer.text) or (None, None)
        for name, amount in {"price_min": low, "price_max": high}.items() if end == "budget" else [(end, high or low)]:
            once(self.fields, name, amount)
        return True

    def take_name(self, answer: Answer) -> bool:
        return once(self.names, "name", one_line(answer.text))

    def take_phone(self, answer: Answer) -> bool:
        return _take_points(self.phones, phones_in(whole(answer.text)))

    def take_email(self, answer: Answer) -> bool:
        found = emails_in(answer.text)
        rest = re.sub(r"mailto:|[\s<>,;|]", "", answer.text)
        return _take_points(self.emails, found) and rest == "".join(found)

    def take_kind(self, answer: Answer) -> bool:
        return once(self.fields, "kind", kind_of(answer.text))

    def take_tags(self, answer: Answer) -> bool:
        tags = [one_line(tag) for tag in answer.text.replace(";", ",").replace("\n", ",").split(",")]
        self.tags.update((tag[:LONGEST_TAG].rstrip(), None) for tag in tags if tag)
        return all(len(tag) <= LONGEST_TAG for tag in tags)

    def take_message(self, answer: Answer) -> bool:
        self.messages[answer.text] = None
        return True

    def take_moment(self, answer: Answer) -> bool:
        moment = read_moment(answer.text)
        if moment is not None and self.happened_at is None:
            self.happened_at = moment
            return True
        return False

    def take_consent(self, answer: Answer) -> bool:
        """The id of a text; that a box was ticked names none."""
        fits = len(answer.text) <= LONGEST_ID and answer.text.lower() not in NO_CONSENT
        return fits and once(self.words, "consent", answer.text)


WORDS = {"source": LONGEST_SOURCE, "external_id": LONGEST_ID, "event": LONGEST_SOURCE}
TAKERS: Mapping[str, Callable[[Draft, Answer], bool]] = {
    "name": Draft.take_name,
    "phone": Draft.take_phone,
    "email": Draft.take_email,
    "kind": Draft.take_kind,
    "tags": Draft.take_tags,
    "message": Draft.take_message,
    "happened_at": Draft.take_moment,
    "consent": Draft.take_consent,
}


def once(target: dict[str, Any], name: str, value: Any) -> bool:
    """The first of several stays; the same again is no loss."""
    if value is None or value == "":
        return False
    return bool(target.setdefault(name, value) == value)


def add(target: Lines, label: str, text: str) -> None:
    target.setdefault(label, {})[text] = None


def _take_points(target: dict[str, str], found: list[str]) -> bool:
    for point in found[: max(0, MOST_POINTS - len(target))]:
        target.setdefault(point.lower(), point)
    return bool(found) and all(point.lower() in target for point in found)


def _take_agent(agent: dict[str, str], part: str, answer: Answer) -> bool:
    text = one_line(answer.text)[:LONGEST_CONTACT]
    return once(agent, part or ("email" if emails_in(text) else "phone" if is_phone(text) else "name"), text)
