"""Statements that are planned once for a connection, where planning them costs as much as running them."""

from __future__ import annotations

from contextlib import closing

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper


def prepared_cursor() -> closing[CursorWrapper]:
    """A cursor like Django's, whose statements PostgreSQL keeps prepared. Django's own write values into the text."""
    connection.ensure_connection()
    raw = connection.connection
    raw.prepare_threshold = 0  # what Django itself asks is never prepared, whatever this says
    connection.validate_thread_sharing()
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return closing(make(psycopg.Cursor(raw)))  # type: ignore[arg-type]  # the stubs want one that is wrapped already
