"""Leads that come in by a channel: kept as they come, then taken in, owned and handed out, beside the same rows by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from crm.bench.askers import Asker, asking
from crm.bench.database import clone, connected_to
from crm.bench.exporting import peak_memory
from crm.bench.figures import Figure, Rate
from crm.bench.rosters import make_rosters
from crm.organization.models import Unit
from leads.models import Lead
from routing.capture.channels import Settings, connect
from routing.capture.taking import take_in_waiting
from routing.models import LAST, Channel, InboundRequest, Offer, Rule, RuleBook, ShadowDecision
from routing.services.shadowing import decide_in_shadow

LEADS = 2000
LEAST = 150  # in a second
TARGET = "150/s from the request to the offer, on two cores"
KEEP_BY_HAND = """
INSERT INTO routing_inboundrequest (company_id, channel_id, content_type, body, digest, error)
VALUES (%s, %s, 'application/json', %s, sha256(%s), '')
"""
MAKE_BY_HAND = """
WITH lead AS (
    INSERT INTO leads_lead (company_id, owner_unit_id, origin, origin_unit_id, stage_id, first_name, last_name)
    SELECT company_id, owner_unit_id, 'company', owner_unit_id, stage_id, 'By', 'hand'
    FROM leads_lead CROSS JOIN generate_series(1, %s) WHERE id = %s
    RETURNING id, company_id
), point AS (
    INSERT INTO leads_contactpoint (company_id, lead_id, kind, value, raw, position)
    SELECT company_id, id, kind, kind || id, '', 0 FROM lead, unnest(ARRAY['email', 'phone']) AS kind
) INSERT INTO leads_activity (company_id, lead_id, kind, direction, body, outcome, automatic, bulk)
SELECT company_id, id, 'inquiry', 'in', 'Asked by hand', '', true, false FROM lead
"""


def figures(database: str) -> Iterator[Rate | Figure]:
    """On a copy of the benchmark's database, dropped afterwards."""
    with clone(database) as copied, connected_to(copied), asking("company admin") as asker:
        [unit] = Unit.objects.filter(pk__in=make_rosters(asker.user.company, count=1))
        channel = connected(asker, unit)
        yield received(asker, channel)
        draft = in_shadow(asker, unit)
        yield (alone := taken_in(asker))
        yield shadowed(asker, draft, LEADS / alone.ours_rows_per_s)


def connected(asker: Asker, unit: Unit) -> Channel:
    """A channel whose leads go round the roster of the unit."""
    whole = Unit.objects.get(company=asker.user.company, kind=Unit.Kind.COMPANY)
    wanted = Settings(name="Benchmark", owner=whole, routing_unit=unit)
    return connect(actor=asker.user, kind=Channel.Kind.JSON, settings=wanted)


def bodies(count: int) -> Iterator[bytes]:
    for number in range(count):
        person = {"first_name": "Maya", "last_name": f"Bench{number}", "message": "Is it free?", "city": "Austin"}
        contact = {"email": f"inbound{number}@mail.example", "phone": f"512 555 {number:04}"}
        yield json.dumps(person | contact).encode()


def received(asker: Asker, channel: Channel) -> Rate:
    """Requests one after the other through the whole of Django, but for the network."""
    client = Client(SERVER_NAME=urlsplit(settings.PUBLIC_URL).hostname)
    path = f"{reverse('inbound', args=[channel.public_id])}?{urlencode({'key': channel.secret})}"
    before, started = peak_memory(), time.monotonic()
    for body in bodies(LEADS):
        assert client.post(path, body, content_type="application/json").status_code == 200
    ours, memory = LEADS / (time.monotonic() - started), peak_memory(again=False) - before
    started = time.monotonic()
    with connection.cursor() as cursor:
        for body in bodies(LEADS):
            cursor.execute(KEEP_BY_HAND, [channel.company_id, channel.pk, body + b" ", body + b" "])
    raw = LEADS / (time.monotonic() - started)
    InboundRequest.objects.filter(pk__in=InboundRequest.objects.order_by("-pk").values("pk")[:LEADS]).delete()
    return rate("inbound requests kept, one process", asker, ours, raw, memory)


def taken_in(asker: Asker) -> Rate:
    before, started = peak_memory(), time.monotonic()
    while take_in_waiting():
        pass
    ours, memory = LEADS / (time.monotonic() - started), peak_memory(again=False) - before
    made = Lead.objects.filter(
        search__text__contains="@mail.example", last_name__startswith="Bench", agent__isnull=False
    )
    assert made.count() == Offer.objects.filter(lead__in=made, state=Offer.State.OPEN).count() == LEADS
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(MAKE_BY_HAND, [LEADS, made.order_by("pk")[0].pk])
    raw = LEADS / (time.monotonic() - started)
    return rate("inbound leads taken in and offered, one process", asker, ours, raw, memory)


def in_shadow(asker: Asker, unit: Unit) -> RuleBook:
    """A draft that sends every lead round the same roster, from now on in shadow."""
    owned: dict[str, Any] = {"company": unit.company}
    draft = RuleBook.objects.create(unit=unit, created_by=asker.user, shadowed_from=Now(), **owned)
    Rule.objects.create(book=draft, position=LAST, **owned)
    return draft


def shadowed(asker: Asker, draft: RuleBook, alone: float) -> Figure:
    """The same leads decided by the draft, beside what taking them in took: `alone` seconds."""
    started = time.monotonic()
    while decide_in_shadow(draft.pk):
        pass
    both = alone + time.monotonic() - started
    assert ShadowDecision.objects.filter(book=draft, chosen__isnull=False).count() == LEADS
    name, target = f"{LEADS:,} inbound leads with a draft in shadow", "at most 1.2 times without"
    ratio = round(both / alone, 2)
    return Figure(name, asker.role, round(both * 1000), round(alone * 1000), ratio, target, ratio <= 1.2)


def rate(name: str, asker: Asker, ours: float, raw: float, kilobytes: int) -> Rate:
    return Rate(
        name, asker.role, round(ours), round(raw), round(ours / raw, 2), kilobytes // 1024, TARGET, ours >= LEAST
    )
