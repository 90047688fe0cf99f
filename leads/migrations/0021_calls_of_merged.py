from django.db import migrations

# the calls to a lead are its own and those of all that went into it, by whatever way
COUNT = """
CREATE FUNCTION count_calls(leads bigint[]) RETURNS void LANGUAGE sql AS $$
    UPDATE leads_lead AS lead
    SET attempts = calls.number, last_called_at = calls.last, last_outcome = coalesce(calls.outcome, '')
    FROM (
        WITH RECURSIVE part (root, id) AS (
            SELECT id, id FROM unnest(leads) AS asked (id)
            UNION SELECT part.root, lead.id FROM leads_lead AS lead JOIN part ON lead.merged_into_id = part.id
        )
        SELECT part.root AS lead_id, count(call.id) AS number, max(call.at) AS last,
            (array_agg(call.outcome ORDER BY call.at DESC, call.id DESC))[1] AS outcome
        FROM part LEFT JOIN leads_activity AS call
            ON call.lead_id = part.id AND call.kind = 'call' AND call.direction <> 'in'
        GROUP BY part.root
    ) AS calls
    WHERE lead.id = calls.lead_id
        AND (lead.attempts, lead.last_called_at, lead.last_outcome)
            IS DISTINCT FROM (calls.number, calls.last, coalesce(calls.outcome, ''));
$$;
CREATE OR REPLACE FUNCTION refresh_calls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM changed WHERE kind = 'call' AND direction <> 'in') THEN RETURN NULL; END IF;
    PERFORM 1 FROM leads_lead WHERE id IN (SELECT lead_id FROM changed WHERE kind = 'call')
    ORDER BY id FOR NO KEY UPDATE;
    PERFORM count_calls(array(SELECT DISTINCT lead_id FROM changed WHERE kind = 'call'));
    RETURN NULL;
END $$;
"""
UNDONE = "DROP FUNCTION count_calls(bigint[]) CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("leads", "0020_calls_made")]
    operations = [migrations.RunSQL(COUNT, UNDONE)]
