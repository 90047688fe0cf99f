"""The rows of a run that did not go in, as a CSV that may be corrected and uploaded again."""

from __future__ import annotations

from collections.abc import Iterator

from leads.models import ImportRow, ImportRun
from leads.spreadsheet import csv_lines

ADDED = ("Line", "Reason")


def report_lines(run: ImportRun, outcome: str) -> Iterator[str]:
    """The CSV line by line: every column of the file as it was, then the line it stood on and why it is here."""
    width = len(run.header)
    rows = ImportRow.objects.filter(run=run, outcome=outcome).order_by("number")
    found = rows.only("number", "cells", "reason").iterator(chunk_size=1000)
    cells = ([*row.cells, *[""] * (width - len(row.cells)), str(row.number), row.reason] for row in found)
    return csv_lines((*run.header, *ADDED), cells)
