"""An import at work, chunk by chunk, or tried without a trace (I1).

Called twice, or by two workers at once, or after a crash, each record is still handled once: a chunk is one transaction
that holds the run's row, and it goes in only where the run has come just as far as the reader.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, F
from django.db.models.functions import Coalesce, Now
from django.urls import reverse

from crm.notifications.services import Message, notify
from leads import signals
from leads.imports.duplicates import Memory, settle
from leads.imports.lists import lists_of
from leads.imports.loading import enter, keep_rows, load
from leads.imports.matching import PERSON
from leads.imports.reading import Record
from leads.imports.rows import Outcome, Row, read_rows
from leads.imports.services import AT_ZERO, check_rights
from leads.imports.storing import stored_records
from leads.imports.updating import foresee_updates
from leads.imports.values import RowReader
from leads.merging.keys import counting, hold_newcomers
from leads.models import ImportRow, ImportRun, Lead
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry

CHUNK = 5000  # records in a transaction
LARGEST_CHUNK = 8 * 1024 * 1024  # characters in it, but for the last record: the wider the rows are, the fewer
MOST_TRIES = 5
State = ImportRun.State


def carry_on(run_id: int, *, chunks: int | None = None) -> bool:
    """Work on a run from where it stands, for at most so many chunks: whether there is more to do."""
    run = _begin(run_id)
    if run is None:
        return False
    memory: Memory | None = {} if run.trial else None
    position = run.handled
    reader = RowReader(run.mapping, run.header, run.company.phone_region, lists_of(run))
    with ThreadPoolExecutor(1) as thread:
        ahead = ReadAhead(stored_records(run, 1 + position), reader, counting(run.company), thread)
        ahead.begin()
        while rows := ahead.take():
            if chunks == 0 and memory is None:  # a trial remembers its rows, and so is done in one go
                return True
            if not _take_in(run_id, position, rows, ahead, memory):
                return False
            position += len(rows)
            chunks = None if chunks is None else chunks - 1
    _end(run_id, position)
    return False


@dataclass
class ReadAhead:
    """Reads the next chunk in a thread of its own: begun when the database is about to be waited for anyway."""

    records: Iterator[Record]
    reader: RowReader
    counting: Sequence[str]
    thread: ThreadPoolExecutor
    coming: Future[list[Row]] | None = None

    def begin(self) -> None:
        chunk = _chunk_of(self.records)
        self.coming = self.thread.submit(read_rows, self.reader, chunk, self.counting) if chunk else None

    def take(self) -> list[Row]:
        """The chunk begun last; no rows where the file is at its end."""
        return self.coming.result() if self.coming else []


def _chunk_of(records: Iterator[Record]) -> list[Record]:
    chunk, size = [], 0
    for record in records:
        chunk.append(record)
        size += sum(map(len, record.cells))
        if len(chunk) >= CHUNK or size >= LARGEST_CHUNK:
            break
    return chunk


@transaction.atomic
def _begin(run_id: int) -> ImportRun | None:
    """Mark that somebody works on the run; None where there is nothing to work on, or no sense in trying again.

    A trial begins anew: whoever is at it already finds its place taken, and stops.
    """
    going = ImportRun.objects.filter(pk=run_id, state__in=(State.QUEUED, State.RUNNING))
    tries = F("tries") + 1
    going.update(state=State.RUNNING, tries=tries, touched_at=Now(), started_at=Coalesce("started_at", Now()))
    if going.filter(trial=True).update(**{**AT_ZERO, "tries": F("tries")}):
        ImportRow.objects.filter(run=run_id).delete()
    run = going.select_related("company", "created_by__company", "owner_unit", "owner_user").first()
    if run is not None and run.tries > MOST_TRIES:
        _stop(run, State.FAILED, f"It broke off {MOST_TRIES} times at the same place.")
        return None
    return run


@transaction.atomic
def _take_in(run_id: int, position: int, rows: list[Row], ahead: ReadAhead, memory: Memory | None) -> bool:
    """Take in one chunk, or only find out what would become of it: whether it was ours to do, and was done."""
    run = (
        ImportRun.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
        .select_related("company", "created_by__company", "created_by__holding__profile", "owner_unit", "owner_user")
        .filter(pk=run_id, handled=position, state=State.RUNNING)
        .first()
    )
    if run is None:
        return False
    if run.cancel_asked:
        _stop(run, State.CANCELLED)
        return False
    try:
        check_rights(run.created_by, run.owner, run.mapping, run.hidden)
    except PermissionDenied as refusal:
        _stop(run, State.FAILED, str(refusal))
        return False
    if memory is None:
        _load(run, rows, ahead)
    else:
        _try(run, rows, ahead, memory)
    _advance(run, rows)
    return True


def _load(run: ImportRun, rows: list[Row], ahead: ReadAhead) -> None:
    hold_newcomers(run.company_id)
    new = load(run, load_keyring(run.created_by), rows)
    ahead.begin()
    enter(run, new)
    unassigned = [row.lead_id for row in new if row.draft.agent_id is None]
    if run.route and unassigned:
        signals.ready_for_routing.send(
            sender=Lead, company_id=run.company_id, unit_id=run.owner_unit_id, lead_ids=unassigned
        )


def _try(run: ImportRun, rows: list[Row], ahead: ReadAhead, memory: Memory) -> None:
    """Only those are kept that would not go in, with their reasons."""
    ahead.begin()
    settle(run, load_keyring(run.created_by), rows, memory)
    foresee_updates(run, [row for row in rows if row.outcome == Outcome.UPDATED])
    keep_rows(run, [row for row in rows if not row.goes_in])


def _advance(run: ImportRun, rows: Sequence[Row]) -> None:
    counts = Counter(row.outcome for row in rows)
    counted = {outcome.value: F(outcome.value) + counts[outcome] for outcome in Outcome}
    ImportRun.objects.filter(pk=run.pk).update(
        handled=F("handled") + len(rows), **counted, tries=F("tries") if run.trial else 0, touched_at=Now()
    )


def _stop(run: ImportRun, state: State, error: str = "") -> None:
    """End a run before its time. A trial that was cancelled is a draft as before."""
    stopped = ImportRun.objects.filter(pk=run.pk)
    if run.trial and state == State.CANCELLED:
        stopped.update(state=State.DRAFT, trial=False)
        return
    stopped.update(state=state, error=error, finished_at=Now())
    run.parts.all().delete()
    _tell(run)


@transaction.atomic
def _end(run_id: int, position: int) -> None:
    """The run is done, and its file no longer needed; that of a trial is."""
    over = ImportRun.objects.filter(pk=run_id, state=State.RUNNING, handled=position)
    if over.filter(trial=True).update(state=State.DRAFT, touched_at=Now()):
        return
    if over.update(state=State.DONE, finished_at=Now(), touched_at=Now()):
        run = ImportRun.objects.select_related("created_by").get(pk=run_id)
        run.parts.all().delete()
        _tell(run)


def _tell(run: ImportRun) -> None:
    """Those to whom the file gave leads, each once for all of them."""
    if PERSON not in run.mapping:
        return
    added = ImportRow.objects.filter(run=run, outcome=Outcome.IMPORTED).values("lead_id")
    given = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.ASSIGNED, why="import", lead_id__in=added)
    others = given.exclude(to_user_id=run.created_by_id).order_by("to_user_id").values_list("to_user_id")
    said, url = f"By {run.created_by}, from a file.", f"{reverse('people')}?mine=1"
    words = {1: "A lead is assigned to you"}
    notify(
        run.company_id,
        [
            Message(user_id, "assigned", words.get(count, f"{count:,} leads are assigned to you"), said, url)
            for user_id, count in others.annotate(count=Count("pk"))
            if user_id
        ],
    )
