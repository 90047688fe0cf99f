"""Notifications by e-mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string

from crm.notifications.models import Delivery
from crm.notifications.outcomes import SENT, Outcome, ended, later
from crm.notifications.subjects import notices_for


def deliver(deliveries: Sequence[Delivery]) -> Iterator[tuple[Delivery, Outcome]]:
    """All over one line, so that a server that is away is waited for once."""
    post = get_connection()
    try:
        post.open()
    except OSError as error:
        yield from ((delivery, later(error)) for delivery in deliveries)
        return
    try:
        for delivery in deliveries:
            yield delivery, _send(delivery, post)
    finally:
        post.close()


def _send(delivery: Delivery, post: Any) -> Outcome:
    if not delivery.notification.user.is_active:
        return ended("deactivated")
    try:
        _written(delivery, post).send()
    except Exception as error:  # one that cannot be written or sent holds up nobody else's
        return later(error)
    return SENT


def _written(delivery: Delivery, post: Any) -> EmailMessage:
    """The mail as its reader may see the notification at this moment."""
    notification, reader = delivery.notification, delivery.notification.user
    notice = notices_for(reader, [notification])[0]
    context = {"notice": notice, "link": f"{settings.PUBLIC_URL}{notice.url}", "company": notification.company}
    body = render_to_string("notifications/email.txt", context)
    return EmailMessage(subject=notice.title, body=body, to=[reader.email], connection=post)
