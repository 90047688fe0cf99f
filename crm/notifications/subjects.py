"""The lead that a notification speaks of. Rows hold its id alone; its name and page are read when they are shown, by what
the reader may see at that moment (V3, V5).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from crm.notifications.models import Notification
from crm.organization.models import User

# what stands for the lead in titles and bodies, and what is read there by whoever may not read its name
LEAD, OWN_LEAD = "{lead}", "{own lead}"
UNNAMED = {LEAD: "a lead", OWN_LEAD: "a lead of yours"}


@dataclass(frozen=True)
class Subject:
    """A lead as its reader may know it: its name, and the path of its page."""

    name: str
    url: str


FindSubjects = Callable[[User, Collection[int]], Mapping[int, Subject]]
_sources: list[FindSubjects] = []


def register_subjects(source: FindSubjects) -> None:
    """Declared by the leads' room: of these leads (ids), those that the person may read in full now, in one query."""
    _sources.append(source)


@dataclass(frozen=True)
class Notice:
    """A notification as its reader sees it; `url` is empty where nothing is to be opened."""

    title: str
    body: str
    url: str
    created_at: datetime
    is_new: bool


def notices_for(reader: User, rows: Iterable[Notification]) -> list[Notice]:
    """The notifications, in their order, as the reader may see them now."""
    told = list(rows)
    leads = {row.lead_id for row in told if row.lead_id is not None}
    subjects = {pk: subject for source in _sources if leads for pk, subject in source(reader, leads).items()}
    return [_notice(row, subjects.get(row.lead_id or 0)) for row in told]


def _notice(row: Notification, subject: Subject | None) -> Notice:
    url = row.url if row.lead_id is None else subject and (row.url or subject.url)
    return Notice(
        title=_named(row.title, subject),
        body=_named(row.body, subject),
        url=url or "",
        created_at=row.created_at,
        is_new=row.seen_at is None,
    )


def _named(text: str, subject: Subject | None) -> str:
    """The text with the lead's name in its place, on one line: a title becomes the subject of a mail."""
    said = text
    for place, unnamed in UNNAMED.items():
        said = said.replace(place, " ".join(subject.name.split()) if subject else unnamed)
    return said[:1].upper() + said[1:] if subject is None and text.startswith(tuple(UNNAMED)) else said
