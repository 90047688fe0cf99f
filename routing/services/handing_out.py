"""Handing leads out: new ones into the rotation, and those whose offer ended on to the next agent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from django.db import connection, transaction
from django.db.models import Min
from django.db.models.functions import Now

from crm.core.inserting import insert_all
from crm.core.moments import database_now
from leads.models import Lead
from permissions.ledger import record_select
from routing.models import Offer, OfferRecipient, Rotation, Rule
from routing.services.choosing import Placement, Step, place
from routing.services.following import roster_of, rules_for, subjects_of
from routing.services.placing import NEW, carry_out
from routing.services.roster import Roster, lock_rosters, paused_units


@transaction.atomic
def route_leads(
    *,
    company_id: int,
    unit_id: int,
    lead_ids: Sequence[int],
    cause: str = NEW,
    but: int | None = None,
    had: Mapping[int, int] = MappingProxyType({}),
) -> None:
    """Start a company's leads on the ways that the unit's rules have for them. One that is under way already stays there.

    `but`: who is about to leave, and is no fallback for them. `had`: by lead, who had it, and is not its next; such leads
    are not new, and go in turn round the unit's roster.
    """
    held = Lead.objects.filter(company=company_id, pk__any_of=list(lead_ids)).in_id_order()
    under_way = set(
        Rotation.objects.filter(lead__pk__any_of=list(lead_ids), ended_at=None).values_list("lead", flat=True)
    )
    now = database_now()
    subjects = {pk: subject for pk, subject in subjects_of(held, now).items() if pk not in under_way}
    rules: dict[int, Rule | None] = dict.fromkeys(subjects) if had else rules_for(unit_id, subjects)
    rotations = insert_all(
        [
            Rotation(company_id=company_id, lead_id=pk, unit_id=roster_of(rule, unit_id), rule=rule)
            for pk, rule in rules.items()
        ],
        {"company", "lead", "unit", "rule", "pass_number", "outcome"},
    )
    rosters = lock_rosters({rotation.unit_id for rotation in rotations}, now)
    placed: list[tuple[Roster, Placement]] = []
    for rotation in rotations:
        last = had.get(rotation.lead_id)
        state, had_it = subjects[rotation.lead_id].state, [last] if last else []
        step = Step(rotation, state, had_it, last, again=bool(had), but=but)
        placed.append((rosters[rotation.unit_id], place(rosters[rotation.unit_id], step)))
    carry_out(placed, cause=cause)


@dataclass(frozen=True)
class Ended:
    """An offer that was just closed without a claim."""

    offer_id: int
    lead_id: int
    rotation_id: int
    unit_id: int
    user_id: int | None


# waiting for nobody: a lead somebody works at this moment is taken by the next tick
DUE = """
SELECT offer.id, offer.lead_id, offer.rotation_id, offer.unit_id, offer.user_id
FROM routing_offer AS offer JOIN leads_lead AS lead ON lead.id = offer.lead_id
WHERE offer.state = 'open' AND offer.deadline <= now() AND (%(unit)s::bigint IS NULL OR offer.unit_id = %(unit)s)
    AND offer.unit_id <> ALL(%(paused)s::bigint[])
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
END_RECIPIENTS = "UPDATE routing_offerrecipient SET ended_at = now() WHERE offer_id = ANY(%s) AND ended_at IS NULL"


def units_due() -> list[int]:
    """Units with offers whose deadline has passed, the longest waiting first."""
    due = Offer.objects.filter(state=Offer.State.OPEN, deadline__lte=Now()).order_by()
    return list(due.values("unit").annotate(oldest=Min("deadline")).order_by("oldest").values_list("unit", flat=True))


@transaction.atomic
def expire_due(limit: int = 1000, *, unit_id: int | None = None) -> int:
    """Close up to `limit` due offers (of one unit), oldest first, and hand their leads on: how many."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"limit": limit, "unit": unit_id, "paused": paused_units(database_now())})
        due = [Ended(*row) for row in cursor.fetchall()]
    pass_on(due, state=Offer.State.EXPIRED, actor_id=None)
    return len(due)


def close_offers(offer_ids: Sequence[int], *, state: Offer.State, actor_id: int | None) -> None:
    """End these offers as `state` where they are open still, with their ledger rows in the same statement."""
    columns = ("company_id", "kind", "actor_id", "lead_id", "from_user_id", "why", "detail")
    params = {"state": state.value, "offers": list(offer_ids), "actor": actor_id}
    record_select(columns, CLOSED, params, changing=CLOSE)
    with connection.cursor() as cursor:
        cursor.execute(END_RECIPIENTS, [list(offer_ids)])


def pass_on(ended: Sequence[Ended], *, state: Offer.State, actor_id: int | None) -> None:
    """Close these open offers as `state` and hand their leads to whoever is next. The caller holds leads and offers."""
    if not ended:
        return
    ids = [offer.offer_id for offer in ended]
    watching = recipients_of(ids)
    close_offers(ids, state=state, actor_id=actor_id)
    rosters = lock_rosters({offer.unit_id for offer in ended}, database_now())
    under_way = Rotation.objects.select_related("rule__user", "rule__pond").defer("started_at", "ended_at")
    ways = under_way.filter(pk__any_of={one.rotation_id for one in ended})
    rotations = {way.pk: way for way in ways.order_by("pk")}
    leads = Lead.objects.filter(pk__any_of={one.lead_id for one in ended}).in_id_order()
    subjects = subjects_of(leads)
    had_it = _had_it(rotations)
    placed: list[tuple[Roster, Placement]] = []
    for offer in ended:
        rotation, roster = rotations[offer.rotation_id], rosters[offer.unit_id]
        step = Step(rotation, subjects[offer.lead_id].state, had_it[rotation.pk], offer.user_id, again=True)
        placed.append((roster, place(roster, step)))
    carry_out(placed, cause=state.value, lost=[*(offer.user_id for offer in ended if offer.user_id), *watching])


def recipients_of(offer_ids: Sequence[int]) -> list[int]:
    """Who has one of these offers still open, among others."""
    among = OfferRecipient.objects.filter(offer__pk__any_of={*offer_ids}, ended_at=None)
    return list(among.order_by("user").values_list("user", flat=True).distinct())


def _had_it(rotations: dict[int, Rotation]) -> dict[int, list[int]]:
    """Per rotation, who was offered the lead in its current pass."""
    had: dict[int, list[int]] = defaultdict(list)
    offers = Offer.objects.filter(rotation__pk__any_of={*rotations}, user__isnull=False).order_by("pk")
    for rotation_id, pass_number, user_id in offers.values_list("rotation", "pass_number", "user"):
        if rotations[rotation_id].pass_number == pass_number:
            had[rotation_id].append(user_id)
    return had
