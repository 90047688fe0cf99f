"""The rows of a run that did not go in, as a CSV that may be corrected and uploaded again."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

from leads.imports.reading import BYTE_ORDER_MARK
from leads.models import ImportRow, ImportRun

ADDED = ("Line", "Reason")
# what a spreadsheet takes for a formula, full-width forms included; phones in +… are none
FORMULA = re.compile(r"[=@\t\r\n\0＝＋－＠]|[+-](?![\d\s().-]+$)")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def report_lines(run: ImportRun, outcome: str) -> Iterator[str]:
    """The CSV line by line: every column of the file as it was, then the line it stood on and why it is here."""
    width = len(run.header)
    rows = ImportRow.objects.filter(run=run, outcome=outcome).order_by("number")
    found = rows.only("number", "cells", "reason").iterator(chunk_size=1000)
    cells = ([*row.cells, *[""] * (width - len(row.cells)), str(row.number), row.reason] for row in found)
    return csv_lines((*run.header, *ADDED), cells)


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A CSV that a spreadsheet opens as what it says, line by line."""
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow([safe(name) for name in header])
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])


def safe(text: str) -> str:
    """The text, so that a spreadsheet takes it for nothing else. The import takes the apostrophe off again."""
    return f"'{text}" if FORMULA.match(text) else text
