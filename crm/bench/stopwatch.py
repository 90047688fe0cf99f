"""Taking times: of statements inside requests, of requests, and of statements written by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from django.db import connection

Say = Callable[[str], None]


@dataclass
class Statements:
    """The statements of one stretch of work with their milliseconds."""

    taken: list[tuple[str, float]] = field(default_factory=list)

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.taken.append((str(sql), (time.perf_counter() - started) * 1000))

    def spent_on(self, fits: Callable[[str], bool]) -> float:
        """Milliseconds of those statements that fit."""
        return sum(ms for sql, ms in self.taken if fits(sql))


@contextmanager
def statements() -> Iterator[Statements]:
    watch = Statements()
    with connection.execute_wrapper(watch):
        yield watch


def milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def by_hand(sql: str, params: dict[str, Any]) -> Callable[[], list[Any]]:
    """A statement and the fetching of its rows."""

    def run() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            rows: list[Any] = cursor.fetchall()
            return rows

    return run


def typical(values: list[float]) -> float:
    return round(median(values), 2)


def slow(values: list[float]) -> float:
    """The 95th percentile."""
    return round(quantiles(values, n=20)[-1], 2)
