"""What several verbs touch, as images and back: the slots of a lead and its shares."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import JSONObject

from crm.organization.models import User
from leads.batches.verb import Act, Skip
from leads.models import Assignment, LeadShare, Pond
from permissions.ledger import record_select
from permissions.models import LedgerEntry

# who has left since, and ponds that were closed since, get nothing back
SLOTS = """
was AS (
    SELECT item.company_id, item.lead_id, slot.role, slot."user" AS user_id, slot.pond AS pond_id, slot.since, slot.until
    FROM leads_batchitem AS item CROSS JOIN LATERAL jsonb_to_recordset(item.before -> 'slots')
        AS slot (role text, "user" bigint, pond bigint, since timestamptz, until timestamptz)
    WHERE item.batch_id = %(undone)s AND item.lead_id = ANY(%(leads)s)
        AND NOT EXISTS (SELECT FROM organization_user AS person WHERE person.id = slot."user" AND left_at >= %(then)s)
        AND NOT EXISTS (SELECT FROM leads_pond AS pond WHERE pond.id = slot.pond AND closed_at >= %(then)s)
), now AS (
    SELECT * FROM leads_assignment
    WHERE lead_id = ANY(%(leads)s) AND (%(roles)s::text[] IS NULL OR role = ANY(%(roles)s::text[]))
)
"""
SLOT_FACTS = """
SELECT coalesce(was.company_id, now.company_id),
    CASE WHEN was.pond_id IS NOT NULL THEN 'pooled' WHEN was.user_id IS NOT NULL THEN 'assigned' ELSE 'unassigned' END,
    %(actor)s::bigint, lead_id, role, now.user_id, was.user_id, %(why)s, %(batch)s::bigint,
    CASE WHEN was.pond_id IS NOT NULL THEN jsonb_build_object('pond', was.pond_id) END
FROM was FULL JOIN now USING (lead_id, role)
WHERE (was.user_id, was.pond_id) IS DISTINCT FROM (now.user_id, now.pond_id) ORDER BY lead_id, role
"""
PUT_BACK = f"""
WITH {SLOTS}, gone AS (
    DELETE FROM leads_assignment AS slot USING now
    WHERE slot.id = now.id AND NOT EXISTS (SELECT FROM was WHERE was.lead_id = now.lead_id AND was.role = now.role)
), filled AS (
    INSERT INTO leads_assignment (company_id, lead_id, role, user_id, pond_id, since, until)
    SELECT was.company_id, was.lead_id, was.role, was.user_id, was.pond_id, was.since, was.until
    FROM was LEFT JOIN now USING (lead_id, role)
    WHERE (was.user_id, was.pond_id, was.since, was.until)
        IS DISTINCT FROM (now.user_id, now.pond_id, now.since, now.until)
    ON CONFLICT (lead_id, role) DO UPDATE SET user_id = EXCLUDED.user_id, pond_id = EXCLUDED.pond_id,
        since = EXCLUDED.since, until = EXCLUDED.until
)
"""
SHARES = """
was AS (
    SELECT item.company_id, item.lead_id, share.*
    FROM leads_batchitem AS item CROSS JOIN LATERAL jsonb_to_recordset(item.before -> 'shares')
        AS share (user_id bigint, permission_id integer, given_by_id bigint, given_at timestamptz, until timestamptz)
    WHERE item.batch_id = %(undone)s AND item.lead_id = ANY(%(leads)s)
), now AS (
    SELECT * FROM leads_leadshare
    WHERE content_object_id = ANY(%(leads)s) AND (%(user)s::bigint IS NULL OR user_id = %(user)s)
)
"""
END_SHARES = f"""
WITH {SHARES}, gone AS (
    DELETE FROM leads_leadshare AS share USING now
    WHERE share.id = now.id
        AND NOT EXISTS (SELECT FROM was WHERE was.lead_id = now.content_object_id AND was.user_id = now.user_id)
    RETURNING share.company_id, share.content_object_id AS lead_id, share.user_id
)
"""
ENDED_SHARES = """
SELECT company_id, 'revoked', %(actor)s::bigint, lead_id, user_id, %(why)s, %(batch)s::bigint
FROM gone ORDER BY lead_id, user_id
"""
GIVE_SHARES = f"""
WITH {SHARES}, given AS (
    INSERT INTO leads_leadshare (company_id, content_object_id, user_id, permission_id, given_by_id, given_at, until)
    SELECT was.company_id, was.lead_id, was.user_id, was.permission_id, was.given_by_id, was.given_at, was.until
    FROM was LEFT JOIN now ON now.content_object_id = was.lead_id AND now.user_id = was.user_id
    WHERE (was.permission_id, was.given_by_id, was.given_at, was.until)
        IS DISTINCT FROM (now.permission_id, now.given_by_id, now.given_at, now.until)
    ON CONFLICT (user_id, content_object_id) DO UPDATE SET permission_id = EXCLUDED.permission_id,
        given_by_id = EXCLUDED.given_by_id, given_at = EXCLUDED.given_at, until = EXCLUDED.until
    RETURNING company_id, content_object_id AS lead_id, user_id, permission_id, until
)
"""
GIVEN_SHARES = """
SELECT given.company_id, 'shared', %(actor)s::bigint, lead_id, user_id, %(why)s, %(batch)s::bigint,
    jsonb_build_object('verb', codename, 'until', until)
