"""Reading Facebook's leads by their ids: the second of its two steps (C3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Min
from django.db.models.functions import Now

from routing.models import InboundLead
from routing.querysets import ChannelQuerySet, late_to_fetch

FIELDS = "id,created_time,form_id,field_data"
LARGEST = 1 << 20  # bytes
PATIENCE = 10  # seconds
WAITS = (10, 60, 300, 1800, 7200, 21600, 43200, 86400)  # seconds from one try to the next


@dataclass(frozen=True)
class Late:
    """Leads of a channel that are still to be fetched: how many, since when the first one waits, and why."""

    count: int
    since: datetime
    error: str


def late_of(channels: ChannelQuerySet) -> dict[int, Late]:
    """By channel; one whose leads are all fetched in time is not in it."""
    late = late_to_fetch().filter(channel__in=channels.order_by().values("pk")).values_list("channel")
    counted = late.annotate(count=Count("pk"), since=Min("request__received_at"), why=Max("error"))
    return {channel: Late(count, since, why) for channel, count, since, why in counted.order_by("channel")}


def fetch_next() -> bool:
    """Fetch the lead that is due longest: whether there was one. The row is not held while the network is waited for."""
    row = _take()
    if row is None:
        return False
    try:
        body = _get(row)
    except (OSError, ValueError) as error:
        _again(row, _words(error))
    else:
        mine = InboundLead.objects.filter(pk=row.pk, state=InboundLead.State.FETCHING)
        mine.update(fetched=body, state=InboundLead.State.WAITING, error="")
    return True


@transaction.atomic
def _take() -> InboundLead | None:
    """Nobody else tries it for as long as this try may take."""
    due = InboundLead.objects.filter(state=InboundLead.State.FETCHING, next_try_at__lte=Now())
    held = due.select_for_update(of=("self",), skip_locked=True, no_key=True)
    row = held.select_related("channel").order_by("next_try_at", "pk").first()
    if row is not None:
        row.tries += 1
        InboundLead.objects.filter(pk=row.pk).update(
            tries=row.tries, next_try_at=Now() + timedelta(seconds=3 * PATIENCE)
        )
    return row


def _get(row: InboundLead) -> bytes:
    query = urlencode({"access_token": row.channel.access_token, "fields": FIELDS})
    address = f"{settings.GRAPH_URL}/{quote(row.pointer, safe='')}?{query}"
    with urlopen(Request(address), timeout=PATIENCE) as answer:  # noqa: S310  # the installation's own setting
        body: bytes = answer.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise ValueError("its answer is larger than 1 MB")
    return body


def _again(row: InboundLead, why: str) -> None:
    """Later once more, or at the end into the inbox."""
    mine = InboundLead.objects.filter(pk=row.pk, state=InboundLead.State.FETCHING)
    error = f"Facebook did not give the lead: {why}"
    if row.tries > len(WAITS):
        mine.update(state=InboundLead.State.FAILED, error=error)
    else:
        mine.update(next_try_at=Now() + timedelta(seconds=WAITS[row.tries - 1]), error=error)


def _words(error: Exception) -> str:
    """What a broker can do something with; never the address, which has the token in it."""
    if isinstance(error, HTTPError):
        return f"it answered {error.code}"
    if isinstance(error, URLError):
        return f"it could not be reached ({error.reason})"
    return str(error)
