"""Sending what is due by a channel: each delivery is claimed for a while, sent outside any transaction, then marked."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now

from crm.notifications import mailing, pushing
from crm.notifications.models import Delivery
from crm.notifications.outcomes import Deliver, Outcome

logger = logging.getLogger(__name__)
Channel, State = Delivery.Channel, Delivery.State
CHANNELS: dict[Delivery.Channel, Deliver] = {Channel.EMAIL: mailing.deliver, Channel.PUSH: pushing.deliver}
MOST_TRIES = 8
LONGEST_WAIT = 3600  # seconds
CLAIM = """
UPDATE notifications_delivery SET tries = tries + 1, due_at = statement_timestamp() + interval '5 minutes'
WHERE id IN (
    SELECT id FROM notifications_delivery
    WHERE state = 'waiting' AND due_at <= statement_timestamp() AND channel = %s
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id
"""


def send_due(channel: Delivery.Channel = Channel.EMAIL, limit: int = 50) -> int:
    """Try up to `limit` deliveries that are due by it: how many are done with. The others are due again, ever later."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [channel, limit])
        claimed = [row[0] for row in cursor.fetchall()]
    related = ("notification__user__company", "notification__company", "subscription")
    deliveries = Delivery.objects.filter(pk__in=claimed).select_related(*related).order_by("pk")
    done = 0
    for delivery, outcome in CHANNELS[channel](list(deliveries)) if claimed else ():
        _mark(delivery, outcome)
        done += outcome.state != State.WAITING
    return done


def _mark(delivery: Delivery, outcome: Outcome) -> None:
    """Of one whose device was forgotten meanwhile there is nothing left to mark."""
    row = Delivery.objects.filter(pk=delivery.pk)
    if outcome.state == State.SENT:
        row.update(state=State.SENT, sent_at=Now(), error="")
        return
    if outcome.state != State.ENDED:
        logger.warning("delivery %s by %s failed: %s", delivery.pk, delivery.channel, outcome.error.partition(":")[0])
    given_up = outcome.state == State.WAITING and delivery.tries >= MOST_TRIES
    wait = min(LONGEST_WAIT, max(15 * 2**delivery.tries, outcome.after))
    row.update(
        state=State.FAILED if given_up else outcome.state,
        due_at=Now() + timedelta(seconds=wait),
        error=outcome.error[:200],
    )
