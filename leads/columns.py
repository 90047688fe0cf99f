"""The columns of the People list (L6): which there are, what they read of the leads of a page, what they show.

Of a redacted lead only what its row holds is shown, and nothing else of it is read; where its other columns would be,
there stands how often one was in touch (V5).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import Truncator

from crm.core.templatetags.core import dated
from leads.contact import show_phone
from leads.models import ContactPoint, Lead, Task
from leads.reading import ROW_COLUMNS, LeadRow, RedactedRow, price_of, with_names

COLUMN_WORDS = (
    ("stage", "Stage"),
    ("owner", "Owned by"),
    ("assigned", "Assigned to"),
    ("next", "Next step"),
    ("phone", "Phone"),
    ("email", "E-mail"),
    ("city", "City"),
    ("state", "State"),
    ("kind", "Type"),
    ("price", "Price"),
    ("tags", "Tags"),
    ("origin", "Origin"),
    ("source", "Source"),
    ("attempts", "Attempts"),
    ("contacted", "Last contact"),
    ("created", "Created"),
    ("active", "Last activity"),
    ("score", "Score"),
)
DEFAULT_COLUMNS = frozenset({"stage", "owner", "assigned", "next", "origin", "source", "active", "score"})
NUMBERS = frozenset({"attempts", "score"})
SORTED_BY = frozenset({"active", "created", "score"})  # as the filter’s sorts are called
FIELDS = {
    **{name: (name,) for name in ("city", "state", "kind", "tags", "attempts")},
    "price": ("price_min", "price_max"),
    "contacted": ("last_contact_at",),
}
LONGEST = 24  # characters of what stands in a cell

Row = LeadRow | RedactedRow


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    words: str

    @property
    def is_number(self) -> bool:
        return self.key in NUMBERS


@dataclass(frozen=True, slots=True)
class Cell:
    """`who`: a person, with her mark; `glyph`: that of a unit or a team; `at`: a moment in place of the text."""

    text: str = ""
    css: str = ""
    tone: str = ""
    who: str = ""
    glyph: str = ""
    at: datetime | None = None
    span: int = 1


@dataclass(frozen=True, slots=True)
class Beside:
    """What columns show of other tables, for a page of leads; `region` is where phones are read."""

    steps: Mapping[int, Task]
    points: Mapping[tuple[int, str], str]
    region: str
    now: datetime

    def cell(self, key: str, lead_id: int) -> Cell:
        if key == "next":
            return self._step(self.steps.get(lead_id))
        value = self.points.get((lead_id, key), "–")
        return Cell(show_phone(value, self.region) if key == "phone" and value != "–" else short(value))

    def _step(self, task: Task | None) -> Cell:
        if task is None:
            return Cell("–")
        is_late = task.due_at < self.now
        due = "Overdue" if is_late else day_of(task.due_at, self.now)
        return Cell(f"{due} · {short(task.title)}", tone="bad" if is_late else "")


def columns_of(keys: Collection[str]) -> list[Column]:
    return [Column(key, words) for key, words in COLUMN_WORDS if key in keys]


def with_columns(leads: QuerySet[Lead], columns: Sequence[Column]) -> QuerySet[Lead]:
    """What `rows_of` and `cells_of` read of leads."""
    return with_names(leads).only(*ROW_COLUMNS, *(name for one in columns for name in FIELDS.get(one.key, ())))


def cells_of(
    rows: Sequence[Row], leads: Sequence[Lead], columns: Sequence[Column], region: str
) -> list[tuple[Row, list[Cell]]]:
    """A page of rows, each with what it shows in these columns. `leads`: those of the rows, read `with_columns`."""
    keys = [column.key for column in columns]
    read = [lead.pk for row, lead in zip(rows, leads, strict=True) if isinstance(row, LeadRow)]
    beside = Beside(
        steps=_next_steps(read) if "next" in keys else {},
        points=_first_points(read, {"phone", "email"} & set(keys)),
        region=region,
        now=timezone.now(),
    )
    return [
        (row, [_full(key, row, lead, beside) for key in keys])
        if isinstance(row, LeadRow)
        else (row, list(_redacted(row, keys)))
        for row, lead in zip(rows, leads, strict=True)
    ]


def _next_steps(lead_ids: Collection[int]) -> dict[int, Task]:
    """What is due first of what is planned with each of these leads; no query where there are none."""
    if not lead_ids:
        return {}
    planned = Task.objects.open().filter(lead__in=lead_ids).order_by("lead", "due_at", "pk").distinct("lead")
    return {task.lead_id: task for task in planned.only("lead", "title", "due_at") if task.lead_id}


def _first_points(lead_ids: Collection[int], kinds: Collection[str]) -> dict[tuple[int, str], str]:
    """The first phone, the first e-mail of each of these leads."""
    if not lead_ids or not kinds:
        return {}
    points = ContactPoint.objects.filter(lead__in=lead_ids, kind__in=kinds)
    first = points.order_by("lead", "kind", "position", "pk").distinct("lead", "kind")
    return {(lead_id, kind): value for lead_id, kind, value in first.values_list("lead", "kind", "value")}


def _owner(row: Row) -> Cell:
    if row.owner.kind == "person":
        return Cell(row.owner.name, "second", who=row.owner.name)
    return Cell(row.owner.name, "second", glyph="team" if row.owner.kind == "team" else "unit")


def _assigned(row: LeadRow) -> Cell:
    return Cell(row.assigned, who=row.assigned) if row.assigned else Cell("Nobody", "faint")


def _contacted(lead: Lead) -> Cell:
    return Cell(at=lead.last_contact_at) if lead.last_contact_at else Cell("–")


SHOWN: Mapping[str, Callable[[Row], Cell]] = {
    "stage": lambda row: Cell(row.stage, "side", row.tone),
    "owner": _owner,
    "active": lambda row: Cell(at=row.last_activity_at),
    "score": lambda row: Cell(str(row.score), "num"),
}
OF_ROW: Mapping[str, Callable[[LeadRow], Cell]] = {
    **SHOWN,
    "assigned": _assigned,
    "origin": lambda row: Cell(row.origin),
    "source": lambda row: Cell(row.source or "–"),
}
OF_LEAD: Mapping[str, Callable[[Lead], Cell]] = {
    "city": lambda lead: Cell(lead.city or "–"),
    "state": lambda lead: Cell(lead.state or "–"),
    "kind": lambda lead: Cell(lead.get_kind_display() or "–"),
    "price": lambda lead: Cell(price_of(lead) or "–"),
    "tags": lambda lead: Cell(short(", ".join(lead.tags)) or "–"),
    "attempts": lambda lead: Cell(str(lead.attempts), "num"),
    "contacted": _contacted,
    "created": lambda lead: Cell(at=lead.created_at),
}


def _full(key: str, row: LeadRow, lead: Lead, beside: Beside) -> Cell:
    if key in OF_ROW:
        return OF_ROW[key](row)
    return OF_LEAD[key](lead) if key in OF_LEAD else beside.cell(key, lead.pk)


def _redacted(row: RedactedRow, keys: Sequence[str]) -> Iterator[Cell]:
    """What it shows, in its places; what lies between is one cell, of which the first says how often one was in touch."""
    words, run = row.communications, 0
    for key in [*keys, ""]:
        if key and key not in SHOWN:
            run += 1
            continue
        if run:
            yield Cell(words, span=run)
            words, run = "", 0
        if key:
            yield SHOWN[key](row)


def day_of(moment: datetime, now: datetime) -> str:
    """The day by the reader’s clock, as people say it."""
    here, today = timezone.localtime(moment), timezone.localtime(now).date()
    if today <= here.date() <= today + timedelta(days=1):
        return "Today" if here.date() == today else "Tomorrow"
    return dated(moment, "M j", now)


def short(text: str) -> str:
    return Truncator(text).chars(LONGEST)
