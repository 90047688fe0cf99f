"""Threads that start at the same moment, each with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def together(*acts: Callable[[], T]) -> list[T]:
    """What each act returned, in order; the first error is raised. All of them are connected before any begins."""
    start = threading.Barrier(len(acts), timeout=30)

    def run(act: Callable[[], T]) -> T:
        try:
            connection.ensure_connection()
            start.wait()
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [future.result() for future in [threads.submit(run, act) for act in acts]]
