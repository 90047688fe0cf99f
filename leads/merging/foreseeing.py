"""Whose sight a merge changes. What goes is what it goes into from then on: who sees that has lost nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import connection

from crm.organization.models import Company
from leads.batches.sight import MOST_SHAPES, Pair, sight_of
from leads.batches.verb import Sight
from leads.merging.doing import ALIKE_OWNED, PAIRS
from leads.services.sharing import VERBS
from permissions.access import KINDS, Level, Lock, LockedLead

LOCK = f"coalesce(slot.user_id * {KINDS} + {Lock.ASSIGNED.value}, slot.pond_id * {KINDS} + {Lock.POND.value})"
LIVE = "(share.until IS NULL OR share.until > now())"
# each lead with what it is to everybody's keys, and what that is which it will be, or go into
TURNING = f"""
WITH filled AS (
    SELECT kept, array_agg(lock)::integer[] AS locks FROM (
        SELECT DISTINCT ON (pair.kept, slot.role) pair.kept, {LOCK} AS lock
        FROM {PAIRS} {ALIKE_OWNED} JOIN leads_assignment AS slot ON slot.lead_id = pair.gone
        WHERE slot.until IS NULL AND slot.role <> 'covered' AND NOT EXISTS (
            SELECT FROM leads_assignment AS taken WHERE taken.lead_id = pair.kept AND taken.role = slot.role
        ) ORDER BY pair.kept, slot.role, pair.gone
    ) AS slot GROUP BY kept
), concealed AS (
    SELECT kept, bool_or(hidden) AS hidden, min(privacy) AS privacy
    FROM {PAIRS} JOIN leads_lead AS gone ON gone.id = pair.gone AND privacy IS NOT NULL GROUP BY kept
), staying AS (
    SELECT lead.id, owner_unit_id, owner_user_id, origin_unit_id, slot_locks || coalesce(filled.locks, '{{}}') AS slots,
        lead.hidden OR lead.privacy IS NOT NULL AND coalesce(concealed.hidden, false) AS hidden,
        CASE WHEN lead.privacy IS NOT NULL THEN least(lead.privacy, concealed.privacy) END AS privacy
    FROM leads_lead AS lead LEFT JOIN filled ON filled.kept = lead.id LEFT JOIN concealed ON concealed.kept = lead.id
    WHERE lead.id = ANY(%(kept)s)
), turning AS (
    SELECT lead.id, staying.id AS target,
        lead.owner_unit_id, lead.owner_user_id, lead.origin_unit_id, lead.hidden, lead.privacy, lead.locks,
        staying.owner_unit_id AS to_unit, staying.owner_user_id AS to_user, staying.origin_unit_id AS to_origin,
        staying.hidden AS will_hide, staying.privacy AS will_conceal, lead_locks(
            staying.owner_unit_id, staying.owner_user_id, staying.hidden, staying.privacy, staying.origin_unit_id, slots
        ) AS will_lock
    FROM (SELECT gone, kept FROM {PAIRS} UNION ALL SELECT id, id FROM staying) AS way
    JOIN staying ON staying.id = way.kept JOIN leads_lead AS lead ON lead.id = way.gone
)
"""
ALIKE = """
    owner_unit_id, owner_user_id, origin_unit_id, hidden, privacy, locks,
    to_unit, to_user, to_origin, will_hide, will_conceal, will_lock
"""
CHANGED = f"""
{TURNING} SELECT {ALIKE}, count(*) FROM turning WHERE locks <> will_lock
GROUP BY {ALIKE} ORDER BY count(*) DESC LIMIT {MOST_SHAPES}
"""
SHARED = f"""
{TURNING}, had AS (
    SELECT content_object_id AS lead, user_id, codename
    FROM leads_leadshare AS share JOIN auth_permission ON auth_permission.id = permission_id
    WHERE content_object_id = ANY(%(gone)s || %(kept)s) AND {LIVE}
), given AS (
    SELECT DISTINCT ON (pair.kept, user_id) pair.kept AS lead, user_id, codename
    FROM {PAIRS} {ALIKE_OWNED} JOIN had ON had.lead = pair.gone ORDER BY pair.kept, user_id, pair.gone
), gets AS (
    SELECT staying.id AS lead, user_id, coalesce(had.codename, given.codename) AS codename
    FROM had FULL JOIN given USING (lead, user_id) JOIN staying ON staying.id = lead
), concerned AS (
    SELECT lead AS id, user_id FROM had UNION SELECT turning.id, user_id FROM gets JOIN turning ON target = gets.lead
)
SELECT concerned.user_id, had.codename, gets.codename, {ALIKE}, count(*) FROM concerned JOIN turning USING (id)
LEFT JOIN had ON (had.lead, had.user_id) = (turning.id, concerned.user_id)
LEFT JOIN gets ON (gets.lead, gets.user_id) = (turning.target, concerned.user_id)
GROUP BY concerned.user_id, had.codename, gets.codename, {ALIKE}
"""


def sight_of_merging(into: Mapping[int, int], company: Company) -> list[Sight]:
    """Who gains and who loses sight by merging these (gone → kept)."""
    shared: dict[int, list[Pair]] = {}
    for user, had, gets, *row in _rows(SHARED, into):
        pair = _pair(company.pk, row)
        given = (VERBS.get(had, Level.NONE), VERBS.get(gets, Level.NONE))
        shared.setdefault(user, []).extend((replace(pair, count=-pair.count), replace(pair, shared=given)))
    return sight_of([_pair(company.pk, row) for row in _rows(CHANGED, into)], shared, company)


def _rows(sql: str, into: Mapping[int, int]) -> list[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"gone": list(into), "kept": list(into.values())})
        return list(cursor.fetchall())


def _pair(company_id: int, row: Sequence[Any]) -> Pair:
    """So many leads as they are and as they will be."""
    *columns, count = row
    return Pair.of(_locked(company_id, *columns[:6]), _locked(company_id, *columns[6:]), count)


def _locked(
    company: int, unit: int, user: int, origin: int, hidden: bool, privacy: int, locks: list[int]
) -> LockedLead:
    return LockedLead(0, company, unit, user, origin, hidden, privacy, tuple(locks))
