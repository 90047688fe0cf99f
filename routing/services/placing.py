"""Carrying out routing decisions in sets: slots, offers, rotations, the record, the ledger, the messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.db import connection
from django.urls import reverse

from crm.notifications.services import Message, bump, notify
from leads.services.assigning import fill_slots
from permissions.ledger import record_select
from routing.models import Decision, Rotation
from routing.services.roster import Roster

Method = Literal["round_robin", "number_one", "fallback", "nobody"]
ENDS: dict[Method, Rotation.Outcome] = {
    "number_one": Rotation.Outcome.HANDED,
    "fallback": Rotation.Outcome.FALLBACK,
    "nobody": Rotation.Outcome.STRANDED,
}


@dataclass(frozen=True)
class Placement:
    """One lead's next step: who gets it, how, and who was skipped for what."""

    lead_id: int
    rotation_id: int
    user_id: int | None
    method: Method
    pass_number: int
    skipped: tuple[tuple[int, str], ...]


OFFER = """
WITH made AS (
    INSERT INTO routing_offer
        (company_id, rotation_id, lead_id, unit_id, user_id, pass_number, state, deadline, claimed_by)
    SELECT %(company)s, placed.rotation_id, placed.lead_id, %(unit)s, placed.user_id, placed.pass_number, 'open',
        statement_timestamp() + %(window)s, ''
    FROM unnest(%(rotations)s::bigint[], %(leads)s::bigint[], %(users)s::bigint[], %(passes)s::int[])
        AS placed (rotation_id, lead_id, user_id, pass_number)
    RETURNING id, lead_id, user_id, pass_number, deadline
)
"""
OFFERED = """
SELECT %(company)s, 'offered', lead_id, user_id, 'routing',
    jsonb_build_object('offer', id, 'pass', pass_number, 'deadline', deadline)
FROM made ORDER BY id
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
    _offer(roster, [p for p in placements if p.method == "round_robin"])
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
    _tell(roster, placements)


def _offer(roster: Roster, placements: Sequence[Placement]) -> None:
    """Open the offers, with their ledger rows in the same statement."""
    if not placements:
        return
    record_select(
        ("company_id", "kind", "lead_id", "to_user_id", "why", "detail"),
        OFFERED,
        {
            "company": roster.unit.company_id,
            "unit": roster.unit.pk,
            "window": roster.policy.claim_window,
            "rotations": [p.rotation_id for p in placements],
            "leads": [p.lead_id for p in placements],
            "users": [p.user_id for p in placements],
            "passes": [p.pass_number for p in placements],
        },
        changing=OFFER,
    )


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
                skipped=[list(pair) for pair in p.skipped],
            )
            for p in placements
        ],
        batch_size=1000,
    )


def _tell(roster: Roster, placements: Sequence[Placement]) -> None:
    """One message per person, however many leads she got."""
    got: dict[int, list[Placement]] = defaultdict(list)
    for placement in placements:
        if placement.user_id is not None:
            got[placement.user_id].append(placement)
    window = int(roster.policy.claim_window.total_seconds() // 60)
    messages = []
    for user_id, placed in got.items():
        single = len(placed) == 1
        offered = any(p.method == "round_robin" for p in placed)
        what = "Offered to you: {lead}" if offered else "Assigned to you: {lead}"
        messages.append(
            Message(
                user_id=user_id,
                kind="offer" if offered else "assigned",
                title=what if single else f"{len(placed):,} new leads from {roster.unit.name}",
                body=f"Claim within {window} minutes, or it goes to the next agent." if offered else "Yours to work.",
                url="" if single else reverse("today"),
                lead_id=placed[0].lead_id if single else None,
            )
        )
    notify(roster.unit.company_id, messages)
    bump(list(got), "offers")
