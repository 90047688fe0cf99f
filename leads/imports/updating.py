"""Rows that update leads which are there (I1): what they bring is added or replaced, a blank cell takes nothing away.

The owner, the stage and the people of a lead stay (P4). What was before is kept, so that an undo can bring it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import connection

from leads.imports.beside import Known, Words, write_beside
from leads.imports.rows import Outcome, Row
from leads.imports.storing import to_line as to_json
from leads.models import ContactPoint, ImportRun, Lead
from leads.querysets import LeadQuerySet
from leads.search import reindex
from leads.services.working import EDITABLE
from leads.tags import united
from permissions.access import Keyring

COLUMNS = sorted(EDITABLE - {"source", "custom"} | {"do_not_call"})  # where a lead came from stays, too
KEEP = "COPY leads_importchange (run_id, lead_id, number, before, after) FROM STDIN"
ADD = "COPY leads_contactpoint (company_id, lead_id, kind, value, raw, position) FROM STDIN"
CHANGE = f"""
UPDATE leads_lead AS lead SET
    ({", ".join(COLUMNS)}) = (SELECT {", ".join(COLUMNS)} FROM jsonb_populate_record(lead, change.after -> 'fields')),
    custom = lead.custom || (change.after -> 'custom')
FROM leads_importchange AS change
WHERE change.run_id = %(run)s AND change.lead_id = ANY(%(leads)s) AND lead.id = change.lead_id
"""
TELL = """
INSERT INTO leads_activity (company_id, lead_id, kind, at, actor_id, direction, outcome, body, automatic, bulk)
SELECT %(company)s, lead_id, 'system', now(), %(actor)s, '', '', %(body)s, false, true
FROM unnest(%(leads)s::bigint[]) AS lead_id
"""
NOTHING_NEW = "The lead has all of it already."
GONE = "The lead is not there any more, or not yours to change."
PRICE = "With it the lead’s price would go from more to less."


class Change(NamedTuple):
    """What a row changes of its lead: fields and custom fields as they were and become, points that it gains, and what is
    said beside them.
    """

    before: dict[str, dict[str, Any]]
    after: dict[str, Any]
    points: list[tuple[str, str, str]]  # kind, value, the text as given
    had: int  # points it has
    words: Words

    @property
    def is_none(self) -> bool:
        return not (
            self.after["fields"] or self.after["custom"] or self.points or self.words.note or self.words.unwanted
        )


def update_leads(run: ImportRun, keyring: Keyring, rows: Sequence[Row]) -> None:
    """Change the leads that these rows update, as far as she may work them now; the rest is skipped."""
    wanted = [row.lead_id for row in rows if row.lead_id]
    if not wanted:
        return
    held = Lead.objects.workable_by(keyring).filter(pk__any_of=sorted(wanted)).in_id_order()
    changes = plan(held, rows, run.tags)
    done = [row for row in rows if row.outcome == Outcome.UPDATED]
    for lead_id, consents in write_beside(run, [change.words for change in changes.values()]).items():
        changes[lead_id].after["consents"] = consents
    keep_changes(run, done, changes)
    params: dict[str, Any] = {
        "run": run.pk,
        "leads": sorted(changes),
        "company": run.company_id,
        "actor": run.created_by_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(CHANGE, params)
        cursor.execute(TELL, params | {"body": f"Updated from {run.file_name}."})
    reindex(sorted(changes))


def foresee_updates(run: ImportRun, rows: Sequence[Row]) -> None:
    """Skip those of these rows that would change nothing; change nothing."""
    wanted = sorted(row.lead_id for row in rows if row.lead_id)
    if wanted:
        plan(Lead.objects.filter(company=run.company_id, pk__any_of=wanted).order_by("pk"), rows, run.tags)


def plan(leads: LeadQuerySet, rows: Sequence[Row], tags: Sequence[str] = ()) -> dict[int, Change]:
    """What changes, by lead; each gains these tags too. Rows that change nothing, or must not, are refused."""
    found = {lead.pk: lead for lead in leads}
    points: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for lead_id, kind, value in (
        ContactPoint.objects.filter(lead__in=list(found)).order_by("pk").values_list("lead", "kind", "value")
    ):
        points[lead_id].add((kind, value))
    changes: dict[int, Change] = {}
    known = Known(rows)
    for row in rows:
        lead = found.get(row.lead_id or 0)
        if lead is None:
            row.refuse(Outcome.SKIPPED, GONE)
            continue
        change = _change(lead, row, tags, points[lead.pk], known)
        prices = {name: change.after["fields"].get(name, getattr(lead, name)) for name in ("price_min", "price_max")}
        if None not in prices.values() and prices["price_min"] > prices["price_max"]:
            row.refuse(Outcome.REJECTED, PRICE)
        elif change.is_none:
            row.refuse(Outcome.SKIPPED, NOTHING_NEW)
        else:
            changes[lead.pk] = change
    return changes


def _change(lead: Lead, row: Row, tags: Sequence[str], had: set[tuple[str, str]], known: Known) -> Change:
    given = {name: value for name, value in row.draft.fields.items() if name in COLUMNS}
    given["tags"] = united(lead.tags, row.draft.tags, tags)
    fields = {name: value for name, value in given.items() if getattr(lead, name) != value}
    custom = {key: value for key, value in row.draft.custom.items() if lead.custom.get(key) != value}
    new = [(kind, value, raw) for (kind, value), raw in row.draft.points.items() if (kind, value) not in had]
    before = {
        "fields": {name: getattr(lead, name) for name in fields},
        "custom": {key: lead.custom.get(key) for key in custom},
    }
    after = {"fields": fields, "custom": custom, "points": [(kind, value) for kind, value, _ in new]}
    return Change(before, after, new, len(had), known.new_of(lead.pk, row, marked="do_not_call" in fields))


def keep_changes(run: ImportRun, rows: Iterable[Row], changes: dict[int, Change]) -> None:
    done = [(row, changes[row.lead_id]) for row in rows if row.lead_id in changes]
    with connection.cursor() as cursor:
        with cursor.copy(KEEP) as copy:
            for row, change in done:
                copy.write_row((run.pk, row.lead_id, row.line, to_json(change.before), to_json(change.after)))
        with cursor.copy(ADD) as copy:
            for row, change in done:
                for position, (kind, value, raw) in enumerate(sorted(change.points), change.had):
                    copy.write_row((run.company_id, row.lead_id, kind, value, raw[:254], min(position, 32_000)))
