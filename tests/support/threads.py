"""Running things at the same time, each on a database connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection


def at_once(*acts: Callable[[], object], seconds: float = 60) -> list[object]:
    """Run the acts in threads of their own and return their answers in order; the first error is raised."""

    def run(act: Callable[[], object]) -> object:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(seconds) for future in [pool.submit(run, act) for act in acts]]
