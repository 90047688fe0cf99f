"""Making one lead of several, in sets: the one that stays gets what it has not; the others stay behind as tombstones.

A tombstone keeps what it had. What was done with it is read with the lead that it went into, wherever that goes later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection

from leads import signals
from leads.merging.fields import COLUMNS, unite
from leads.models import Assignment, Lead
from leads.search import reindex
from leads.services.assigning import end_slots
from leads.services.transferring import Cause
from permissions.ledger import record_select

PAIRS = "unnest(%(gone)s::bigint[], %(kept)s::bigint[]) AS pair (gone, kept)"
ALIKE_OWNED = """
    JOIN leads_lead AS kept ON kept.id = pair.kept JOIN leads_lead AS gone ON gone.id = pair.gone
        AND (gone.owner_unit_id, gone.owner_user_id) IS NOT DISTINCT FROM (kept.owner_unit_id, kept.owner_user_id)
"""
POINTS = f"""
INSERT INTO leads_contactpoint (company_id, lead_id, kind, value, raw, position)
SELECT company_id, pair.kept, kind, value, raw, 100 + position
FROM {PAIRS} JOIN leads_contactpoint AS point ON point.lead_id = pair.gone ORDER BY pair.kept, pair.gone, point.id
ON CONFLICT (lead_id, kind, value) DO NOTHING
"""
SLOTS = f"""
WITH given AS (
    INSERT INTO leads_assignment (company_id, lead_id, role, user_id, pond_id, since)
    SELECT slot.company_id, pair.kept, slot.role, slot.user_id, slot.pond_id, slot.since
    FROM {PAIRS} {ALIKE_OWNED} JOIN leads_assignment AS slot ON slot.lead_id = pair.gone
    WHERE slot.until IS NULL AND slot.role <> 'covered' ORDER BY pair.kept, pair.gone, slot.role
    ON CONFLICT (lead_id, role) DO NOTHING RETURNING company_id, lead_id, role, user_id, pond_id
)
"""
SLOT_FACTS = """
SELECT company_id, CASE WHEN pond_id IS NULL THEN 'assigned' ELSE 'pooled' END, %(actor_id)s::bigint, lead_id, role,
    user_id, %(why)s, %(batch_id)s::bigint, CASE WHEN pond_id IS NOT NULL THEN jsonb_build_object('pond', pond_id) END
FROM given ORDER BY lead_id, role
"""
# who was promised a call gets it from whoever holds the lead that stays
TASKS = f"""
UPDATE leads_task AS task SET lead_id = pair.kept, came_from_id = coalesce(task.came_from_id, pair.gone),
    user_id = CASE WHEN follows THEN kept.holder_id ELSE task.user_id END,
    left_by_id = CASE WHEN follows THEN coalesce(task.left_by_id, task.user_id) ELSE task.left_by_id END
FROM {PAIRS} JOIN leads_lead AS kept ON kept.id = pair.kept JOIN leads_lead AS gone ON gone.id = pair.gone
    JOIN leads_task AS one ON one.lead_id = pair.gone
    CROSS JOIN LATERAL (
        VALUES (one.kind = 'callback' AND one.user_id = gone.holder_id AND kept.holder_id IS DISTINCT FROM one.user_id)
    ) AS rule (follows)
WHERE task.id = one.id AND task.done_at IS NULL AND task.dropped_at IS NULL
"""
SHARES = f"""
WITH given AS (
    INSERT INTO leads_leadshare (company_id, content_object_id, user_id, permission_id, given_by_id, given_at, until)
    SELECT DISTINCT ON (pair.kept, share.user_id)
        share.company_id, pair.kept, share.user_id, share.permission_id, share.given_by_id, share.given_at, share.until
    FROM {PAIRS} {ALIKE_OWNED} JOIN leads_leadshare AS share ON share.content_object_id = pair.gone
    WHERE share.until IS NULL OR share.until > now() ORDER BY pair.kept, share.user_id, pair.gone
    ON CONFLICT (user_id, content_object_id) DO UPDATE SET permission_id = EXCLUDED.permission_id,
        given_by_id = EXCLUDED.given_by_id, given_at = EXCLUDED.given_at, until = EXCLUDED.until
        WHERE leads_leadshare.until <= now()
    RETURNING company_id, content_object_id AS lead_id, user_id, permission_id, until
)
"""
SHARE_FACTS = """
SELECT given.company_id, 'shared', %(actor_id)s::bigint, lead_id, user_id, %(why)s, %(batch_id)s::bigint,
    jsonb_build_object('verb', codename, 'until', until)
FROM given JOIN auth_permission ON auth_permission.id = permission_id ORDER BY lead_id, user_id
"""
# the last word counts, whichever of the two leads it was said of
CONSENTS = f"""
INSERT INTO leads_consent (company_id, lead_id, kind, given, words, recorded_by_id, at, came_from_id)
SELECT DISTINCT ON (pair.kept, word.kind)
    word.company_id, pair.kept, word.kind, word.given, word.words, word.recorded_by_id, word.at, word.id
