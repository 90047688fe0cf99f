"""Reports of 90 days over 100,000 offers: each page whole, as managers of the company and of a team ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from crm.bench import history, lead_reports
from crm.bench.askers import Asker, asking
from crm.bench.database import clone, connected_to, tidy_up
from crm.bench.figures import Figure, Wait
from crm.bench.people import signed_in
from crm.bench.rosters import free_leads, make_rosters
from crm.bench.stopwatch import milliseconds, typical
from crm.organization.models import Company

OFFERS = 100_000
RUNS = 5
MOST = {"company admin": 0.8, "office admin": 0.6, "team lead": 0.4}  # seconds
ASKED = (("speed", "unit"), ("speed", "source"), ("speed", "agent"), ("claims", ""), ("fairness", ""))


def figures(database: str) -> Iterator[Wait | Figure]:
    """On a copy of the benchmark's database, dropped afterwards."""
    with clone(database) as copied:
        with connected_to(copied, as_owner=True):
            build()
            tidy_up()
        with connected_to(copied):
            for role in MOST:
                with asking(role) as asker:
                    client = signed_in(asker)
                    yield from (measure(client, asker, name, by) for name, by in ASKED)
            yield from lead_reports.figures()


def build() -> None:
    """What came of so many offers in the last 90 days: three of five leads were offered twice."""
    [company] = Company.objects.order_by("pk")
    rosters = make_rosters(company)
    ids = free_leads(company, OFFERS * 5 // 8)
    params: dict[str, Any] = {
        "company": company.pk,
        "leads": ids,
        "twice": OFFERS - len(ids),
        "units": list(rosters),
        "people": [list(people) for people in rosters.values()],
    }
    with connection.cursor() as cursor:
        for statement in history.STATEMENTS:
            cursor.execute(statement, params)


def measure(client: Client, asker: Asker, name: str, by: str) -> Wait:
    address = f"{reverse('report', args=[name])}?period=90&by={by}"

    def ask() -> None:
        assert b"<table" in client.get(address, secure=settings.SECURE).content

    ask()
    seconds = round(typical([milliseconds(ask) for _ in range(RUNS)]) / 1000, 3)
    words = f"report {name}{f' by {by}' if by else ''}, {OFFERS:,} offers in 90 days"
    return Wait(words, asker.role, seconds, f"at most {MOST[asker.role]} s", seconds <= MOST[asker.role])
