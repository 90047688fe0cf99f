from django.db import migrations

# D5, as in 0003; and whoever had the lead before her is named in a notice to the connection that took it away, which rings
# her open desk once that is committed (dialer/services/ringing.py).
TAKEN_OUT = """
CREATE OR REPLACE FUNCTION leave_hopper() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    session bigint;
    person bigint;
BEGIN
    IF TG_ARGV[0] = 'stage' AND (SELECT kind = 'open' FROM leads_stage WHERE id = NEW.stage_id) THEN
        RETURN NULL;
    END IF;
    DELETE FROM dialer_hopperentry WHERE lead_id = NEW.id RETURNING reserved_by_id INTO session;
    IF session IS NOT NULL THEN
        UPDATE dialer_agentsession SET lead_id = NULL, state = 'ready', state_at = now()
        WHERE id = session AND lead_id = NEW.id AND state = 'preview' RETURNING user_id INTO person;
        IF person IS NOT NULL THEN
            RAISE NOTICE USING ERRCODE = 'FL001', MESSAGE = person::text;
        END IF;
    END IF;
    RETURN NULL;
END $$;
"""
LISTED = """
CREATE OR REPLACE FUNCTION listed_leave_hopper() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person bigint;
BEGIN
    FOR person IN
        WITH listed AS (
            SELECT entry.id, entry.reserved_by_id AS session
            FROM added
            JOIN leads_contactpoint AS point
                ON (point.company_id, point.kind, point.value) = (added.company_id, 'phone', added.number)
            JOIN dialer_hopperentry AS entry ON entry.lead_id = point.lead_id FOR UPDATE OF entry SKIP LOCKED
        ), gone AS (
            DELETE FROM dialer_hopperentry AS entry USING listed WHERE entry.id = listed.id
        ), before AS (
            SELECT id FROM dialer_agentsession WHERE id IN (SELECT session FROM listed) AND state = 'preview'
            FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE dialer_agentsession AS session SET lead_id = NULL, state = 'ready', state_at = now()
        FROM before WHERE session.id = before.id RETURNING session.user_id
    LOOP
        RAISE NOTICE USING ERRCODE = 'FL001', MESSAGE = person::text;
    END LOOP;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("dialer", "0012_added_leads_index"),
    ]

    operations = [
        migrations.RunSQL(TAKEN_OUT + LISTED, migrations.RunSQL.noop),
    ]
