"""What reports are about: offers that ended so or so; and reading a report as its page and its file."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from crm.organization.models import Unit, User
from leads.models import Activity
from routing.models import Offer
from tests.factories.leads import make_lead, offer

Rows = dict[str, dict[str, str]]
MINUTE = timedelta(minutes=1)
YESTERDAY = timezone.now() - timedelta(days=1)
NAMES = ("speed", "claims", "fairness")


def page(client: Client, user: User, name: str = "speed", **query: Any) -> str:
    client.force_login(user)
    response = client.get(f"/reports/{name}/", query)
    assert response.status_code == 200
    return response.content.decode()


def rows(client: Client, user: User, name: str = "speed", **query: Any) -> Rows:
    """The file's rows by what they are about."""
    client.force_login(user)
    response: Any = client.get(f"/reports/{name}/file/", query)
    assert response["Content-Type"].startswith("text/csv")
    lines = b"".join(response.streaming_content).decode().lstrip("\ufeff").splitlines()
    return {list(row.values())[1]: row for row in csv.DictReader(lines)}


def made(
    agent: User, unit: Unit, *, at: datetime = YESTERDAY, ends: str = "claimed", after: float = 10, **fields: Any
) -> Offer:
    """An offer of a new lead to the agent, ended so many minutes after it was made."""
    seen = fields.pop("seen", None)
    lead = make_lead(unit, agent=agent, created_at=fields.pop("received", at - MINUTE), **fields)
    times = {"offered_at": at, "seen_at": seen and at + seen * MINUTE, "deadline": at + 60 * MINUTE}
    return offer(lead, agent, state=ends, closed_at=None if ends == "open" else at + after * MINUTE, **times)


def contact(offer: Offer, after: float, **fields: Any) -> None:
    what = {"kind": "call", "direction": "out", "actor": offer.user} | fields
    at = offer.offered_at + after * MINUTE
    Activity.objects.create(company_id=offer.company_id, lead_id=offer.lead_id, at=at, **what)


def step(row: dict[str, str], words: str) -> tuple[str, str, str]:
    return row[f"{words}: offers"], row[f"{words}: median (s)"], row[f"{words}: 90th percentile (s)"]
