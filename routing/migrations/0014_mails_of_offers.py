from django.db import migrations

# step by step, each by an index: as one statement it is planned once, and badly while there are few notifications
NOTE_MAIL = """
CREATE OR REPLACE FUNCTION note_mail() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told notifications_notification;
BEGIN
    SELECT * INTO told FROM notifications_notification WHERE id = NEW.notification_id;
    IF told.kind = 'offer' AND told.lead_id IS NOT NULL THEN
        UPDATE routing_offer SET notified_at = NEW.sent_at
        WHERE lead_id = told.lead_id AND user_id = told.user_id AND offered_at <= told.created_at
            AND coalesce(closed_at, deadline) >= told.created_at
            AND (notified_at IS NULL OR notified_at > NEW.sent_at);
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("routing", "0013_moments_so_far")]
    operations = [migrations.RunSQL(NOTE_MAIL, migrations.RunSQL.noop)]
