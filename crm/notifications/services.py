"""The one door to tell people something: `notify()`. What is promised is a row in the transaction of its cause (R10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from crm.notifications.live import bump
from crm.notifications.models import Delivery, Notification

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


PROMISE_PUSHES = """
INSERT INTO notifications_delivery (notification_id, channel, subscription_id, state, tries, error)
SELECT told.id, 'push', device.id, 'waiting', 0, ''
FROM unnest(%s::bigint[]) AS told (id)
JOIN notifications_notification AS notification USING (id)
JOIN notifications_pushsubscription AS device USING (user_id)
WHERE device.session_key <> ''
"""


@transaction.atomic
def notify(company_id: int, messages: Sequence[Message], *, by_mail: bool = True) -> None:
    """Tell each person in her page, by web push and by e-mail, after commit."""
    from crm.notifications.tasks import send_mails, send_pushes

    if not messages:
        return
    rows = Notification.objects.bulk_create(
        [
            Notification(
                company_id=company_id,
                user_id=m.user_id,
                kind=m.kind,
                title=m.title[:200],
                body=m.body,
                url=m.url,
                lead_id=m.lead_id,
            )
            for m in messages
        ]
    )
    if _promise_pushes(rows):
        send_pushes.queue()
    if by_mail:
        Delivery.objects.bulk_create([Delivery(notification=row, channel=Delivery.Channel.EMAIL) for row in rows])
        send_mails.queue()
    bump([m.user_id for m in messages], "notifications")


def _promise_pushes(rows: Sequence[Notification]) -> int:
    """To every device of each person: to how many."""
    with connection.cursor() as cursor:
        cursor.execute(PROMISE_PUSHES, [[row.pk for row in rows]])
        return int(cursor.rowcount)
