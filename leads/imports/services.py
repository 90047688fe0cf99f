"""The verbs of an import: upload a file, start it, carry it on to its end, throw it away (I1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import PurePath
from typing import BinaryIO

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from crm.organization.models import Unit, User
from leads import signals
from leads.imports.loading import enter, load
from leads.imports.matching import CUSTOM, match_columns
from leads.imports.reading import Record, UnreadableFileError, records, survey
from leads.imports.rows import Outcome, Row, read_rows
from leads.imports.storing import store_file, stored_records
from leads.imports.values import RowReader, fits
from leads.merging.keys import counting
from leads.models import CustomField, ImportRun, Lead
from leads.querysets import ImportRunQuerySet
from leads.services.creating import owners_for_new_leads
from leads.services.hiding import starts_hidden
from permissions.catalog import Permission
from permissions.keyring import load_keyring

LARGEST_FILE = 50 * 1024 * 1024  # bytes
CHUNK = 5000  # records in a transaction
SAMPLES = 50  # records that help to match the columns
MOST_TRIES = 5
DRAFTS_LAST = timedelta(days=7)
COMPANY_LOCK = 7034002
State = ImportRun.State


class NotDraftError(Exception):
    """The run has started already."""


@transaction.atomic
def create_run(*, actor: User, file: BinaryIO, name: str) -> ImportRun:
    """Keep the uploaded file (seekable) as a draft with its columns matched. Raises UnreadableFileError."""
    if not actor.has_perm(Permission.IMPORT_LEAD):
        raise PermissionDenied("Your profile does not include imports.")
    if file.seek(0, 2) > LARGEST_FILE:
        raise UnreadableFileError(f"The file is larger than {LARGEST_FILE >> 20} MB. Split it, and import the parts.")
    file.seek(0)
    found = survey(file)
    file.seek(0)
    samples = [record.cells for record in islice(records(file, found.encoding, found.delimiter), 1, 1 + SAMPLES)]
    run = ImportRun.objects.create(
        company_id=actor.company_id,
        created_by=actor,
        file_name=PurePath(name).name.encode(errors="replace").decode()[-200:],
        encoding=found.encoding,
        delimiter=found.delimiter,
        header=found.header,
        mapping=match_columns(found.header, samples, fits),
        total=found.total,
    )
    file.seek(0)
    store_file(run, file)
    return run


def samples_of(run: ImportRun, count: int = 3) -> list[list[str]]:
    """For each column of a draft, its first values that are not empty."""
    values: list[list[str]] = [[] for _ in run.header]
    for record in islice(stored_records(run), 1, 1 + SAMPLES):
        for column, cell in zip(values, record.cells, strict=False):
            if cell.strip() and len(column) < count:
                column.append(cell.strip())
    return values


@transaction.atomic
def start_run(
    *,
    actor: User,
    run: ImportRun,
    mapping: Sequence[str],
    owner: Unit | User,
    route: bool,
    source_name: str,
    hidden: bool | None = None,
) -> None:
    """Let a draft begin. Queue `leads.tasks.run_import` with it, or carry it on yourself.
    Whether its leads start hidden, her own switch says unless `hidden` does.

    Raises PermissionDenied for an owner she may not name and for what she may not hide, ValueError for routing without
    a unit, NotDraftError.
    """
    hides = _check(actor, owner, hidden)
    if route and not isinstance(owner, Unit):
        raise ValueError("only a unit's leads can be routed")
    started = ImportRun.objects.of(actor).filter(pk=run.pk, state=State.DRAFT)
    changed = started.update(
        mapping=list(mapping),
        owner_unit=owner if isinstance(owner, Unit) else None,
        owner_user=owner if isinstance(owner, User) else None,
        route=route,
        hidden=hides,
        source_name=source_name.strip()[:80],
        state=State.QUEUED,
        touched_at=Now(),
    )
    if not changed:
        raise NotDraftError
    titles = {
        field.removeprefix(CUSTOM): name for name, field in zip(run.header, mapping, strict=True) if CUSTOM in field
    }
    CustomField.objects.bulk_create(
        [CustomField(company_id=run.company_id, key=key, label=name[:80]) for key, name in titles.items()],
        ignore_conflicts=True,
    )


def _check(actor: User, owner: Unit | User | None, hidden: bool | None) -> bool:
    """Whether the leads start hidden, if she may do so at all. Raises PermissionDenied."""
    people, units = owners_for_new_leads(actor)
    if not actor.is_active or not actor.has_perm(Permission.IMPORT_LEAD):
        raise PermissionDenied("Your profile does not include imports.")
    if owner is None or owner not in [*people, *units]:
        raise PermissionDenied("You may import leads for yourself and for your own units.")
    return starts_hidden(actor, owner, asked=hidden)


@transaction.atomic
def discard_run(*, actor: User, run: ImportRun) -> None:
    """Throw a draft away, file and all. Raises NotDraftError."""
    if not _delete_drafts(ImportRun.objects.of(actor).filter(pk=run.pk)):
        raise NotDraftError


@transaction.atomic
def forget_drafts() -> None:
    """Throw away drafts that were left alone for long."""
    _delete_drafts(ImportRun.objects.filter(created_at__lt=Now() - DRAFTS_LAST))


def _delete_drafts(runs: ImportRunQuerySet) -> int:
    """Those of the runs that have not started, locked first so that none can: how many."""
    drafts = list(runs.filter(state=State.DRAFT).order_by("pk").select_for_update().values_list("pk", flat=True))
    ImportRun.objects.filter(pk__in=drafts).delete()
    return len(drafts)


def carry_on(run_id: int, *, chunks: int | None = None) -> bool:
    """Work on a run from where it stands, for at most so many chunks: whether there is more to do.

    Called twice, or by two workers at once, or after a crash, each record is still handled once: a chunk is one
    transaction that holds the run's row and goes in only where the run has come just as far as the reader.
    """
    run = _begin(run_id)
    if run is None:
        return False
    position = run.handled
    reader = RowReader(run.mapping, run.header, run.company.phone_region)
    with ThreadPoolExecutor(1) as thread:
        ahead = ReadAhead(islice(stored_records(run), 1 + position, None), reader, counting(run.company), thread)
        ahead.begin()
        while rows := ahead.take():
            if chunks == 0:
                return True
            if not _take_in(run_id, position, rows, ahead):
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
        chunk = list(islice(self.records, CHUNK))
        self.coming = self.thread.submit(read_rows, self.reader, chunk, self.counting) if chunk else None

    def take(self) -> list[Row]:
        """The chunk begun last; no rows where the file is at its end."""
        return self.coming.result() if self.coming else []


def _begin(run_id: int) -> ImportRun | None:
    """Mark that somebody works on the run; None where there is nothing to work on, or no sense in trying again."""
    going = ImportRun.objects.filter(pk=run_id, state__in=(State.QUEUED, State.RUNNING))
    going.update(state=State.RUNNING, tries=F("tries") + 1, touched_at=Now(), started_at=Coalesce("started_at", Now()))
    run = going.select_related("company").first()
    if run is not None and run.tries > MOST_TRIES:
        _fail(run, f"It broke off {MOST_TRIES} times at the same place.")
        return None
    return run


@transaction.atomic
def _take_in(run_id: int, position: int, rows: list[Row], ahead: ReadAhead) -> bool:
    """Load one chunk: whether it was ours to do, and was done."""
    run = (
        ImportRun.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
        .select_related("company", "created_by__company", "created_by__holding__profile", "owner_unit", "owner_user")
        .filter(pk=run_id, handled=position, state=State.RUNNING)
        .first()
    )
    if run is None:
        return False
    try:
        _check(run.created_by, run.owner, run.hidden)
    except PermissionDenied as refusal:
        _fail(run, str(refusal))
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [COMPANY_LOCK, run.company_id])
    lead_ids = load(run, load_keyring(run.created_by), rows)
    ahead.begin()
    enter(run, lead_ids)
    if run.route and lead_ids:
        signals.ready_for_routing.send(
            sender=Lead, company_id=run.company_id, unit_id=run.owner_unit_id, lead_ids=lead_ids
        )
    rejected = sum(row.outcome == Outcome.REJECTED for row in rows)
    _advance(run, imported=len(lead_ids), rejected=rejected, skipped=len(rows) - len(lead_ids) - rejected)
    return True


def _advance(run: ImportRun, *, imported: int, skipped: int, rejected: int) -> None:
    ImportRun.objects.filter(pk=run.pk).update(
        handled=F("handled") + imported + skipped + rejected,
        imported=F("imported") + imported,
        skipped=F("skipped") + skipped,
        rejected=F("rejected") + rejected,
        tries=0,
        touched_at=Now(),
    )


def _fail(run: ImportRun, error: str) -> None:
    ImportRun.objects.filter(pk=run.pk).update(state=State.FAILED, error=error, finished_at=Now())
    run.parts.all().delete()


@transaction.atomic
def _end(run_id: int, position: int) -> None:
    """The run is done, and its file no longer needed."""
    done = ImportRun.objects.filter(pk=run_id, state=State.RUNNING, handled=position)
    if done.update(state=State.DONE, finished_at=Now(), touched_at=Now()):
        ImportRun(pk=run_id).parts.all().delete()
