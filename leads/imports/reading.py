"""CSV as people have it: any encoding, any delimiter, quotes that never close. Standard library only.

Nothing is lost in silence: each record that holds anything comes out, with a problem where it cannot be trusted.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

MOST_COLUMNS = 200
MOST_LINES = 1000  # of one record; more is a quotation mark that nobody closed
LONGEST_LINE = 128 * 1024  # characters; the csv module takes cells up to here
PIECE = 1024 * 1024  # bytes read at a time
HEAD = 64 * 1024  # bytes that tell the delimiter
DELIMITERS = ",;\t|"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it starts with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
ARCHIVE = b"PK\x03\x04"  # as a workbook begins
OTHER_FORMATS = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook, or one with a password",
    b"PK\x03\x04": "a damaged zip archive",
    b"PK\x05\x06": "an empty zip archive",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"{\\rtf": "a text document",
    b"BEGIN:VCARD": "a file of vCards",
    b"<": "a web page or XML",
    b'{"': "JSON",
    b"[{": "JSON",
}
DECLARED_DELIMITER = re.compile(r"sep=(.?)\s*$", re.IGNORECASE)
LOOKS_LIKE_DATA = re.compile(r"\S+@\S+\.\S+$|([\s().+-]*\d){10}")

NEVER_CLOSED = "A quotation mark opens on this line and is never closed."
TOO_LONG = "The line is longer than the import reads."
NUL = "It holds NUL bytes, which text never has."
UNDECODABLE = "It holds bytes that are not text in the file's encoding."


class UnreadableFileError(ValueError):
    """The file as a whole cannot be read; the message says why and what to do."""


class Record(NamedTuple):
    """One record: the line it starts on (the first is 1), its cells as they stand, and what is wrong with it."""

    line: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True)
class Survey:
    """What a first pass over a whole file finds. `total` counts its records without the header."""

    encoding: str
    delimiter: str
    header: list[str]
    total: int


def survey(file: BinaryIO) -> Survey:
    """Read all of `file` (seekable) once: whether and how it can be read. Raises UnreadableFileError."""
    encoding = find_encoding(file)
    file.seek(0)
    delimiter = find_delimiter(codecs.getincrementaldecoder(encoding)("replace").decode(file.read(HEAD)))
    file.seek(0)
    found = records(file, encoding, delimiter)
    first = next(found, None)
    if first is None:
        raise UnreadableFileError("The file is empty.")
    header = read_header(first)
    total = sum(1 for _ in found)
    if not total:
        raise UnreadableFileError("The file has a header, but no rows below it.")
    return Survey(encoding, delimiter, header, total)


def read_header(first: Record) -> list[str]:
    """The names of the columns; one without a name is called by its number. Raises UnreadableFileError."""
    if first.problem:
        raise UnreadableFileError(f"The first line cannot be read as a header. {first.problem}")
    if len(first.cells) > MOST_COLUMNS:
        raise UnreadableFileError(f"The file has {len(first.cells):,} columns; an import takes up to {MOST_COLUMNS}.")
    names = [" ".join(name.split()) for name in first.cells]
    for name in names:
        if LOOKS_LIKE_DATA.match(name):
            raise UnreadableFileError(
                f"The first line must name the columns, but it looks like a lead already (“{name}”). Add a header line."
            )
    return [name or f"Column {number}" for number, name in enumerate(names, 1)]


def find_encoding(file: BinaryIO) -> str:
    """The encoding: by its mark, else UTF-8 where all of it is, else Windows' Western one, which reads anything."""
    head = file.read(HEAD)
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    for mark, format_name in OTHER_FORMATS.items():
        if text.startswith(mark):
            raise UnreadableFileError(f"This is {format_name}. Save the sheet as XLSX or CSV and upload that.")
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding
    if len(head) >= 4 and head[1::2].count(0) > len(head) * 0.3:
        return "utf-16-le"
    if len(head) >= 4 and head[0::2].count(0) > len(head) * 0.3:
        return "utf-16-be"
    return next(name for name in ("utf-8", "cp1252", "latin-1") if _decodes(file, name))


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while piece := file.read(PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def find_delimiter(head: str) -> str:
    """The delimiter under which most lines of `head` have as many cells as the first, and more than one."""
    lines = head.splitlines(keepends=True)
    declared = DECLARED_DELIMITER.match(lines[0]) if lines else None
    if declared and declared[1]:
        return declared[1]
    if len(lines) > 2:
        lines.pop()  # it may be cut short

    def fit(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if any(cells)]
        except csv.Error:
            return 0, 0
        if not widths or widths[0] < 2:
            return 0, 0
        return widths.count(widths[0]) / len(widths), widths[0]

    return max(DELIMITERS, key=fit)


class _NeverClosedError(Exception):
    pass


class _TooLongError(Exception):
    pass


class _Lines:
    """The physical lines of a text; it knows those of the record being read, and can give them back."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text = text
        self.again: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0
        self.at_end = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self.again.popleft() if self.again else self.text.readline(LONGEST_LINE)
        if not line:
            self.at_end = True
            raise StopIteration
        self.taken.append(line)
        self.number += 1
        if self.is_cut(line):
            raise _TooLongError
        if len(self.taken) > MOST_LINES:
            raise _NeverClosedError
        return line

    @property
    def start(self) -> int:
        return self.number - len(self.taken) + 1

    def is_cut(self, line: str) -> bool:
        """Whether `line` is only the beginning of one that is too long to be read."""
        return len(line) >= LONGEST_LINE and line[-1] not in "\r\n"

    def skip_line(self) -> None:
        """Pass over the rest of a line of which only the beginning was read: it is the last one read."""
        while (rest := self.text.readline(LONGEST_LINE)) and rest[-1] not in "\r\n":
            pass

    def give_back(self) -> None:
        """All taken lines but the first are read again."""
        self.again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        self.taken.clear()
        self.at_end = False


def records(file: BinaryIO, encoding: str, delimiter: str) -> Iterator[Record]:
    """Every record that holds anything, the header first. A bad one costs its own line and no other."""
    text = io.TextIOWrapper(file, encoding, errors="replace", newline="")
    try:
        yield from _parse(_Lines(text), delimiter, marked=encoding in BYTE_ORDER_MARKS.values())
    finally:
        if not file.closed:
            text.detach()  # it stays open for whoever gave it


def _parse(lines: _Lines, delimiter: str, *, marked: bool) -> Iterator[Record]:
    while not lines.at_end:
        try:
            for cells in csv.reader(lines, delimiter=delimiter):
                if lines.at_end or (len(lines.taken) > 1 and not _is_strict(lines.taken, delimiter)):
                    raise _NeverClosedError
                record = _judged(Record(lines.start, cells), marked)
                lines.taken.clear()
                if record is not None:
                    yield record
        except (_NeverClosedError, _TooLongError, csv.Error):
            yield _refused(lines)
            lines.give_back()


def _is_strict(taken: list[str], delimiter: str) -> bool:
    """Whether a record of several lines keeps the rules of quoting; else its first line's quotation mark was a stray."""
    try:
        return len(list(csv.reader(taken, delimiter=delimiter, strict=True))) == 1
    except csv.Error:
        return False


def _refused(lines: _Lines) -> Record:
    """The first line of the record that cannot be read, as it stands."""
    first = lines.taken[0]
    cut = lines.is_cut(first)
    if cut:
        lines.skip_line()
    return Record(lines.start, [first.rstrip("\r\n").replace("\0", "␀")], TOO_LONG if cut else NEVER_CLOSED)


def _judged(record: Record, marked: bool) -> Record | None:
    """The record with the problem its text shows; None where it holds nothing, or only declares the delimiter."""
    text = "".join(record.cells)
    if not text or text.isspace():
        return None
    if record.line == 1 and DECLARED_DELIMITER.match(text):
        return None
    if "\0" in text:
        return Record(record.line, [cell.replace("\0", "␀") for cell in record.cells], NUL)
    if marked and "\ufffd" in text:
        return record._replace(problem=UNDECODABLE)
    return record
