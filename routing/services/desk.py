"""What the Today page shows: her offers, the leads that wait for her, and the units she answers for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Now
from django.urls import reverse
from django.utils import timezone

from crm.organization.models import Unit, User
from leads.models import ContactPoint, Lead, Stage, Task
from leads.reading import TONES, local_time, price_of
from leads.services.tasks import due_for
from permissions.access import Keyring, Level, Lock
from permissions.door import seen_by
from routing.models import Offer, RosterMember

MOST_OFFERS = 16
MOST_DUE = 200
SHOWN_DUE = 10
MOST_UNTOUCHED = 10
MOST_COLD = 20
MOST_UNITS = 12
COLD_AFTER = timedelta(days=7)
DUE_SOON = timedelta(minutes=10)


T = TypeVar("T")
TaskRow = tuple[Task, str]  # with what the clock says where its lead is


@dataclass(frozen=True)
class Listed(Generic[T]):
    """The first rows of a list, and how many there are in all."""

    rows: list[T]
    total: int


@dataclass(frozen=True)
class LeadCard:
    """A lead in brief; `phone` is in E.164, `since` says how long it waits. No `url`: she knows no more of it than this."""

    public_id: str
    url: str
    name: str
    stage: str
    tone: str
    source: str
    place: str
    price: str
    phone: str
    since: datetime | None


@dataclass(frozen=True)
class OfferCard:
    lead: LeadCard
    unit: str
    offered_at: datetime
    deadline: datetime
    seen: bool


def open_offers(user: User, keyring: Keyring) -> Listed[OfferCard]:
    """What she may claim now, the most urgent first. One whose time is up is gone from here, whoever acts on it when."""
    offers = Offer.objects.open_for(user).filter(seen_by(keyring, Level.REDACTED, "lead__"), deadline__gt=Now())
    whole = Case(When(seen_by(keyring, Level.VIEW, "lead__"), then=True), default=False)
    named = offers.select_related("unit", "lead__stage", "lead__source").annotate(
        phone=first_phone("lead"), is_whole=whole
    )
    return _listed(named, MOST_OFFERS, _offer_card)


def offers_context(user: User, keyring: Keyring, **state: Any) -> dict[str, Any]:
    """What routing/offers.html shows. `fresh`: it comes alone; `acted`: after a click, so that it takes the focus."""
    offers = open_offers(user, keyring)
    places = [] if offers.rows else list(_places(user))
    unseen = [offer.lead.public_id for offer in offers.rows if not offer.seen]
    still = {"notice": "", "fresh": False, "acted": False}
    paused_on = [unit for unit, paused in places if paused]
    turns = {"takes_turns": len(paused_on) < len(places), "paused_on": paused_on}
    return {**still, "offers": offers, "unseen": unseen, **turns, **state}


def _places(user: User) -> QuerySet[RosterMember, tuple[str, bool]]:
    """The rosters she is on, and whether whoever runs them has paused her there."""
    places = RosterMember.objects.filter(user=user, enrolled=True).order_by("unit__name", "pk")
    return places.values_list("unit__name", "paused")


def due(user: User, keyring: Keyring) -> tuple[Listed[TaskRow], Listed[TaskRow]]:
    """Her callbacks, and all else that is planned, due before her day ends; the longest overdue first."""
    end = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    found = list(due_for(user, keyring, end)[:MOST_DUE])
    rows = [(task, local_time(task.lead.time_zone if task.lead else "", task.due_at)) for task in found]
    callbacks = [row for row in rows if row[0].kind == Task.Kind.CALLBACK]
    others = [row for row in rows if row[0].kind != Task.Kind.CALLBACK]
    return Listed(callbacks[:SHOWN_DUE], len(callbacks)), Listed(others[:SHOWN_DUE], len(others))


def untouched(user: User, keyring: Keyring) -> Listed[LeadCard]:
    """Held by her and never contacted, the newest first. Those still on offer are among the offers."""
    offered = Offer.objects.filter(lead=OuterRef("pk"), state=Offer.State.OPEN)
    leads = _held(user, keyring).filter(~Exists(offered), last_contact_at=None)
    return _listed(leads.order_by("-created_at", "-pk"), MOST_UNTOUCHED, lambda lead: _lead_card(lead, lead.created_at))


def going_cold(user: User, keyring: Keyring) -> Listed[LeadCard]:
    """Held by her, last contacted more than a week ago, the longest silence first."""
    silent = _held(user, keyring).filter(last_contact_at__lt=Now() - COLD_AFTER).order_by("last_contact_at", "pk")
    return _listed(silent, MOST_COLD, lambda lead: _lead_card(lead, lead.last_contact_at))


def in_people(user: User) -> tuple[str, str]:
    """Where People lists all of those that are untouched, and that go cold."""
    stages = Stage.objects.filter(company=user.company_id, kind=Stage.Kind.OPEN).order_by("position", "pk")
    hers = [("holder", "me"), *(("stage", pk) for pk in stages.values_list("pk", flat=True))]
    untouched, cold = (
        urlencode([*hers, ("contacted", contacted), ("sort", sort)])
        for contacted, sort in (("never", "-created"), ("over-7d", "active"))
    )
    return f"{reverse('people')}?{untouched}", f"{reverse('people')}?{cold}"


def _held(user: User, keyring: Keyring) -> QuerySet[Lead]:
    """Open leads she holds, found through the locks that only leads of hers carry."""
    locks = [lock.of(user.pk) for lock in (Lock.ASSIGNED, Lock.OWNER)]
    leads = Lead.objects.workable_by(keyring).filter(locks__overlap=locks, holder_id=user.pk)
    return leads.filter(stage__kind="open").select_related("stage", "source").annotate(phone=first_phone("pk"))


def first_phone(lead: str) -> Subquery:
    """The first phone of the lead whose id is at `lead`."""
    phones = ContactPoint.objects.filter(lead=OuterRef(lead), kind=ContactPoint.Kind.PHONE)
    return Subquery(phones.order_by("position", "pk").values("value")[:1])


def _listed(rows: QuerySet[Any], most: int, card: Callable[[Any], T]) -> Listed[T]:
    first = list(rows[: most + 1])
    total = len(first) if len(first) <= most else rows.order_by().count()
    return Listed([card(row) for row in first[:most]], total)


def _offer_card(offer: Any) -> OfferCard:
    offer.lead.phone = offer.phone
    lead = _lead_card(offer.lead, offer.offered_at)
    if not offer.is_whole:
        named = offer.lead.first_name or "Unnamed"
        lead = replace(lead, url="", name=named, source="", place="", price="", phone="")
    return OfferCard(lead, offer.unit.name, offer.offered_at, offer.deadline, offer.seen_at is not None)


def _lead_card(lead: Any, since: datetime | None) -> LeadCard:
    return LeadCard(
        public_id=lead.public_id,
        url=reverse("lead", args=[lead.public_id]),
        name=lead.name,
        stage=lead.stage.name,
        tone=TONES[lead.stage.kind],
        source=lead.source.name if lead.source else "",
        place=", ".join(part for part in (lead.city, lead.state) if part),
        price=price_of(lead),
        phone=lead.phone or "",
        since=since,
    )


@dataclass(frozen=True)
class Watch:
    """A unit's rotation at a glance."""

    unit: Unit
    open: int = 0
    due_soon: int = 0
    paused: list[str] = field(default_factory=list)


