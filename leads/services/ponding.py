"""Putting leads into ponds and taking them out (R8): in sets, with the ledger in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from crm.notifications.services import bump
from crm.organization.models import Unit, User
from leads import signals
from leads.models import Assignment, Lead, Pond, PondClaim, PondMember
from leads.querysets import PondQuerySet
from leads.services.assigning import fill_slots, units_to_work_for
from permissions.access import KINDS, Keyring, Level, Lock
from permissions.door import require_verb
from permissions.ledger import Fact, record, record_select
from permissions.models import LedgerEntry
from permissions.verbs import Verb

LATELY = timedelta(minutes=10)
AGENT, COVERED = Assignment.Role.AGENT, Assignment.Role.COVERED
POOL = """
WITH before AS (
    SELECT id, company_id, agent_id FROM leads_lead AS lead
    WHERE id = ANY(%(leads)s) AND NOT EXISTS (
        SELECT FROM leads_assignment AS slot WHERE slot.lead_id = lead.id AND role = 'agent' AND pond_id = %(pond)s
    )
), pooled AS (
    INSERT INTO leads_assignment (company_id, lead_id, role, pond_id)
    SELECT company_id, id, 'agent', %(pond)s FROM before
    ON CONFLICT (lead_id, role) DO UPDATE SET user_id = NULL, pond_id = EXCLUDED.pond_id, until = NULL, since = now()
)
"""
POOLED = """
SELECT company_id, 'pooled', %(actor_id)s::bigint, id, 'agent', agent_id, %(why)s, %(batch_id)s::bigint,
    jsonb_build_object('pond', %(pond)s::bigint)
FROM before ORDER BY id
"""


class TakenError(Exception):
    """The lead is not in its pond any more; the text says who has it."""


class OutsideError(Exception):
    """The lead belongs to a unit whose leads she may not be assigned (M1)."""


class UsedUpError(Exception):
    """She has taken as many leads today as the pond lets her."""


def units_served_by(unit: Unit) -> Q:
    """Owners whose leads may be in a pond of this unit: itself, those above it, those below it."""
    line = [unit.pk, unit.parent_id, unit.parent.parent_id if unit.parent else None]
    below = Q(owner_unit__parent=unit) | Q(owner_unit__parent__parent=unit)
    return Q(owner_unit__in=[pk for pk in line if pk]) | below


def ponds_for(actor: User, lead: Lead) -> PondQuerySet:
    """The ponds she may move the lead to."""
    ponds = Pond.objects.can_be_seen_by(actor)
    if lead.owner_unit is None:
        return ponds
    unit = lead.owner_unit
    line = [unit.pk, unit.parent_id, unit.parent.parent_id if unit.parent else None]
    return ponds.filter(Q(unit__in=[pk for pk in line if pk]) | Q(unit__parent=unit) | Q(unit__parent__parent=unit))


def pool_leads(
    lead_ids: Sequence[int], pond: Pond, *, actor_id: int | None, why: str, batch_id: int | None = None
) -> None:
    """Move leads that the caller holds, and may assign, into the pond: whoever had them loses them, rotations end.

    Raises ValidationError where the pond was closed.
    """
    held = Pond.objects.select_for_update(of=("self",), no_key=True).filter(pk=pond.pk, closed_at=None)
    if not held.exists():
        raise ValidationError(f"The pond {pond} is closed.")
    leads = Lead.objects.filter(pk__any_of=list(lead_ids))
    lost = set(leads.filter(agent__isnull=False).order_by().values_list("agent", flat=True).distinct())
    params = {"leads": list(lead_ids), "pond": pond.pk, "actor_id": actor_id, "why": why, "batch_id": batch_id}
    columns = ("company_id", "kind", "actor_id", "lead_id", "role", "from_user_id", "why", "batch_id", "detail")
    record_select(columns, POOLED, params, changing=POOL)
    signals.released.send(sender=Lead, company_id=pond.company_id, lead_ids=list(lead_ids), actor_id=actor_id)
    bump(lost, "offers")


@transaction.atomic
def pool(*, keyring: Keyring, actor: User, lead: Lead, pond: Pond) -> None:
    """Move one lead into a pond. Raises PermissionDenied, ValidationError for a pond that may not have it."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    require_verb(keyring, lead, Verb.ASSIGN)
    if lead.assignments.filter(role=COVERED).exists():
        raise ValidationError("Somebody covers for its Agent at the moment. End that first.")
    if not ponds_for(actor, lead).filter(pk=pond.pk).exists():
        raise ValidationError(f"Leads of {lead.owner} cannot be in {pond}.")
    pool_leads([lead.pk], pond, actor_id=actor.pk, why="by hand")


# --- taking -----------------------------------------------------------------------------------------------------------


def in_a_pond(lead: Lead) -> bool:
    return any(lock % KINDS == Lock.POND for lock in lead.slot_locks)


