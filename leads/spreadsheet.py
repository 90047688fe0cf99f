"""Writing CSV that a spreadsheet takes for nothing but text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

BYTE_ORDER_MARK = "\ufeff"
# what a spreadsheet takes for a formula, full-width forms and what hides before it included; phones in +… are none
FORMULA = re.compile(r"[\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u2069]*(?:[=@\t\r\n\0＝＋－＠]|[+-](?![\d\s().-]+$))")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A CSV that a spreadsheet opens as what it says, line by line."""
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow([safe(name) for name in header])
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])


def safe(text: str) -> str:
    """The text, so that a spreadsheet takes it for nothing else. The import takes the apostrophe off again."""
    return f"'{text}" if FORMULA.match(text) else text
