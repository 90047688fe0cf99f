"""The files of an export of 100,000 leads, fetched whole, beside the COPY of the same columns by hand."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

from crm.bench.askers import Asker, asking
from crm.bench.batches import teams
from crm.bench.database import clone, connected_to
from crm.bench.figures import Rate
from leads.batches.drafting import confirm, draft, preview
from leads.batches.running import carry_on
from leads.batches.scope import matching
from leads.exporting import COLUMNS, lines_of_file
from leads.models import Batch

TARGET = "100,000 within a minute, in 50 MB at most"
LEAST = 1_700  # rows/s
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
BY_HAND = """
COPY (
    SELECT first_name, last_name, company_name, phones, emails, street, city, state, postal_code, lead.time_zone, language,
        lead.kind, source.name, stage.name, array_to_string(tags, ', '), score, price_min, price_max, do_not_call,
        coalesce(unit.name, owner.name), agent.name, origin.name, hidden, lead.created_at, last_activity_at,
        last_contact_at
    FROM leads_batchitem AS item JOIN leads_lead AS lead ON lead.id = item.lead_id
    JOIN leads_stage AS stage ON stage.id = stage_id LEFT JOIN leads_source AS source ON source.id = source_id
    LEFT JOIN organization_unit AS unit ON unit.id = owner_unit_id
    LEFT JOIN organization_user AS owner ON owner.id = owner_user_id
    LEFT JOIN organization_user AS agent ON agent.id = agent_id
    LEFT JOIN organization_unit AS origin ON origin.id = origin_unit_id
    LEFT JOIN LATERAL (
        SELECT string_agg(value, '; ' ORDER BY position, id) FILTER (WHERE kind = 'phone') AS phones,
            string_agg(value, '; ' ORDER BY position, id) FILTER (WHERE kind = 'email') AS emails
        FROM leads_contactpoint WHERE lead_id = lead.id
    ) AS points ON true
    WHERE item.batch_id = {batch} ORDER BY item.number
) TO STDOUT WITH (FORMAT csv)
"""


def figures(database: str) -> Iterator[Rate]:
    """On a copy of the benchmark's database, dropped afterwards."""
    with clone(database) as copied, connected_to(copied), asking("company admin") as asker:
        for kind in ("csv", "xlsx"):
            yield fetched(asker, exported(asker, kind))


def exported(asker: Asker, kind: str) -> Batch:
    _, chosen = teams(asker)
    batch = draft(actor=asker.user, verb="export", scope=matching("&".join(f"owner=unit-{pk}" for pk in chosen)))
    preview(actor=asker.user, batch=batch, params={"format": kind, "columns": list(COLUMNS)})
    confirm(actor=asker.user, batch=batch)
    carry_on(batch.pk)
    batch.refresh_from_db()
    return batch


def fetched(asker: Asker, batch: Batch) -> Rate:
    before = peak_memory()
    started = time.monotonic()
    size = sum(map(len, lines_of_file(batch, asker.user)))
    taken = time.monotonic() - started
    megabytes = (peak_memory(again=False) - before) // 1024
    assert size > batch.changed
    ours, raw = round(batch.changed / taken), round(batch.changed / by_hand(batch))
    name = f"file of {batch.changed:,} leads, {batch.params['format']}"
    ok = ours >= LEAST and megabytes <= 50
    return Rate(name, asker.role, ours, raw, round(ours / raw, 2), megabytes, TARGET, ok)


def by_hand(batch: Batch) -> float:
    """Seconds."""
    started = time.monotonic()
    with connection.cursor() as cursor, cursor.copy(BY_HAND.format(batch=batch.pk)) as copy:
        for _ in copy:
            pass
    return time.monotonic() - started


def peak_memory(*, again: bool = True) -> int:
    """The most memory this process has taken, in kB; counted from now, `again`."""
    if again:
        Path("/proc/self/clear_refs").write_text("5")
    found = PEAK.search(Path("/proc/self/status").read_text())
    assert found
    return int(found[1])
