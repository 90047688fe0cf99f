"""A lead as it was before it was merged with others: its image, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Func, JSONField, OuterRef
from django.db.models.functions import JSONObject

from leads import signals
from leads.batches.restoring import restore_shares, restore_slots, shares_image, slots_image
from leads.batches.verb import Act
from leads.merging.doing import CAUSE, CONSENTS, ENDS, FACT, TASKS, count_calls
from leads.merging.fields import COLUMNS
from leads.models import ContactPoint, Lead
from leads.search import reindex
from leads.services.disputing import reopen_removed
from permissions.ledger import record_select

KEPT = (*COLUMNS, "removed_at", "merged_into_id")
POINT = ("kind", "value", "raw", "position")
BACK = f"""
WITH changed AS (
    UPDATE leads_lead AS lead SET ({", ".join(KEPT)}) = (
        SELECT {", ".join(KEPT)} FROM jsonb_populate_record(NULL::leads_lead, item.before -> 'lead')
    )
    FROM leads_batchitem AS item, leads_lead AS former
    WHERE item.batch_id = %(undone)s AND item.lead_id = ANY(%(leads)s) AND lead.id = item.lead_id AND former.id = lead.id
    RETURNING lead.company_id, lead.id AS gone, coalesce(lead.merged_into_id, former.merged_into_id) AS kept,
        lead.removed_at IS NULL AS there, lead.removed_at IS DISTINCT FROM former.removed_at AS moved
)
"""
# of the lead that goes or comes back, and of the one that takes it or gives it back: from whose to whose it went
FACTS = """
SELECT changed.company_id, CASE WHEN there THEN 'restored' ELSE 'merged' END, %(actor)s::bigint, fact.lead,
    origin.owner_unit_id, origin.owner_user_id, target.owner_unit_id, target.owner_user_id, %(why)s, %(batch)s::bigint,
    fact.detail
FROM changed
JOIN leads_lead AS origin ON origin.id = CASE WHEN there THEN kept ELSE gone END
JOIN leads_lead AS target ON target.id = CASE WHEN there THEN gone ELSE kept END
CROSS JOIN LATERAL (VALUES
    (gone, jsonb_build_object(CASE WHEN there THEN 'out_of' ELSE 'into' END, kept)),
    (kept, jsonb_build_object(CASE WHEN there THEN 'gave' ELSE 'took' END, gone))
) AS fact (lead, detail)
WHERE moved ORDER BY gone, fact.lead
"""
WAS = """
WITH was AS (
    SELECT item.company_id, item.lead_id, point.*
    FROM leads_batchitem AS item CROSS JOIN LATERAL jsonb_to_recordset(item.before -> 'points')
        AS point (kind text, value text, raw text, position smallint)
    WHERE item.batch_id = %(undone)s AND item.lead_id = ANY(%(leads)s)
)
"""
LOSE = f"""{WAS}
DELETE FROM leads_contactpoint AS point WHERE lead_id = ANY(%(leads)s)
    AND NOT EXISTS (SELECT FROM was WHERE (was.lead_id, was.kind, was.value) = (point.lead_id, point.kind, point.value))
"""
GAIN = f"""{WAS}
INSERT INTO leads_contactpoint (company_id, lead_id, kind, value, raw, position)
SELECT company_id, lead_id, kind, value, raw, position FROM was
ON CONFLICT (lead_id, kind, value) DO UPDATE SET raw = EXCLUDED.raw, position = EXCLUDED.position
    WHERE (leads_contactpoint.raw, leads_contactpoint.position) <> (EXCLUDED.raw, EXCLUDED.position)
"""


# what was said of a lead that is none of them any more
UNSAY = """
DELETE FROM leads_consent AS copy USING leads_consent AS word, leads_lead AS former
WHERE copy.lead_id = ANY(%(winners)s) AND word.id = copy.came_from_id AND former.id = word.lead_id
    AND former.id = ANY(%(leads)s) AND former.merged_into_id IS DISTINCT FROM copy.lead_id
"""
# what was planned with a lead that is none of them any more, or with one that had gone into it before
TASKS_BACK = """
WITH RECURSIVE back (lead_id, came_from) AS (
    SELECT id, id FROM leads_lead WHERE id = ANY(%(leads)s) AND NOT id = ANY(%(winners)s) AND removed_at IS NULL
    UNION SELECT back.lead_id, lead.id FROM back JOIN leads_lead AS lead ON lead.merged_into_id = back.came_from
)
UPDATE leads_task AS task SET lead_id = back.lead_id, came_from_id = NULLIF(task.came_from_id, back.lead_id),
    user_id = CASE WHEN task.left_by_id IS NULL THEN task.user_id
        WHEN task.came_from_id = back.lead_id THEN task.left_by_id ELSE lead.holder_id END,
    left_by_id = CASE WHEN task.came_from_id <> back.lead_id THEN task.left_by_id END
FROM back JOIN leads_lead AS lead ON lead.id = back.lead_id
WHERE task.lead_id = ANY(%(winners)s) AND task.came_from_id = back.came_from
"""


def parts() -> dict[str, Any]:
    """All that a merge may touch of a lead."""
    columns = {name: name for name in KEPT} | {"tags": Func("tags", function="to_jsonb", output_field=JSONField())}
    points = ContactPoint.objects.filter(lead=OuterRef("pk")).order_by("kind", "value")
    listed = ArraySubquery(points.values_list(JSONObject(**{name: name for name in POINT})))
    return {
        "lead": JSONObject(**columns),
        "points": listed,
        "slots": slots_image(),
        "shares": shares_image(),
    }


def unmerge(act: Act, lead_ids: Sequence[int]) -> None:
    """Make these leads again what the images of the undone batch say; those that lose their place lose all ties."""
    there = Lead.objects.filter(pk__any_of=list(lead_ids), removed_at=None).order_by("pk")
    before = set(there.values_list("pk", flat=True))
    winners = _winners(lead_ids)
    given = {"leads": list(lead_ids), "undone": act.batch.undoes_id, **act.cause}
    record_select((*FACT, *ENDS, *CAUSE, "detail"), FACTS, given, changing=BACK)
    if gone := sorted(before - set(there.values_list("pk", flat=True))):  # undone and undone again
        company_id, actor_id = act.batch.company_id, act.actor.pk
        signals.removed.send(sender=Lead, company_id=company_id, lead_ids=gone, actor_id=actor_id)
    with connection.cursor() as cursor:
        cursor.execute(LOSE, given)
        cursor.execute(GAIN, given)
        cursor.execute(UNSAY, {**given, "winners": winners})
        again = _into(lead_ids)
        for statement in (CONSENTS, TASKS):
            cursor.execute(statement, {"gone": list(again), "kept": list(again.values())})
    count_calls([*lead_ids, *winners, *_winners(lead_ids)])
    reopen_removed(act.batch.company_id, lead_ids)
    restore_slots(act, lead_ids)
    with connection.cursor() as cursor:
        cursor.execute(TASKS_BACK, {**given, "winners": winners})
    restore_shares(act, lead_ids)
    reindex(list(lead_ids))


def _winners(lead_ids: Sequence[int]) -> list[int]:
    """What these went into."""
    return list(_into(lead_ids).values())


def _into(lead_ids: Sequence[int]) -> dict[int, int]:
    rows = Lead.objects.filter(pk__any_of=list(lead_ids), merged_into__isnull=False).order_by("pk")
    return {gone: kept for gone, kept in rows.values_list("pk", "merged_into") if kept}
