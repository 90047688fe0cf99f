"""Carrying out routing decisions in sets: slots, offers, rotations, the record, the ledger, the messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from psycopg.types.json import Jsonb

from leads.models import Pond
from leads.services.assigning import clear_agent_slots, fill_slots
from leads.services.ponding import pool_leads
from permissions.ledger import record_select
from routing.clock import Clock
from routing.models import Decision, Rotation
from routing.services.choosing import Placement
from routing.services.roster import Roster
from routing.services.telling import tell

Outcome = Rotation.Outcome
ENDS = {
    "number_one": Outcome.HANDED,
    "person": Outcome.HANDED,
    "pond": Outcome.POOLED,
    "fallback": Outcome.FALLBACK,
    "nobody": Outcome.STRANDED,
}


# the wall clock and not the transaction's: the window is hers from the moment in which the offer is made
OFFER = """
WITH placed AS (
    SELECT * FROM unnest(%(rotations)s::bigint[], %(leads)s::bigint[], %(users)s::bigint[], %(passes)s::int[],
        %(deadlines)s::timestamptz[], %(runs)s::jsonb[])
        AS placed (rotation_id, lead_id, user_id, pass_number, deadline, runs)
), made AS (
    INSERT INTO routing_offer (company_id, rotation_id, lead_id, unit_id, user_id, pass_number, state, offered_at, deadline,
        runs, claimed_by)
    SELECT %(company)s, rotation_id, lead_id, %(unit)s, user_id, pass_number, 'open', %(at)s, deadline, runs, '' FROM placed
    RETURNING id, lead_id, user_id, pass_number, deadline
), asked AS (
    INSERT INTO routing_offerrecipient (company_id, offer_id, user_id, passed)
    SELECT %(company)s, made.id, several.user_id, false
    FROM made JOIN unnest(%(several_leads)s::bigint[], %(several_users)s::bigint[]) AS several (lead_id, user_id)
        USING (lead_id)
    RETURNING offer_id, user_id
)
"""
OFFERED = """
SELECT %(company)s, 'offered', lead_id, coalesce(asked.user_id, made.user_id), 'routing',
    jsonb_build_object('offer', id, 'pass', pass_number, 'deadline', deadline)
FROM made LEFT JOIN asked ON asked.offer_id = made.id ORDER BY id, asked.user_id
"""
MOVE_ROTATIONS = """
UPDATE routing_rotation AS rotation
SET pass_number = placed.pass_number, outcome = placed.outcome,
    ended_at = CASE WHEN placed.outcome = '' THEN NULL ELSE now() END
FROM unnest(%(rotations)s::bigint[], %(passes)s::int[], %(outcomes)s::text[]) AS placed (id, pass_number, outcome)
WHERE rotation.id = placed.id
"""


def carry_out(roster: Roster, placements: Sequence[Placement], *, cause: str) -> None:
    """Make these placements of one unit true. The caller holds the leads and the roster."""
    if not placements:
        return
    why = f"{cause}: {roster.unit.name}"[:80]
    fill_slots([(p.lead_id, p.user_id) for p in placements if p.user_id], actor_id=None, why=why)
    _empty(placements, why)
    _pool(placements, why)
    _offer(roster, [p for p in placements if p.on_offer])
    with connection.cursor() as cursor:
        cursor.execute(
            MOVE_ROTATIONS,
            {
                "rotations": [p.rotation_id for p in placements],
                "passes": [p.pass_number for p in placements],
                "outcomes": [ENDS.get(p.method, "") for p in placements],
            },
        )
    _remember(roster, placements, cause)
    roster.save_credits()
    tell(roster, placements)


def _empty(placements: Sequence[Placement], why: str) -> None:
    """Nobody works what is offered to several before one of them has claimed it."""
    leads = [p.lead_id for p in placements if p.several]
    if leads:
        clear_agent_slots(leads, actor_id=None, why=why)


def _pool(placements: Sequence[Placement], why: str) -> None:
    ponds: dict[Pond, list[int]] = defaultdict(list)
    for placement in placements:
        if placement.pond:
            ponds[placement.pond].append(placement.lead_id)
    for pond, lead_ids in ponds.items():
        pool_leads(lead_ids, pond, actor_id=None, why=why)


def _offer(roster: Roster, placements: Sequence[Placement]) -> None:
    """Open the offers, with their ledger rows in the same statement."""
    if not placements:
        return
    at = wall_clock()
    clocks = {window: roster.clock(window, at) for window in {p.window for p in placements}}
    several = [(p.lead_id, user) for p in placements for user in p.several]
    record_select(
        ("company_id", "kind", "lead_id", "to_user_id", "why", "detail"),
        OFFERED,
        {
            "company": roster.unit.company_id,
            "unit": roster.unit.pk,
            "at": at,
            "rotations": [p.rotation_id for p in placements],
            "leads": [p.lead_id for p in placements],
            "users": [p.user_id for p in placements],
            "passes": [p.pass_number for p in placements],
            "deadlines": [clocks[p.window].deadline for p in placements],
            "runs": [Jsonb(as_json(clocks[p.window])) for p in placements],
            "several_leads": [lead for lead, _ in several],
            "several_users": [user for _, user in several],
        },
        changing=OFFER,
    )


def wall_clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def as_json(clock: Clock) -> list[list[str]]:
    return [[start.isoformat(), end.isoformat()] for start, end in clock.runs]


def _remember(roster: Roster, placements: Sequence[Placement], cause: str) -> None:
    """The record behind "How was this routed?"."""
    Decision.objects.bulk_create(
        [
            Decision(
                company_id=roster.unit.company_id,
                lead_id=p.lead_id,
                rotation_id=p.rotation_id,
                method=p.method,
                cause=cause,
                pass_number=p.pass_number,
                chosen_id=p.user_id,
                pond=p.pond,
                rule_id=p.rule_id,
                skipped=[list(pair) for pair in p.skipped],
            )
            for p in placements
        ],
        batch_size=1000,
    )
