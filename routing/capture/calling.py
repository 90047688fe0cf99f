"""Who takes in what came, and when (C4): one worker at a time, called once, and a company's leads gather for a moment.

Only promptness depends on it: what waits stands in rows, and a tick looks for it in any case.
"""

from __future__ import annotations

import time

from django.core.cache import cache

from routing.capture.taking import take_in_waiting

SOON, CALLED, TAKING = "inbound:soon", "called", "taking"
LASTS = 3  # seconds, if whoever was called or takes them in dies
GATHERING = 0.1  # seconds between the beginnings of a company's batches: a batch costs far more than each of its leads


def must_call() -> bool:
    """Whether a worker is to be called for what has just come; if not, one that was called will look for it."""
    return cache.add(SOON, CALLED, timeout=LASTS)


def take_in_all(most: int) -> bool:
    """Make leads of all that came, in this many batches at most, unless somebody is at it: whether no more are known of."""
    if cache.get(SOON) == TAKING:
        return True
    before: set[int] = set()
    looks_again = True
    for _ in range(most):
        if looks_again:
            cache.set(SOON, TAKING, timeout=LASTS)
        began = time.monotonic()
        taken = {*take_in_waiting()}
        if taken and taken == before:
            time.sleep(max(0, began + GATHERING - time.monotonic()))
        elif not taken and not looks_again:
            return True
        elif not taken:
            cache.delete(SOON)  # whoever comes now calls again; of those before, one last look
        before, looks_again = taken, bool(taken)
    cache.delete(SOON)
    return False
