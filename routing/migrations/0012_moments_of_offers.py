from django.db import migrations, models

# told by a mail that named this lead alone; contacted by hand; the latter two only after the offer was made
MOMENTS = """
CREATE FUNCTION lead_received_at(lead bigint) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT request.received_at FROM routing_inboundlead AS came
        JOIN routing_inboundrequest AS request ON request.id = came.request_id
        WHERE came.lead_id = lead AND came.state = 'created' ORDER BY came.id LIMIT 1
    ), (SELECT created_at FROM leads_lead WHERE id = lead))
$$;
CREATE FUNCTION refresh_offers(ids bigint[]) RETURNS void LANGUAGE sql AS $$
    UPDATE routing_offer AS offer SET is_first = found.is_first, received_at = found.received_at,
        notified_at = found.notified_at, contacted_at = found.contacted_at
    FROM (
        SELECT id,
            has_come AND NOT EXISTS (
                SELECT FROM routing_offer AS earlier
                WHERE earlier.rotation_id = one.rotation_id AND earlier.id < one.id
            ) AS is_first,
            CASE WHEN has_come THEN lead_received_at(one.lead_id) END AS received_at,
            (
                SELECT min(mail.sent_at) FROM notifications_notification AS told
                JOIN notifications_delivery AS mail ON mail.notification_id = told.id AND mail.channel = 'email'
                WHERE told.company_id = one.company_id AND told.kind = 'offer' AND told.lead_id = one.lead_id
                    AND told.user_id = one.user_id AND told.created_at >= one.offered_at
                    AND told.created_at <= coalesce(one.closed_at, one.deadline)
            ) AS notified_at,
            (
                SELECT min(at) FROM leads_activity AS act
                WHERE act.lead_id = one.lead_id AND act.actor_id = one.user_id AND act.at >= one.offered_at
                    AND kind IN ('call', 'text', 'email', 'meeting') AND direction <> 'in' AND NOT automatic AND NOT bulk
            ) AS contacted_at
        FROM (
            SELECT offer.*, NOT EXISTS (
                SELECT FROM routing_rotation AS way WHERE way.lead_id = offer.lead_id AND way.id < offer.rotation_id
            ) AND NOT EXISTS (
                SELECT FROM routing_decision AS decision
                WHERE decision.lead_id = offer.lead_id AND decision.rotation_id = offer.rotation_id AND cause = 'cold'
            ) AS has_come FROM routing_offer AS offer WHERE id = ANY(ids)
        ) AS one
    ) AS found
    WHERE offer.id = found.id
$$;
CREATE FUNCTION note_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE routing_offer SET contacted_at = NEW.at
    WHERE lead_id = NEW.lead_id AND user_id = NEW.actor_id AND offered_at <= NEW.at
        AND (contacted_at IS NULL OR contacted_at > NEW.at);
    RETURN NULL;
END $$;
CREATE TRIGGER offer_contacted AFTER INSERT ON leads_activity FOR EACH ROW
    WHEN (NEW.kind IN ('call', 'text', 'email', 'meeting') AND NEW.direction <> 'in' AND NOT NEW.automatic AND NOT NEW.bulk)
    EXECUTE FUNCTION note_contact();
CREATE FUNCTION note_mail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE routing_offer AS offer SET notified_at = NEW.sent_at
    FROM notifications_notification AS told
    WHERE told.id = NEW.notification_id AND told.kind = 'offer' AND offer.lead_id = told.lead_id
        AND offer.user_id = told.user_id AND told.created_at >= offer.offered_at
        AND told.created_at <= coalesce(offer.closed_at, offer.deadline)
        AND (notified_at IS NULL OR notified_at > NEW.sent_at);
    RETURN NULL;
END $$;
CREATE TRIGGER offer_mailed AFTER INSERT OR UPDATE OF sent_at ON notifications_delivery FOR EACH ROW
    WHEN (NEW.channel = 'email' AND NEW.sent_at IS NOT NULL) EXECUTE FUNCTION note_mail();
CREATE FUNCTION note_winner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_offers(ARRAY[NEW.id]);
    RETURN NULL;
END $$;
CREATE TRIGGER offer_won AFTER UPDATE OF user_id ON routing_offer FOR EACH ROW
    WHEN (OLD.user_id IS NULL AND NEW.user_id IS NOT NULL) EXECUTE FUNCTION note_winner();
"""
UNDONE = """
DROP TRIGGER offer_won ON routing_offer;
DROP TRIGGER offer_mailed ON notifications_delivery;
DROP TRIGGER offer_contacted ON leads_activity;
DROP FUNCTION note_winner, note_mail, note_contact, refresh_offers, lead_received_at;
"""


class Migration(migrations.Migration):
    """Those of offers made so far are filled in by the next migration."""

    dependencies = [
        ("routing", "0011_decisions_in_turn"),
        ("leads", "0023_items_made_with_their_batch"),
        ("notifications", "0004_of_offers"),
    ]
    operations = [
        migrations.AddField(
            model_name="offer",
            name="is_first",
            field=models.BooleanField(db_default=False, default=False, help_text="Of its lead: nobody had it before."),
        ),
        migrations.AddField(
            model_name="offer",
            name="received_at",
            field=models.DateTimeField(help_text="When its lead came; empty on a later way.", null=True),
        ),
        migrations.AddField(
            model_name="offer",
            name="notified_at",
            field=models.DateTimeField(help_text="When the mail about it was sent.", null=True),
        ),
        migrations.AddField(
            model_name="offer",
            name="contacted_at",
            field=models.DateTimeField(
                help_text="When she was first in touch with the lead since, by hand.", null=True
            ),
        ),
        migrations.RunSQL(MOMENTS, UNDONE),
    ]
