"""The rows of a workbook (XLSX), one after the other, in little memory whatever is in it. Standard library only.

The libraries for it either hold a whole sheet, which a file of five kilobytes can blow up to gigabytes, or take a
minute for what is read here in seconds. Only values are read: what a formula came to, never the formula.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from leads.imports.reading import Record, UnreadableFileError
from leads.imports.sheet import LOCAL, LONGEST_CELL, Format, Pieces, Sheet, Texts, format_of, unescaped

PIECE = 256 * 1024  # bytes of XML read at a time
LARGEST_PART = 256 * 1024 * 1024  # bytes of a part, unpacked
LARGEST_TEXTS = 64 * 1024 * 1024  # of the table of texts, which is held in memory
LARGEST_LIST = 16 * 1024 * 1024  # of a part that says how to read the others
LARGEST_TAG = 1024 * 1024  # bytes of one tag: the parser begins it anew with every piece
MOST_SHEETS = 1_000
TIMES_UNPACKED = 100  # what the whole file may come to: 100,000 rows of 30 columns, all alike, come to 25 times
ALWAYS_UNPACKED = 4 * 1024 * 1024
LARGEST_DIRECTORY = 1024 * 1024  # bytes that list the parts
# where the ends of a directory, the common and that of large archives, say how large it is
ENDS = ((re.compile(rb"(?=PK\x05\x06)"), 12, 16), (re.compile(rb"(?=PK\x06\x06)"), 40, 48))
RELATIONS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
TOO_LARGE = "The workbook is larger than an import reads. Split it, or save it as CSV."
BOMB = "The workbook unpacks to far more than spreadsheets write. Open it in one and save it again, or as CSV."
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
BROKEN = (BadZipFile, KeyError, ValueError, IndexError, zlib.error, expat.ExpatError, NotImplementedError, RuntimeError)

Start = Callable[[str, dict[str, str]], None]


@dataclass
class Workbook:
    """One sheet of it; `others` are the names of the rest."""

    sheet: str
    others: list[str]
    records: Iterator[Record]
    share: Callable[[], float]  # of the sheet that was read so far


@dataclass
class _Parts:
    """What of a workbook tells how to read its sheets."""

    archive: ZipFile
    size: int  # of the file
    share: float = 0.0  # of the part in hand that was read
    left: int = field(default_factory=lambda: LARGEST_PART + LARGEST_TEXTS)  # bytes still to be unpacked
    since_1904: bool = False
    sheets: list[tuple[str, str]] = field(default_factory=list)  # name and relation
    texts: Texts = field(default_factory=Texts)
    packed_texts: int = 0  # bytes that they take in the file
    formats: list[Format] = field(default_factory=list)  # of the cells' styles


def open_workbook(file: BinaryIO) -> Iterator[Workbook]:
    """The sheets that people see of the workbook in `file` (seekable), each read while its records are taken.

    Raises UnreadableFileError.
    """
    try:
        size = _check_directory(file)
        parts = _Parts(ZipFile(file), size)
        path = _find(parts)
        relations = _relations(parts, path)
        _read_workbook(parts, path)
        _read_shared(parts, relations)
        names = [name for name, _ in parts.sheets]
        for name, relation in parts.sheets:
            others = [other for other in names if other != name]
            yield Workbook(name, others, _guarded(parts, relations[relation][1]), lambda: parts.share)
    except BROKEN as error:
        raise _broken(error) from error


def _broken(error: Exception) -> UnreadableFileError:
    if isinstance(error, UnreadableFileError):
        return error
    return UnreadableFileError("The workbook is damaged. Open it in a spreadsheet and save it again, or as CSV.")


def _guarded(parts: _Parts, path: str) -> Iterator[Record]:
    try:
        yield from _rows(parts, path)
    except BROKEN as error:
        raise _broken(error) from error


def _check_directory(file: BinaryIO) -> int:
    """How large the file is. Python reads the whole list of parts at once: refuse one that no spreadsheet writes."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 66_000))
    tail = file.read()
    file.seek(0)
    for mark, start, end in ENDS:
        for found in mark.finditer(tail):
            if int.from_bytes(tail[found.start() + start : found.start() + end], "little") > LARGEST_DIRECTORY:
                raise BadZipFile
    return size


def _find(parts: _Parts) -> str:
    """Where the workbook's own part is."""
    names = set(parts.archive.namelist())
    if "_rels/.rels" in names:
        for kind, target in _relations(parts, "").values():
            if kind == "officeDocument" and target in names:
                if target.endswith(".bin"):
                    raise UnreadableFileError("This is a binary workbook. Save it as XLSX or CSV and upload that.")
                if target.startswith("xl/") or "workbook" in target:
                    return target
    raise UnreadableFileError("This is a zip archive, but no Excel workbook. Unpack it and upload the file in it.")


def _relations(parts: _Parts, path: str) -> dict[str, tuple[str, str]]:
    """What a part refers to, by id: its kind and its path."""
    folder = PurePosixPath(path).parent
    found: dict[str, tuple[str, str]] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == f"{PACKAGE} Relationship" and attributes.get("TargetMode") != "External":
            target = attributes["Target"]
            whole = target[1:] if target.startswith("/") else str(folder / target)
            found[attributes["Id"]] = (attributes["Type"].rpartition("/")[2], whole)

    _parse(parts, str(folder / "_rels" / f"{PurePosixPath(path).name}.rels"), start)
    return found