FROM given JOIN auth_permission ON auth_permission.id = permission_id ORDER BY lead_id, user_id
"""
FACT = ("company_id", "kind", "actor_id", "lead_id")
CAUSE = ("why", "batch_id")


def claimed_since(act: Act) -> Skip:
    """What the routing handed out since, and somebody has claimed: it is hers now, though the slot is as it was left."""
    undone = act.batch.undoes
    assert undone is not None
    facts = LedgerEntry.objects.filter(
        lead_id=OuterRef("pk"), kind=LedgerEntry.Kind.CLAIMED, at__gt=undone.confirmed_at
    )
    return Skip("claimed", Exists(facts))


def gone_since(act: Act, role: str) -> Skip:
    """Who had this slot has left the company since, or it was a pond's that was closed: nobody would have the lead."""
    undone = act.batch.undoes
    assert undone is not None
    company = {"company": undone.company_id}
    people = User.objects.filter(**company, left_at__gte=undone.confirmed_at).order_by("pk")
    ponds = Pond.objects.filter(**company, closed_at__gte=undone.confirmed_at).order_by("pk")
    had = [{"role": role, "user": pk} for pk in people.values_list("pk", flat=True)]
    had += [{"role": role, "pond": pk} for pk in ponds.values_list("pk", flat=True)]
    return Skip("nobody", reduce(or_, (Q(was__slots__contains=[slot]) for slot in had), Q(pk__in=[])))


def unlike(act: Act, lead_ids: Sequence[int], *parts: str) -> list[int]:
    """Those of these leads of which the undone batch changed any of these parts of the image."""
    undone = act.batch.undoes
    assert undone is not None
    items = undone.items.filter(lead__pk__any_of={*lead_ids})
    differs = [~Q(**{f"before__{part}": F(f"after__{part}")}) for part in parts]
    return list(items.filter(reduce(or_, differs)).order_by("lead").values_list("lead", flat=True))


def slots_image(*roles: str) -> ArraySubquery:
    """The slots of the lead, or those of these roles."""
    slots = Assignment.objects.filter(lead=OuterRef("pk"), **({"role__in": roles} if roles else {}))
    row = JSONObject(role="role", user="user_id", pond="pond_id", since="since", until="until")
    return ArraySubquery(slots.order_by("role").values_list(row))


def restore_slots(act: Act, lead_ids: Sequence[int], *roles: str) -> None:
    """Make the slots (of these roles) again what the image of the undone batch says."""
    given = _given(act, lead_ids) | {"roles": list(roles) or None}
    columns = (*FACT, "role", "from_user_id", "to_user_id", *CAUSE, "detail")
    record_select(columns, SLOT_FACTS, given, changing=PUT_BACK)


def shares_image(user_id: int | None = None) -> ArraySubquery:
    """The shares of the lead, or that with one person."""
    shares = LeadShare.grants().filter(content_object=OuterRef("pk"), **({"user": user_id} if user_id else {}))
    names = ("user_id", "permission_id", "given_by_id", "given_at", "until")
    return ArraySubquery(shares.order_by("user").values_list(JSONObject(**{name: name for name in names})))


def restore_shares(act: Act, lead_ids: Sequence[int], user_id: int | None = None) -> None:
    """Make the shares (with this person) again what the image of the undone batch says."""
    given = _given(act, lead_ids) | {"user": user_id}
    record_select((*FACT, "from_user_id", *CAUSE), ENDED_SHARES, given, changing=END_SHARES)
    record_select((*FACT, "to_user_id", *CAUSE, "detail"), GIVEN_SHARES, given, changing=GIVE_SHARES)


def _given(act: Act, lead_ids: Sequence[int]) -> dict[str, Any]:
    undone = act.batch.undoes
    assert undone is not None
    return {"leads": list(lead_ids), "undone": undone.pk, "then": undone.confirmed_at, **act.cause}
