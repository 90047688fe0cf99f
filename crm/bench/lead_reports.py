"""Reports that count leads, over all there are: each page whole, and its figures beside a statement by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.bench.askers import Asker, asking
from crm.bench.figures import Figure
from crm.bench.people import signed_in
from crm.bench.stopwatch import by_hand, milliseconds, slow, statements, typical
from permissions.access import Level
from routing.reports.reach import Reach

RUNS = 5
ROLES = ("company admin", "company admin, private", "office admin", "team lead", "small agent")
TARGET = "request 300 ms, 20 queries; database 2 times that by hand, or 30 ms more"
ALL = re.compile(r"<tfoot>.*?<td[^>]*>(?:<a[^>]*>)?([\d,]+)", re.DOTALL)
ORIGINATED = """
SELECT {key}, count(*), count(last_contact_at), max(last_contact_at), count(owner_user_id),
    count(*) FILTER (WHERE last_contact_at >= now() - interval '7 days'),
    count(*) FILTER (WHERE stage.kind = 'open'), count(*) FILTER (WHERE stage.kind = 'won'),
    count(*) FILTER (WHERE stage.kind = 'lost'), count(*) FILTER (WHERE stage.kind = 'archived')
FROM leads_lead JOIN leads_stage AS stage ON stage.id = stage_id
WHERE leads_lead.company_id = %(company)s AND removed_at IS NULL AND origin = 'company' AND {seen} AND {scope}
    AND created_at >= %(since)s
GROUP BY 1
"""
HELD = """
SELECT holder_id, stage_id, count(*), count(*) FILTER (WHERE last_contact_at IS NULL),
    count(*) FILTER (WHERE last_contact_at >= now() - interval '1 day'),
    count(*) FILTER (WHERE last_contact_at >= now() - interval '7 days')
FROM leads_lead
WHERE company_id = %(company)s AND removed_at IS NULL AND {seen}
    AND (holder_id = ANY (%(people)s) OR holder_id IS NULL AND owner_unit_id = ANY (%(units)s))
GROUP BY 1, 2
"""
FIRST = """
SELECT id FROM leads_lead JOIN (SELECT id AS stage FROM leads_stage WHERE kind = 'open') AS open ON stage_id = stage
WHERE company_id = %(company)s AND removed_at IS NULL AND {seen}
    AND (holder_id = ANY (%(people)s) OR holder_id IS NULL AND owner_unit_id = ANY (%(units)s))
ORDER BY last_contact_at NULLS FIRST, id LIMIT 51
"""
SCOPE = "(origin_unit_id = ANY (%(units)s) OR owner_unit_id = ANY (%(units)s) OR holder_id = ANY (%(people)s))"


@dataclass(frozen=True)
class Asked:
    name: str
    days: int = 0
    by: str = "unit"
    key: str = "origin_unit_id"

    @property
    def query(self) -> dict[str, Any]:
        return {"period": self.days, "by": self.by} if self.days else {}

    def __str__(self) -> str:
        return f"report {self.name}{f' of {self.days} days by {self.by}' if self.days else ''}"

    def by_hand(self, asker: Asker) -> list[tuple[str, dict[str, Any]]]:
        """Statements and their parameters."""
        seen, params = asker.seen(Level.VIEW)
        reach = Reach(asker.user)
        values = {
            **params,
            "company": asker.user.company_id,
            "units": reach.managed,
            "people": list(reach.team().values_list("pk", flat=True)),
            "since": midnight(self.days - 1, asker.user.company.time_zone),
        }
        scope = "true" if reach.is_whole else SCOPE
        texts = [HELD, FIRST] if self.name == "board" else [ORIGINATED]
        return [(text.format(key=self.key, seen=seen, scope=scope), values) for text in texts]


def midnight(days: int, zone: str) -> datetime:
    """So many days ago."""
    today = timezone.localtime(timezone=ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)


ASKED = (
    Asked("leads", 90),
    Asked("leads", 365),
    Asked("leads", 365, "source", "source_id"),
    Asked("leads", 365, "agent", "holder_id"),
    Asked("board"),
)


def figures() -> Iterator[Figure]:
    for role in ROLES:
        with asking(role) as asker:
            client = signed_in(asker)
            yield from (measure(client, asker, asked) for asked in ASKED)


def measure(client: Client, asker: Asker, asked: Asked) -> Figure:
    """The page and the statement must count as many leads."""
    statement_by_hand = [by_hand(*one) for one in asked.by_hand(asker)]
    column = 2 if asked.name == "board" else 1
    assert ask(client, asked) in (None, sum(row[column] for row in statement_by_hand[0]()))
    requests: list[float] = []
    ours: list[float] = []
    raw: list[float] = []
    queries = 0
    for _ in range(RUNS):
        with statements() as watch:
            requests.append(milliseconds(lambda: ask(client, asked)))
        queries = len(watch.taken)
        ours.append(watch.spent_on(lambda sql: '"leads_lead"' in sql))
        raw.append(sum(milliseconds(one) for one in statement_by_hand))
    in_database, hand, middle = typical(ours), typical(raw), typical(requests)
    ok = middle <= 300 and queries <= 20 and in_database <= max(2 * hand, hand + 30)
    return Figure(
        str(asked),
        asker.role,
        in_database,
        hand,
        round(in_database / hand, 2),
        TARGET,
        ok,
        middle,
        slow(requests),
        queries,
    )


def ask(client: Client, asked: Asked) -> int | None:
    """How many the page says there are; None where it has one row only, and so no sum."""
    response = client.get(reverse("report", args=[asked.name]), asked.query, secure=settings.SECURE)
    assert response.status_code == 200, response.status_code
    found = ALL.search(response.content.decode())
    return int(found[1].replace(",", "")) if found else None
