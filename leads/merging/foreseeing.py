"""Whose sight of the leads a merge changes: those that go are gone for all; the one that stays may open to more, or less."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import connection

from crm.organization.models import Company
from leads.batches.sight import MOST_SHAPES, Pair, removed, shapes_of, shared_pairs, sight_of
from leads.batches.verb import Sight
from leads.merging.doing import ALIKE_OWNED, PAIRS
from leads.models import Lead
from leads.services.sharing import VERBS
from permissions.access import KINDS, Level, Lock, LockedLead

LOCK = f"coalesce(slot.user_id * {KINDS} + {Lock.ASSIGNED.value}, slot.pond_id * {KINDS} + {Lock.POND.value})"
# the leads that stay, with what they are and what they will be to everybody's keys
STAYING = f"""
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
    SELECT lead.*, will.hidden AS will_hide, will.privacy AS will_conceal, lead_locks(
        owner_unit_id, owner_user_id, will.hidden, will.privacy, origin_unit_id, slot_locks || coalesce(filled.locks, '{{}}')
    ) AS will_lock
    FROM leads_lead AS lead LEFT JOIN filled ON filled.kept = lead.id LEFT JOIN concealed ON concealed.kept = lead.id
    CROSS JOIN LATERAL (SELECT
        lead.hidden OR lead.privacy IS NOT NULL AND coalesce(concealed.hidden, false) AS hidden,
        CASE WHEN lead.privacy IS NOT NULL THEN least(lead.privacy, concealed.privacy) END AS privacy
    ) AS will
    WHERE lead.id = ANY(%(kept)s)
)
"""
ALIKE = """
    owner_unit_id, owner_user_id, origin_unit_id, hidden, privacy, locks, will_hide, will_conceal, will_lock
"""
CHANGED = f"""
{STAYING} SELECT {ALIKE}, count(*) FROM staying WHERE locks <> will_lock
GROUP BY {ALIKE} ORDER BY count(*) DESC LIMIT {MOST_SHAPES}
"""
LIVE = "(share.until IS NULL OR share.until > now())"
SHARED = f"""
{STAYING}, was AS (
    SELECT content_object_id AS lead, user_id, permission_id FROM leads_leadshare AS share
    WHERE content_object_id = ANY(%(kept)s) AND {LIVE}
), given AS (
    SELECT DISTINCT ON (pair.kept, share.user_id) pair.kept AS lead, share.user_id, share.permission_id
    FROM {PAIRS} {ALIKE_OWNED} JOIN leads_leadshare AS share ON share.content_object_id = pair.gone
    WHERE {LIVE} ORDER BY pair.kept, share.user_id, pair.gone
)
SELECT user_id, had.codename, gets.codename, {ALIKE}, count(*)
FROM was FULL JOIN given USING (lead, user_id) JOIN staying ON staying.id = lead
LEFT JOIN auth_permission AS had ON had.id = was.permission_id
LEFT JOIN auth_permission AS gets ON gets.id = coalesce(was.permission_id, given.permission_id)
GROUP BY user_id, had.codename, gets.codename, {ALIKE}
"""


def sight_of_merging(into: Mapping[int, int], company: Company) -> list[Sight]:
    """Who gains and who loses sight by merging these (gone → kept)."""
    leads = Lead.objects.filter(pk__any_of=list(into))
    going = [Pair.of(shape.locked, removed(shape).locked, shape.count) for shape in shapes_of(leads, company.pk)]
    shared = shared_pairs(leads, company.pk, removed, shares_end=True, with_assistants=False)
    for user, had, gets, *row in _rows(SHARED, into):
        pair = _pair(company.pk, row)
        given = (VERBS.get(had, Level.NONE), VERBS[gets])
        shared.setdefault(user, []).extend((replace(pair, count=-pair.count), replace(pair, shared=given)))
    staying = [_pair(company.pk, row) for row in _rows(CHANGED, into)]
    return sight_of([*going, *staying], shared, company)


def _rows(sql: str, into: Mapping[int, int]) -> Iterator[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"gone": list(into), "kept": list(into.values())})
        yield from cursor.fetchall()


def _pair(company_id: int, row: Sequence[Any]) -> Pair:
    """A lead of such columns as it is and as it will be."""
    unit, user, origin, hidden, privacy, locks, will_hide, will_conceal, will_lock, count = row
    before = LockedLead(0, company_id, unit, user, origin, hidden, privacy, tuple(locks))
    after = replace(before, hidden=will_hide, privacy=will_conceal, locks=tuple(will_lock))
    return Pair.of(before, after, count)
