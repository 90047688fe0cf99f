"""The page of a lead with five hundred entries on its timeline."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.test import Client
from django.urls import reverse

from crm.bench.askers import Asker, asking
from crm.bench.building import SMALL_AGENT
from crm.bench.figures import Figure
from crm.bench.people import RUNS, WARM_UP, signed_in
from crm.bench.stopwatch import by_hand, milliseconds, slow, statements, typical
from leads.models import Lead

TARGET = "request 60 ms, 15 queries"
LEAD = """
SELECT lead.*, stage.name, source.name, unit.name, person.name, agent.name
FROM leads_lead AS lead
JOIN leads_stage AS stage ON stage.id = lead.stage_id
LEFT JOIN leads_source AS source ON source.id = lead.source_id
LEFT JOIN organization_unit AS unit ON unit.id = lead.owner_unit_id
LEFT JOIN organization_user AS person ON person.id = lead.owner_user_id
LEFT JOIN organization_user AS agent ON agent.id = lead.agent_id
WHERE lead.public_id = %(public_id)s AND lead.company_id = %(company)s
"""
POINTS = "SELECT kind, value FROM leads_contactpoint WHERE lead_id = %(lead)s ORDER BY position"
SLOTS = """
SELECT role, name, since FROM leads_assignment JOIN organization_user AS person ON person.id = user_id
WHERE lead_id = %(lead)s
"""
TIMELINE = """
(SELECT at, 0 AS rank, act.id, kind, body, person.name FROM leads_activity AS act
    LEFT JOIN organization_user AS person ON person.id = actor_id
    WHERE lead_id = %(lead)s ORDER BY at DESC, act.id DESC LIMIT 51)
UNION ALL
(SELECT at, 1, fact.id, kind, why, person.name FROM permissions_ledgerentry AS fact
    LEFT JOIN organization_user AS person ON person.id = actor_id
    WHERE lead_id = %(lead)s ORDER BY at DESC, fact.id DESC LIMIT 51)
ORDER BY at DESC, rank DESC, id DESC LIMIT 51
"""


def figures() -> Iterator[Figure]:
    lead = Lead.objects.filter(agent__email=SMALL_AGENT, owner_unit__isnull=False).order_by("pk")[0]
    for role in ("small agent", "team lead", "company admin"):
        with asking(role) as asker:
            yield measure(signed_in(asker), asker, lead)


def measure(client: Client, asker: Asker, lead: Lead) -> Figure:
    params = {"lead": lead.pk, "public_id": lead.public_id, "company": lead.company_id}
    all_by_hand = [by_hand(statement, params) for statement in (LEAD, POINTS, SLOTS, TIMELINE)]
    address = reverse("lead", args=[lead.public_id])
    ours: list[float] = []
    raw: list[float] = []
    requests: list[float] = []
    queries = 0
    for run in range(WARM_UP + RUNS):
        with statements() as watch:
            taken = milliseconds(lambda: client.get(address, secure=settings.SECURE))
        if run < WARM_UP:
            continue
        queries = len(watch.taken)
        requests.append(taken)
        ours.append(sum(ms for _, ms in watch.taken))
        raw.append(sum(milliseconds(statement) for statement in all_by_hand))
    middle = typical(requests)
    return Figure(
        figure="lead page, 500 timeline entries",
        role=asker.role,
        ours_ms=typical(ours),
        raw_ms=typical(raw),
        ratio=round(typical(ours) / typical(raw), 2),
        target=TARGET,
        ok=middle <= 60 and queries <= 15,
        request_ms_median=middle,
        request_ms_p95=slow(requests),
        queries=queries,
    )
