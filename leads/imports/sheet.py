"""The cells of a sheet as the texts that people see: days, times and numbers by their formats. Standard library only."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta

from leads.imports.reading import MOST_COLUMNS, Record, UnreadableFileError

NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
NAMES = ("sheet", "workbookPr", "numFmt", "xf", "cellXfs", "si", "t", "rPh", "row", "c", "v", "f")
LOCAL = {f"{space} {name}": name for space in NAMESPACES for name in NAMES}
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
ZEROS = re.compile(r"0{2,15}")
DIGITS = "0123456789"
LONGEST_LETTERS = 3  # of a column: spreadsheets end at XFD
FORMULA_WITHOUT_VALUE = (
    "The cell {} is a formula that was never worked out. Open the file in a spreadsheet and save it."
)
LONGEST_CELL = 32_767  # characters; spreadsheets take no more
ESCAPES = 7  # characters that one may be written by
TOO_LONG = "The cell {} holds more than {:,} characters."
FAR_MORE = (
    "The cells come to far more than the file: long texts again and again, or cells far apart. Leave those columns out, or"
    " save the sheet as CSV."
)
TOO_WIDE = "The cell {} is too far to the right: an import takes up to {} columns."
DAYS_IN_FORMATS = {*range(14, 18), 22, *range(27, 37), *range(50, 59)}
TIMES_IN_FORMATS = {*range(18, 22), 45, 46, 47}
EPOCHS = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}  # noqa: DTZ001  # spreadsheets know no zones
LEAP_DAY_THAT_WAS_NONE = 60  # of 1900
KNOWN_EXACTLY = 1e15  # spreadsheets keep fifteen digits

Format = int  # how a number is shown: as a day, a time of the day, with zeros up to so many digits, or (0) as it is
DAY, TIME = -1, -2


def format_of(number: int, code: str) -> Format:
    """What a number format makes of a number; `code` is empty for those that spreadsheets bring."""
    if number in DAYS_IN_FORMATS:
        return DAY
    if number in TIMES_IN_FORMATS:
        return TIME
    if ZEROS.fullmatch(code):
        return len(code)
    shown = QUOTED.sub("", code.partition(";")[0]).lower()
    if "d" in shown or "y" in shown:
        return DAY
    return TIME if "h" in shown or "s" in shown else 0


def unescaped(text: str) -> str:
    """Characters that XML cannot hold are written `_x000D_`."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class Texts:
    """The texts that cells refer to by number, in as little memory as they take in a file."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.starts = array("Q", [0])

    def append(self, text: str) -> None:
        self.data += text.encode(errors="surrogatepass")
        self.starts.append(len(self.data))

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError
        return self.data[self.starts[number] : self.starts[number + 1]].decode(errors="surrogatepass")


class Pieces:
    """The text of a cell as it comes in, as far as it is wanted: what is cut is still too long once it is unescaped."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.size = 0

    def add(self, text: str) -> None:
        if self.size <= ESCAPES * LONGEST_CELL:
            self.pieces.append(text)
            self.size += len(text)

    def taken(self) -> str:
        text = "".join(self.pieces)
        self.pieces.clear()
        self.size = 0
        return text


