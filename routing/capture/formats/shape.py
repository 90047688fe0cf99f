"""What an adapter makes of a body, and how it says that it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class UnreadableError(ValueError):
    """A body that cannot be read; `str()` of it is shown in the inbox: what is wrong, and where."""


class SpamError(UnreadableError):
    """The form's hidden field was filled in: a machine sent it."""


@dataclass(frozen=True)
class Agent:
    """Whoever the sender names as agent. It may be an office's mailbox or an agent of another house: look her up."""

    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Inquiry:
    """One person asking, in our words. Everything sent is in here somewhere, what has no place of its own in `extra`.

    `fields` are Lead columns, clipped to their lengths. `asked` is the property asked about, in parts: street, city,
    state, postal_code as text, price as a whole number; `about` says the same in words for the timeline.
    """

    external_id: str = ""  # the sender's own id; without one the caller tells repeats by the body
    fields: Mapping[str, Any] = field(default_factory=dict)
    phones: tuple[str, ...] = ()  # as sent
    emails: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    source: str = ""  # empty where the payload says nothing to rely on
    message: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    custom: Mapping[str, str] = field(default_factory=dict)  # by a mapping to `custom:<key>` only
    utm: Mapping[str, str] = field(default_factory=dict)  # source, medium, campaign, term, content, gclid …
    consent: str = ""  # id of the consent text agreed to
    agent: Agent | None = None  # C6: named by the vendor
    chosen: Agent | None = None  # C7: chosen by the visitor
    happened_at: datetime | None = None  # UTC; a time sent without a zone is taken as UTC
    makes_lead: bool = True  # False: an activity of somebody who must be known already
    event: str = ""


@dataclass(frozen=True)
class Pointer:
    """A lead that Facebook keeps until it is fetched by id."""

    leadgen_id: str
    form_id: str
    page_id: str


Found = list[Inquiry | Pointer]
