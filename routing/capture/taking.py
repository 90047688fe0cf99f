"""From requests as they came to leads (C3–C7): read, known again by the sender's id, made leads of, in sets.

The rows say what is to be done; whoever runs this, and however often, each lead is made once.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Min, QuerySet
from django.db.models.functions import Now
from psycopg.types.json import Jsonb

from leads.merging.keys import hold_newcomers
from leads.services import arriving
from leads.services.arriving import Outcome
from routing.capture.arrivals import arrival_of, format_of, people_named
from routing.capture.formats.inquiry import Inquiry, Pointer, SpamError, UnreadableError, read
from routing.models import Channel, FieldMap, InboundLead, InboundRequest
from routing.rules import PLACE

logger = logging.getLogger(__name__)
AT_ONCE = 200
TAKING = 7034006
OWNERS = ("owner_unit", "owner_user__holding__profile")
NAMED = ("company", *OWNERS, "routing_unit")
State = InboundLead.State
R = TypeVar("R", InboundRequest, InboundLead)
Maps = Mapping[tuple[int, str], dict[str, str]]  # by channel and form
Reader = Callable[[Sequence[R], Maps], "list[Found]"]

# one that failed or was thrown away is taken up again; one that became something is not
ENTER = """
INSERT INTO routing_inboundlead (company_id, channel_id, request_id, number, key, form_id, pointer, state, error, tries,
    next_try_at)
SELECT request.company_id, request.channel_id, request.id, one.number, one.key, one.form_id, one.pointer, one.state, '', 0,
    CASE WHEN one.state = 'fetching' THEN now() END
FROM unnest(%s::bigint[], %s::smallint[], %s::bytea[], %s::text[], %s::text[], %s::text[])
    AS one (request_id, number, key, form_id, pointer, state)
JOIN routing_inboundrequest AS request ON request.id = one.request_id
ORDER BY request.id, one.number
ON CONFLICT (channel_id, key) DO UPDATE SET state = EXCLUDED.state, request_id = EXCLUDED.request_id, error = '',
    number = EXCLUDED.number, tries = 0, next_try_at = EXCLUDED.next_try_at
WHERE routing_inboundlead.state IN ('failed', 'discarded')
RETURNING request_id, number, id
"""
CLOSE = """
UPDATE routing_inboundrequest AS request SET state = read.state, error = read.error
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS read (id, state, error) WHERE request.id = read.id
"""


@dataclass(frozen=True)
class Found:
    """A lead of a request, entered as a row and waiting to be made."""

    row_id: int
    channel: Channel
    inquiry: Inquiry


def take_in_waiting(limit: int = AT_ONCE) -> Counter[int]:
    """Read up to `limit` waiting requests of a company, and fetched leads of one, the oldest first, and make leads of them:
    how many there were, by company.
    """
    return _take(InboundRequest.objects.all(), _read, limit) + _take(InboundLead.objects.all(), _read_fetched, limit)


def _take(rows: QuerySet[R], reader: Reader[R], limit: int) -> Counter[int]:
    """What cannot be made a lead of must not hold up the others: then each goes by itself."""
    try:
        return _take_in(rows, reader, limit, _make)
    except Exception:
        logger.exception("the batch failed; every lead by itself")
        return _take_in(rows, reader, limit, _make_each)


@transaction.atomic
def _take_in(rows: QuerySet[R], reader: Reader[R], limit: int, make: Callable[[Sequence[Found]], None]) -> Counter[int]:
    held = _held(rows, limit)
    if held:
        make(reader(held, _maps({row.channel_id for row in held})))
    return Counter(row.company_id for row in held)


def _held(rows: QuerySet[R], limit: int) -> list[R]:
    """The oldest of these that wait, of a company whose rows nobody else takes meanwhile.

    They are looked for when nobody else brings people into it: so they have waited for one batch at most.
    """
    waiting = rows.filter(state="waiting")
    oldest = waiting.order_by().values("company").annotate(first=Min("pk")).order_by("first")
    company = next((pk for pk in oldest.values_list("company", flat=True) if _is_ours(pk)), None)
    if company is None:
        return []
    hold_newcomers(company)
    waiting = waiting.filter(company=company).order_by("pk")
    held = list(waiting.select_for_update(skip_locked=True, no_key=True)[:limit])
    channels = Channel.objects.select_related(*NAMED).in_bulk({row.channel_id for row in held})
    for row in held:
        row.channel = channels[row.channel_id]
    return held


def _is_ours(company_id: int) -> bool:
    """Whether nobody else takes this company's rows; from now on nobody does before the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [TAKING, company_id])
        [ours] = cursor.fetchone()
    return bool(ours)


