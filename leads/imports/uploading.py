"""A file comes in: read once from end to end, kept as a draft with its columns matched (I1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import PurePath
from typing import BinaryIO

from django.core.exceptions import PermissionDenied
from django.db import transaction

from crm.organization.models import User
from leads.imports.lists import lists_for, may_assign, without_field
from leads.imports.matching import NOTE, PERSON, doubts_about, field_named, match_columns
from leads.imports.reading import ARCHIVE, Record, UnreadableFileError, read_header, survey
from leads.imports.storing import WORKBOOK, store_file, store_rows, stored_records
from leads.imports.values import RowReader
from leads.imports.workbook import Workbook, open_workbook
from leads.models import ImportRun
from permissions.catalog import Permission

NO_FIELD = (
    "Your company has no field for it, so it goes into the note. Who may change your company’s settings can make one, by"
    " importing a file with this column."
)
NOT_ASSIGNABLE = "Only a manager of the unit that owns the leads may say in a file who works them."
LARGEST_FILE = 50 * 1024 * 1024  # bytes
SAMPLES = 50  # records that help to match the columns
MOST_CHOICES, LONGEST_CHOICE = 100, 80


class TooManyValuesError(ValueError):
    """A column's values cannot be the choices of a field."""


@transaction.atomic
def create_run(*, actor: User, file: BinaryIO, name: str) -> ImportRun:
    """Keep the uploaded file (seekable) as a draft with its columns matched. Raises UnreadableFileError."""
    run = new_run(actor, file, name)
    if run.encoding == WORKBOOK:
        _, rows = open_sheet(run, file)
        run.save()
        run.total = store_rows(run, rows) - 1
        check_rows(run)
    else:
        take_survey(run, file)
        run.save()
        file.seek(0)
        store_file(run, file)
    match(run)
    run.save(update_fields=["total", "mapping"])
    return run


def new_run(actor: User, file: BinaryIO, name: str) -> ImportRun:
    """What is to become the draft of this file, if she may import it. Raises UnreadableFileError."""
    if not actor.has_perm(Permission.IMPORT_LEAD):
        raise PermissionDenied("Your profile does not include imports.")
    if file.seek(0, 2) > LARGEST_FILE:
        raise UnreadableFileError(f"The file is larger than {LARGEST_FILE >> 20} MB. Split it, and import the parts.")
    file.seek(0)
    is_workbook = file.read(len(ARCHIVE)) == ARCHIVE
    file.seek(0)
    return ImportRun(
        company_id=actor.company_id,
        created_by=actor,
        file_name=PurePath(name).name.encode(errors="replace").decode()[-200:],
        encoding=WORKBOOK if is_workbook else "",
    )


def take_survey(run: ImportRun, file: BinaryIO) -> None:
    found = survey(file)
    run.encoding, run.delimiter, run.header, run.total = found.encoding, found.delimiter, found.header, found.total


def open_sheet(run: ImportRun, file: BinaryIO) -> tuple[Workbook, Iterator[Record]]:
    """Of a workbook's sheets the first that people see and that holds anything, and its rows, the header first."""
    for workbook in open_workbook(file):
        first = next(workbook.records, None)
        if first is not None:
            break
    else:
        raise UnreadableFileError("The workbook is empty.")
    run.header = read_header(first)
    if workbook.others:
        run.note = f"Only the sheet “{workbook.sheet}” is read. Save others as files of their own to import them."
    return workbook, chain([first], workbook.records)


def check_rows(run: ImportRun) -> None:
    if run.total < 1:
        raise UnreadableFileError("The sheet has a header, but no rows below it.")


def match(run: ImportRun) -> None:
    """Its columns, by their names and the first of its stored records; what can have no field goes into the note."""
    reader = _reader_of(run)
    found = match_columns(run.header, _first_of(run), reader.fits())
    missing = without_field(run.created_by, found, reader.lists.customs)
    run.mapping = [NOTE if number in missing else field for number, field in enumerate(found)]


def doubts_of(run: ImportRun) -> list[str]:
    """Of each column of a draft what speaks against the field it is named like; nothing as a rule."""
    first, reader = _first_of(run), _reader_of(run)
    found = doubts_about(run.header, first, reader.problem_of)
    missing = without_field(run.created_by, match_columns(run.header, first, reader.fits()), reader.lists.customs)
    found = [doubt or (NO_FIELD if number in missing else "") for number, doubt in enumerate(found)]
    if may_assign(run.created_by, None):
        return found
    return [
        NOT_ASSIGNABLE if field_named(name) == PERSON else doubt for name, doubt in zip(run.header, found, strict=True)
    ]


def _first_of(run: ImportRun) -> list[list[str]]:
    return [record.cells for record in islice(stored_records(run, 1), SAMPLES)]


def _reader_of(run: ImportRun) -> RowReader:
    return RowReader((), (), run.company.phone_region, lists_for(run.created_by))


def samples_of(run: ImportRun, count: int = 3) -> list[list[str]]:
    """For each column of a draft, its first values that are not empty."""
    values: list[list[str]] = [[] for _ in run.header]
    for record in islice(stored_records(run, 1), SAMPLES):
        for column, cell in zip(values, record.cells, strict=False):
            if cell.strip() and len(column) < count:
                column.append(cell.strip())
    return values


def choices_in(run: ImportRun, columns: Sequence[int]) -> list[list[str]]:
    """The different values of each of these columns. Raises TooManyValuesError where they are too many to choose from."""
    found: list[dict[str, str]] = [{} for _ in columns]
    for record in stored_records(run, 1):
        for number, values in zip(columns, found, strict=True):
            text = " ".join(record.cells[number].split()) if number < len(record.cells) else ""
            if text:
                values.setdefault(text.lower(), text)
            if len(text) > LONGEST_CHOICE or len(values) > MOST_CHOICES:
                raise TooManyValuesError(
                    f"“{run.header[number]}” has values that are longer than {LONGEST_CHOICE} characters, or more than"
                    f" {MOST_CHOICES}: keep it as text."
                )
    return [sorted(values.values()) for values in found]
