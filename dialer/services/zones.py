"""Filling the tables that say where numbers and postal codes are, when the libraries are new; and what leads have of it."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from dialer.models import AreaZone, PostalZone, ZoneSet, ZoneSource
from dialer.models.zones import UNKNOWN
from dialer.zone_tables import Zones, areas, deeper, every_zone, places, versions

LEADS_AT_ONCE = 5_000
REFRESH = """
SELECT refresh_dialing(array_agg(DISTINCT lead_id)) FROM leads_contactpoint
WHERE kind = 'phone' AND lead_id > %(after)s AND lead_id <= %(after)s + %(step)s HAVING count(*) > 0
"""


def on_migrated(sender: object, **kwargs: Any) -> None:
    """After each migration; it costs a look where there is nothing new. Backwards, the tables may be gone."""
    if ZoneSource._meta.db_table in connection.introspection.table_names():
        load_zones()


def load_zones() -> bool:
    """Whether the libraries are others than last time. Then all is read anew, the leads in stretches of ids."""
    if ZoneSource.objects.filter(versions=versions()).exists():
        return False
    _fill()
    refresh_leads()
    ZoneSource.objects.update_or_create(pk=1, defaults={"versions": versions()})
    return True


@transaction.atomic
def _fill() -> None:
    by_number, by_place = areas(), places()
    ids = _sets(
        {(zone,) for zone in every_zone()} | {*by_number.values()} | {place.zones for place in by_place.values()}
    )
    AreaZone.objects.all().delete()
    PostalZone.objects.all().delete()
    split = deeper(by_number)
    AreaZone.objects.bulk_create(
        AreaZone(prefix=prefix, zone_set_id=ids[zones], deeper=prefix in split) for prefix, zones in by_number.items()
    )
    PostalZone.objects.bulk_create(
        PostalZone(prefix=prefix, zone_set_id=ids[place.zones], state=place.state) for prefix, place in by_place.items()
    )


def _sets(wanted: set[Zones]) -> dict[Zones, int]:
    """The id of each set of zones; those that are known keep theirs."""
    ids = {tuple(one.zones): one.pk for one in ZoneSet.objects.order_by("pk")}
    new = sorted({(), *wanted} - ids.keys())  # of a fresh table, the empty one is the first
    added = {zones: max(ids.values(), default=UNKNOWN - 1) + number for number, zones in enumerate(new, start=1)}
    ZoneSet.objects.bulk_create(ZoneSet(pk=pk, zones=list(zones)) for zones, pk in added.items())
    return ids | added


def refresh_leads() -> None:
    """Derive again, from the tables as they are, what is kept of every lead with a phone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(lead_id), 0) FROM leads_contactpoint")
        for after in range(0, cursor.fetchone()[0], LEADS_AT_ONCE):
            cursor.execute(REFRESH, {"after": after, "step": LEADS_AT_ONCE})
