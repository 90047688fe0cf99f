"""What a chunk's leads were and what they became, kept by the database: images never leave it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from leads.batches.judging import judged
from leads.batches.verb import Act, MassVerb
from leads.models import BatchChunk, Lead
from leads.querysets import LeadQuerySet

# every waiting item of the chunk, until its transaction ends: why it is skipped, or what the lead was
TABLE = """
CREATE TEMPORARY TABLE IF NOT EXISTS batch_chunk (lead_id bigint PRIMARY KEY, reason text NOT NULL, before jsonb)
ON COMMIT DELETE ROWS
"""
JUDGE = """
WITH judged (lead_id, reason, before) AS MATERIALIZED ({judged})
INSERT INTO batch_chunk (lead_id, reason, before)
SELECT item.lead_id, coalesce(judged.reason, 'gone'), CASE judged.reason WHEN '' THEN judged.before END
FROM leads_batchitem AS item LEFT JOIN judged USING (lead_id)
WHERE item.batch_id = %s AND item.number > %s AND item.number <= %s AND item.outcome = ''
"""
CHANGING = "SELECT lead_id FROM batch_chunk WHERE reason = '' ORDER BY lead_id"
COMPARE = """
WITH now (lead_id, after) AS MATERIALIZED ({now}), became AS MATERIALIZED (
    SELECT lead_id, before, after,
        CASE WHEN before = after AND lead_id <> ALL(%s::bigint[]) THEN 'same' ELSE reason END AS reason
    FROM batch_chunk LEFT JOIN now USING (lead_id)
), told AS (
    UPDATE leads_batchitem AS item SET before = became.before, after = became.after, reason = became.reason,
        outcome = CASE became.reason WHEN '' THEN 'changed' ELSE 'skipped' END
    FROM became
    WHERE item.batch_id = %s AND item.number > %s AND item.number <= %s AND item.lead_id = became.lead_id
    RETURNING item.outcome
)
SELECT count(*) FILTER (WHERE outcome = 'changed') FROM told
"""


def judge(act: Act, verb: MassVerb, leads: LeadQuerySet, chunk: BatchChunk) -> list[int]:
    """Say of each waiting lead why it is skipped, or what it is: the ids of those that change."""
    # what is to be undone is as the undone batch left it, or is skipped
    before = F("became") if act.batch.undoes else verb.image(act)
    rows = judged(leads, act).annotate(before=before).order_by().values_list("pk", "reason", "before")
    select, params = _compiled(rows)
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute("DELETE FROM batch_chunk")
        cursor.execute(JUDGE.format(judged=select), [*params, act.batch.pk, chunk.after, chunk.upto])
        cursor.execute(CHANGING)
        return [pk for (pk,) in cursor.fetchall()]


def compare(act: Act, verb: MassVerb, changing: Collection[int], chunk: BatchChunk) -> int:
    """Keep what each lead was and what it became: how many have changed."""
    became = Lead.objects.filter(pk__any_of={*changing}).annotate(image=verb.image(act)).values_list("pk", "image")
    now, params = _compiled(became)
    known: list[Any] = [list(verb.touched(act, changing)), act.batch.pk, chunk.after, chunk.upto]
    with connection.cursor() as cursor:
        cursor.execute(COMPARE.format(now=now), [*params, *known])
        return int(cursor.fetchone()[0])


def _compiled(rows: QuerySet[Lead, Any]) -> tuple[str, Sequence[Any]]:
    select, params = rows.query.get_compiler(connection=connection).as_sql()
    return select, params
