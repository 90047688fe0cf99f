"""Who works a lead: filling and clearing slots, in sets, with the ledger in the same statement's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from permissions.ledger import record_select

WANTED = "unnest(%(leads)s::bigint[], %(users)s::bigint[]) AS wanted (lead_id, user_id)"
LOCK = "SELECT FROM leads_lead WHERE id = ANY(%(leads)s) ORDER BY id FOR NO KEY UPDATE"
FILL = f"""
INSERT INTO leads_assignment (company_id, lead_id, role, user_id)
SELECT lead.company_id, lead.id, 'agent', wanted.user_id FROM {WANTED} JOIN leads_lead AS lead ON lead.id = wanted.lead_id
ON CONFLICT (lead_id, role) DO UPDATE SET user_id = EXCLUDED.user_id, since = now()
"""
FILLED = f"""
SELECT lead.company_id, 'assigned', %(actor)s::bigint, lead.id, 'agent', lead.agent_id, wanted.user_id, %(why)s
FROM {WANTED} JOIN leads_lead AS lead ON lead.id = wanted.lead_id
WHERE lead.agent_id IS DISTINCT FROM wanted.user_id ORDER BY lead.id
"""
CLEARED = """
SELECT company_id, 'unassigned', %(actor)s::bigint, id, 'agent', agent_id, %(why)s
FROM leads_lead WHERE id = ANY(%(leads)s) AND agent_id IS NOT NULL ORDER BY id
"""


@transaction.atomic
def fill_agent_slots(pairs: Sequence[tuple[int, int]], *, actor_id: int | None, why: str) -> None:
    """Put each (lead id, user id) together: she takes the Agent slot, whoever had it loses it. The owner stays.

    Locks the leads in id order. The caller has checked that the actor may, and holds them already (`in_id_order`) where
    it chose by their state.
    """
    if not pairs:
        return
    leads, users = zip(*pairs, strict=True)
    params = {"leads": list(leads), "users": list(users), "actor": actor_id, "why": why}
    columns = ("company_id", "kind", "actor_id", "lead_id", "role", "from_user_id", "to_user_id", "why")
    with connection.cursor() as cursor:
        cursor.execute(LOCK, params)
        record_select(columns, FILLED, params)
        cursor.execute(FILL, params)


@transaction.atomic
def clear_agent_slots(lead_ids: Sequence[int], *, actor_id: int | None, why: str) -> None:
    """Empty the Agent slot of these leads: who had it loses the access it gave."""
    params = {"leads": list(lead_ids), "actor": actor_id, "why": why}
    columns = ("company_id", "kind", "actor_id", "lead_id", "role", "from_user_id", "why")
    with connection.cursor() as cursor:
        cursor.execute(LOCK, params)
        record_select(columns, CLEARED, params)
        cursor.execute("DELETE FROM leads_assignment WHERE role = 'agent' AND lead_id = ANY(%(leads)s)", params)
