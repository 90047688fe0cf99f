"""A figure: what the product takes for a piece of work, beside what the database takes for it alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """Times in milliseconds, medians. `ours_ms` is time in the database, `request_ms_…` the whole request in process."""

    figure: str
    role: str
    ours_ms: float
    raw_ms: float
    ratio: float
    target: str
    ok: bool
    request_ms_median: float | None = None
    request_ms_p95: float | None = None
    queries: int | None = None

    def __str__(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None})


@dataclass(frozen=True)
class Rate:
    """A rate in rows per second, ours and the database's own; the most memory it took, and Python's processor time."""

    figure: str
    role: str
    ours_rows_per_s: int
    raw_rows_per_s: int
    ratio: float
    megabytes: int
    target: str
    ok: bool
    python_s: float | None = None

    def __str__(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None})


@dataclass(frozen=True)
class Wait:
    """How long somebody waits for something to be there."""

    figure: str
    role: str
    seconds: float
    target: str
    ok: bool

    def __str__(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Polls:
    """How many polls of open pages one process answers, and what they ask of the database."""

    figure: str
    role: str
    polls_per_s: int
    processor_ms: float
    queries: float
    target: str
    ok: bool

    def __str__(self) -> str:
        return json.dumps(asdict(self))
