"""The embedded servers for the length of one management command, unless `make run` has them running already."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from django.conf import settings

from crm.core.embedded.process import CannotStart
from crm.core.embedded.servers import Busy, running_servers

NEEDS_NONE = {"run", "help", "version", "check", "collectstatic", "findstatic", "diffsettings", "startapp"}
STARTING_SECONDS = 20


@contextmanager
def servers_for(command: str) -> Iterator[None]:
    """Servers to talk to while `command` runs: given ones, those that run on the data folder, or our own meanwhile."""
    with ExitStack() as stack:
        embedded = settings.EMBEDDED_DATABASE or settings.EMBEDDED_REDIS
        if embedded and command not in NEEDS_NONE and not command.startswith("-"):
            try:
                stack.enter_context(
                    running_servers(settings.DATA, postgres=settings.EMBEDDED_DATABASE, valkey=settings.EMBEDDED_REDIS)
                )
            except Busy as busy:
                wait_for_database(busy)
            except CannotStart as error:
                sys.exit(f"manage.py: {error}")
        yield


def wait_for_database(busy: Busy) -> None:
    """Whoever holds the folder may still be starting its servers."""
    deadline = time.monotonic() + STARTING_SECONDS
    while settings.EMBEDDED_DATABASE:
        try:
            psycopg.connect(settings.DATABASE_URL, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                sys.exit(f"manage.py: {busy} Its database does not answer.")
            time.sleep(0.1)
        else:
            return
