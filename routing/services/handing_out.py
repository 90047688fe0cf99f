"""Handing leads out: new ones into the rotation, and those whose offer ended on to the next agent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Min
from django.db.models.functions import Now

from crm.notifications.services import bump
from leads.models import Lead
from permissions.ledger import record_select
from routing.models import Offer, Rotation
from routing.rotation import next_for_lead
from routing.services.placing import Method, Placement, carry_out
from routing.services.roster import Roster, fallback_for, lock_rosters


def database_now() -> datetime:
    """The transaction's time: where rows are compared, the database's clock decides."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment = cursor.fetchone()[0]
    assert isinstance(moment, datetime)
    return moment


@transaction.atomic
def route_leads(
    *, company_id: int, unit_id: int, lead_ids: Sequence[int], cause: str = "new", but: int | None = None
) -> None:
    """Start a company's leads on their way through a unit's roster. One that is under way already stays there.

    `but`: who is about to leave, and is no fallback for them.
    """
    held = Lead.objects.filter(company=company_id, pk__in=lead_ids).in_id_order().values_list("pk", flat=True)
    under_way = set(Rotation.objects.filter(lead__in=lead_ids, ended_at=None).values_list("lead", flat=True))
    starting = [pk for pk in held if pk not in under_way]
    roster = lock_rosters([unit_id], database_now())[unit_id]
    rotations = Rotation.objects.bulk_create(
        [Rotation(company_id=company_id, lead_id=pk, unit_id=unit_id) for pk in starting], batch_size=2000
    )
    if not roster.policy.round_robin:
        placements = [_to_number_one(roster, rotation, but) for rotation in rotations]
    else:
        placements = [_next(roster, rotation, had_it=(), last=None, but=but) for rotation in rotations]
    carry_out(roster, placements, cause=cause)


def _to_number_one(roster: Roster, rotation: Rotation, but: int | None) -> Placement:
    """Round robin off: the first on the roster who can receive gets it, without a timer (R2)."""
    first = next((place for place in roster.places if not place.skip), None)
    if first is None:
        return _give_up(roster, rotation, tuple((place.user_id, place.skip) for place in roster.places), but)
    skipped = tuple((place.user_id, place.skip) for place in roster.places[: roster.places.index(first)])
    return Placement(rotation.lead_id, rotation.pk, first.user_id, "number_one", rotation.pass_number, skipped)


def _next(
    roster: Roster, rotation: Rotation, *, had_it: Sequence[int], last: int | None, but: int | None = None
) -> Placement:
    """The next agent in turn, or the fallback once the passes are used up (R8)."""
    choice = next_for_lead(
        roster.places, had_it=had_it, last=last, pass_number=rotation.pass_number, passes=roster.policy.passes
    )
    rotation.pass_number = choice.pass_number
    if choice.user_id is None:
        return _give_up(roster, rotation, choice.skipped, but)
    return Placement(rotation.lead_id, rotation.pk, choice.user_id, "round_robin", choice.pass_number, choice.skipped)


def _give_up(
    roster: Roster, rotation: Rotation, skipped: tuple[tuple[int, str], ...], but: int | None = None
) -> Placement:
    fallback = fallback_for(roster, but)
    method: Method = "fallback" if fallback else "nobody"
    return Placement(
        rotation.lead_id, rotation.pk, fallback.pk if fallback else None, method, rotation.pass_number, skipped
    )


@dataclass(frozen=True)
class Ended:
    """An offer that was just closed without a claim."""

    offer_id: int
    lead_id: int
    rotation_id: int
    unit_id: int
    user_id: int


# waiting for nobody: a lead somebody works at this moment is taken by the next tick
DUE = """
SELECT offer.id, offer.lead_id, offer.rotation_id, offer.unit_id, offer.user_id
FROM routing_offer AS offer JOIN leads_lead AS lead ON lead.id = offer.lead_id
WHERE offer.state = 'open' AND offer.deadline <= now() AND (%(unit)s::bigint IS NULL OR offer.unit_id = %(unit)s)
ORDER BY offer.deadline, offer.id LIMIT %(limit)s
FOR NO KEY UPDATE OF lead, offer SKIP LOCKED
"""
CLOSE = """
WITH closed AS (
    UPDATE routing_offer SET state = %(state)s, closed_at = now()
    WHERE id = ANY(%(offers)s) AND state = 'open'
    RETURNING id, company_id, lead_id, user_id, pass_number
)
"""
CLOSED = """
SELECT company_id, %(state)s, %(actor)s::bigint, lead_id, user_id, 'routing',
    jsonb_build_object('offer', id, 'pass', pass_number)
FROM closed ORDER BY id
"""


def units_due() -> list[int]:
    """Units with offers whose deadline has passed, the longest waiting first."""
    due = Offer.objects.filter(state=Offer.State.OPEN, deadline__lte=Now()).order_by()
    return list(due.values("unit").annotate(oldest=Min("deadline")).order_by("oldest").values_list("unit", flat=True))


@transaction.atomic
def expire_due(limit: int = 1000, *, unit_id: int | None = None) -> int:
    """Close up to `limit` due offers (of one unit), oldest first, and hand their leads on: how many."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"limit": limit, "unit": unit_id})
        due = [Ended(*row) for row in cursor.fetchall()]
    pass_on(due, state=Offer.State.EXPIRED, actor_id=None)
    return len(due)


def close_offers(offer_ids: Sequence[int], *, state: Offer.State, actor_id: int | None) -> None:
    """End these offers as `state` where they are open still, with their ledger rows in the same statement."""
    columns = ("company_id", "kind", "actor_id", "lead_id", "from_user_id", "why", "detail")
    params = {"state": state.value, "offers": list(offer_ids), "actor": actor_id}
    record_select(columns, CLOSED, params, changing=CLOSE)


def pass_on(ended: Sequence[Ended], *, state: Offer.State, actor_id: int | None) -> None:
    """Close these open offers as `state` and hand their leads to whoever is next. The caller holds leads and offers."""
    if not ended:
        return
    close_offers([offer.offer_id for offer in ended], state=state, actor_id=actor_id)
    rosters = lock_rosters({offer.unit_id for offer in ended}, database_now())
    rotations = Rotation.objects.in_bulk([offer.rotation_id for offer in ended])
    had_it = _had_it(rotations)
    placements: dict[int, list[Placement]] = defaultdict(list)
    for offer in ended:
        rotation, roster = rotations[offer.rotation_id], rosters[offer.unit_id]
        placements[offer.unit_id].append(_next(roster, rotation, had_it=had_it[rotation.pk], last=offer.user_id))
    for unit_id, placed in placements.items():
        carry_out(rosters[unit_id], placed, cause=state.value)
    bump([offer.user_id for offer in ended], "offers")


def _had_it(rotations: dict[int, Rotation]) -> dict[int, list[int]]:
    """Per rotation, who was offered the lead in its current pass."""
    had: dict[int, list[int]] = defaultdict(list)
    offers = Offer.objects.filter(rotation__in=rotations).order_by("pk")
    for rotation_id, pass_number, user_id in offers.values_list("rotation", "pass_number", "user"):
        if rotations[rotation_id].pass_number == pass_number:
            had[rotation_id].append(user_id)
    return had
