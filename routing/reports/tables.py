"""What a report shows: sections, each a table with its chart. The page, the chart and the file read the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, overload

from leads.spreadsheet import csv_lines

MOST_ROWS = 30  # on the page; the file has all
MOST_BARS = 12


@dataclass(frozen=True)
class Cell:
    """`plain` is what the file says in its stead, a column each."""

    text: str
    url: str = ""
    note: str = ""
    plain: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """`plain` are the heads of its columns in the file."""

    words: str
    plain: tuple[str, ...] = ()
    is_text: bool = False


Series = tuple[str, str, Sequence[float | None]]  # tone, words, a value for each label


@dataclass(frozen=True)
class Chart:
    """Bars for `static/js/charts.js`. `unit` is what the values are: count, minutes or percent."""

    about: str
    unit: str
    labels: list[str]
    series: Sequence[Series]
    urls: list[str] = field(default_factory=list)
    stacked: bool = False

    @property
    def size(self) -> str:
        """How much room its bars take."""
        return "small" if len(self.labels) <= 4 else "middle" if len(self.labels) <= 8 else "large"

    @property
    def data(self) -> dict[str, Any]:
        drawn = {"unit": self.unit, "stacked": self.stacked, "labels": self.labels, "urls": self.urls}
        return drawn | {"series": [{"label": words, "data": values} for _, words, values in self.series]}


Row = Sequence[Cell]


@dataclass(frozen=True)
class Rows(Sequence[Row]):
    """A row for each of `groups`, made as it is read: a page shows the first few of the many that a file has."""

    make: Callable[[Any], Row]
    groups: Sequence[Any]

    def __len__(self) -> int:
        return len(self.groups)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | Sequence[Row]:
        return [self.make(one) for one in self.groups[at]] if isinstance(at, slice) else self.make(self.groups[at])


@dataclass(frozen=True)
class Section:
    """`verdict` is a tone and what the figures mean in a sentence; `notes` are what is beside them. A `wide` table has its
    chart above it.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    total: Row = ()
    chart: Chart | None = None
    verdict: tuple[str, str] = ("", "")
    notes: Sequence[Cell] = ()
    foot: str = ""
    wide: bool = False

    @property
    def chart_id(self) -> str:
        return f"chart-{self.key}"

    @cached_property
    def shown(self) -> Sequence[Row]:
        return self.rows[:MOST_ROWS]


def csv_of(sections: Sequence[Section]) -> Iterator[str]:
    """All rows of all sections, which have the same columns; each says whose it is where there are several."""
    columns = [name for column in sections[0].columns for name in column.plain or (column.words,)] if sections else []
    rows = (
        [section.title, *(text for cell in row for text in cell.plain or (cell.text,))]
        for section in sections
        for row in section.rows
    )
    return csv_lines(["Report", *columns], rows)


def counted(count: int, url: str, note: str = "") -> Cell:
    """A figure; one of none leads nowhere."""
    return Cell(f"{count:,}", url if count else "", note, plain=(str(count),))


def lasting(time: timedelta | None) -> str:
    """`40 s`, `12 min`, `3 h 5 min`, `2 d 4 h`; a dash for none."""
    if time is None:
        return "–"
    seconds = round(time.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    large, small = divmod(minutes, 60) if minutes < 1440 else divmod(minutes // 60, 24)
    words = ("h", "min") if minutes < 1440 else ("d", "h")
    return f"{large} {words[0]} {small} {words[1]}" if small else f"{large} {words[0]}"


def seconds(time: timedelta | None) -> str:
    return "" if time is None else str(round(time.total_seconds()))


def in_minutes(time: timedelta | None) -> float | None:
    return None if time is None else round(time.total_seconds() / 60, 1)


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"
