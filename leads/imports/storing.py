"""The uploaded file waits in the database, in parts, so that a restart anywhere loses none of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, cast

from django.db import connection

from leads.imports.reading import Record, records
from leads.models import ImportPart, ImportRun

PART = 512 * 1024  # bytes
STORE = "COPY leads_importpart (run_id, number, data) FROM STDIN (FORMAT binary)"


def store_file(run: ImportRun, file: BinaryIO) -> None:
    """Keep the bytes of `file`, from where it stands to its end, as the run's parts."""
    with connection.cursor() as cursor, cursor.copy(STORE) as copy:
        copy.set_types(["int8", "int4", "bytea"])
        for number, data in enumerate(iter(lambda: file.read(PART), b"")):
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


def stored_records(run: ImportRun) -> Iterator[Record]:
    """The records of a run's file, the header first."""
    return records(cast(BinaryIO, io.BufferedReader(StoredFile(run.pk))), run.encoding, run.delimiter)
