"""The only door to Celery: `@task(queue=…)` declares a task, `.queue(…)` sends it once the transaction is committed.

A task carries ids only and may run twice or late; what is due stands in rows, and a beat entry (`every`) makes it prompt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Generic, Literal, ParamSpec

from celery import current_app, shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
P = ParamSpec("P")
Queue = Literal["default", "clock"]
declared: dict[str, Task[...]] = {}


class Task(Generic[P]):
    """A declared task: call it to run it here and now, `queue()` it to run in a worker after commit."""

    def __init__(self, function: Callable[P, None], queue: Queue, every: float | None) -> None:
        self.name = f"{function.__module__}.{function.__name__}"
        self.function, self.queue_name, self.every = function, queue, every
        self.__doc__ = function.__doc__
        self.celery: Any = shared_task(name=self.name, queue=queue, ignore_result=True)(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        self.function(*args, **kwargs)

    def queue(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Send after commit. A broker that is down costs promptness, never the work: the rows say what is due."""
        transaction.on_commit(lambda: self._send(args, kwargs))

    def _send(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            self.celery.apply_async(args=args, kwargs=kwargs)
        except (OperationalError, OSError) as error:
            logger.warning("task %s not sent (%s); its rows wait for the next tick", self.name, type(error).__name__)


def task(*, queue: Queue, every: float | None = None) -> Callable[[Callable[P, None]], Task[P]]:
    """Declare a task on `queue`; with `every` (seconds) beat also sends it, without arguments."""

    def declare(function: Callable[P, None]) -> Task[P]:
        made = Task(function, queue, every)
        declared[made.name] = made
        if every is not None:
            # a tick that waited longer than its own period has been overtaken by the next one
            current_app.conf.beat_schedule[made.name] = {
                "task": made.name,
                "schedule": every,
                "options": {"queue": queue, "expires": max(every, 5)},
            }
        return made

    return declare
