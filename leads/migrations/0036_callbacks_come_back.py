from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# D11: who was promised a call gets it from whoever holds the lead then; where nobody does, from anyone who works it, until
# she who promised it holds the lead again. Of a lead that nobody held these are the callbacks promised at a desk. What was
# anyone's from the beginning stays so.
FOLLOW = """
CREATE OR REPLACE FUNCTION callbacks_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE leads_task SET user_id = NEW.holder_id, reminded_at = NULL,
        left_by_id = CASE WHEN NEW.holder_id IS NULL THEN user_id WHEN user_id IS NOT NULL THEN left_by_id END
    WHERE lead_id = NEW.id AND kind = 'callback' AND done_at IS NULL AND dropped_at IS NULL
        AND user_id IS DISTINCT FROM NEW.holder_id
        AND CASE WHEN user_id IS NULL THEN left_by_id = NEW.holder_id
            WHEN OLD.holder_id IS NULL THEN campaign_id IS NOT NULL ELSE user_id = OLD.holder_id END;
    RETURN NULL;
END $$;
"""
FOLLOWED = """
CREATE OR REPLACE FUNCTION callbacks_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE leads_task SET user_id = NEW.holder_id, reminded_at = NULL
    WHERE lead_id = NEW.id AND kind = 'callback' AND done_at IS NULL AND dropped_at IS NULL
        AND user_id IS NOT NULL AND user_id IS DISTINCT FROM NEW.holder_id
        AND CASE WHEN OLD.holder_id IS NULL THEN campaign_id IS NOT NULL ELSE user_id = OLD.holder_id END;
    RETURN NULL;
END $$;
"""


def pointer(to: str, **more: str) -> models.ForeignKey[models.Model, models.Model]:
    return models.ForeignKey(
        to,
        django.db.models.deletion.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        **more,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0035_consents_that_came_along"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField("task", "left_by", pointer(settings.AUTH_USER_MODEL)),
        migrations.AddField(
            "task",
            "came_from",
            pointer("leads.lead", help_text="The lead it was planned with, which was merged into this one."),
        ),
        migrations.RunSQL(FOLLOW, FOLLOWED),
    ]
