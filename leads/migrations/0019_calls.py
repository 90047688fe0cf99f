from django.db import migrations, models

# a call to the lead is an attempt; one it made itself is not. Both sides of an activity that moves are counted anew
CALLS = """
CREATE FUNCTION refresh_calls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM changed WHERE kind = 'call' AND direction <> 'in') THEN RETURN NULL; END IF;
    PERFORM 1 FROM leads_lead WHERE id IN (SELECT lead_id FROM changed WHERE kind = 'call')
    ORDER BY id FOR NO KEY UPDATE;
    UPDATE leads_lead AS lead
    SET attempts = calls.number, last_called_at = calls.last, last_outcome = coalesce(calls.outcome, '')
    FROM (
        SELECT touched.lead_id, count(call.id) AS number, max(call.at) AS last,
            (array_agg(call.outcome ORDER BY call.at DESC, call.id DESC))[1] AS outcome
        FROM (SELECT DISTINCT lead_id FROM changed WHERE kind = 'call') AS touched
        LEFT JOIN leads_activity AS call
            ON call.lead_id = touched.lead_id AND call.kind = 'call' AND call.direction <> 'in'
        GROUP BY touched.lead_id
    ) AS calls
    WHERE lead.id = calls.lead_id
        AND (lead.attempts, lead.last_called_at, lead.last_outcome)
            IS DISTINCT FROM (calls.number, calls.last, coalesce(calls.outcome, ''));
    RETURN NULL;
END $$;
CREATE TRIGGER call_made AFTER INSERT ON leads_activity
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refresh_calls();
CREATE TRIGGER call_put AFTER UPDATE ON leads_activity
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refresh_calls();
CREATE TRIGGER call_taken AFTER UPDATE ON leads_activity
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refresh_calls();
CREATE TRIGGER call_gone AFTER DELETE ON leads_activity
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refresh_calls();
"""
UNDONE = """
DROP TRIGGER call_gone ON leads_activity;
DROP TRIGGER call_taken ON leads_activity;
DROP TRIGGER call_put ON leads_activity;
DROP TRIGGER call_made ON leads_activity;
DROP FUNCTION refresh_calls;
"""


class Migration(migrations.Migration):
    """Calls made so far are counted by the next migration."""

    dependencies = [("leads", "0018_batch_items_by_lead")]
    operations = [
        migrations.AddField(
            model_name="lead",
            name="attempts",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False, help_text="Calls made to it."),
        ),
        migrations.AddField(
            model_name="lead", name="last_called_at", field=models.DateTimeField(editable=False, null=True)
        ),
        migrations.AddField(
            model_name="lead",
            name="last_outcome",
            field=models.CharField(db_default="", default="", editable=False, max_length=16),
        ),
        migrations.RunSQL(CALLS, UNDONE),
    ]
