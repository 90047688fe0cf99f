"""Which rows are there already (I6): by e-mail, by phone and name, or, with neither, by all they say.

A row is compared with what its importer may read, with what she imported before, and with the rows above it; with
nothing else, so that no answer tells her of a lead that is not hers to see.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import md5
from json import dumps
from typing import NamedTuple

from django.db import connection

from leads.imports.matching import EMAIL, PHONE
from leads.imports.rows import Outcome, Row
from leads.imports.values import Draft
from leads.models import ImportRun, Lead
from permissions.access import Keyring, Level

ROW = "row"
SAME = {EMAIL: "the same e-mail", PHONE: "the same phone and name", ROW: "the same values"}
TAKEN = "SELECT key, run_id, number FROM leads_importedkey WHERE created_by_id = %s AND key = ANY (%s::uuid[])"
ALIKE = """
SELECT wanted.digest, point.lead_id
FROM json_to_recordset(%(wanted)s) AS wanted (digest text, kind text, value text, name text)
JOIN leads_contactpoint AS point
    ON point.company_id = %(company)s AND point.kind = wanted.kind AND point.value = wanted.value
JOIN leads_lead AS lead ON lead.id = point.lead_id
WHERE wanted.kind = 'email' OR lower(btrim(lead.first_name || ' ' || lead.last_name)) = lower(wanted.name)
"""
KEEP = "COPY leads_importedkey (created_by_id, key, run_id, number) FROM STDIN"


class Key(NamedTuple):
    """One of the things by which a lead is known again, and its digest (32 hexadecimal digits)."""

    kind: str
    value: str
    name: str
    digest: str


def keys_of(draft: Draft) -> list[Key]:
    name = draft.name
    keys = [_key(kind, value, "" if kind == EMAIL else name) for kind, value in draft.points]
    return keys or [_key(ROW, repr((sorted(draft.fields.items()), sorted(draft.custom.items()))), "")]


def _key(kind: str, value: str, name: str) -> Key:
    text = f"{kind} {value} {name.lower()}"
    return Key(kind, value, name, md5(text.encode(), usedforsecurity=False).hexdigest())


def skip_duplicates(run: ImportRun, keyring: Keyring, rows: Sequence[Row]) -> None:
    """Skip what is there already, and remember the rest by its keys. The company's import lock must be held."""
    keys = {row.line: keys_of(row.draft) for row in rows if row.goes_in}
    taken = _taken(run, {key.digest for of_row in keys.values() for key in of_row})
    fresh = (of_row for of_row in keys.values() if not any(key.digest in taken for key in of_row))
    seen = _seen(run, keyring, {key.digest: key for of_row in fresh for key in of_row if key.kind != ROW})
    files = dict(
        ImportRun.objects.filter(pk__in={run_id for run_id, _ in taken.values()}).values_list("pk", "file_name")
    )
    kept: list[tuple[str, int]] = []
    for row in rows:
        for key in keys.get(row.line, ()):
            if key.digest in taken:
                run_id, line = taken[key.digest]
                where = (
                    f"line {line} of this file"
                    if run_id == run.pk
                    else f"line {line} of {files[run_id]}, imported before"
                )
                row.refuse(Outcome.SKIPPED, f"It has {SAME[key.kind]} as {where}.")
                break
            if key.digest in seen:
                row.refuse(Outcome.SKIPPED, f"A lead with {SAME[key.kind]} is there already.")
                break
        else:
            new = {key.digest: (run.pk, row.line) for key in keys.get(row.line, ())}
            taken |= new
            kept += [(digest, row.line) for digest in new]
    _keep(run, kept)


def _taken(run: ImportRun, digests: Collection[str]) -> dict[str, tuple[int, int]]:
    """Of these digests those of rows she imported before: run and line."""
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, [run.created_by_id, f"{{{','.join(digests)}}}"])
        return {key.hex: (run_id, line) for key, run_id, line in cursor.fetchall()}


def _seen(run: ImportRun, keyring: Keyring, keys: dict[str, Key]) -> set[str]:
    """Of these keys the digests of those that a lead has whose contact data she may read."""
    wanted = dumps([key._asdict() for key in keys.values()])
    with connection.cursor() as cursor:
        cursor.execute(ALIKE, {"company": run.company_id, "wanted": wanted})
        alike = cursor.fetchall()
    found = {lead_id for _, lead_id in alike}
    visible = set(Lead.objects.visible_to(keyring, Level.VIEW).filter(pk__in=found).values_list("pk", flat=True))
    return {digest for digest, lead_id in alike if lead_id in visible}


def _keep(run: ImportRun, kept: Sequence[tuple[str, int]]) -> None:
    with connection.cursor() as cursor, cursor.copy(KEEP) as copy:
        for digest, line in kept:
            copy.write_row((run.created_by_id, digest, run.pk, line))
