"""A chunk of rows becomes leads: by COPY, then ledger and search text in sets. Nothing here goes row by row.

The rows themselves are kept too, each with its outcome; their cells only where no lead was made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from json import JSONEncoder
from typing import Any

from django.db import connection

from leads.imports.duplicates import skip_duplicates
from leads.imports.matching import CUSTOM, EMAIL, NAME, PHONE
from leads.imports.rows import Row
from leads.models import ImportRun
from leads.search import reindex
from leads.services.creating import first_stage, ownership_of, source_named
from permissions.access import Keyring
from permissions.ledger import record_select

EMPTY: Mapping[str, Any] = {"tags": [], "score": 0, "price_min": None, "price_max": None}  # of the others: no text
RESERVE = "SELECT nextval('leads_lead_id_seq') FROM generate_series(1, %s)"
FACTS = """
SELECT %(company)s, %(kind)s::text, %(actor)s, lead_id, %(unit)s::bigint, %(user)s::bigint, 'import',
    jsonb_build_object('import', %(run)s)
FROM unnest(%(leads)s::bigint[]) AS lead_id
"""
FACT_COLUMNS = ("company_id", "kind", "actor_id", "lead_id", "to_unit_id", "to_user_id", "why", "detail")
to_json = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def load(run: ImportRun, keyring: Keyring, rows: Sequence[Row]) -> list[int]:
    """Make leads of the rows that are readable and no duplicates: their ids, in the order of the rows.

    Call it in a transaction that holds the company's import lock, or two files at once could bring a lead twice; and
    `enter` what it returns in the same one.
    """
    skip_duplicates(run, keyring, rows)
    new = [row for row in rows if row.goes_in]
    lead_ids = _reserve_ids(len(new))
    for row, lead_id in zip(new, lead_ids, strict=True):
        row.lead_id = lead_id
    _copy_leads(run, new)
    _copy_points(run, new)
    _copy_rows(run, rows)
    return lead_ids


def enter(run: ImportRun, lead_ids: Sequence[int]) -> None:
    """Enter new leads in the search and in the ledger."""
    reindex(lead_ids)
    params = {
        "company": run.company_id,
        "actor": run.created_by_id,
        "unit": run.owner_unit_id,
        "user": run.owner_user_id,
        "run": run.pk,
        "leads": list(lead_ids),
    }
    record_select(FACT_COLUMNS, FACTS, params | {"kind": "created"})
    if run.hidden:
        record_select(FACT_COLUMNS, FACTS, params | {"kind": "hidden", "user": None})


def _reserve_ids(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, [count])
        return [lead_id for (lead_id,) in cursor.fetchall()]


def _copy_leads(run: ImportRun, rows: Iterable[Row]) -> None:
    """The lead's columns are those that all of them share, those the mapping names, and the database's defaults."""
    shared = _shared(run)
    fields = _fields(run.mapping)
    values = tuple(shared.values())
    empty = [(name, EMPTY.get(name, "")) for name in fields]
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY leads_lead (id, {', '.join(shared)}, custom, {', '.join(fields)}) FROM STDIN") as copy,
    ):
        for row in rows:
            known = row.draft.fields
            copy.write_row(
                (row.lead_id, *values, to_json(row.draft.custom), *[known.get(name, none) for name, none in empty])
            )


def _fields(mapping: Iterable[str]) -> list[str]:
    """The columns of the lead that a mapping fills."""
    names = {field for field in mapping if field and not field.startswith(CUSTOM)} - {EMAIL, PHONE, NAME}
    return sorted(names | {"first_name", "last_name"})


def _shared(run: ImportRun) -> dict[str, Any]:
    owner = run.owner
    assert owner is not None  # a run that has started has one
    source = source_named(run.company_id, run.source_name)
    owned = {
        f"{name}_id" if name in ("owner_unit", "owner_user", "origin_unit") else name: getattr(value, "pk", value)
        for name, value in ownership_of(owner, run.company, hidden=run.hidden).items()
    }
    return {
        "company_id": run.company_id,
        "source_id": source and source.pk,
        "stage_id": first_stage(run.company_id).pk,
        "created_by_id": run.created_by_id,
        **owned,
    }


def _copy_points(run: ImportRun, rows: Iterable[Row]) -> None:
    """E-mails before phones, as when they are added by hand."""
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY leads_contactpoint (company_id, lead_id, kind, value, raw, position) FROM STDIN") as copy,
    ):
        for row in rows:
            for position, ((kind, value), raw) in enumerate(sorted(row.draft.points.items(), key=lambda it: it[0][0])):
                copy.write_row((run.company_id, row.lead_id, kind, value, raw[:254], position))


def _copy_rows(run: ImportRun, rows: Iterable[Row]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY leads_importrow (run_id, number, cells, outcome, reason, lead_id) FROM STDIN") as copy,
    ):
        for row in rows:
            cells = "[]" if row.goes_in else to_json(row.cells)
            copy.write_row((run.pk, row.line, cells, row.outcome, row.reason, row.lead_id))
