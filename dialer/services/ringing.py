"""The desk of whoever loses the lead before her is told by whatever took it away (D5): triggers do, whoever the writer is.

They name her in a notice to the writer’s own connection, in its transaction. So no cause can forget her.
"""

from __future__ import annotations

from typing import Any

from psycopg.errors import Diagnostic

from crm.notifications.live import bump

TAKEN = "FL001"  # the notice’s code; its text is the id of whose lead it was


def heed(sender: object, connection: Any, **kwargs: Any) -> None:
    """Of a new connection to the database: hear what triggers say on it."""
    connection.connection.add_notice_handler(_hear)


def _hear(said: Diagnostic) -> None:
    if said.sqlstate == TAKEN and said.message_primary:
        bump([int(said.message_primary)], "dialer")
