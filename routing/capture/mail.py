"""Mailed leads (C3): a channel of ADF has an address with its id in it; what comes there goes by the door of all others."""

from __future__ import annotations

import logging
import os
import re

from django.conf import settings
from django.core.cache import cache

from routing.capture.formats.mail import adf_in, recipients_of
from routing.capture.storing import LARGEST, REFUSED_FOR, count_refusal, store
from routing.models import Channel

logger = logging.getLogger(__name__)
STRAY = "inbound-mail:stray"


class RefusedMailError(Exception):
    """Nothing is kept of a mail; `status` is the exit status by which a mail server knows why."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(why)
        self.status = status


def address_of(channel: Channel) -> str:
    """Where its leads are mailed; empty where no mail is received, or none for this kind of channel."""
    if channel.kind != Channel.Kind.ADF or not settings.LEADS_MAIL:
        return ""
    return str(settings.LEADS_MAIL.format(channel.public_id))


def receive(raw: bytes, to: str = "") -> list[Channel]:
    """Keep what a mail brings for each channel it was sent to, `to` this address or by its headers; commits by itself.

    Raises RefusedMailError.
    """
    found = _channels(to.lower() or recipients_of(raw))
    if not found:
        _count_stray()
        raise RefusedMailError("There is no channel at this address.", os.EX_NOUSER)
    channels = [channel for channel in found if channel.closed_at is None]
    if not channels:
        raise _refusal(found, "This channel is closed: it takes no leads any more.", os.EX_NOUSER)
    if len(raw) > LARGEST:
        raise _refusal(channels, "A mail may have 1 MB at most.", os.EX_DATAERR)
    for part in adf_in(raw):
        for channel in channels:
            store(channel, part.body, part.content_type)
    return channels


def _channels(recipients: str) -> list[Channel]:
    before, after = (re.escape(half) for half in settings.LEADS_MAIL.split("{}"))
    ids = set(re.findall(rf"(?<![\w.+-]){before}([a-z0-9]{{12}}){after}(?![\w.-])", recipients))
    return list(Channel.objects.filter(public_id__in=ids, kind=Channel.Kind.ADF).order_by("pk"))


def _refusal(channels: list[Channel], why: str, status: int) -> RefusedMailError:
    for channel in channels:
        count_refusal(channel)
    return RefusedMailError(why, status)


def _count_stray() -> None:
    cache.add(STRAY, 0, timeout=REFUSED_FOR)
    logger.warning("a mail for no channel; %s of late", cache.incr(STRAY))
