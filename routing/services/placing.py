"""Carrying out routing decisions in sets: slots, offers, rotations, the record, the ledger, the messages."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from leads.models import Pond
from leads.services.assigning import clear_agent_slots, fill_slots
from leads.services.ponding import pool_leads
from permissions.ledger import record_select
from routing.clock import Clock
from routing.models import Rotation
from routing.services.choosing import Placement
from routing.services.roster import Roster, save_credits
from routing.services.telling import Later, tell

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
    SELECT * FROM json_to_recordset(%(placed)s) AS placed (company_id bigint, unit_id bigint, rotation_id bigint,
        lead_id bigint, user_id bigint, several bigint[], pass_number int, deadline timestamptz, runs jsonb)
), made AS (
    INSERT INTO routing_offer (company_id, rotation_id, lead_id, unit_id, user_id, pass_number, state, offered_at, deadline,
        runs, claimed_by, is_first, received_at)
    SELECT company_id, rotation_id, lead_id, unit_id, user_id, pass_number, 'open', %(at)s, deadline, runs, '',
        is_first, CASE WHEN is_first THEN lead_received_at(lead_id) ELSE
            (SELECT received_at FROM routing_offer AS earlier WHERE earlier.rotation_id = placed.rotation_id LIMIT 1) END
    FROM placed CROSS JOIN LATERAL (SELECT %(new)s AND NOT EXISTS (
        SELECT FROM routing_rotation AS way WHERE way.lead_id = placed.lead_id AND way.id < placed.rotation_id
    ) AS is_first) AS step
    RETURNING id, company_id, lead_id, user_id, pass_number, deadline
), asked AS (
    INSERT INTO routing_offerrecipient (company_id, offer_id, user_id, passed)
    SELECT made.company_id, made.id, one.user_id, false
    FROM made JOIN placed USING (lead_id) CROSS JOIN LATERAL unnest(placed.several) AS one (user_id)
    RETURNING offer_id, user_id
)
"""
OFFERED = """
SELECT company_id, 'offered', lead_id, coalesce(asked.user_id, made.user_id), 'routing',
    jsonb_build_object('offer', id, 'pass', pass_number, 'deadline', deadline)
FROM made LEFT JOIN asked ON asked.offer_id = made.id ORDER BY id, asked.user_id
"""
# the ways go on or end, and what was decided is kept for "How was this routed?"
REMEMBER = """
WITH placed AS (
    SELECT * FROM json_to_recordset(%(placed)s) AS placed (company_id bigint, rotation_id bigint, lead_id bigint,
        user_id bigint, pass_number int, method text, outcome text, pond_id bigint, rule_id bigint, skipped jsonb,
        aside text)
), moved AS (
    UPDATE routing_rotation AS rotation
    SET pass_number = placed.pass_number, outcome = placed.outcome,
        ended_at = CASE WHEN placed.outcome = '' THEN NULL ELSE now() END
    FROM placed WHERE rotation.id = placed.rotation_id
        AND (rotation.pass_number <> placed.pass_number OR rotation.outcome <> placed.outcome)
)
INSERT INTO routing_decision (company_id, lead_id, rotation_id, method, cause, pass_number, chosen_id, pond_id, rule_id,
    skipped, aside)
SELECT company_id, lead_id, rotation_id, method, %(cause)s, pass_number, user_id, pond_id, rule_id, skipped, aside
FROM placed
"""
NEW = "new"  # the cause of a lead's first step
Placed = tuple[Roster, Placement]


def carry_out(placed: Sequence[Placed], *, cause: str, lost: Iterable[int] = ()) -> None:
    """Make these placements true, each by the roster that made it. The caller holds the leads and the rosters.

    `lost`: who had one of these leads on offer, and has it no more.
    """
    if not placed:
        return
    reasons = {roster.unit.pk: f"{cause}: {roster.unit.name}"[:80] for roster, _ in placed}
    filled = [((p.lead_id, p.user_id), reasons[roster.unit.pk]) for roster, p in placed if p.user_id]
    fill_slots([pair for pair, _ in filled], actor_id=None, why=[why for _, why in filled])
    _empty(placed, reasons)
    _pool(placed, reasons)
    later = _offer([one for one in placed if one[1].on_offer], new=cause == NEW)
    with connection.cursor() as cursor:
        cursor.execute(REMEMBER, {"placed": json.dumps([_row(*one) for one in placed]), "cause": cause})
    save_credits({roster.unit.pk: roster for roster, _ in placed}.values())
    tell(placed, lost, later)


def _row(roster: Roster, placement: Placement) -> dict[str, Any]:
    """As it travels in JSON: for the driver, columns of arrays are more work than all the rest."""
    return {
        "company_id": roster.unit.company_id,
        "rotation_id": placement.rotation_id,
        "lead_id": placement.lead_id,
        "user_id": placement.user_id,
        "pass_number": placement.pass_number,
        "method": placement.method,
        "outcome": ENDS.get(placement.method, ""),
        "pond_id": placement.pond.pk if placement.pond else None,
        "rule_id": placement.rule_id,
        "skipped": placement.skipped,
        "aside": placement.aside,
    }


def _empty(placed: Sequence[Placed], reasons: Mapping[int, str]) -> None:
    """Nobody works what is offered to several before one of them has claimed it."""
    leads: dict[str, list[int]] = defaultdict(list)
    for roster, placement in placed:
        if placement.several:
            leads[reasons[roster.unit.pk]].append(placement.lead_id)
    for why, lead_ids in leads.items():
        clear_agent_slots(lead_ids, actor_id=None, why=why)


def _pool(placed: Sequence[Placed], reasons: Mapping[int, str]) -> None:
    leads: dict[tuple[Pond, str], list[int]] = defaultdict(list)
    for roster, placement in placed:
        if placement.pond:
            leads[placement.pond, reasons[roster.unit.pk]].append(placement.lead_id)
    for (pond, why), lead_ids in leads.items():
        pool_leads(lead_ids, pond, actor_id=None, why=why)


def _offer(placed: Sequence[Placed], *, new: bool) -> Later:
    """Open the offers, with their ledger rows in the same statement. Which of the deadlines pauses have put off."""
    if not placed:
        return {}
    at = wall_clock()
    rosters = {(roster.unit.pk, p.window): roster for roster, p in placed}
    clocks = {key: roster.clock(key[1], at) for key, roster in rosters.items()}
    rows = [
        _row(roster, p) | {"unit_id": roster.unit.pk, "several": p.several} | as_json(clocks[roster.unit.pk, p.window])
        for roster, p in placed
    ]
    params = {"placed": json.dumps(rows), "at": at, "new": new}
    record_select(("company_id", "kind", "lead_id", "to_user_id", "why", "detail"), OFFERED, params, changing=OFFER)
    return {key: clock.deadline for key, clock in clocks.items() if clock.deadline > at + key[1]}


def wall_clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def as_json(clock: Clock) -> dict[str, Any]:
    runs = [[start.isoformat(), end.isoformat()] for start, end in clock.runs]
    return {"deadline": clock.deadline.isoformat(), "runs": runs}