def _maps(channels: Iterable[int]) -> Maps:
    rows = FieldMap.objects.filter(channel__in=channels).order_by("pk").values_list("channel", "form_id", "fields")
    return {(channel, form): fields for channel, form, fields in rows}


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(requests: Sequence[InboundRequest], maps: Maps) -> list[Found]:
    """Enter the leads of the requests; those that are there already are done with."""
    closed: list[tuple[int, str, str]] = []
    items: list[tuple[InboundRequest, int, Inquiry | Pointer]] = []
    for request in requests:
        state, error = InboundRequest.State.READ, ""
        try:
            items += [(request, number, item) for number, item in enumerate(_items_of(request, maps))]
        except SpamError as spam:
            state, error = InboundRequest.State.DISCARDED, str(spam)
        except UnreadableError as problem:
            state, error = InboundRequest.State.UNREADABLE, str(problem)
        closed.append((request.pk, state.value, error))
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, [list(column) for column in zip(*closed, strict=True)])
    entered = _enter(items)
    return [
        Found(entered[request.pk, number], request.channel, item)
        for request, number, item in items
        if (request.pk, number) in entered and isinstance(item, Inquiry)
    ]


def _items_of(request: InboundRequest, maps: Maps) -> Sequence[Inquiry | Pointer]:
    kind, mapping = request.channel.kind, maps.get((request.channel_id, ""), {})
    return read(format_of(kind, request.content_type), bytes(request.body), request.content_type, mapping)


def _enter(items: Iterable[tuple[InboundRequest, int, Inquiry | Pointer]]) -> dict[tuple[int, int], int]:
    """By request and number the rows of leads that are to be made now, or to be fetched first; none for those that were
    made before. Of two with one id the first is entered.
    """
    rows: dict[tuple[int, bytes], list[Any]] = {}
    for request, number, item in items:
        if isinstance(item, Pointer):
            known, form, pointer, state = item.leadgen_id, item.form_id, item.leadgen_id, State.FETCHING
        else:
            known, form, pointer, state = item.external_id, "", "", State.WAITING
        key = sha256((f"id {known}" if known else f"content {number} {request.digest.hex()}").encode()).digest()
        rows.setdefault((request.channel_id, key), [request.pk, number, key, form[:80], pointer[:80], state.value])
    if not rows:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(ENTER, [list(column) for column in zip(*rows.values(), strict=True)])
        return {(request, number): pk for request, number, pk in cursor.fetchall()}


def _read_fetched(rows: Sequence[InboundLead], maps: Maps) -> list[Found]:
    return [one for row in rows for one in _read_one_fetched(row, maps.get((row.channel_id, row.form_id), {}))]


def _read_one_fetched(row: InboundLead, mapping: dict[str, str]) -> list[Found]:
    try:
        items = read(row.channel.kind, bytes(row.fetched or b""), "application/json", mapping)
    except UnreadableError as error:
        _fail(row.pk, str(error))
        return []
    found = [Found(row.pk, row.channel, item) for item in items[:1] if isinstance(item, Inquiry)]
    if not found:
        _fail(row.pk, "There is no lead in what was fetched.")
    return found


# --- making -----------------------------------------------------------------------------------------------------------


def _make(found: Sequence[Found]) -> None:
    """These, all of one company."""
    if not found:
        return
    company = found[0].channel.company
    people = people_named(company, (one.inquiry for one in found))
    asked = {one.row_id: _routed_by(one.inquiry) for one in found}
    arrivals = [arrival_of(one.row_id, one.channel, one.inquiry, people) for one in found]
    arriving.take_in(company, arrivals, partial(_settle, asked))


def _routed_by(inquiry: Inquiry) -> dict[str, Any]:
    """Of the property asked about, what rules and licences look at."""
    place = {name: str(inquiry.asked[name])[:80] for name in PLACE if inquiry.asked.get(name)}
    price = inquiry.asked.get("price")
    return place | ({"price": price} if isinstance(price, int) else {})


def _make_each(found: Sequence[Found]) -> None:
    for one in found:
        try:
            with transaction.atomic():
                _make([one])
        except Exception as error:
            logger.exception("inbound lead %s cannot be made", one.row_id)
            _fail(
                one.row_id, f"Something went wrong here ({type(error).__name__}). It is kept, and can be tried again."
            )


def _settle(asked: Mapping[int, Mapping[str, Any]], outcomes: Sequence[Outcome]) -> None:
    for state, wanted in ((State.CREATED, True), (State.INQUIRY, False)):
        leads = {one.ref: one.lead_id for one in outcomes if one.lead_id and one.is_new is wanted}
        if leads:
            with connection.cursor() as cursor:
                told = [Jsonb(asked[ref]) if asked[ref] else None for ref in leads]
                params: dict[str, Any] = {
                    "rows": list(leads),
                    "leads": list(leads.values()),
                    "asked": told,
                    "state": state,
                }
                cursor.execute(SETTLE, params)
    nothing = [one.ref for one in outcomes if one.lead_id is None]
    InboundLead.objects.filter(pk__in=nothing).update(state=State.IGNORED, settled_at=Now())


SETTLE = """
UPDATE routing_inboundlead AS row
SET state = %(state)s, lead_id = made.lead_id, asked = made.asked, error = '', settled_at = now()
FROM unnest(%(rows)s::bigint[], %(leads)s::bigint[], %(asked)s::jsonb[]) AS made (row_id, lead_id, asked)
WHERE row.id = made.row_id
"""


def _fail(row_id: int, error: str) -> None:
    InboundLead.objects.filter(pk=row_id).update(state=State.FAILED, error=error)
