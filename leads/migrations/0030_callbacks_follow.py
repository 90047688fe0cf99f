from __future__ import annotations

from django.db import migrations

# D11: who was promised a call gets it from whoever holds the lead then; where nobody does, from anyone who works it. Of a
# lead that nobody held these are the callbacks promised at a desk. What is anyone's stays so.
FOLLOW = """
CREATE FUNCTION callbacks_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE leads_task SET user_id = NEW.holder_id, reminded_at = NULL
    WHERE lead_id = NEW.id AND kind = 'callback' AND done_at IS NULL AND dropped_at IS NULL
        AND user_id IS NOT NULL AND user_id IS DISTINCT FROM NEW.holder_id
        AND CASE WHEN OLD.holder_id IS NULL THEN campaign_id IS NOT NULL ELSE user_id = OLD.holder_id END;
    RETURN NULL;
END $$;
CREATE TRIGGER callbacks_follow AFTER UPDATE OF owner_unit_id, owner_user_id, agent_id ON leads_lead
    FOR EACH ROW WHEN (NEW.holder_id IS DISTINCT FROM OLD.holder_id) EXECUTE FUNCTION callbacks_follow();
"""
STAY = """
DROP TRIGGER callbacks_follow ON leads_lead;
DROP FUNCTION callbacks_follow();
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0029_undelivered")]
    operations = [migrations.RunSQL(FOLLOW, STAY)]