def units_to_watch(user: User) -> Listed[Watch]:
    """The units with a roster that she manages, where it is most urgent first."""
    places = RosterMember.objects.filter(unit=OuterRef("pk"))
    away = Q(paused=True) | Q(user__available=False) | Q(user__out_of_office_until__gt=Now())
    names = places.filter(away, user__is_active=True).order_by("position", "pk").values("user__name")
    counts = {"waiting": _open_offers(Q()), "urgent": _open_offers(Q(deadline__lte=Now() + DUE_SOON))}
    units = Unit.objects.managed_by(user).open().filter(Exists(places)).annotate(away=ArraySubquery(names), **counts)
    managed: list[Any] = list(units.order_by("name", "pk"))
    watched = [Watch(unit, unit.waiting, unit.urgent, unit.away) for unit in managed]
    watched.sort(key=lambda watch: (-watch.due_soon, -watch.open, watch.unit.name))
    return Listed(watched[:MOST_UNITS], len(watched))


def _open_offers(which: Q) -> Coalesce:
    """How many of the unit's offers are open."""
    offers = Offer.objects.filter(which, state=Offer.State.OPEN, unit=OuterRef("pk")).order_by()
    return Coalesce(Subquery(offers.values("unit").annotate(number=Count("pk")).values("number")), 0)
