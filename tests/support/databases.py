"""Databases for tests: one template, migrated once for all runs with the same migrations, and quick clones of it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from psycopg import sql

from crm.core.embedded.addresses import addresses
from crm.core.embedded.postgres import OWNER_ROLE
from tests.support.environment import ROOT

APPS = ("crm", "permissions", "leads", "routing", "dialer")
SHAPING = ("migrations/*.py", "models.py", "models/*.py", "apps.py", "*_sql.py", "*.sql")


def fingerprint() -> str:
    """A digest of all that shapes a freshly migrated database."""
    files = {ROOT / "requirements" / "runtime.txt"}
    for app in APPS:
        for pattern in SHAPING:
            files.update((ROOT / app).rglob(pattern))
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def as_superuser() -> psycopg.Connection:
    sockets = addresses(settings.DATA).sockets
    return psycopg.connect(host=str(sockets), dbname="postgres", user="postgres", autocommit=True)


def drop(server: psycopg.Connection, name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def drop_leftovers() -> None:
    """Drop what test runs that were killed left behind."""
    with as_superuser() as server:
        for row in server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test\\__%'").fetchall():
            drop(server, row[0])


def create(server: psycopg.Connection, name: str, template: str) -> None:
    command = "CREATE DATABASE {} OWNER {} TEMPLATE {}"
    names = (sql.Identifier(part) for part in (name, OWNER_ROLE, template))
    server.execute(sql.SQL(command).format(*names))


def template() -> str:
    """The name of the migrated template, made now if this version of the migrations has none."""
    name = f"template_{fingerprint()}"
    with (settings.DATA / "template.lock").open("w") as lock, as_superuser() as server:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = [row[0] for row in server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'template\\__%'")]
        if name not in known:
            for old in known:
                drop(server, old)
            drop(server, "migrating")
            create(server, "migrating", "template1")
            migrate("migrating")
            server.execute(sql.SQL("ALTER DATABASE migrating RENAME TO {}").format(sql.Identifier(name)))
    return name


def migrate(database: str) -> None:
    """Migrate with the owner's role, by the same command as everywhere."""
    there = addresses(settings.DATA)
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "crm.settings",
        "DATABASE_URL": there.database.replace("/fairlead?", f"/{database}?"),
        "DATABASE_OWNER_URL": there.owner.replace("/fairlead?", f"/{database}?"),
    }
    command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--noinput", "--verbosity=0", "--skip-checks"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"The migrations failed:\n{done.stdout}{done.stderr}")


@contextmanager
def clone(name: str) -> Iterator[str]:
    """A database of its own called `name`, dropped after the block."""
    source = template()
    with as_superuser() as server:
        drop(server, name)
        create(server, name, source)
    try:
        yield name
    finally:
        with as_superuser() as server:
            drop(server, name)


@contextmanager
def connected_to(name: str, host: Path | None = None) -> Iterator[None]:
    """Django's default connection, in all threads, on the database `name` of the server whose sockets are in `host`."""
    target = connection.settings_dict
    before = {key: target[key] for key in ("NAME", "HOST")}
    connection.close()
    target.update(NAME=name, HOST=str(host or before["HOST"]))
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connection.close()
        target.update(before)
        ContentType.objects.clear_cache()
