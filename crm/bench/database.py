"""A database of the benchmark's own beside the product's, built once and kept: whole, or not there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege

Say = Callable[[str], None]
VACUUM_SECONDS = 60


class CannotBuildError(Exception):
    """The benchmark's database cannot be made; the text says why."""


@contextmanager
def bench_database(name: str, recipe: str, build: Callable[[], None], *, say: Say) -> Iterator[None]:
    """Django's connection on database `name`, as the application's role; built first where it is missing or outdated.

    `recipe` names what is in it. It is built under another name and renamed at the end, so that it is whole or absent.
    """
    if _recipe_of(name) != recipe:
        say(f"Building {name}, once for this machine.")
        _make(draft := f"{name}_draft")
        with connected_to(draft, as_owner=True):
            call_command("migrate", verbosity=0)
            build()
        _finish(draft, name, recipe)
    with connected_to(name, as_owner=True):
        call_command("migrate", verbosity=0)
    with connected_to(name):
        yield


@contextmanager
def connected_to(name: str, *, as_owner: bool = False) -> Iterator[None]:
    """Point the default connection at another database of the same server."""
    before = dict(connection.settings_dict)
    wanted = {"NAME": name}
    if as_owner:
        owner = conninfo_to_dict(settings.DATABASE_OWNER_URL)
        wanted |= {"USER": str(owner.get("user") or ""), "PASSWORD": str(owner.get("password") or "")}
    connection.close()
    connection.settings_dict.update(wanted)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def database_name(leads: int) -> str:
    """`fairlead_bench_1000000` beside a database `fairlead`."""
    return f"{connection.settings_dict['NAME']}_bench_{leads}"


@contextmanager
def clone(name: str) -> Iterator[str]:
    """A copy of a database for work that must not stay, dropped afterwards; nobody may be connected to `name`."""
    connection.close()
    drop_database(copied := f"{name}_copy")
    copy = "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY"
    with _server() as server:
        server.execute(sql.SQL(copy).format(sql.Identifier(copied), sql.Identifier(name)))
    try:
        yield copied
    finally:
        connection.close()
        drop_database(copied)


def drop_database(name: str) -> None:
    """Drop it with whoever is connected; autovacuum, which only a superuser may send away, is waited for."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    for patience in range(VACUUM_SECONDS, -1, -1):
        try:
            with _server() as server:
                server.execute(drop)
            return
        except InsufficientPrivilege:
            if not patience:
                raise
            time.sleep(1)


def tidy_up() -> None:
    """What the planner has to know after much was written; needs the owner's role."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _recipe_of(name: str) -> str | None:
    """The recipe a finished database was built by; None where there is no such database."""
    question = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    with _server() as server:
        row = server.execute(question, [name]).fetchone()
    return row[0] if row else None


def _make(name: str) -> None:
    drop_database(name)
    try:
        with _server() as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise CannotBuildError("The role of DATABASE_OWNER_URL may not create databases (CREATEDB).") from error


def _finish(draft: str, name: str, recipe: str) -> None:
    drop_database(name)
    with _server() as server:
        server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name)))
        server.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(recipe)))


def _server() -> psycopg.Connection:
    """A connection as the owner role, outside any transaction."""
    return psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True)
