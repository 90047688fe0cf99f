"""Taking leads out of everybody's sight: deleted now, merged into others elsewhere. What is known of them is kept."""

from __future__ import annotations

from collections.abc import Collection

from crm.notifications.services import bump
from leads import signals
from leads.models import Assignment, Lead
from leads.services.assigning import end_slots
from leads.services.transferring import Cause
from permissions.ledger import record_select

DELETE = """
WITH gone AS (
    UPDATE leads_lead SET removed_at = now() WHERE id = ANY(%(leads)s) AND removed_at IS NULL
    RETURNING id, company_id, owner_unit_id, owner_user_id
)
"""
DELETED = """
SELECT company_id, 'deleted', %(actor_id)s::bigint, id, owner_unit_id, owner_user_id, %(why)s, %(batch_id)s::bigint
FROM gone ORDER BY id
"""


def delete_leads(lead_ids: Collection[int], cause: Cause) -> None:
    """Delete leads that the caller holds. They keep all but their slots, offers and requests, so that they can return."""
    free(lead_ids, cause)
    columns = ("company_id", "kind", "actor_id", "lead_id", "from_unit_id", "from_user_id", "why", "batch_id")
    record_select(columns, DELETED, {"leads": list(lead_ids), **cause.params()}, changing=DELETE)


def free(lead_ids: Collection[int], cause: Cause) -> None:
    """End all that people have with leads that are about to go."""
    company_id = cause.actor.company_id
    signals.removed.send(sender=Lead, company_id=company_id, lead_ids=list(lead_ids), actor_id=cause.actor.pk)
    bump(end_slots(Assignment.objects.filter(lead__pk__any_of=list(lead_ids)), **cause.params()), "offers")
