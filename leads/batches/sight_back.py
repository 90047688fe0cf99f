"""Whose sight of the leads changes by an undo: foreseen from what they are and what the undone batch keeps of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import connection

from leads.batches.sight import MOST_SHAPES, Pair, sight_of
from leads.batches.verb import Act, MassVerb, Sight
from leads.services.sharing import VERBS
from permissions.access import Level, LockedLead
from permissions.supposing import locks_of

# what a lead is, and what it becomes; roles that the images do not speak of keep their slots
BECOMES = """
WITH becomes AS (
    SELECT lead.id, lead.owner_unit_id, lead.owner_user_id, lead.origin_unit_id, lead.hidden, lead.privacy,
        lead.removed_at IS NOT NULL AS removed, lead.slot_locks,
        (was.before ->> 'of_unit')::bigint AS to_unit, (was.before ->> 'of_user')::bigint AS to_user,
        CASE WHEN was.before ? 'hidden' THEN (was.before ->> 'hidden')::boolean ELSE lead.hidden END AS then_hidden,
        CASE WHEN was.before ? 'privacy' THEN (was.before ->> 'privacy')::smallint ELSE lead.privacy END AS then_privacy,
        CASE WHEN one.image ? 'removed_at' THEN one.image ->> 'removed_at' IS NOT NULL
            ELSE lead.removed_at IS NOT NULL END AS then_removed,
        CASE WHEN (was.before -> 'slots') IS NOT DISTINCT FROM (was.after -> 'slots') THEN lead.slot_locks ELSE (
            SELECT coalesce(array_agg(DISTINCT coalesce(slot."user" * 16 + 7, slot.pond * 16 + 8)), '{}')::integer[]
            FROM (
                SELECT "user", pond FROM jsonb_to_recordset(was.before -> 'slots') AS kept ("user" bigint, pond bigint)
                UNION ALL
                SELECT user_id, pond_id FROM leads_assignment AS other WHERE other.lead_id = lead.id AND role NOT IN (
                    SELECT told.role
                    FROM jsonb_to_recordset((was.before -> 'slots') || (was.after -> 'slots')) AS told (role text)
                )
            ) AS slot ("user", pond)
        ) END AS then_locks,
        was.before -> 'shares' AS shares, coalesce(was.before -> 'shares', '[]') || coalesce(was.after -> 'shares', '[]')
            AS shares_told
    FROM leads_batchitem AS item
    JOIN leads_batchitem AS was ON was.batch_id = %(undone)s AND was.lead_id = item.lead_id
    JOIN leads_lead AS lead ON lead.id = item.lead_id
    CROSS JOIN LATERAL (SELECT CASE WHEN was.before ? 'lead' THEN was.before -> 'lead' ELSE was.before END) AS one (image)
    WHERE item.batch_id = %(batch)s AND item.outcome = ''
)
"""
ALIKE = """
    owner_unit_id, owner_user_id, origin_unit_id, hidden, privacy, removed, slot_locks,
    to_unit, to_user, then_hidden, then_privacy, then_removed, then_locks
"""
# all of them without a person, and once more those that somebody has a share of, or gets one back
FORESEEN = f"""{BECOMES}, share AS (
    SELECT lead_id, user_id, max(now) AS now, max(later) AS later
    FROM (
        SELECT becomes.id, live.user_id, given.codename,
            CASE WHEN NOT EXISTS (
                SELECT FROM jsonb_to_recordset(becomes.shares_told) AS told (user_id bigint)
                WHERE told.user_id = live.user_id
            ) THEN given.codename END
        FROM becomes JOIN leads_leadshare AS live ON live.content_object_id = becomes.id
            JOIN auth_permission AS given ON given.id = live.permission_id
        WHERE live.until IS NULL OR live.until > now()
        UNION ALL
        SELECT becomes.id, kept.user_id, NULL, given.codename
        FROM becomes CROSS JOIN LATERAL jsonb_to_recordset(becomes.shares)
            AS kept (user_id bigint, permission_id integer, until timestamptz)
            JOIN auth_permission AS given ON given.id = kept.permission_id
        WHERE becomes.shares <> '[]' AND (kept.until IS NULL OR kept.until > now())
    ) AS one (lead_id, user_id, now, later)
    GROUP BY lead_id, user_id
)
(
    SELECT NULL::bigint, NULL, NULL, {ALIKE}, count(*)
    FROM becomes GROUP BY {ALIKE} ORDER BY count(*) DESC LIMIT {MOST_SHAPES}
)
UNION ALL
SELECT user_id, now, later, {ALIKE}, count(*) FROM becomes JOIN share ON share.lead_id = becomes.id
GROUP BY user_id, now, later, {ALIKE}
"""


def sight_back(act: Act, verb: MassVerb) -> list[Sight]:
    """Whose sight changes if the waiting leads become again what they were."""
    params = {"batch": act.batch.pk, "undone": act.batch.undoes_id}
    pairs: list[Pair] = []
    shared: dict[int, list[Pair]] = {}
    with connection.cursor() as cursor:
        cursor.execute(FORESEEN, params)
        for user, now, later, *row in cursor.fetchall():
            pair = _pair(act.batch.company_id, row)
            if user is None:
                pairs.append(pair)
                continue
            given = (_by_share(now, pair.before), _by_share(later, pair.after))
            shared.setdefault(user, []).extend((replace(pair, count=-pair.count), replace(pair, shared=given)))
    also, moving = verb.returning(act)
    return sight_of(pairs, shared, act.actor.company, moving, also=also)


def _by_share(codename: str | None, lead: LockedLead) -> Level:
    return Level.NONE if lead.removed else VERBS.get(codename or "", Level.NONE)


def _pair(company_id: int, row: Sequence[Any]) -> Pair:
    unit, user, origin, hidden, privacy, removed, slots, *then, count = row
    before = _locked(company_id, unit, user, origin, hidden, privacy, removed, slots)
    to_unit, to_user, then_hidden, then_privacy, then_removed, then_slots = then
    after = _locked(company_id, to_unit, to_user, origin, then_hidden, then_privacy, then_removed, then_slots)
    return Pair.of(before, after, count)


def _locked(
    company_id: int,
    unit: int | None,
    user: int | None,
    origin: int | None,
    hidden: bool,
    privacy: int | None,
    removed: bool,
    slots: Sequence[int],
) -> LockedLead:
    lead = LockedLead(0, company_id, unit, user, origin, hidden, privacy, (), removed=removed)
    return replace(lead, locks=() if removed else (*locks_of(lead, ()), *slots))