def left_today(user: User, pond: Pond) -> int | None:
    """How many leads she may still take from the pond on her own calendar's day; None: as many as she likes."""
    if pond.daily_limit is None:
        return None
    zone = ZoneInfo(user.time_zone)
    midnight = datetime.combine(timezone.now().astimezone(zone).date(), time.min, zone)
    return max(0, pond.daily_limit - PondClaim.objects.filter(pond=pond, user=user, at__gte=midnight).count())


@transaction.atomic
def take(*, actor: User, lead: Lead, act: str = "button") -> None:
    """Take the lead out of a pond of hers into the Agent slot. Hers already: nothing happens.

    Raises TakenError, OutsideError, UsedUpError.
    """
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    slot = lead.assignments.filter(role=AGENT).select_related("user", "pond").first()
    if slot is not None and slot.user == actor:
        return
    if slot is None or slot.pond is None:
        raise TakenError(f"{slot.user} has taken it." if slot else "It is in no pond any more.")
    pond = slot.pond
    # her place in the pond is held, so that two leads taken at once are counted one after the other
    hers = PondMember.objects.select_for_update(of=("self",), no_key=True).filter(user=actor, may_claim=True)
    if not hers.filter(pond=pond, pond__closed_at=None).exists():
        raise TakenError(f"It is in {pond}, where you may not take leads.")
    if refusal := why_used_up(actor, pond):
        raise UsedUpError(refusal)
    if refusal := why_outside(actor, lead):
        raise OutsideError(refusal)
    signals.reassigned.send(sender=Lead, company_id=lead.company_id, lead_ids=[lead.pk], actor_id=actor.pk)
    fill_slots([(lead.pk, actor.pk)], actor_id=actor.pk, why="from a pond")
    PondClaim.objects.create(company_id=lead.company_id, pond=pond, user=actor, lead=lead)
    record(
        Fact(
            company_id=lead.company_id,
            kind=LedgerEntry.Kind.CLAIMED,
            lead_id=lead.pk,
            actor_id=actor.pk,
            to_user_id=actor.pk,
            why="from a pond",
            detail={"pond": pond.pk, "act": act},
        )
    )
    bump([actor.pk], "offers")


def take_by_work(*, actor: User, lead: Lead, act: str) -> None:
    """The first claiming act takes the lead (rule e), where she may take it; else what she did stands by itself."""
    if not in_a_pond(lead):
        return
    try:
        take(actor=actor, lead=lead, act=act)
    except (TakenError, OutsideError, UsedUpError):
        return


def taken_from(actor: User, lead: Lead) -> str:
    """That she took the lead by working it just now, in a sentence; empty where it was in no pond, or is not hers."""
    if not in_a_pond(lead) or not lead.assignments.filter(role=AGENT, user=actor).exists():
        return ""
    claims = PondClaim.objects.filter(user=actor, lead=lead).select_related("pond").order_by("-at", "-pk")
    pond = claims[0].pond
    left = left_today(actor, pond)
    return f"With that you have taken it from {pond}{'' if left is None else f', and may take {left} more today'}."


def why_left(actor: User, lead: Lead) -> str:
    """Why the lead stays in a pond of hers though she worked it just now, in a sentence; empty where it does not."""
    if not in_a_pond(lead):
        return ""
    hers = Pond.objects.filter(members__user=actor, members__may_claim=True, closed_at=None)
    pond = hers.filter(pk__in=lead.assignments.filter(pond__isnull=False).values("pond")).order_by("pk").first()
    if pond is None:
        return ""
    return f"It stays in {pond}. {why_used_up(actor, pond) or why_outside(actor, lead)}"


def why_used_up(user: User, pond: Pond) -> str:
    if left_today(user, pond) != 0:
        return ""
    return f"You have taken {pond.daily_limit} from {pond} today, and that is its limit."


def why_outside(user: User, lead: Lead) -> str:
    """Why she may not take it though she is in its pond (M1), in a sentence; empty where she may."""
    if lead.owner_unit_id is None or lead.owner_unit_id in units_to_work_for(user):
        return ""
    return f"It belongs to {lead.owner}: only its members, and those of units below it, may take it."


def may_take(keyring: Keyring, lead: Lead) -> bool:
    """Whether it is in a pond from which she may claim."""
    ponds = {lock for lock in keyring.locks_at(Level.WORK) if lock % KINDS == Lock.POND}
    return keyring.within is None and not ponds.isdisjoint(lead.slot_locks)


def taker_of(user: User, public_id: str) -> User | None:
    """Who took this lead lately out of a pond she was in at that time."""
    claims = PondClaim.objects.filter(
        company=user.company_id, lead__public_id=public_id, pond__members__user=user, pond__closed_at=None
    )
    lately = claims.filter(at__gte=timezone.now() - LATELY)
    claim = lately.select_related("user").order_by("-at", "-pk").first()
    return claim.user if claim else None
