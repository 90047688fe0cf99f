"""Leads come in by HTTP while parts of the product die at random: each that was accepted exists once, is handed out once,
and its claims and misses add up (C4, R5, R9).
"""

from __future__ import annotations

import json
import random
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPException
from threading import Event
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.db.models import Count

from crm.organization.models import Unit
from leads.models import ContactPoint, Lead
from permissions import ledger
from permissions.models import LedgerEntry
from routing.capture.channels import Settings, connect
from routing.models import Channel, InboundLead, InboundRequest, Offer, RosterMember, Rotation, RoutingPolicy
from routing.services.claiming import claim
from tests.factories.people import company_unit, make_company, make_manager, make_member, make_team
from tests.support.product import Product, wait_until

MORTAL = ("worker", "clock", "beat", "Valkey", "web")
ROSTER = 50
SENDERS = 4


def open_channel(window: timedelta) -> tuple[Unit, Channel]:
    """A team with a full roster, and a channel of the company whose leads it gets."""
    whole = company_unit(make_company())
    team = make_team(whole)
    boss = make_manager(whole)
    fallback = make_manager(team)
    RoutingPolicy.objects.create(company=team.company, unit=team, claim_window=window, passes=1, fallback=fallback)
    for position in range(ROSTER):
        member = make_member(team)
        RosterMember.objects.create(company=team.company, unit=team, user=member, position=position, enrolled=True)
    wanted = Settings(name="Soak", owner=whole, routing_unit=team)
    return team, connect(actor=boss, kind=Channel.Kind.JSON, settings=wanted)


def send(product: Product, channel: Channel, number: int) -> None:
    """As a lead source does it: again and again until it is accepted."""
    person = {"first_name": "Maya", "last_name": f"Soak{number}", "email": f"soak{number}@mail.example"}
    request = urllib.request.Request(
        f"{product.base_url}/in/{channel.public_id}/?{urlencode({'key': channel.secret})}",
        data=json.dumps(person | {"message": "Is it free?"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(OSError, HTTPException), urllib.request.urlopen(request, timeout=10) as response:
            assert response.status == 200
            return
        time.sleep(0.2)
    raise AssertionError(f"lead {number} was not accepted within two minutes")


def claim_some(team: Unit, chance: random.Random, share: float) -> None:
    """Some agents claim what is on offer to them."""
    offers = Offer.objects.filter(company=team.company_id, state=Offer.State.OPEN).select_related(
        "user__holding__profile"
    )
    for offer in [one for one in offers.order_by("pk") if chance.random() < share]:
        assert offer.user is not None
        claim(lead_id=offer.lead_id, user=offer.user, act="button")


def under_fire(product: Product, team: Unit, channel: Channel, leads: int, seconds: float, pause: float) -> int:
    """Send the leads evenly over `seconds` while agents claim, and a part is killed about each `pause` seconds; how many
    were killed.
    """
    chance, over, kills = random.Random(), Event(), 0

    def sender(first: int) -> None:
        began = time.monotonic()
        for number in range(first, leads, SENDERS):
            over.wait(max(0, began + seconds * number / leads - time.monotonic()))
            send(product, channel, number)

    with ThreadPoolExecutor(SENDERS) as pool:
        sending = [pool.submit(sender, first) for first in range(SENDERS)]
        try:
            while not all(one.done() for one in sending):
                claim_some(team, chance, 0.1)
                try:
                    product.kill(chance.choice(MORTAL))
                    kills += 1
                except ProcessLookupError:
                    pass  # dead already, and not yet started again
                time.sleep(chance.uniform(0.3, 1.7) * pause)
        finally:
            over.set()
        for one in sending:
            one.result()
    return kills


def at_rest(team: Unit, chance: random.Random) -> bool:
    """Nothing waits to be taken in, and no rotation is under way; agents go on claiming."""
    claim_some(team, chance, 0.5)
    waiting = InboundRequest.objects.filter(company=team.company_id, state=InboundRequest.State.WAITING)
    reading = InboundLead.objects.filter(company=team.company_id, state=InboundLead.State.WAITING)
    routing = Rotation.objects.filter(company=team.company_id, ended_at=None)
    return not (waiting.exists() or reading.exists() or routing.exists())


def check_story(team: Unit, leads: int) -> None:
    own = Lead.objects.filter(company=team.company_id)
    points = ContactPoint.objects.filter(company=team.company_id, kind=ContactPoint.Kind.EMAIL)
    assert set(points.values_list("value", flat=True)) == {f"soak{number}@mail.example" for number in range(leads)}
    assert own.count() == points.count() == leads
    rotations = Rotation.objects.filter(company=team.company_id)
    assert rotations.count() == rotations.values("lead").distinct().count() == leads
    ends = dict(rotations.order_by().values_list("outcome").annotate(count=Count("pk")))
    assert set(ends) <= {"claimed", "fallback"}
    offers = Offer.objects.filter(company=team.company_id)
    states = dict(offers.order_by().values_list("state").annotate(count=Count("pk")))
    assert set(states) <= {"claimed", "expired"}
    assert states.get("claimed", 0) == ends.get("claimed", 0)
    assert not offers.order_by().values("lead", "user").annotate(times=Count("pk")).filter(times__gt=1).exists()
    facts = LedgerEntry.objects.filter(company_id=team.company_id)
    counted = {kind: facts.filter(kind=kind).count() for kind in ("created", "offered", "claimed", "expired")}
    assert counted == {
        "created": leads,
        "offered": offers.count(),
        "claimed": states.get("claimed", 0),
        "expired": states.get("expired", 0),
    }
    assert not own.filter(agent=None).exists()
    ledger.seal()
    assert ledger.verify(team.company_id).problem == ""


def run(product: Product, leads: int, seconds: float, window: timedelta, *, pause: float, least: int) -> None:
    with product.database():
        team, channel = open_channel(window)
        assert under_fire(product, team, channel, leads, seconds, pause) >= least
        wait_until(lambda: at_rest(team, random.Random()), seconds=180, what="the end of every rotation")
        check_story(team, leads)
        connection.close()
    product.wait_until_well()


def test_c4_what_was_accepted_is_a_lead_once_while_parts_die_for_ten_seconds(running_product: Product) -> None:
    run(running_product, leads=60, seconds=10, window=timedelta(seconds=3), pause=1, least=5)


@pytest.mark.soak
def test_c4_two_thousand_leads_in_five_minutes_while_everything_is_killed_at_random(running_product: Product) -> None:
    run(running_product, leads=2000, seconds=300, window=timedelta(seconds=20), pause=4, least=40)