class Sheet:
    """The row that is being read, cell by cell, and those that are complete."""

    def __init__(self, texts: Texts, formats: Sequence[Format], *, since_1904: bool, most: int) -> None:
        self.texts, self.formats, self.epoch = texts, formats, EPOCHS[since_1904]
        self.left = most  # characters of `texts`, and empty cells, that may still come of references to them
        self.complete: list[Record] = []
        self.columns: dict[str, int] = {}
        self.number, self.column = 0, -1
        self.cells: list[str] = []
        self.problem = ""
        self.cell: dict[str, str] = {}
        self.pieces = Pieces()
        self.reading = self.formula = self.phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = LOCAL.get(name)
        if local is None:
            return
        if local == "c":
            self.cell = attributes
            self.formula = self.phonetic = False
            self._go_to(attributes.get("r"))
        elif local == "v" or local == "t":
            self.reading = not self.phonetic
        elif local == "row":
            self.number = int(attributes["r"]) if "r" in attributes else self.number + 1
            self.cells, self.column, self.problem = [], -1, ""
        elif local == "f":
            self.formula = True
        elif local == "rPh":  # how a word is spoken
            self.phonetic = True

    def data(self, text: str) -> None:
        if self.reading:
            self.pieces.add(text)

    def end(self, name: str) -> None:
        local = LOCAL.get(name)
        if local is None:
            return
        if local == "c":
            self._finish()
        elif local == "v" or local == "t":
            self.reading = False
        elif local == "row" and (self.problem or "".join(self.cells).strip()):
            self.complete.append(Record(self.number, self.cells, self.problem))

    def _go_to(self, place: str | None) -> None:
        """The next cell is at `place` (such as `AB12`), or behind the last one."""
        if place is None:
            self.column += 1
            return
        letters = place.rstrip(DIGITS)
        column = self.columns.get(letters)
        if column is None:
            column = self.columns[letters] = _column(letters)
        self.column = column

    def _finish(self) -> None:
        kind, place = self.cell.get("t", "n"), self.cell.get("r", f"in column {self.column + 1}")
        if not self.pieces.size:
            if self.formula and kind != "str":
                self.problem = FORMULA_WITHOUT_VALUE.format(place)
            return
        text = self.value(kind, self.cell.get("s"), self.pieces.taken())
        if len(text) > LONGEST_CELL:
            text, self.problem = text[: LONGEST_CELL + 1], TOO_LONG.format(place, LONGEST_CELL)
        if self.column >= MOST_COLUMNS:
            self.problem = TOO_WIDE.format(place, MOST_COLUMNS)
        elif self.column == len(self.cells):
            self.cells.append(text)
        else:
            self._spend(self.column - len(self.cells))
            self.cells.extend([""] * (self.column + 1 - len(self.cells)))
            self.cells[self.column] = text

    def _spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise UnreadableFileError(FAR_MORE)

    def value(self, kind: str, style: str | None, raw: str) -> str:
        """What a cell shows, as text."""
        if kind == "s":
            text = self.texts[int(raw)]
            self._spend(len(text))
            return text
        if kind == "b":
            return "TRUE" if raw.strip() in ("1", "true") else "FALSE"
        if kind == "d":
            return raw.replace("T", " ").removesuffix(" 00:00:00")
        if kind != "n":
            return unescaped(raw)
        number = int(style) if style else 0
        shown = self.formats[number] if number < len(self.formats) else 0
        if shown:
            return self._shown(raw, shown)
        return raw if raw.isdigit() and len(raw) < 16 else _plain(raw)

    def _shown(self, raw: str, shown: Format) -> str:
        if shown > 0:
            return _plain(raw).zfill(shown)
        days = float(raw)
        if days < 0:
            return _plain(raw)
        if shown == TIME and 0 <= days < 1:
            return _clock(self.epoch + _time(days))
        if self.epoch == EPOCHS[False] and days < LEAP_DAY_THAT_WAS_NONE:
            days += 1
        try:
            moment = self.epoch + _time(days)
        except OverflowError:
            return _plain(raw)
        return f"{moment:%Y-%m-%d}" if days.is_integer() else f"{moment:%Y-%m-%d} {_clock(moment)}"


def _column(letters: str) -> int:
    if len(letters) > LONGEST_LETTERS:
        raise ValueError(letters[:LONGEST_LETTERS])
    number = 0
    for letter in letters:
        number = number * 26 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter.upper()) + 1
    return number - 1


def _time(days: float) -> timedelta:
    return timedelta(seconds=round(days * 86_400))


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}".removesuffix(":00")


def _plain(raw: str) -> str:
    """A number as people write it: 6021234567 for 6.021234567E9; beyond what a spreadsheet knows exactly, as it stands."""
    number = float(raw)
    if number.is_integer() and abs(number) < KNOWN_EXACTLY:
        return str(int(number))
    return f"{number:.15g}" if abs(number) < KNOWN_EXACTLY else raw.upper()
