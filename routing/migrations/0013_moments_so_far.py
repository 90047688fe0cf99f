from typing import Any

from django.db import migrations

AT_ONCE = 5_000


def fill_in(apps: Any, schema_editor: Any) -> None:
    """In stretches of ids, each committed by itself."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM routing_offer")
        for after in range(0, cursor.fetchone()[0], AT_ONCE):
            of_these = "SELECT id FROM routing_offer WHERE id > %s AND id <= %s ORDER BY id"
            cursor.execute(f"SELECT refresh_offers(ARRAY({of_these}))", [after, after + AT_ONCE])


class Migration(migrations.Migration):
    """Beside the writers."""

    atomic = False
    dependencies = [("routing", "0012_moments_of_offers")]
    operations = [migrations.RunPython(fill_in, migrations.RunPython.noop)]
