"""Who owned and who held a lead at some moment, from the ledger (M7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from crm.core.pagination import read_cursor, write_cursor
from leads.models import Assignment, Lead
from leads.querysets import LeadQuerySet
from leads.services.staffing import roles_of
from leads.timeline import Names, names_in
from permissions.access import Keyring, Level
from permissions.models import LedgerEntry

Kind = LedgerEntry.Kind
OWNING = (Kind.CREATED, Kind.OWNER_CHANGED)
HOLDING = (Kind.ASSIGNED, Kind.UNASSIGNED, Kind.POOLED, Kind.RELEASED)
PAGE = 50
IN_A_POND = "A pond"


def end_of(day: date) -> datetime:
    """The end of the day, where the reader is."""
    return timezone.make_aware(datetime.combine(day, time()) + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose a lead was: nobody's before it was added. `held` are pairs of a role and a name; without an Agent a person's
    lead is held by its owner.
    """

    lead: Lead
    owner: str
    held: Sequence[tuple[str, str]]


def standings_at(leads: Sequence[Lead], moment: datetime, company_id: int) -> list[Standing]:
    """The same for each of these leads, in three queries."""
    facts = LedgerEntry.objects.filter(lead_id__in=[lead.pk for lead in leads], at__lt=moment).defer("content_hash")
    owned = list(facts.filter(kind__in=OWNING).order_by("lead_id", "-at", "-pk").distinct("lead_id"))
    slots = list(facts.filter(kind__in=HOLDING).order_by("lead_id", "role", "-at", "-pk").distinct("lead_id", "role"))
    names, roles = names_in([*owned, *slots]), roles_of(company_id)
    owners = {fact.lead_id: names.of(fact.to_unit_id, fact.to_user_id) for fact in owned}
    held: dict[int | None, list[tuple[str, str]]] = {}
    for fact in slots:
        if who := _holder(fact, names):
            held.setdefault(fact.lead_id, []).append((roles.get(fact.role, fact.role), who))
    persons = {fact.lead_id for fact in owned if fact.to_user_id}
    for pk in persons - {fact.lead_id for fact in slots if fact.role == Assignment.Role.AGENT and _holder(fact, names)}:
        held.setdefault(pk, []).insert(0, ("Owner", owners[pk]))
    return [Standing(lead, owners.get(lead.pk, ""), held.get(lead.pk, ())) for lead in leads]


def _holder(fact: LedgerEntry, names: Names) -> str:
    if fact.kind == Kind.POOLED:
        return IN_A_POND
    if fact.kind != Kind.ASSIGNED or fact.role == Assignment.Role.COVERED:
        return ""
    return names.of(None, fact.to_user_id)


@dataclass(frozen=True)
class Stretch:
    rows: list[Standing]
    next_cursor: str


def stretch_at(keyring: Keyring, moment: datetime, owner: Q, cursor: str = "", size: int = PAGE) -> Stretch:
    """Leads that she may read now and that were there then, with whose they were; of one owner, or of all."""
    after = read_cursor(cursor) if cursor else None
    leads = _there(keyring, moment, owner).filter(pk__gt=int(after[0]) if after else 0).order_by("pk")
    found = list(leads[: size + 1])
    rows = standings_at(found[:size], moment, keyring.company_id)
    return Stretch(rows, write_cursor([found[size - 1].pk]) if len(found) > size else "")


def all_at(keyring: Keyring, moment: datetime, owner: Q, at_once: int = 1000) -> Iterator[Standing]:
    """All of them, read as they are asked for."""
    reached = 0
    while found := list(_there(keyring, moment, owner).filter(pk__gt=reached).order_by("pk")[:at_once]):
        yield from standings_at(found, moment, keyring.company_id)
        reached = found[-1].pk


def how_many_at(keyring: Keyring, moment: datetime, owner: Q) -> int:
    return _there(keyring, moment, owner).count()


def _there(keyring: Keyring, moment: datetime, owner: Q) -> LeadQuerySet:
    leads = Lead.objects.visible_to(keyring, Level.VIEW)
    facts = LedgerEntry.objects.filter(lead_id=OuterRef("pk"), at__lt=moment, kind__in=OWNING)
    later = LedgerEntry.objects.filter(lead_id=OuterRef("lead_id"), at__lt=moment, kind__in=OWNING)
    later = later.filter(Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk")))
    return leads.filter(Exists(facts.filter(~Exists(later), owner) if owner else facts))
