"""What came of a try: delivered, tried again later, given up; and what that says of the webhook (I5)."""

from __future__ import annotations

import random
from datetime import timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Now
from django.urls import reverse

from crm.notifications.services import Message, notify
from crm.webhooks.models import TEST, Webhook, WebhookDelivery

State, Off = WebhookDelivery.State, Webhook.Off
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
WAITS = (5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
PATIENT = timedelta(days=5)  # with an address of which only failures come
SHORTEST_REST, LONGEST_REST = 5, 600  # seconds
LONGEST_ASKED = 24 * 3600  # seconds that an address may ask for


def delivered(one: WebhookDelivery, *, status: int) -> None:
    _row(one).update(state=State.DELIVERED, status=status, error="")
    Webhook.objects.filter(pk=one.webhook_id).update(
        delivered_at=Now(), failures=0, failing_since=None, rests_until=None
    )


def failed(one: WebhookDelivery, *, error: str, status: int | None = None, after: int = 0) -> None:
    """To be tried again, not before `after` seconds; given up after the last wait. A test is tried once."""
    given_up = one.kind == TEST or one.tries > len(WAITS)
    wait = timedelta() if given_up else _wait(one.tries, after)
    _row(one).update(
        state=State.DEAD if given_up else State.WAITING, next_at=Now() + wait, status=status, error=error[:200]
    )
    if one.kind == TEST:
        return
    webhook = Webhook.objects.filter(pk=one.webhook_id)
    rest = timedelta(seconds=min(LONGEST_REST, SHORTEST_REST * 2 ** min(one.webhook.failures, 10)))
    webhook.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", Now()), rests_until=Now() + rest)
    if webhook.filter(failing_since__lt=Now() - PATIENT).exists():
        _switch_off(one.webhook, Off.FAILING, "For days its address answered nothing but errors, or not at all.")


def gone(one: WebhookDelivery) -> None:
    """Its address wants no more of this."""
    _row(one).update(state=State.DEAD, status=410, error="it answered that it is gone")
    _switch_off(one.webhook, Off.GONE, "Its address answered that it is gone (410).")


def _wait(tries: int, after: int) -> timedelta:
    """A little more than planned, so that what failed together does not come together."""
    planned = WAITS[tries - 1] * random.uniform(1, 1.1)  # noqa: S311  # no secret
    return max(planned, timedelta(seconds=min(after, LONGEST_ASKED)))


def _row(one: WebhookDelivery) -> QuerySet[WebhookDelivery]:
    """Unless another has claimed it since: a worker that comes too late says nothing."""
    return WebhookDelivery.objects.filter(pk=one.pk, state=State.WAITING, tries=one.tries)


@transaction.atomic
def _switch_off(webhook: Webhook, why: Webhook.Off, words: str) -> None:
    """Once, and its person is told."""
    if Webhook.objects.filter(pk=webhook.pk, off=Off.NOT).update(off=why):
        words = f"{words} What waits for it goes out once you switch it on again."
        there = reverse("webhook", args=[webhook.pk])
        title = f"Webhook “{webhook.name}” is switched off"
        notify(webhook.company_id, [Message(webhook.user_id, "webhook", title, words, there)])
