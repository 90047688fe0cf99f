"""Sending what is due: each delivery is claimed for a while, sent outside any transaction, then marked."""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.db.models.functions import Now
from django.template.loader import render_to_string

from crm.notifications.models import Delivery
from crm.notifications.subjects import notices_for

logger = logging.getLogger(__name__)
MOST_TRIES = 8
CLAIM = """
UPDATE notifications_delivery SET tries = tries + 1, due_at = statement_timestamp() + interval '5 minutes'
WHERE id IN (
    SELECT id FROM notifications_delivery WHERE state = 'waiting' AND due_at <= statement_timestamp()
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id
"""


def send_due(limit: int = 50) -> int:
    """Send up to `limit` deliveries that are due: how many were tried. One that fails is tried again, later each time."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [limit])
        claimed = [row[0] for row in cursor.fetchall()]
    deliveries = Delivery.objects.filter(pk__in=claimed).select_related("notification__user", "notification__company")
    for delivery in deliveries.order_by("pk"):
        try:
            _send_email(delivery)
        except (OSError, smtplib.SMTPException) as error:
            _put_off(delivery, error)
        else:
            Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.SENT, sent_at=Now(), error="")
    return len(claimed)


def _send_email(delivery: Delivery) -> None:
    """Write the mail as its reader may see the notification at this moment."""
    notification, reader = delivery.notification, delivery.notification.user
    if not reader.is_active:
        return
    notice = notices_for(reader, [notification])[0]
    context = {"notice": notice, "link": f"{settings.PUBLIC_URL}{notice.url}", "company": notification.company}
    body = render_to_string("notifications/email.txt", context)
    EmailMessage(subject=notice.title, body=body, to=[reader.email]).send()


def _put_off(delivery: Delivery, error: Exception) -> None:
    logger.warning("delivery %s failed: %s", delivery.pk, type(error).__name__)
    state = Delivery.State.FAILED if delivery.tries >= MOST_TRIES else Delivery.State.WAITING
    wait = timedelta(seconds=min(3600, 15 * 2**delivery.tries))
    Delivery.objects.filter(pk=delivery.pk).update(state=state, due_at=Now() + wait, error=str(error)[:200])