FROM {PAIRS} JOIN leads_consent AS word ON word.lead_id = pair.gone
WHERE NOT EXISTS (
    SELECT FROM leads_consent AS own
    WHERE own.lead_id = pair.kept AND own.kind = word.kind AND (own.at, own.id) > (word.at, word.id)
)
ORDER BY pair.kept, word.kind, word.at DESC, word.id DESC
"""
BURY = f"""
WITH buried AS (
    UPDATE leads_lead AS lead SET removed_at = now(), merged_into_id = pair.kept
    FROM {PAIRS}, leads_lead AS kept WHERE lead.id = pair.gone AND kept.id = pair.kept
    RETURNING lead.company_id, lead.id AS gone, kept.id AS kept, lead.owner_unit_id AS from_unit,
        lead.owner_user_id AS from_user, kept.owner_unit_id AS to_unit, kept.owner_user_id AS to_user
)
"""
BURIED = """
SELECT company_id, 'merged', %(actor_id)s::bigint, fact.lead, from_unit, from_user, to_unit, to_user, %(why)s,
    %(batch_id)s::bigint, fact.detail
FROM buried CROSS JOIN LATERAL (VALUES
    (gone, jsonb_build_object('into', kept)), (kept, jsonb_build_object('took', gone))
) AS fact (lead, detail) ORDER BY gone, fact.lead
"""
FACT = ("company_id", "kind", "actor_id", "lead_id")
CAUSE = ("why", "batch_id")
ENDS = ("from_unit_id", "from_user_id", "to_unit_id", "to_user_id")


def merge_leads(into: Mapping[int, int], cause: Cause, take: Collection[str] | None = None) -> None:
    """Merge leads (gone → kept) that the caller has locked. The owner of the one that stays does not change.

    Slots and shares come along between leads of one owner; `take` says which fields do, see `unite`.
    """
    gone, kept = list(into), list(into.values())
    params: dict[str, Any] = {"gone": gone, "kept": kept, **cause.params()}
    company_id, actor_id = cause.actor.company_id, cause.actor.pk
    _unite_fields(into, take)
    signals.removed.send(sender=Lead, company_id=company_id, lead_ids=gone, actor_id=actor_id)
    with connection.cursor() as cursor:
        cursor.execute(POINTS, params)
        cursor.execute(TASKS, params)
        cursor.execute(CONSENTS, params)
    record_select((*FACT, "role", "to_user_id", *CAUSE, "detail"), SLOT_FACTS, params, changing=SLOTS)
    record_select((*FACT, "to_user_id", *CAUSE, "detail"), SHARE_FACTS, params, changing=SHARES)
    end_slots(Assignment.objects.filter(lead__pk__any_of=gone), **cause.params())
    record_select((*FACT, *ENDS, *CAUSE, "detail"), BURIED, params, changing=BURY)
    count_calls(kept)
    reindex(sorted({*kept}))


def _unite_fields(into: Mapping[int, int], take: Collection[str] | None) -> None:
    others: defaultdict[int, list[int]] = defaultdict(list)
    for gone, kept in into.items():
        others[kept].append(gone)
    leads = Lead.objects.filter(pk__any_of=[*into, *others]).in_bulk()
    for kept, gone_there in others.items():
        for pk in sorted(gone_there):
            unite(leads[kept], leads[pk], take)
    names = [column.removesuffix("_id") for column in COLUMNS]
    Lead.objects.bulk_update([leads[kept] for kept in others], names, batch_size=200)


def count_calls(lead_ids: Iterable[int]) -> None:
    """Count anew the calls made to leads that the caller holds, with those to all that went into them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count_calls(%s::bigint[])", [sorted({*lead_ids})])


ABSORBED = """
WITH RECURSIVE absorbed (id) AS (
    SELECT id FROM leads_lead WHERE merged_into_id = %s
    UNION SELECT lead.id FROM leads_lead AS lead JOIN absorbed ON lead.merged_into_id = absorbed.id
) SELECT lead.id, source.name FROM absorbed JOIN leads_lead AS lead USING (id)
LEFT JOIN leads_source AS source ON source.id = lead.source_id ORDER BY lead.id
"""
WHERE_TO = """
WITH RECURSIVE way (id, merged_into_id) AS (
    SELECT id, merged_into_id FROM leads_lead WHERE public_id = %s AND company_id = %s
    UNION SELECT lead.id, lead.merged_into_id FROM leads_lead AS lead JOIN way ON lead.id = way.merged_into_id
) SELECT id FROM way WHERE merged_into_id IS NULL
"""


def absorbed_by(lead_id: int) -> Mapping[int, str | None]:
    """The leads that went into this one, by whatever way, with the names of their sources."""
    with connection.cursor() as cursor:
        cursor.execute(ABSORBED, [lead_id])
        return dict(cursor.fetchall())


def where_it_went(public_id: str, company_id: int) -> list[int]:
    """The lead at the end of the way of one that was merged, if there is such a lead."""
    with connection.cursor() as cursor:
        cursor.execute(WHERE_TO, [public_id, company_id])
        return [pk for (pk,) in cursor.fetchall()]
