"""Indexes and foreign keys put aside while tables are filled, and made again from their own definitions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db import connection
from psycopg import sql

INDEXES = """
SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY(%s::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
"""
FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = ANY(%s::regclass[]) AND contype = 'f'
"""


@contextmanager
def lifted_indexes(tables: Sequence[str], say: Callable[[str], None]) -> Iterator[None]:
    """For the length of the block, `tables` have no foreign keys, and no indexes but those of other constraints."""
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [list(tables)])
        indexes = cursor.fetchall()
        cursor.execute(FOREIGN_KEYS, [list(tables)])
        keys = cursor.fetchall()
        for table, name, _ in keys:
            cursor.execute(composed("ALTER TABLE {} DROP CONSTRAINT {}", table, name))
        for name, _ in indexes:
            cursor.execute(composed("DROP INDEX {}", name))
    yield
    started = time.monotonic()
    with connection.cursor() as cursor:
        for _, definition in indexes:
            cursor.execute(definition)
        for table, name, definition in keys:
            cursor.execute(composed("ALTER TABLE {} ADD CONSTRAINT {} ", table, name) + definition)
    say(f"  {len(indexes)} indexes, {len(keys)} foreign keys: {time.monotonic() - started:.1f} s")


def composed(statement: str, *names: str) -> str:
    return sql.SQL(statement).format(*map(sql.Identifier, names)).as_string()
