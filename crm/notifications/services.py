"""The one door to tell people something: `notify()`. What is promised is a row in the transaction of its cause (R10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

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


@transaction.atomic
def notify(company_id: int, messages: Sequence[Message]) -> None:
    """Tell each person in her page and by e-mail, after commit."""
    from crm.notifications.tasks import send_deliveries

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
    Delivery.objects.bulk_create([Delivery(notification=row, channel=Delivery.Channel.EMAIL) for row in rows])
    bump([m.user_id for m in messages], "notifications")
    send_deliveries.queue()
