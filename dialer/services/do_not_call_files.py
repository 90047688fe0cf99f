"""Files of numbers for the do-not-call list: taken in as they are, read in chunks in the background, each once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from itertools import islice
from pathlib import PurePath
from typing import BinaryIO

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from crm.organization.models import User
from dialer.models import DoNotCallFile, DoNotCallReject
from dialer.services.do_not_call import add_numbers, require_manager
from leads.contact import UnreadableContactError
from leads.imports.phones import phone_reader
from leads.imports.reading import ARCHIVE, Record, UnreadableFileError, find_delimiter, find_encoding, records

LARGEST = 20 * 1024 * 1024  # bytes
CHUNK = 5_000
HEAD = 64 * 1024
MOST_TRIES = 5
LONGEST_AREA = 5  # digits
FEWEST_DIGITS = 7
AS_A_FIGURE = re.compile(r"\d{1,15}\.0+|\d\.\d{1,14}[eE]\+?\d{1,2}", re.ASCII)
SILENCE = timedelta(seconds=30)
State = DoNotCallFile.State


@transaction.atomic
def take_in(*, actor: User, file: BinaryIO, name: str, reason: str) -> DoNotCallFile:
    """Keep the file (seekable), to be read by `carry_on`. Raises PermissionDenied, UnreadableFileError."""
    require_manager(actor)
    if file.seek(0, 2) > LARGEST:
        raise UnreadableFileError(f"The file is larger than {LARGEST >> 20} MB. Split it, and import the parts.")
    file.seek(0)
    if file.read(len(ARCHIVE)) == ARCHIVE:
        raise UnreadableFileError("The file is an Excel workbook. Save the sheet as CSV, and import that.")
    file.seek(0)
    encoding = find_encoding(file)
    file.seek(0)
    data = file.read()
    delimiter = find_delimiter(data[:HEAD].decode(encoding, "replace"))
    total = sum(1 for _ in _rows(data, encoding, delimiter, actor.company.phone_region))
    if not total:
        raise UnreadableFileError("The file is empty.")
    return DoNotCallFile.objects.create(
        company_id=actor.company_id,
        name=PurePath(name).name.encode(errors="replace").decode()[-200:],
        reason=reason[:200],
        data=data,
        encoding=encoding,
        delimiter=delimiter,
        total=total,
        created_by=actor,
    )


def _rows(data: bytes, encoding: str, delimiter: str, region: str) -> Iterator[Record]:
    """All records but a first one that names columns: that has letters, and nothing that could be meant as a number."""
    found = records(BytesIO(data), encoding, delimiter)
    first = next(found, None)
    if first is not None and (first.problem or not _names_columns(first.cells)):
        yield first
    yield from found


def _names_columns(cells: Sequence[str]) -> bool:
    if any(sum(character.isdigit() for character in cell) >= FEWEST_DIGITS for cell in cells):
        return False
    return any(character.isalpha() for cell in cells for character in cell)


def numbers_in(cells: Sequence[str], region: str) -> list[str]:
    """The numbers of a row: every cell that is one; or the first two as one, as registries have it: 602, 5550100."""
    read = phone_reader(region)
    texts = [_as_written(cell.strip()) for cell in cells]
    whole = "".join(texts[:2])
    if whole.isdigit() and len(whole) > max(map(len, texts[:2])) > LONGEST_AREA:
        texts = [whole, *texts[2:]] if _read(read, whole) else texts
    return list(dict.fromkeys(number for text in texts if (number := _read(read, text))))


def _read(read: Callable[[str], str], text: str) -> str:
    try:
        return read(text)
    except UnreadableContactError:
        return ""


def _as_written(text: str) -> str:
    """A number as a spreadsheet may have made one of it, 6025550100.0 or 6.025550100E+9, if no digit was lost."""
    if not AS_A_FIGURE.fullmatch(text):
        return text
    figure = Decimal(text)
    whole = int(figure)
    is_exact = figure == whole and len(figure.as_tuple().digits) >= len(str(whole))
    return str(whole) if is_exact else text


def carry_on(file_id: int, *, chunks: int | None = None) -> bool:
    """Work on a file from where it stands, for so many chunks: whether there is more. By two at once it is done once."""
    file = _begin(file_id)
    if file is None:
        return False
    region, position = file.company.phone_region, file.handled
    rows = islice(_rows(bytes(file.data), file.encoding, file.delimiter, region), position, None)
    while chunk := list(islice(rows, CHUNK)):
        if chunks == 0:
            return True
        if not _enter(file_id, position, chunk, region):
            return False
        position += len(chunk)
        chunks = None if chunks is None else chunks - 1
    DoNotCallFile.objects.filter(pk=file_id, handled=position).update(state=State.DONE, data=b"", touched_at=Now())
    return False


def _begin(file_id: int) -> DoNotCallFile | None:
    going = DoNotCallFile.objects.filter(pk=file_id, state=State.RUNNING)
    going.filter(tries__gte=MOST_TRIES).update(state=State.FAILED, data=b"")
    going.update(tries=F("tries") + 1, touched_at=Now())
    return going.select_related("company").first()


@transaction.atomic
def _enter(file_id: int, position: int, chunk: list[Record], region: str) -> bool:
    """One chunk: whether it was ours to do."""
    running = DoNotCallFile.objects.filter(pk=file_id, handled=position, state=State.RUNNING)
    file = running.select_for_update(of=("self",), skip_locked=True, no_key=True).defer("data").first()
    if file is None:
        return False
    numbers = [(record, [] if record.problem else numbers_in(record.cells, region)) for record in chunk]
    rejected = [record for record, found in numbers if not found]
    added = add_numbers(
        company_id=file.company_id,
        user_id=file.created_by_id,
        numbers={number for _, found in numbers for number in found},
        reason=file.reason,
    )
    DoNotCallReject.objects.bulk_create(
        DoNotCallReject(
            file_id=file_id, line=record.line, cells=[cell[:200].replace("\0", "") for cell in record.cells]
        )
        for record in rejected
    )
    running.update(
        handled=position + len(chunk),
        found=F("found") + sum(len(found) for _, found in numbers),
        added=F("added") + added,
        rejected=F("rejected") + len(rejected),
        tries=0,
        touched_at=Now(),
    )
    return True


def forsaken() -> list[int]:
    """Files that nobody works on any more."""
    silent = DoNotCallFile.objects.filter(state=State.RUNNING, touched_at__lt=Now() - SILENCE)
    return list(silent.order_by("pk").values_list("pk", flat=True))
