"""The lead that a notification speaks of. Rows hold its id alone; its name and page are read when they are shown, by what
the reader may see at that moment (V3, V5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.notifications.models import Notification
from crm.organization.models import User

# what stands for the lead in titles and bodies, and what is read there by whoever may not read its name
LEAD, OWN_LEAD = "{lead}", "{own lead}"
AT_ONCE = 25
UNNAMED = {LEAD: "a lead", OWN_LEAD: "a lead of yours"}


@dataclass(frozen=True)
class Subject:
    """A lead as its reader may know it: its name, and the path of its page."""

    name: str
    url: str


# of these readers' leads (ids); by the ids of reader and lead
FindSubjects = Callable[[Mapping[User, Collection[int]]], Mapping[tuple[int, int], Subject]]
_sources: list[FindSubjects] = []


def register_subjects(source: FindSubjects) -> None:
    """Declared by the leads' room: those that their readers may know now, however many ask in a few queries.

    Sources are asked in their order, for what those before left open.
    """
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
    return _noticed([(reader, row) for row in rows])


def notices_of(rows: Sequence[Notification]) -> Iterator[Notice]:
    """Each as its own reader may see it now, read for a few at a time as they are taken."""
    for first in range(0, len(rows), AT_ONCE):
        yield from _noticed([(row.user, row) for row in rows[first : first + AT_ONCE]])


def _noticed(told: Sequence[tuple[User, Notification]]) -> list[Notice]:
    asked: defaultdict[User, set[int]] = defaultdict(set)
    for reader, row in told:
        if row.lead_id is not None:
            asked[reader].add(row.lead_id)
    subjects: dict[tuple[int, int], Subject] = {}
    for source in _sources:
        left = {
            reader: {lead for lead in leads if (reader.pk, lead) not in subjects} for reader, leads in asked.items()
        }
        wanted = {reader: leads for reader, leads in left.items() if leads}
        subjects |= source(wanted) if wanted else {}
    return [_notice(row, subjects.get((reader.pk, row.lead_id or 0))) for reader, row in told]


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