def _read_workbook(parts: _Parts, path: str) -> None:
    def start(name: str, attributes: dict[str, str]) -> None:
        local = LOCAL.get(name)
        if local == "workbookPr":
            parts.since_1904 = attributes.get("date1904") in ("1", "true")
        elif local == "sheet" and attributes.get("state", "visible") == "visible":
            relation = next(attributes[f"{space} id"] for space in RELATIONS if f"{space} id" in attributes)
            parts.sheets.append((attributes["name"], relation))
            if len(parts.sheets) > MOST_SHEETS:
                raise UnreadableFileError(
                    f"The workbook has more than {MOST_SHEETS:,} sheets. Save one of them as CSV."
                )

    _parse(parts, path, start)


def _read_shared(parts: _Parts, relations: Mapping[str, tuple[str, str]]) -> None:
    """The texts and styles that cells refer to by number."""
    for kind, target in relations.values():
        if kind == "sharedStrings":
            if parts.archive.getinfo(target).file_size > LARGEST_TEXTS:
                raise UnreadableFileError("The workbook holds more text than an import reads. Save it as CSV.")
            parts.packed_texts += parts.archive.getinfo(target).compress_size
            _read_texts(parts, target)
        elif kind == "styles":
            _read_styles(parts, target)


def _read_texts(parts: _Parts, path: str) -> None:
    pieces = Pieces()
    state = {"wanted": False, "phonetic": False}

    def start(name: str, attributes: dict[str, str]) -> None:
        local = LOCAL.get(name)
        if local == "rPh":
            state["phonetic"] = True
        state["wanted"] = local == "t" and not state["phonetic"]

    def end(name: str) -> None:
        local = LOCAL.get(name)
        state["wanted"] = False
        if local == "rPh":
            state["phonetic"] = False
        elif local == "si":
            parts.texts.append(unescaped(pieces.taken())[: LONGEST_CELL + 1])

    def data(text: str) -> None:
        if state["wanted"]:
            pieces.add(text)

    _parse(parts, path, start, end, data, most=LARGEST_TEXTS)


def _read_styles(parts: _Parts, path: str) -> None:
    own: dict[int, str] = {}
    inside: list[bool] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        local = LOCAL.get(name)
        if local == "numFmt":
            own[int(attributes["numFmtId"])] = attributes["formatCode"]
        elif local == "cellXfs":
            inside.append(True)
        elif local == "xf" and inside:
            number = int(attributes.get("numFmtId", 0))
            parts.formats.append(format_of(number, own.get(number, "")))

    def end(name: str) -> None:
        if LOCAL.get(name) == "cellXfs":
            inside.clear()

    _parse(parts, path, start, end)


def _parse(
    parts: _Parts,
    path: str,
    start: Start,
    end: Callable[[str], None] | None = None,
    data: Callable[[str], None] | None = None,
    *,
    most: int = LARGEST_LIST,
) -> None:
    for _ in _parsing(parts, path, start, end, data, most=most):
        pass


def _parsing(
    parts: _Parts,
    path: str,
    start: Start,
    end: Callable[[str], None] | None = None,
    data: Callable[[str], None] | None = None,
    *,
    most: int,
) -> Iterator[None]:
    """Parse a part piece by piece, and come back after each. A part that declares entities is refused."""
    _check_part(parts, path, most)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = _refuse
    given = 0
    with parts.archive.open(path) as part:
        while piece := part.read(PIECE):
            given, parts.left = given + len(piece), parts.left - len(piece)
            if parts.left < 0:
                raise UnreadableFileError(TOO_LARGE)
            parts.share = given / max(given, parts.archive.getinfo(path).file_size)
            parser.Parse(piece)
            if given - parser.CurrentByteIndex > LARGEST_TAG:
                raise UnreadableFileError(BOMB)
            yield
        parser.Parse(b"", True)
        yield


def _check_part(parts: _Parts, path: str, most: int) -> None:
    """What a part says of itself. It is never read beyond the size it says, as long as it is packed by deflate."""
    part = parts.archive.getinfo(path)
    if part.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise BadZipFile
    if part.file_size > most:
        raise UnreadableFileError(TOO_LARGE)
    if part.file_size > ALWAYS_UNPACKED + TIMES_UNPACKED * parts.size:
        raise UnreadableFileError(BOMB)


def _refuse(*declaration: object) -> None:
    raise BadZipFile


def _rows(parts: _Parts, path: str) -> Iterator[Record]:
    """The rows of a sheet that hold anything. What cells refer to counts as unpacked, however often they do."""
    packed = min(parts.size, parts.archive.getinfo(path).compress_size + parts.packed_texts)
    most = ALWAYS_UNPACKED + TIMES_UNPACKED * packed
    sheet = Sheet(parts.texts, parts.formats, since_1904=parts.since_1904, most=most)
    for _ in _parsing(parts, path, sheet.start, sheet.end, sheet.data, most=LARGEST_PART):
        yield from sheet.complete
        sheet.complete.clear()
