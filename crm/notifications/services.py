"""The one door to tell people something: `notify()`. What is promised is a row in the transaction of its cause (R10)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from crm.notifications.live import bump

__all__ = ["Message", "bump", "notify"]


@dataclass(frozen=True)
class Message:
    """What one person is to be told; `url` is the path one tap leads to.

    Of a lead it holds no name and no contact data: with `lead_id`, `{lead}` in title and body stands for its name (as
    does `{own lead}`, of one that was hers), and without `url` one tap leads to its page. Both are there only as long as
    the reader may read it (subjects.py).
    """

    user_id: int
    kind: str
    title: str
    body: str = ""
    url: str = ""
    lead_id: int | None = None


TELL = """
WITH told AS (
    INSERT INTO notifications_notification (company_id, user_id, kind, title, body, url, lead_id)
    SELECT %(company)s, user_id, kind, title, body, url, lead_id
    FROM ROWS FROM (json_to_recordset(%(messages)s)
        AS (user_id bigint, kind text, title text, body text, url text, lead_id bigint))
        WITH ORDINALITY AS told (user_id, kind, title, body, url, lead_id, number)
    ORDER BY number
    RETURNING id, user_id
), mailed AS (
    INSERT INTO notifications_delivery (notification_id, channel, state, tries, error)
    SELECT id, 'email', 'waiting', 0, '' FROM told WHERE %(by_mail)s ORDER BY id
), pushed AS (
    INSERT INTO notifications_delivery (notification_id, channel, subscription_id, state, tries, error)
    SELECT told.id, 'push', device.id, 'waiting', 0, ''
    FROM told JOIN notifications_pushsubscription AS device USING (user_id) WHERE device.session_key <> '' ORDER BY told.id
    RETURNING id
)
SELECT count(*) FROM pushed
"""


@transaction.atomic
def notify(company_id: int, messages: Sequence[Message], *, by_mail: bool = True) -> None:
    """Tell each person in her page, by web push to each of her devices, and by e-mail, after commit."""
    from crm.notifications.tasks import send_mails, send_pushes

    if not messages:
        return
    rows = [vars(one) | {"title": one.title[:200]} for one in messages]
    params: dict[str, Any] = {"company": company_id, "messages": json.dumps(rows), "by_mail": by_mail}
    with connection.cursor() as cursor:
        cursor.execute(TELL, params)
        (pushes,) = cursor.fetchone()
    if pushes:
        send_pushes.queue()
    if by_mail:
        send_mails.queue()
    bump([one.user_id for one in messages], "notifications")
