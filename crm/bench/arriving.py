"""Leads sent by HTTP into the whole product as `make run` runs it: until they are answered, and until they are on offer."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import quantiles
from tempfile import TemporaryDirectory
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import connection
from django.urls import reverse
from redis import Redis

from crm.bench.askers import asking
from crm.bench.capture import bodies, connected
from crm.bench.database import clone, connected_to
from crm.bench.figures import Wait
from crm.bench.importing import environment
from crm.bench.rosters import make_rosters
from crm.organization.models import Unit
from routing.models import Channel

ROLE = "inbound"
RATE, SECONDS, SENDERS = 150, 20, 12
STARTING, PATIENCE, LOOK_EVERY = 120, 60, 0.02  # seconds
OWN_BROKER = "9"  # the database of Valkey that nothing else uses
TARGET = f"at most 0.25 s in 95 of 100, where {RATE} a second come"
# by their keys only, so that looking on takes nothing away from what is looked at
NEW_OFFERS = """
SELECT id, (SELECT last_name FROM leads_lead WHERE leads_lead.id = offer.lead_id)
FROM routing_offer AS offer WHERE id > %s ORDER BY id
"""
Moments = Mapping[int, float]  # by the number of the lead


def figures(database: str) -> Iterator[Wait]:
    """On a copy of the benchmark's database, dropped afterwards."""
    with clone(database) as copied, connected_to(copied):
        with asking("company admin") as asker:
            [unit] = Unit.objects.filter(pk__in=make_rosters(asker.user.company, count=1))
            channel = connected(asker, unit)
        with product_on(copied) as port:
            people = dict(enumerate(bodies(RATE * (SECONDS + 2))))
            fire(port, channel, {number: people.pop(number) for number in range(RATE * 2)})  # everything warms up
            due, answered, offered = fire(port, channel, people)
    yield waited("answered by HTTP", due, answered)
    yield waited("on offer, from when it was sent", due, offered)


def waited(words: str, due: Moments, there: Moments) -> Wait:
    seconds = round(quantiles([there[number] - moment for number, moment in due.items()], n=20)[-1], 3)
    return Wait(f"lead {words}", ROLE, seconds, TARGET, seconds <= 0.25)


@contextmanager
def product_on(database: str) -> Iterator[int]:
    """The product on this database, with a broker and a data folder of its own: its port."""
    broker = own_broker()
    with socket.create_server(("127.0.0.1", 0)) as free, TemporaryDirectory() as data:
        port = int(free.getsockname()[1])
        own = {"REDIS_URL": broker, "FAIRLEAD_DATA": data, "FAIRLEAD_DEMO": "0", "HOST": "127.0.0.1", "PORT": str(port)}
        free.close()
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "run", "--tied", str(os.getpid())]
        run = subprocess.Popen(command, env=environment(database) | own, stdout=subprocess.DEVNULL)
        try:
            wait_until_well(port)
            yield port
        finally:
            run.terminate()
            run.wait()
            Redis.from_url(broker).flushdb()


def own_broker() -> str:
    address = urlsplit(settings.REDIS_URL)
    if address.scheme == "unix":
        return f"unix://{address.path}?db={OWN_BROKER}"
    return address._replace(path=f"/{OWN_BROKER}").geturl()


def wait_until_well(port: int) -> None:
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline:
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            asked.request("GET", "/healthz", headers={"Host": "localhost"})
            if asked.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            asked.close()
        time.sleep(0.2)
    raise TimeoutError("The product did not start.")


def fire(port: int, channel: Channel, people: Mapping[int, bytes]) -> tuple[Moments, Moments, Moments]:
    """By lead when it was due to be sent, when it was answered, and when its offer could be read."""
    path = f"{reverse('inbound', args=[channel.public_id])}?{urlencode({'key': channel.secret})}"
    start = time.monotonic() + 0.5
    due = {number: start + place / RATE for place, number in enumerate(people)}
    answered: dict[int, float] = {}

    def send(share: Sequence[int]) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port)
        for number in share:
            time.sleep(max(0.0, due[number] - time.monotonic()))
            line.request("POST", path, people[number], {"Content-Type": "application/json", "Host": "localhost"})
            answer = line.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            answered[number] = time.monotonic()
        line.close()

    with ThreadPoolExecutor(SENDERS) as senders:
        sending = [senders.submit(send, list(people)[n::SENDERS]) for n in range(SENDERS)]
        offered = watch(due)
        for one in sending:
            one.result()
    return due, answered, offered


def watch(due: Moments) -> Moments:
    """When the offer of each of these leads was first to be read, looked for every few milliseconds."""
    offered: dict[int, float] = {}
    last, deadline = 0, max(due.values()) + PATIENCE
    while not due.keys() <= offered.keys():
        assert time.monotonic() < deadline, f"{len(due.keys() - offered.keys())} leads were not offered"
        time.sleep(LOOK_EVERY)
        with connection.cursor() as cursor:
            cursor.execute(NEW_OFFERS, [last])
            for offer, name in cursor.fetchall():
                if name.startswith("Bench"):
                    offered.setdefault(int(name.removeprefix("Bench")), time.monotonic())
                last = offer
    return offered
