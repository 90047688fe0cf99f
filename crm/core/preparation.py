"""What has to be done before the product can start, and whether it has to be done at all: asking is the quick part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

STATIC_STAMP = ".made-of"
announcements: list[Callable[[], str]] = []  # higher rooms add what to tell whoever starts the product; "" is nothing


def migrations_pending() -> bool:
    try:
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        return True  # a database without our tables or grants
    finally:
        connection.close()


def demo_wanted() -> bool:
    """Whether this is a demo installation that nobody uses yet."""
    if not settings.DEMO or "seed_demo" not in get_commands():
        return False
    try:
        return not get_user_model()._default_manager.exists()
    finally:
        connection.close()


def announced() -> list[str]:
    """What whoever starts the product should know."""
    try:
        return [words for announcement in announcements if (words := announcement())]
    finally:
        connection.close()


def static_fingerprint() -> str:
    """A digest of the names, sizes and times of all static files."""
    lines = []
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            lines.append(f"{name} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def collect_static() -> None:
    """Collect and compress the static files unless they are those of the last time."""
    stamp = Path(settings.STATIC_ROOT) / STATIC_STAMP
    fingerprint = static_fingerprint()
    if not stamp.exists() or stamp.read_text() != fingerprint:
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(fingerprint)
