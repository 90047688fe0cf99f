"""The surfaces of the ledger: its page, its filters, its file."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone

from permissions.ledger import Fact, record_all
from permissions.models import LedgerEntry
from tests.factories import marks
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, administers, read, said, surface, that_one


def recorded(visit: Visit, number: int) -> Fact:
    """How every lead of the world came to its owner, as the ledger keeps it."""
    row = visit.built.leads[number]
    owner: dict[str, Any] = {"to_user_id": row.owner_user_id, "to_unit_id": row.owner_unit_id}
    return Fact(row.company_id, LedgerEntry.Kind.CREATED, row.pk, actor_id=row.owner_user_id, **owner)


def looked_up(visit: Visit, **query: Any) -> Told:
    """The ledger's page or its file, and nothing of who may not open them."""
    record_all(recorded(visit, number) for number in range(len(visit.world.leads)))
    if visit.turn % 3:
        return told(visit.get("admin:ledger", **query))
    return told(said(visit.client.post(reverse("admin:ledger_export"), query)))


@surface("admin:ledger", "admin:ledger_export", expects=lambda visit: read(visit) if administers(visit) else {})
def ledger(visit: Visit) -> Told:
    return looked_up(visit, **visit.one_of({}, {"kind": "created"}))


def of_the_other(visit: Visit) -> Told:
    readable = read(visit) if administers(visit) else {}
    return {n: level for n, level in readable.items() if visit.world.leads[n].owner_person == visit.other}


@surface("admin:ledger", "admin:ledger_export", expects=of_the_other)
def ledger_of_a_person(visit: Visit) -> Told:
    return looked_up(visit, person=f"{visit.other}@example.com", end=visit.one_of("", "actor", "to"))


@surface("admin:ledger", expects=lambda visit: that_one("view")(visit) if administers(visit) else {})
def ledger_of_a_lead(visit: Visit) -> Told:
    there = marks.public_id(visit.number)
    record_all([recorded(visit, visit.number)])
    return told(visit.get("admin:ledger", lead=there), there)


def today(visit: Visit) -> dict[str, str]:
    """Where she is; its end is still to come."""
    return {"day": timezone.localdate(timezone=ZoneInfo(visit.user.time_zone)).isoformat()}


@surface("lead-on", expects=that_one("view"))
def lead_on_a_day(visit: Visit) -> Told:
    there = marks.public_id(visit.number)
    return told(visit.get("lead-on", there, **today(visit)), there)


@surface("admin:ownership", "admin:ownership_file", expects=lambda visit: read(visit) if administers(visit) else {})
def ownership_on_a_day(visit: Visit) -> Told:
    record_all(recorded(visit, number) for number in range(len(visit.world.leads)))
    if visit.turn % 2:
        return told(visit.get("admin:ownership", **today(visit)))
    return told(said(visit.client.post(reverse("admin:ownership_file"), today(visit))))
