"""The claim clock (R6, R7): when an offer runs out, and in which stretches of time its clock runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from routing.weekly import Span


@dataclass(frozen=True)
class Clock:
    """`runs` are the stretches in which it runs; together they are the window. The deadline ends the last of them."""

    deadline: datetime
    runs: tuple[Span, ...]


def set_clock(offered_at: datetime, window: timedelta, pauses: Iterable[Span]) -> Clock:
    """The clock of an offer.

    `pauses` are the spans that are not over when it is made, in order and apart from each other. A clock that would run
    into the first of them, or begins in it, has its full window from that pause's end; in later ones it stands still.
    """
    ahead = iter(pauses)
    first = next(ahead, None)
    if first is None or offered_at + window < first[0]:
        return Clock(offered_at + window, ((offered_at, offered_at + window),))
    at, left, runs = first[1], window, []
    for start, end in ahead:
        if at + left < start:
            break
        runs.append((at, start))
        at, left = end, left - (start - at)
    return Clock(at + left, (*runs, (at, at + left)))


def in_words(window: timedelta) -> str:
    """`45 minutes`, `1 hour`, `1 hour 30 minutes`, `20 seconds`."""
    seconds = int(window.total_seconds())
    parts = [(seconds // 3600, "hour"), (seconds // 60 % 60, "minute"), (seconds % 60, "second")]
    return " ".join(f"{count} {word}{'s' if count != 1 else ''}" for count, word in parts if count)
