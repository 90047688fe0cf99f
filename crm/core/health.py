"""Is every part of the product alive? Workers, clock and beat are heard through Valkey; `/healthz` says who is not.

A part that is heard sets a key that goes out by itself, so that no two machines' clocks are ever compared.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Any

import redis
from celery.beat import Scheduler
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError

from crm.core.doors import public
from crm.core.tasks import task

HEARD_FOR = 20  # seconds after which a part counts as silent
PULSE = 3  # seconds between two signs of life
PATIENCE = 1.5  # seconds a check may take
PARTS = ("worker", "clock", "beat")
OK = "ok"
LONG_AGO = timedelta(days=1)

_checks = ThreadPoolExecutor(max_workers=4, thread_name_prefix="health")


@cache
def _valkey() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1)


def heard(part: str) -> None:
    """Note that `part` is alive."""
    _valkey().set(f"fairlead:heard:{part}", "1", ex=HEARD_FOR)


def forget() -> None:
    """Forget what was heard in an earlier run."""
    _valkey().delete(*(f"fairlead:heard:{part}" for part in PARTS))


@task(queue="default", every=PULSE)
def worker_pulse() -> None:
    """A sign of life that went the whole way: from beat through the broker to a worker."""
    heard("worker")


@task(queue="clock", every=PULSE)
def clock_pulse() -> None:
    """The same for the worker that keeps deadlines."""
    heard("clock")


class PulsingScheduler(Scheduler):
    """Beat with its schedule in memory, since what is due stands in rows, which is heard as long as it ticks."""

    max_interval = PULSE
    _next_pulse = 0.0

    def setup_schedule(self) -> None:
        """Everything is due at the start: it may have been due for long."""
        super().setup_schedule()
        for entry in self.schedule.values():
            entry.last_run_at = self.app.now() - LONG_AGO

    def tick(self, *args: Any, **kwargs: Any) -> float:
        if time.monotonic() >= self._next_pulse:
            self._next_pulse = time.monotonic() + PULSE
            with suppress(RedisError):  # its silence says so
                heard("beat")
        return float(super().tick(*args, **kwargs))


def _database() -> None:
    """Ask over a connection of its own: the one of this request may be old, or in a transaction."""
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        own.close()


def _silent() -> list[str]:
    values = _valkey().mget([f"fairlead:heard:{part}" for part in PARTS])
    return [part for part, value in zip(PARTS, values, strict=True) if value is None]


def _outcome(check: Future[Any], deadline: float) -> str:
    """ "ok", or a short reason; it says nothing of addresses, since anyone may ask."""
    try:
        check.result(timeout=max(0, deadline - time.monotonic()))
    except TookTooLong:
        check.cancel()
        return f"no answer within {PATIENCE} s"
    except (DatabaseError, RedisError, OSError) as error:
        return f"unreachable ({type(error).__name__})"
    return OK


def state() -> dict[str, str]:
    """Each part with "ok" or a short reason, within two seconds whatever is down."""
    deadline = time.monotonic() + PATIENCE
    database, broker = _checks.submit(_database), _checks.submit(_silent)
    found = {"database": _outcome(database, deadline), "broker": _outcome(broker, deadline)}
    if found["broker"] != OK:
        return found | dict.fromkeys(PARTS, "unknown while the broker is away")
    silent = broker.result()
    return found | {part: f"not heard for {HEARD_FOR} s" if part in silent else OK for part in PARTS}


@public()
def healthz(request: HttpRequest) -> HttpResponse:
    """The state as JSON: 200 when all is well, else 503."""
    found = state()
    well = all(reason == OK for reason in found.values())
    return JsonResponse(found, status=200 if well else 503, headers={"Cache-Control": "no-store"})
