"""What the application's database role may do: rows everywhere, but only INSERT and SELECT on the ledger."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connections
from psycopg import sql

APPEND_ONLY = ("permissions_ledgerentry", "permissions_ledgerseal")


def grant_to_application(sender: object, using: str = "default", **kwargs: Any) -> None:
    """After every migration. Nothing to grant where one role does both: the triggers still refuse."""
    role = settings.DATABASE_APP_ROLE
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT current_user")
        if not role or cursor.fetchone() == (role,):
            return
        name = sql.Identifier(role)
        for statement in (
            sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name),
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(name),
            sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(name),
            *(
                sql.SQL("REVOKE UPDATE, DELETE ON {} FROM {}").format(sql.Identifier(table), name)
                for table in (*APPEND_ONLY, "django_migrations")
            ),
        ):
            cursor.execute(statement.as_string(cursor.connection))
