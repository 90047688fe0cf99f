"""Who works a lead: filling, clearing and ending slots, in sets, with the ledger in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import repeat
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import within
from leads import signals
from leads.models import Assignment, Lead
from permissions.ledger import record_select
from permissions.models import LedgerEntry

WANTED = "json_to_recordset(%(wanted)s) AS wanted (lead_id bigint, user_id bigint, why text)"
LOCK = "SELECT FROM leads_lead WHERE id = ANY(%(leads)s) ORDER BY id FOR NO KEY UPDATE"
FILL = f"""
INSERT INTO leads_assignment (company_id, lead_id, role, user_id)
SELECT lead.company_id, lead.id, %(role)s, wanted.user_id FROM {WANTED} JOIN leads_lead AS lead ON lead.id = wanted.lead_id
ON CONFLICT (lead_id, role) DO UPDATE SET user_id = EXCLUDED.user_id, pond_id = NULL, until = NULL, since = now()
"""
FILLED = f"""
SELECT lead.company_id, 'assigned', %(actor)s::bigint, lead.id, %(role)s, slot.user_id, wanted.user_id, wanted.why,
    %(batch)s::bigint
FROM {WANTED} JOIN leads_lead AS lead ON lead.id = wanted.lead_id
LEFT JOIN leads_assignment AS slot ON slot.lead_id = lead.id AND slot.role = %(role)s
WHERE slot.user_id IS DISTINCT FROM wanted.user_id ORDER BY lead.id
"""
CLEARED = """
SELECT company_id, %(kind)s, %(actor)s::bigint, id, 'agent', agent_id, %(why)s, %(batch)s::bigint
FROM leads_lead WHERE id = ANY(%(leads)s) AND agent_id IS NOT NULL ORDER BY id
"""
END = "WITH ended AS (DELETE FROM leads_assignment WHERE id = ANY(%(slots)s) RETURNING company_id, lead_id, role, user_id)"
ENDED = """
SELECT company_id, 'unassigned', %(actor)s::bigint, lead_id, role, user_id, %(why)s, %(batch)s::bigint
FROM ended ORDER BY lead_id, role
"""


def assignees_of(unit: Unit) -> QuerySet[User]:
    """Who may be assigned to the unit's leads (M1): its members and those below, now; of the company's, anyone."""
    people: QuerySet[User] = User.objects.filter(company=unit.company_id, is_active=True)
    if unit.kind == Unit.Kind.COMPANY:
        return people
    members = Membership.objects.current().filter(within([unit.pk], "unit__"))
    return people.filter(pk__in=members.values("user"))


def may_stay(unit: Unit) -> Q:
    """Slots that are allowed on a lead of the unit: of people who may be assigned, of ponds of its line in the tree."""
    line = [unit.pk, unit.parent_id, unit.parent.parent_id if unit.parent else None]
    return Q(user__in=assignees_of(unit)) | Q(pond__unit__in=line) | within([unit.pk], "pond__unit__")


def units_to_work_for(user: User) -> list[int]:
    """The units whose leads she may be assigned (M1): those she is a member of, all above them, and the company."""
    joined = Unit.objects.joined_by(user).values_list("pk", "parent", "parent__parent")
    whole = Unit.objects.filter(company=user.company_id, kind=Unit.Kind.COMPANY).values_list("pk", flat=True)
    return sorted({*whole, *(unit for line in joined for unit in line if unit)})


@transaction.atomic
def fill_slots(
    pairs: Sequence[tuple[int, int]],
    *,
    actor_id: int | None,
    why: str | Sequence[str],
    batch_id: int | None = None,
    role: str = Assignment.Role.AGENT.value,
) -> None:
    """Put each (lead id, user id) together: she takes the slot, whoever had it loses it. The owner stays. `why` is one
    reason for all, or one for each.

    Locks the leads in id order. The caller has checked that the actor may, and holds them already (`in_id_order`) where
    it chose by their state.
    """
    if not pairs:
        return
    reasons = repeat(why, len(pairs)) if isinstance(why, str) else why
    rows = [{"lead_id": lead, "user_id": user, "why": one} for (lead, user), one in zip(pairs, reasons, strict=True)]
    about: dict[str, Any] = {"role": role, "actor": actor_id, "batch": batch_id}
    params = about | {"leads": [lead for lead, _ in pairs], "wanted": json.dumps(rows)}
    columns = ("company_id", "kind", "actor_id", "lead_id", "role", "from_user_id", "to_user_id", "why", "batch_id")
    with connection.cursor() as cursor:
        cursor.execute(LOCK, params)
        record_select(columns, FILLED, params)
        cursor.execute(FILL, params)


def assign_leads(lead_ids: Sequence[int], user: User, *, actor_id: int, why: str, batch_id: int | None = None) -> None:
    """Let her work these leads, for a caller who holds them and has made sure that she may: their rotations end."""
    ids = list(lead_ids)
    signals.reassigned.send(sender=Lead, company_id=user.company_id, lead_ids=ids, actor_id=actor_id)
    fill_slots([(pk, user.pk) for pk in ids], actor_id=actor_id, why=why, batch_id=batch_id)


@transaction.atomic
def clear_agent_slots(
    lead_ids: Sequence[int],
    *,
    actor_id: int | None,
    why: str,
    batch_id: int | None = None,
    kind: LedgerEntry.Kind = LedgerEntry.Kind.UNASSIGNED,
) -> None:
    """Empty the Agent slot of these leads: who had it loses the access it gave."""
    params = {"leads": list(lead_ids), "actor": actor_id, "why": why, "batch": batch_id, "kind": kind.value}
    columns = ("company_id", "kind", "actor_id", "lead_id", "role", "from_user_id", "why", "batch_id")
    with connection.cursor() as cursor:
        cursor.execute(LOCK, params)
        record_select(columns, CLEARED, params)
        cursor.execute("DELETE FROM leads_assignment WHERE role = 'agent' AND lead_id = ANY(%(leads)s)", params)


@transaction.atomic
def end_slots(slots: QuerySet[Assignment], *, actor_id: int | None, why: str, batch_id: int | None = None) -> set[int]:
    """End these slots, whatever their role: who lost one. The caller holds their leads."""
    ending = dict(slots.values_list("pk", "user"))
    params = {"slots": list(ending), "actor": actor_id, "why": why, "batch": batch_id}
    columns = ("company_id", "kind", "actor_id", "lead_id", "role", "from_user_id", "why", "batch_id")
    record_select(columns, ENDED, params, changing=END)
    return {user_id for user_id in ending.values() if user_id}
