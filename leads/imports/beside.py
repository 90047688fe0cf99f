"""What rows say of their leads beside the columns of one: a note, and what its person wants none of (L1, D14).

Written by the program in the importer's name, so that it does not count as work on the lead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from leads.imports.matching import NOTE, UNWANTED
from leads.imports.rows import Row
from leads.models import Activity, Consent, ImportRun
from leads.services.consenting import SAID

CALLS = frozenset(name for name, kinds in UNWANTED.items() if Consent.Kind.CALL in kinds)  # columns that mark a lead
RESERVE = "SELECT nextval('leads_consent_id_seq') FROM generate_series(1, %s)"
OPT_OUT = "COPY leads_consent (id, company_id, lead_id, kind, given, words, recorded_by_id) FROM STDIN"
TELL = """
COPY leads_activity (company_id, lead_id, kind, actor_id, direction, outcome, body, automatic, bulk) FROM STDIN
"""
LABELS = {kind.value: kind.label.lower() for kind in Consent.Kind}


class Words(NamedTuple):
    """`unwanted`: kinds of consent that are taken back; `marked`: it is not to be called from now on."""

    lead_id: int
    note: str
    unwanted: Collection[str]
    marked: bool


def words_of(rows: Iterable[Row]) -> list[Words]:
    """Of rows that make leads."""
    drafts = [(row.lead_id, row.draft) for row in rows if row.lead_id]
    return [Words(pk, it.note, it.unwanted, bool(it.fields.get("do_not_call"))) for pk, it in drafts]


def write_beside(run: ImportRun, said: Sequence[Words]) -> dict[int, list[int]]:
    """Onto the timeline, and the opt-outs as such: their ids by lead. The leads themselves bear their mark already."""
    if not {NOTE, *UNWANTED} & set(run.mapping):
        return {}
    opted = [(words.lead_id, kind) for words in said for kind in sorted(words.unwanted)]
    ids: dict[int, list[int]] = {}
    source = f"From {run.file_name}"
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, [len(opted)])
        reserved = cursor.fetchall()
        with cursor.copy(OPT_OUT) as copy:
            for (pk,), (lead_id, kind) in zip(reserved, opted, strict=True):
                copy.write_row((pk, run.company_id, lead_id, kind, False, source, run.created_by_id))
                ids.setdefault(lead_id, []).append(pk)
        with cursor.copy(TELL) as copy:
            for words in said:
                for kind, body in _lines(words, source):
                    about = (run.company_id, words.lead_id, kind, run.created_by_id)
                    copy.write_row((*about, "", "", body, True, False))
    return ids


def _lines(words: Words, source: str) -> list[tuple[str, str]]:
    """What stands on the timeline: the kind of activity, and its text."""
    lines = [(Activity.Kind.NOTE.value, words.note)] if words.note else []
    said = ["Marked do not call"] if words.marked else []
    said += [SAID[False].format(LABELS[kind]) for kind in sorted(words.unwanted)]
    return [*lines, *((Activity.Kind.SYSTEM.value, f"{what}: {source}") for what in said)]


class Known:
    """What is known of leads already, so that a row brings it once."""

    def __init__(self, rows: Iterable[Row]) -> None:
        drafts = [(row.lead_id, row.draft) for row in rows if row.lead_id]
        opted = [pk for pk, draft in drafts if draft.unwanted]
        noted = [pk for pk, draft in drafts if draft.note]
        words = Consent.objects.filter(lead__in=opted).order_by("lead", "kind", "-pk").distinct("lead", "kind")
        self.opted_out = (
            {(lead, kind) for lead, kind, given in words.values_list("lead", "kind", "given") if not given}
            if opted
            else set()
        )
        bodies = {draft.note for _, draft in drafts if draft.note}
        notes = Activity.objects.filter(lead__in=noted, kind=Activity.Kind.NOTE, body__in=bodies)
        self.notes = set(notes.order_by().values_list("lead", "body")) if noted else set()

    def new_of(self, lead_id: int, row: Row, *, marked: bool) -> Words:
        """What of the row's is new for its lead."""
        note = "" if (lead_id, row.draft.note) in self.notes else row.draft.note
        unwanted = [kind for kind in sorted(row.draft.unwanted) if (lead_id, kind) not in self.opted_out]
        return Words(lead_id, note, unwanted, marked)
