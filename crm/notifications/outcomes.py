"""What became of a delivery that was tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from crm.notifications.models import Delivery

State = Delivery.State


@dataclass(frozen=True)
class Outcome:
    """The state it is in now, and why; one that still waits is tried again, not before `after` seconds."""

    state: Delivery.State
    error: str = ""
    after: int = 0


SENT = Outcome(State.SENT)
Deliver = Callable[[Sequence[Delivery]], Iterator[tuple[Delivery, Outcome]]]  # a channel: each delivery comes back once


def ended(why: str) -> Outcome:
    return Outcome(State.ENDED, why)


def failed(why: str) -> Outcome:
    return Outcome(State.FAILED, why)


def later(error: BaseException | str, after: int = 0) -> Outcome:
    return Outcome(
        State.WAITING, f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else error, after
    )
