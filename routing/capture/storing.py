"""Keeping a request as it came, before anything is made of it (C4)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.db import connection

from routing.models import Channel

LARGEST = 1 << 20  # bytes
REFUSED_FOR = 30 * 24 * 3600  # seconds for which the counter of a channel lasts
STORE = """
INSERT INTO routing_inboundrequest (company_id, channel_id, content_type, body, digest, error)
VALUES (%s, %s, %s, %s, %s, '')
ON CONFLICT (channel_id, digest) DO UPDATE SET times = routing_inboundrequest.times + 1
"""


def store(channel: Channel, body: bytes, content_type: str) -> None:
    """Commit it, unless it was sent before: then that is counted. Call it outside a transaction."""
    values: list[Any] = [channel.company_id, channel.pk, content_type[:120], body, sha256(body).digest()]
    with connection.cursor() as cursor:
        cursor.execute(STORE, values)


def count_refusal(channel: Channel) -> None:
    """Of what is refused nothing is kept but that it was."""
    key = f"inbound-refused:{channel.pk}"
    cache.add(key, 0, timeout=REFUSED_FOR)
    cache.incr(key)


def refused_of(channel: Channel) -> int:
    """How often the channel refused something of late."""
    return int(cache.get(f"inbound-refused:{channel.pk}", 0))
