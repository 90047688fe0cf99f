"""A large upload: kept as it came, and read in the background, so that nobody waits for an answer meanwhile (I1).

Whoever reads it says so every moment. A second one begins only once the first is silent, and anew; the first, should it
still be alive, finds itself overtaken and stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, BinaryIO, cast

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import User
from leads.imports.reading import UnreadableFileError
from leads.imports.storing import WORKBOOK, StoredFile, parts_of, store_file, store_parts
from leads.imports.uploading import check_rows, create_run, match, new_run, open_sheet, take_survey
from leads.models import ImportRun

LARGEST_AT_ONCE = {True: 192 * 1024, False: 8 * 1024 * 1024}  # bytes of a workbook, and of a text
PARTS_AT_ONCE = 4
ROWS_FROM = 1_000_000  # numbers of the parts that hold rows, while those of the file are there
WHOLE = 100  # per cent, in which a run counts while its file is read
SILENCE = timedelta(seconds=30)
MOST_TRIES = 3
State = ImportRun.State


class OvertakenError(Exception):
    """The file was thrown away, or somebody else reads it."""


def receive(*, actor: User, file: BinaryIO, name: str) -> ImportRun:
    """A draft of the uploaded file (seekable); of a large one a run that is still to be read: queue
    `leads.tasks.run_import` with it. Raises UnreadableFileError.
    """
    run = new_run(actor, file, name)
    size = file.seek(0, 2)
    file.seek(0)
    if size <= LARGEST_AT_ONCE[run.encoding == WORKBOOK]:
        return create_run(actor=actor, file=file, name=name)
    run.state, run.total = State.READING, WHOLE
    with transaction.atomic():
        run.save()
        store_file(run, file)
    return run


def read_upload(run_id: int) -> None:
    """Make the draft of a run that is to be read, or say in it why that cannot be."""
    run = _begin(run_id)
    if run is None:
        return
    try:
        with TemporaryFile() as file:
            copyfileobj(StoredFile(run.pk), file)
            file.seek(0)
            _read(run, file)
    except UnreadableFileError as error:
        _give_up(run, str(error))
    except OvertakenError:
        return


@transaction.atomic
def _begin(run_id: int) -> ImportRun | None:
    """Begin at the first byte; None where there is nothing to read, or somebody is at it."""
    waiting = Q(tries=0) | Q(touched_at__lt=Now() - SILENCE)
    ours = ImportRun.objects.filter(waiting, pk=run_id, state=State.READING)
    if not ours.update(tries=F("tries") + 1, handled=0, touched_at=Now()):
        return None
    run = ImportRun.objects.select_related("company", "created_by__company").get(pk=run_id)
    run.parts.filter(number__gte=ROWS_FROM).delete()
    if run.tries > MOST_TRIES:
        _give_up(run, f"Reading it broke off {MOST_TRIES} times. Split the file, or save it as CSV.")
        return None
    return run


def _read(run: ImportRun, file: IO[bytes]) -> None:
    if run.encoding != WORKBOOK:
        take_survey(run, cast(BinaryIO, file))
        _finish(run)
        return
    workbook, rows = open_sheet(run, cast(BinaryIO, file))
    run.total, number = -1, ROWS_FROM
    for parts in _several(parts_of(rows)):
        with transaction.atomic():
            _hold(run, round(WHOLE * workbook.share()))
            store_parts(run, [data for _, data in parts], number)
        run.total, number = run.total + sum(count for count, _ in parts), number + len(parts)
    check_rows(run)
    _finish(run, rows_from=ROWS_FROM)


def _several(parts: Iterator[tuple[int, bytes]]) -> Iterable[list[tuple[int, bytes]]]:
    return iter(lambda: list(islice(parts, PARTS_AT_ONCE)), [])


def _hold(run: ImportRun, percent: int) -> None:
    """Give a sign of life, and let nobody else begin before the transaction is over. Raises OvertakenError."""
    ours = ImportRun.objects.filter(pk=run.pk, state=State.READING, tries=run.tries)
    if not ours.update(handled=percent, touched_at=Now()):
        raise OvertakenError


@transaction.atomic
def _finish(run: ImportRun, *, rows_from: int = 0) -> None:
    """It is a draft now. Where rows were made of the file, they take its place."""
    _hold(run, 0)
    if rows_from:
        run.parts.filter(number__lt=rows_from).delete()
        run.parts.update(number=F("number") - rows_from)
    match(run)
    run.state, run.tries, run.handled = State.DRAFT, 0, 0
    run.save(update_fields=["encoding", "delimiter", "header", "note", "mapping", "total", "state", "tries", "handled"])


@transaction.atomic
def _give_up(run: ImportRun, why: str) -> None:
    ours = ImportRun.objects.filter(pk=run.pk, state=State.READING, tries=run.tries)
    if ours.update(state=State.FAILED, error=why, total=0, handled=0, finished_at=Now(), touched_at=Now()):
        run.parts.all().delete()
