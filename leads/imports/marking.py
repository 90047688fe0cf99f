"""A person's word is not skipped with its row: what a skipped one says against calls and messages holds for the leads that
it is like (I1, D14).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection

from leads.imports.beside import write_beside
from leads.imports.rows import Outcome, Row
from leads.imports.storing import to_line as to_json
from leads.imports.updating import Change, keep_changes, plan
from leads.imports.values import Draft
from leads.models import ImportRow, ImportRun, Lead

ADD_TO = """
UPDATE leads_importchange AS change SET
    before = jsonb_set(change.before, '{fields}', (said.before -> 'fields') || (change.before -> 'fields')),
    after = change.after || jsonb_build_object(
        'fields', (change.after -> 'fields') || (said.after -> 'fields'),
        'consents', coalesce(change.after -> 'consents', '[]') || coalesce(said.after -> 'consents', '[]'))
FROM unnest(%s::bigint[], %s::jsonb[], %s::jsonb[]) AS said (lead_id, before, after)
WHERE change.run_id = %s AND change.lead_id = said.lead_id
"""


def mark_leads(run: ImportRun, rows: Sequence[Row]) -> None:
    """Mark the leads that skipped rows name (see duplicates.py). Kept for an undo as updates are; but of leads that the
    run made itself, which an undo deletes.
    """
    said = [row for row in rows if row.like or row.twin]
    if not said:
        return
    own = _made(run, rows, {row.twin for row in said})
    marks = _by_lead(said, own)
    leads = Lead.objects.filter(company=run.company_id, removed_at=None, pk__any_of=sorted(marks)).in_id_order()
    changes = plan(leads, list(marks.values()))
    for lead_id, consents in write_beside(run, [change.words for change in changes.values()]).items():
        changes[lead_id].after["consents"] = consents
    Lead.objects.filter(pk__in=[pk for pk, it in changes.items() if it.words.marked]).update(do_not_call=True)
    kept = _in_hand(run, marks)
    _add_to(run, {pk: change for pk, change in changes.items() if pk in kept})
    keep_changes(run, [row for pk, row in marks.items() if pk not in kept and pk not in own.values()], changes)


def _made(run: ImportRun, rows: Sequence[Row], lines: set[int]) -> Mapping[int, int]:
    """By line the leads that rows of this file were made into, in this chunk or before."""
    found = {row.line: row.lead_id for row in rows if row.line in lines and row.lead_id}
    earlier = ImportRow.objects.filter(run=run, number__in=sorted(lines - {*found}), lead_id__isnull=False)
    pairs = earlier.order_by("number").values_list("number", "lead_id")
    return {**found, **{number: lead_id for number, lead_id in pairs if lead_id}}


def _by_lead(said: Sequence[Row], own: Mapping[int, int]) -> dict[int, Row]:
    """What is said of each lead, by however many rows, as one that would update it."""
    marks: dict[int, Row] = {}
    for row in said:
        twin = own.get(row.twin)
        for lead_id in {*row.like, *([twin] if twin else [])}:
            mark = marks.setdefault(lead_id, Row(row.line, [], Draft(), [], Outcome.UPDATED.value, lead_id=lead_id))
            mark.draft.unwanted |= row.draft.unwanted
            if row.draft.fields.get("do_not_call"):
                mark.draft.fields["do_not_call"] = True
    return marks


def _add_to(run: ImportRun, changes: Mapping[int, Change]) -> None:
    """What the run changes of leads that it has changed before, so that an undo takes back both."""
    if changes:
        ids, before, after = zip(
            *((pk, to_json(it.before), to_json(it.after)) for pk, it in changes.items()), strict=True
        )
        with connection.cursor() as cursor:
            cursor.execute(ADD_TO, [list(ids), list(before), list(after), run.pk])


def _in_hand(run: ImportRun, marks: Mapping[int, Row]) -> set[int]:
    changes = run.changes.filter(lead_id__in=list(marks)).order_by("lead_id")
    return set(changes.values_list("lead_id", flat=True))
