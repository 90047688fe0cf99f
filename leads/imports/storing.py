"""The uploaded file waits in the database, in parts, so that a restart anywhere loses none of it.

A CSV waits as it came. Of a workbook the rows of its sheet wait, each a line of JSON: they can be read from anywhere.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, cast

from django.db import connection

from leads.imports.reading import Record, UnreadableFileError, records
from leads.models import ImportPart, ImportRun

PART = 512 * 1024  # bytes
MOST_TEXT = 256 * 1024 * 1024  # bytes that the rows of a workbook come to
WORKBOOK = "workbook"  # in place of the encoding
STORE = "COPY leads_importpart (run_id, number, data) FROM STDIN (FORMAT binary)"
to_line = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def store_file(run: ImportRun, file: BinaryIO) -> None:
    """Keep the bytes of `file`, from where it stands to its end, as the run's parts."""
    store_parts(run, iter(lambda: file.read(PART), b""))


def store_rows(run: ImportRun, rows: Iterable[Record]) -> int:
    """Keep the rows of a workbook as the run's parts: how many. Raises UnreadableFileError where they are too much."""
    counted = 0

    def parts() -> Iterator[bytes]:
        nonlocal counted
        for count, data in parts_of(rows):
            counted += count
            yield data

    store_parts(run, parts())
    return counted


def parts_of(rows: Iterable[Record]) -> Iterator[tuple[int, bytes]]:
    """The rows of a workbook, a part at a time: how many, and as they are kept."""
    lines: list[bytes] = []
    size = whole = 0
    for row in rows:
        line = to_line(row).encode(errors="replace") + b"\n"
        lines.append(line)
        size, whole = size + len(line), whole + len(line)
        if whole > MOST_TEXT:
            raise UnreadableFileError("The workbook holds more than an import reads. Split it, or save it as CSV.")
        if size >= PART:
            yield len(lines), b"".join(lines)
            lines, size = [], 0
    yield len(lines), b"".join(lines)


def store_parts(run: ImportRun, parts: Iterable[bytes], first: int = 0) -> None:
    """Keep these as the run's parts, by numbers from `first` on."""
    with connection.cursor() as cursor, cursor.copy(STORE) as copy:
        copy.set_types(["int8", "int4", "bytea"])
        for number, data in enumerate(parts, first):
            copy.write_row((run.pk, number, data))


class StoredFile(io.RawIOBase):
    """A run's file, fetched part by part as it is read."""

    def __init__(self, run_id: int) -> None:
        self.run_id, self.number, self.rest = run_id, 0, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self.rest:
            part = ImportPart.objects.filter(run=self.run_id, number=self.number).values_list("data", flat=True)
            self.rest, self.number = memoryview(next(iter(part), b"")), self.number + 1
        count = min(len(buffer), len(self.rest))
        buffer[:count], self.rest = self.rest[:count], self.rest[count:]
        return count


def stored_records(run: ImportRun, first: int = 0) -> Iterator[Record]:
    """The records of a run's file from this one on; 0 is the header."""
    stored = io.BufferedReader(StoredFile(run.pk))
    if run.encoding == WORKBOOK:
        return (Record(*json.loads(line)) for line in islice(stored, first, None))
    return islice(records(cast(BinaryIO, stored), run.encoding, run.delimiter), first, None)
