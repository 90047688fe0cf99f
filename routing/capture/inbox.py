"""What could not be made a lead of (C4): it waits with its error until somebody has it tried again, or throws it away.

What was thrown away is kept, and can be tried again too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from django.db import transaction
from django.db.models.functions import Now
from django.utils.html import escape

from crm.organization.models import User
from routing.capture.formats.composing import UNFOUND, UNPLACED
from routing.models import Channel, InboundLead, InboundRequest
from routing.querysets import InboundRequestQuerySet
from routing.tasks import fetch_inbound, take_in_soon

AT_ONCE = 10  # on a page
MOST_SHOWN = 3000  # bytes of what was sent, as they are in the page
MOST_ERRORS = 5  # of one request
State = InboundRequest.State
OPEN = (InboundLead.State.FAILED, InboundLead.State.FETCHING)
AWAY = (InboundLead.State.DISCARDED,)
BY_QUESTIONS = (UNFOUND, UNPLACED)  # mended by saying what the questions mean
NOT_ASKED = "Facebook was not asked for the lead yet."


@dataclass(frozen=True)
class Waiting:
    """A request in the inbox, with all that is wrong with it and what was sent.

    `to_fetch`: it is tried by itself too. `form_id`: the form whose questions lack a meaning; None where that is not it.
    """

    pk: int
    channel: Channel
    received_at: datetime
    times: int
    errors: list[str]
    sent: str
    is_cut: bool
    to_fetch: bool
    form_id: str | None


def shown(request: InboundRequest, *, away: bool = False) -> Waiting:
    rows = [row for row in request.leads.all() if row.state in (AWAY if away else OPEN)]
    text = bytes(request.body[:MOST_SHOWN]).decode(errors="replace").replace("\x00", "")
    sent = _beginning(text)
    errors = (
        [request.error]
        if request.state in (State.UNREADABLE, State.DISCARDED)
        else list(dict.fromkeys(row.error or NOT_ASKED for row in rows))
    )
    return Waiting(
        request.pk,
        request.channel,
        request.received_at,
        request.times,
        errors[:MOST_ERRORS],
        sent,
        len(request.body) > MOST_SHOWN or len(sent) < len(text),
        any(row.state == InboundLead.State.FETCHING for row in rows),
        "" if request.error.startswith(BY_QUESTIONS) else _form_of(rows),
    )


def _form_of(rows: Iterable[InboundLead]) -> str | None:
    return next((row.form_id for row in rows if row.error.startswith(BY_QUESTIONS)), None)


def _beginning(text: str) -> str:
    """As much of it as there is room for once it is escaped."""
    sizes = accumulate(len(escape(letter).encode()) for letter in text)
    return text[: sum(size <= MOST_SHOWN for size in sizes)]


@transaction.atomic
def try_again(*, actor: User, request_ids: list[int]) -> int:
    """Read and fetch these anew, at once: how many. What was made of a part of them already is not made again."""
    hers = InboundRequest.objects.managed_by(actor)
    held = _hold(hers.in_inbox() | hers.thrown_away(), request_ids)
    InboundRequest.objects.filter(pk__in=held).update(state=State.WAITING, error="")
    unfetched = InboundLead.objects.filter(request__in=held, state=InboundLead.State.FETCHING)
    if unfetched.update(next_try_at=Now(), tries=0):  # the error stays until one succeeds
        fetch_inbound.queue()
    take_in_soon()
    return len(held)


@transaction.atomic
def discard(*, actor: User, request_ids: list[int]) -> int:
    """Decide that nothing is made of them: how many. What was sent is kept."""
    held = _hold(InboundRequest.objects.managed_by(actor).in_inbox(), request_ids)
    InboundRequest.objects.filter(pk__in=held, state=State.UNREADABLE).update(state=State.DISCARDED)
    undecided = InboundLead.objects.filter(request__in=held, state__in=OPEN)
    undecided.update(state=InboundLead.State.DISCARDED, settled_at=Now(), settled_by=actor)
    return len(held)


def _hold(hers: InboundRequestQuerySet, request_ids: list[int]) -> list[int]:
    """Of these the ones that are among hers still."""
    found = hers.filter(pk__in=request_ids).order_by("pk")
    return list(found.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
