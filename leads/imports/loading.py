"""A chunk of rows becomes leads: by COPY, then ledger and search text in sets. Nothing here goes row by row.

The rows themselves are kept too, each with its outcome; their cells only where no lead was made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models.functions import Lower

from leads.imports.beside import CALLS, words_of, write_beside
from leads.imports.duplicates import settle
from leads.imports.marking import mark_leads
from leads.imports.matching import CUSTOM, EMAIL, NAME, NOTE, PERSON, PHONE, SOURCE, STAGE, UNWANTED
from leads.imports.rows import Outcome, Row
from leads.imports.storing import to_line as to_json
from leads.imports.updating import update_leads
from leads.models import ImportRun, Source
from leads.search import reindex
from leads.services.assigning import fill_slots
from leads.services.creating import first_stage, ownership_of, source_named, stays_with_importer
from leads.tags import united
from permissions.access import Keyring
from permissions.ledger import record_select

# of the others: no text
EMPTY: Mapping[str, Any] = {"tags": [], "score": 0, "price_min": None, "price_max": None, "do_not_call": False}
BESIDE = frozenset({EMAIL, PHONE, NAME, PERSON, NOTE, *UNWANTED})  # fields that are no columns of the lead
RESERVE = "SELECT nextval('leads_lead_id_seq') FROM generate_series(1, %s)"
FACTS = """
SELECT %(company)s, %(kind)s::text, %(actor)s, lead_id, %(unit)s::bigint, %(user)s::bigint, 'import',
    jsonb_build_object('import', %(run)s)
FROM unnest(%(leads)s::bigint[]) AS lead_id
"""
FACT_COLUMNS = ("company_id", "kind", "actor_id", "lead_id", "to_unit_id", "to_user_id", "why", "detail")


def load(run: ImportRun, keyring: Keyring, rows: Sequence[Row]) -> list[Row]:
    """Make leads of the rows that are readable and no duplicates, in their order, and update those that others are
    about: the rows that made leads.

    Call it in a transaction that holds the company's import lock, or two files at once could bring a lead twice; and
    `enter` what it returns in the same one.
    """
    settle(run, keyring, rows)
    new = [row for row in rows if row.goes_in]
    hers = run.created_by_id if stays_with_importer(run.company, route=run.route) else None
    for row, lead_id in zip(new, _reserve_ids(len(new)), strict=True):
        row.lead_id = lead_id
        row.draft.agent_id = row.draft.agent_id or hers
    _copy_leads(run, new)
    _copy_points(run, new)
    write_beside(run, words_of(new))
    update_leads(run, keyring, [row for row in rows if row.outcome == Outcome.UPDATED])
    mark_leads(run, rows)
    keep_rows(run, rows)
    return new


def enter(run: ImportRun, rows: Sequence[Row]) -> None:
    """Enter new leads in the search and in the ledger, and give them to whom their rows name."""
    lead_ids = [row.lead_id for row in rows if row.lead_id]
    reindex(lead_ids)
    params = {
        "company": run.company_id,
        "actor": run.created_by_id,
        "unit": run.owner_unit_id,
        "user": run.owner_user_id,
        "run": run.pk,
        "leads": lead_ids,
    }
    record_select(FACT_COLUMNS, FACTS, params | {"kind": "created"})
    if run.hidden:
        record_select(FACT_COLUMNS, FACTS, params | {"kind": "hidden", "user": None})
    pairs = [(row.lead_id, row.draft.agent_id) for row in rows if row.lead_id and row.draft.agent_id]
    fill_slots(pairs, actor_id=run.created_by_id, why="import")


def _reserve_ids(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, [count])
        return [lead_id for (lead_id,) in cursor.fetchall()]


def _copy_leads(run: ImportRun, rows: Sequence[Row]) -> None:
    """The lead's columns are those that all of them share, those the mapping names, and the database's defaults."""
    shared, fields = _shared(run), _fields(run.mapping, tagged=bool(run.tags))
    none: dict[str, Any] = {**EMPTY, "tags": run.tags}
    if SOURCE in run.mapping:
        none["source_id"] = shared.pop("source_id")
        _name_sources(run, rows)
    if STAGE in run.mapping:
        none["stage_id"] = shared.pop("stage_id")
    if run.tags:
        for row in rows:
            row.draft.fields["tags"] = united(row.draft.tags, run.tags)
    values = tuple(shared.values())
    empty = [(name, none.get(name, "")) for name in fields]
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY leads_lead (id, {', '.join(shared)}, custom, {', '.join(fields)}) FROM STDIN") as copy,
    ):
        for row in rows:
            known = row.draft.fields
            copy.write_row(
                (row.lead_id, *values, to_json(row.draft.custom), *[known.get(name, blank) for name, blank in empty])
            )


def _fields(mapping: Iterable[str], *, tagged: bool) -> list[str]:
    """The columns of the lead that a mapping fills."""
    names = {field for field in mapping if field and not field.startswith(CUSTOM)}
    columns = {{SOURCE: "source_id", STAGE: "stage_id"}.get(name, name) for name in names - BESIDE}
    columns |= {"do_not_call"} if names & CALLS else set()
    return sorted(columns | {"first_name", "last_name"} | ({"tags"} if tagged else set()))


def _name_sources(run: ImportRun, rows: Iterable[Row]) -> None:
    """Put the ids of the sources that rows name in the place of the names."""
    named = [(row, str(row.draft.fields[SOURCE])) for row in rows if SOURCE in row.draft.fields]
    wanted = {
        name.lower(): Source(company_id=run.company_id, name=name) for _, name in reversed(named)
    }  # the first stays
    Source.objects.bulk_create(wanted.values(), ignore_conflicts=True)
    known = Source.objects.filter(company=run.company_id).annotate(low=Lower("name")).filter(low__in=wanted)
    ids = dict(known.order_by("pk").values_list("low", "pk"))
    for row, name in named:
        row.draft.fields["source_id"] = ids.get(name.lower())


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


def keep_rows(run: ImportRun, rows: Iterable[Row]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY leads_importrow (run_id, number, cells, outcome, reason, lead_id) FROM STDIN") as copy,
    ):
        for row in rows:
            cells = to_json(row.cells) if row.is_refused else "[]"
            copy.write_row((run.pk, row.line, cells, row.outcome, row.reason, row.lead_id))
