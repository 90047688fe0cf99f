"""What of the ledger somebody reads, newest first.

A fact about a lead she may not see shows its kind and its time, and nothing else. So what asks for a person, a unit, a
lead or a batch leaves such facts out: that they are found would tell whose they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from crm.core.pagination import read_cursor, write_cursor
from leads.ledger.words import line_of
from leads.models import Batch, Lead
from leads.timeline import names_in
from permissions.access import Keyring, Level
from permissions.door import seen_by
from permissions.models import LedgerEntry

PAGE = 50
ENDS = {"actor": ("actor",), "from": ("from_user_id",), "to": ("to_user_id",)}
NAMED = ("public_id", "first_name", "last_name", "company_name")
ANY_END = ("actor", "from_user_id", "to_user_id")
Place = tuple[datetime, int]


@dataclass(frozen=True)
class Question:
    """Which facts are wanted; `until` is exclusive. `end` says as what the people took part: actor, from, to, or any."""

    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    people: tuple[int, ...] = ()
    end: str = ""
    unit: int | None = None
    lead: int | None = None
    batch: int | None = None

    @property
    def singles_out(self) -> bool:
        """Whether the answer tells more of a fact than its kind and its time."""
        return bool(self.people) or any(one is not None for one in (self.unit, self.lead, self.batch))


@dataclass(frozen=True, slots=True)
class Row:
    """A fact as the reader may know it. `entry` is missing where the fact is about a lead she may not see.

    Numbers of rows are not told: they count what other companies do. `batch` is the mass action's public id.
    """

    at: datetime
    kind: str
    line: SafeString = field(default=SafeString(""))
    lead: str = ""
    url: str = ""
    batch: str = ""
    entry: LedgerEntry | None = None


@dataclass(frozen=True)
class Stretch:
    rows: list[Row]
    next_cursor: str


def in_sight(keyring: Keyring) -> Q:
    """The fact is about no lead, or about one she may read; or might, were it still there.

    A scalar subquery, which PostgreSQL asks row by row: an EXISTS it may answer by hashing every lead there is.
    """
    seen = Lead.objects.filter(seen_by(keyring, Level.VIEW, removed=True), pk=OuterRef("lead_id"))
    return Q(lead_id=None) | Q(Subquery(seen.annotate(yes=Value(True)).values("yes")))


def stretch(keyring: Keyring, question: Question, cursor: str = "", size: int = PAGE) -> Stretch:
    """The `size` newest facts after `cursor`, in four queries."""
    places = _places(keyring, question, _read(cursor), size + 1)
    rows = rows_of(keyring, [pk for _, pk in places[:size]])
    return Stretch(rows, write_cursor([*places[size - 1]]) if len(places) > size else "")


def all_rows(keyring: Keyring, question: Question, at_once: int = 1000) -> Iterator[Row]:
    """Every fact that answers the question, read as they are asked for."""
    after: Place | None = None
    while places := _places(keyring, question, after, at_once):
        yield from rows_of(keyring, [pk for _, pk in places])
        after = places[-1]


def how_many(keyring: Keyring, question: Question) -> int:
    """How many facts answer the question."""
    return _matching(keyring, question).filter(reduce(or_, _ends(question))).count()


def _read(cursor: str) -> Place | None:
    values = read_cursor(cursor) if cursor else None
    at = parse_datetime(str(values[0])) if values is not None and len(values) == 2 else None
    return (at, int(values[1])) if values and at else None


def _places(keyring: Keyring, question: Question, after: Place | None, size: int) -> list[Place]:
    """Time and id of the next facts. Each end that may fit is a walk along an index of its own; the newest of all win."""
    facts = _matching(keyring, question)
    if after is not None:
        facts = facts.filter(Q(at__lt=after[0]) | Q(at=after[0], pk__lt=after[1]), at__lte=after[0])
    walks = [facts.filter(end).order_by("-at", "-pk").values_list("at", "pk")[:size] for end in _ends(question)]
    found = walks[0].union(*walks[1:]).order_by("-at", "-pk")[:size] if len(walks) > 1 else walks[0]
    return list(found)


def _matching(keyring: Keyring, question: Question) -> QuerySet[LedgerEntry]:
    facts = LedgerEntry.objects.filter(company=keyring.company_id)
    plain = {
        "at__gte": question.since,
        "at__lt": question.until,
        "lead_id": question.lead,
        "batch_id": question.batch,
    }
    facts = facts.filter(**{name: value for name, value in plain.items() if value is not None})
    if question.people and question.unit is not None:
        facts = facts.filter(Q(from_unit_id=question.unit) | Q(to_unit_id=question.unit))
    if question.singles_out:
        # of these few each is looked at: the index by kind would be read for all there are of the kind
        facts = facts.alias(word=Concat("kind", Value(""))).filter(in_sight(keyring))
    return facts.filter(**{"word" if question.singles_out else "kind": question.kind}) if question.kind else facts


def _ends(question: Question) -> list[Q]:
    if question.people:
        ends = ENDS.get(question.end, ANY_END)
        return [Q(**{end: person}) for end in ends for person in question.people]
    if question.unit is not None:
        return [Q(from_unit_id=question.unit), Q(to_unit_id=question.unit)]
    return [Q()]


def rows_of(keyring: Keyring, ids: list[int]) -> list[Row]:
    """These facts, newest first, in words."""
    sight = ExpressionWrapper(in_sight(keyring), output_field=BooleanField())
    found = LedgerEntry.objects.filter(pk__in=ids).annotate(in_sight=sight).defer("content_hash")
    entries = [(entry, bool(entry.in_sight)) for entry in found.order_by("-at", "-pk")]
    shown = [entry for entry, is_open in entries if is_open]
    names = names_in(shown)
    leads = Lead.objects.visible_to(keyring, Level.VIEW).filter(pk__in={entry.lead_id for entry in shown})
    there = {lead.pk: lead for lead in leads.only(*NAMED).order_by("pk")}
    batches = _batches(shown)
    rows = [
        Row(
            entry.at,
            entry.get_kind_display(),
            line=line_of(entry, names) if is_open else SafeString(""),
            batch=batches.get(entry.batch_id or 0, "") if is_open else "",
            entry=entry if is_open else None,
        )
        for entry, is_open in entries
    ]
    return [_with_lead(row, there.get(row.entry.lead_id or 0)) if row.entry else row for row in rows]


def _batches(entries: Sequence[LedgerEntry]) -> dict[int, str]:
    ids = {entry.batch_id for entry in entries if entry.batch_id}
    return dict(Batch.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "public_id")) if ids else {}


def _with_lead(row: Row, lead: Lead | None) -> Row:
    return replace(row, lead=lead.name, url=reverse("lead", args=[lead.public_id])) if lead else row
