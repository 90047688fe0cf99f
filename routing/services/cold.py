"""Leads that nobody has been in touch with for long go into a pond, or round the roster anew (R13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Now
from django.urls import reverse

from crm.core.moments import database_now
from crm.notifications.services import Message, notify
from crm.organization.models import Unit, User
from leads.models import Assignment, Lead, Pond
from leads.services.assigning import clear_agent_slots
from leads.services.ponding import pool_leads
from permissions.access import Keyring, Level
from permissions.catalog import Permission
from routing.models import Rotation, RoutingPolicy
from routing.services.handing_out import route_leads
from routing.services.roster import is_paused
from routing.services.team import NotEligibleError, changes, hold_unit, policy_of, ponds_of, record_change

AT_ONCE = 500
MOST_NAMED = 20
AGENT, COVERED = Assignment.Role.AGENT, Assignment.Role.COVERED


@dataclass(frozen=True)
class ColdValues:
    """After so many days without contact leads go to the pond, or round the roster; no days: they stay."""

    days: int | None
    pond_id: int | None = None

    @classmethod
    def of(cls, policy: RoutingPolicy) -> ColdValues:
        return cls(policy.cold_days, policy.cold_pond_id)


@dataclass(frozen=True)
class Foreseen:
    """How many leads would go now, and from whom: names with numbers, the most first; `others` are not named."""

    leads: int
    agents: Sequence[tuple[str, int]]
    others: int = 0


def is_cold(unit: Unit, days: int) -> Q:
    """Open leads of the unit that an agent has, and had for as long, without contact; not covered, not on offer."""
    before, slots = Now() - timedelta(days=days), Assignment.objects.filter(lead=OuterRef("pk"))
    lately = Q(Exists(slots.filter(role=AGENT, since__gte=before))) | Q(Exists(slots.filter(role=COVERED)))
    on_offer = Q(Exists(Rotation.objects.filter(lead=OuterRef("pk"), ended_at=None)))
    silent = Q(last_contact_at=None) | Q(last_contact_at__lt=before)
    open_ones = Q(owner_unit=unit, removed_at=None, stage__kind="open", agent__isnull=False)
    return open_ones & silent & ~lately & ~on_offer


def foresee(*, keyring: Keyring, unit: Unit, days: int) -> Foreseen:
    """What would go as soon as it is turned on."""
    leads = Lead.objects.visible_to(keyring, Level.VIEW).filter(is_cold(unit, days)).order_by()
    counted = leads.values_list("agent__name").annotate(count=Count("pk")).order_by("-count", "agent__name")
    agents = list(counted)
    return Foreseen(sum(count for _, count in agents), agents[:MOST_NAMED], max(0, len(agents) - MOST_NAMED))


@transaction.atomic
def save_cold(*, actor: User, unit: Unit, values: ColdValues, seen: ColdValues) -> bool:
    """Make `values` the unit's way with cold leads, if it still is as `seen`: whether anything changed.

    Raises PermissionDenied, ChangedMeanwhileError, NotEligibleError (the pond).
    """
    hold_unit(actor, unit, Permission.MANAGE_ROUTING)
    before = ColdValues.of(policy_of(unit))
    if not changes(before, values, seen):
        return False
    if values.pond_id and not ponds_of(actor, unit).filter(pk=values.pond_id).exists():
        raise NotEligibleError
    fields = {"company_id": unit.company_id, "cold_days": values.days, "cold_pond_id": values.pond_id}
    RoutingPolicy.objects.update_or_create(unit=unit, defaults=fields)
    record_change(actor, unit, "cold leads", before=asdict(before), after=asdict(values))
    return True


def units_with_cold() -> list[int]:
    return list(RoutingPolicy.objects.exclude(cold_days=None).order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def move_cold(unit_id: int, limit: int = AT_ONCE) -> int:
    """Move up to `limit` cold leads of the unit on, but for its pauses (R7): how many. Called twice, each goes once."""
    policy = RoutingPolicy.objects.select_related("unit", "cold_pond").get(pk=unit_id)
    if policy.cold_days is None or is_paused(policy, database_now()):
        return 0
    cold = Lead.objects.filter(is_cold(policy.unit, policy.cold_days)).in_id_order()
    held = list(cold.values_list("pk", flat=True)[:limit])
    had = dict(cold.filter(pk__in=held).values_list("pk", "agent"))  # asked again: nobody is given them any more
    if not had:
        return 0
    why, pond = f"no contact for {policy.cold_days} days", open_pond(policy)
    if pond is not None:
        pool_leads(list(had), pond, actor_id=None, why=why)
    else:
        clear_agent_slots(list(had), actor_id=None, why=why)
        route_leads(company_id=policy.company_id, unit_id=unit_id, lead_ids=list(had), cause="cold", had=had)
    _tell(policy, had)
    return len(had)


def open_pond(policy: RoutingPolicy) -> Pond | None:
    """Where cold leads go; once that pond is closed, round the roster."""
    pond = policy.cold_pond
    return pond if pond is not None and pond.closed_at is None else None


def _tell(policy: RoutingPolicy, had: Mapping[int, int]) -> None:
    """Who had them: how many, and why."""
    pond = open_pond(policy)
    where = f"to the pond {pond}" if pond else "to the next agents in turn"
    said, url = f"Nobody was in touch with them for {policy.cold_days} days.", reverse("people")
    counted = [(user, f"{count:,} lead{'s' if count > 1 else ''}") for user, count in Counter(had.values()).items()]
    messages = [Message(user, "withdrawn", f"{leads} of yours went {where}", said, url) for user, leads in counted]
    notify(policy.company_id, messages)
