"""Notifications by e-mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string

from crm.notifications.models import Delivery
from crm.notifications.outcomes import SENT, Outcome, ended, later
from crm.notifications.subjects import Notice, notices_of


def deliver(deliveries: Sequence[Delivery]) -> Iterator[tuple[Delivery, Outcome]]:
    """All over one line, so that a server that is away is waited for once."""
    post = get_connection()
    try:
        post.open()
    except OSError as error:
        yield from ((delivery, later(error)) for delivery in deliveries)
        return
    try:
        for delivery, notice in zip(deliveries, notices_of([one.notification for one in deliveries]), strict=True):
            yield delivery, _send(delivery, notice, post)
    finally:
        post.close()


def _send(delivery: Delivery, notice: Notice, post: Any) -> Outcome:
    if not delivery.notification.user.is_active:
        return ended("deactivated")
    try:
        _written(delivery, notice, post).send()
    except Exception as error:  # one that cannot be written or sent holds up nobody else's
        return later(error)
    return SENT


def _written(delivery: Delivery, notice: Notice, post: Any) -> EmailMessage:
    notification = delivery.notification
    context = {"notice": notice, "link": f"{settings.PUBLIC_URL}{notice.url}", "company": notification.company}
    body = render_to_string("notifications/email.txt", context)
    return EmailMessage(subject=notice.title, body=body, to=[notification.user.email], connection=post)
