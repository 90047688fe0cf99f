"""Sending what is due (I5): each delivery is claimed for a while, sent outside any transaction, then marked.

A worker that dies in between leaves the claim to run out: what it had is sent again, under the same webhook-id.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from itertools import groupby
from socket import gaierror
from time import monotonic

from django.db import connection
from django.utils import timezone

from crm.core.outgoing import Answer, NotPublicError, post
from crm.webhooks.marking import delivered, failed, gone
from crm.webhooks.models import Webhook, WebhookDelivery
from crm.webhooks.signing import headers_of
from crm.webhooks.telling import bodies_of

logger = logging.getLogger(__name__)
ONE_HAND = 7034005  # the lock of whoever sends
AT_ONCE = 10
A_ROUND = 50
OF_ONE = 5  # deliveries of one webhook in a round; of one that fails a single one, to find out
PATIENCE = 10.0  # seconds for an answer
SECONDS_AT_ONCE = 20
GONE = 410
CLAIM = """
UPDATE webhooks_webhookdelivery AS delivery
SET tries = tries + 1, tried_at = statement_timestamp(), next_at = statement_timestamp() + interval '2 minutes'
WHERE id IN (
    SELECT id FROM webhooks_webhookdelivery WHERE state = 'waiting' AND next_at <= statement_timestamp() AND id IN (
        SELECT due.id FROM webhooks_webhook AS webhook
        JOIN organization_user AS person ON person.id = webhook.user_id AND person.is_active
        CROSS JOIN LATERAL (
            SELECT id, next_at FROM webhooks_webhookdelivery
            WHERE webhook_id = webhook.id AND state = 'waiting' AND next_at <= statement_timestamp()
            ORDER BY next_at, id LIMIT CASE WHEN webhook.failing_since IS NULL THEN %(of_one)s ELSE 1 END
        ) AS due
        WHERE webhook.off = '' AND coalesce(webhook.rests_until <= statement_timestamp(), true)
        ORDER BY due.next_at, due.id LIMIT %(round)s
    ) ORDER BY id FOR UPDATE SKIP LOCKED
) RETURNING id
"""


@contextmanager
def alone() -> Iterator[bool]:
    """Whether nobody else is sending: a second worker would only wait for the same slow addresses."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ONE_HAND])
        (held,) = cursor.fetchone()
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_HAND])


def send_all() -> None:
    """Round after round, for some seconds."""
    until = monotonic() + SECONDS_AT_ONCE
    while monotonic() < until and send_due():
        pass


def send_due() -> int:
    """One round of what is due: how many were tried."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"of_one": OF_ONE, "round": A_ROUND})
        claimed = [pk for (pk,) in cursor.fetchall()]
    if not claimed:
        return 0
    related = ("webhook__user__company", "webhook__user__holding__profile")
    deliveries = WebhookDelivery.objects.filter(pk__in=claimed).select_related(*related)
    with ThreadPoolExecutor(AT_ONCE, "webhooks") as threads:
        under_way = [
            (parcel, threads.submit(post, parcel.url, parcel.body, parcel.headers, patience=PATIENCE))
            for parcel in _parcels(list(deliveries.order_by("webhook__user", "webhook", "pk")))
        ]
        for parcel, sending in under_way:
            _mark(parcel, sending)
    return len(claimed)


@dataclass(frozen=True)
class Parcel:
    delivery: WebhookDelivery
    url: str
    body: bytes
    headers: dict[str, str]


def _parcels(deliveries: Sequence[WebhookDelivery]) -> Iterator[Parcel]:
    """What each says at this moment. Of a lead that she may not see any more nothing is sent, and nothing stays."""
    for _, found in groupby(deliveries, lambda one: one.webhook.user_id):
        hers = list(found)
        try:
            bodies = bodies_of(hers[0].webhook.user, hers)
        except Exception:  # what cannot be written holds up nobody else’s: its claim runs out
            logger.exception("webhooks of person %s cannot be written", hers[0].webhook.user_id)
            continue
        WebhookDelivery.objects.filter(pk__in=[one.pk for one in hers if one.pk not in bodies]).delete()
        for one in hers:
            if one.pk in bodies:
                yield _parcel(one.webhook, one, bodies[one.pk])


def _parcel(webhook: Webhook, delivery: WebhookDelivery, body: str) -> Parcel:
    return Parcel(delivery, webhook.url, body.encode(), headers_of(webhook, delivery, body, timezone.now()))


def _mark(parcel: Parcel, sending: Future[Answer]) -> None:
    """What came of it."""
    one = parcel.delivery
    try:
        answer = sending.result()
    except TimeoutError:
        failed(one, error=f"no answer within {PATIENCE:.0f} seconds")
    except (NotPublicError, ValueError) as error:
        failed(one, error=f"not asked: {error}")
    except (OSError, HTTPException) as error:
        why = "its name is not known" if isinstance(error, gaierror) else type(error).__name__
        failed(one, error=f"it could not be reached ({why})")
    else:
        if 200 <= answer.status < 300:
            delivered(one, status=answer.status)
        elif answer.status == GONE:
            gone(one)
        else:
            failed(one, status=answer.status, error=words_for(answer.status), after=answer.retry_after)


def words_for(status: int) -> str:
    return "it leads on to another address, which is not followed" if 300 <= status < 400 else f"it answered {status}"
