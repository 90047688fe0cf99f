"""Which rows are there already (I6).

A row is compared with what its importer may read, with what she imported before, and with the rows above it; with
nothing else, so that no answer tells her of a lead that is not hers to see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from django.db import connection

from leads.imports.keys import ROW, RowKey
from leads.imports.rows import Outcome, Row
from leads.merging.keys import pairs_known_by
from leads.models import ImportRun, Lead
from permissions.access import Keyring, Level

Place = tuple[int, int]  # run and line
TAKEN = "SELECT key, run_id, number FROM leads_importedkey WHERE created_by_id = %s AND key = ANY (%s::uuid[])"
KEEP = "COPY leads_importedkey (created_by_id, key, run_id, number) FROM STDIN"


def skip_duplicates(run: ImportRun, keyring: Keyring, rows: Sequence[Row]) -> None:
    """Skip what is there already, and remember the rest by its keys. The company's import lock must be held."""
    candidates = [row for row in rows if row.goes_in]
    taken = _taken(run, {key.digest for row in candidates for key in row.keys})
    files = dict(
        ImportRun.objects.filter(pk__in={run_id for run_id, _ in taken.values()}).values_list("pk", "file_name")
    )
    unknown = (row for row in candidates if not any(key.digest in taken for key in row.keys))
    seen = _seen(run, keyring, {key for row in unknown for key in row.keys})
    kept: dict[str, int] = {}
    for row in candidates:
        reason = _reason(row, run, taken, files) or _reason_seen(row, seen)
        if reason:
            row.refuse(Outcome.SKIPPED, reason)
            continue
        for key in row.keys:
            taken[key.digest] = (run.pk, row.line)
            kept[key.digest] = row.line
    _keep(run, kept)


def _reason(row: Row, run: ImportRun, taken: dict[str, Place], files: dict[int, str]) -> str:
    """Why a row is a duplicate of one that went in, in this run or an earlier one."""
    for key in row.keys:
        if key.digest in taken:
            run_id, line = taken[key.digest]
            where = "this file" if run_id == run.pk else f"{files.get(run_id, 'a file')}, imported before"
            return f"It has {key.words} as line {line} of {where}."
    return ""


def _reason_seen(row: Row, seen: Collection[str]) -> str:
    return next((f"A lead with {key.words} is there already." for key in row.keys if key.digest in seen), "")


def _taken(run: ImportRun, digests: Iterable[str]) -> dict[str, Place]:
    """Of these digests those of rows she imported before, and where those were."""
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, [run.created_by_id, f"{{{','.join(digests)}}}"])
        return {key.hex: (run_id, line) for key, run_id, line in cursor.fetchall()}


def _seen(run: ImportRun, keyring: Keyring, keys: Iterable[RowKey]) -> set[str]:
    """The digests of those keys that fit a lead whose contact data she may read."""
    digests = {key: digest for key, digest in keys if key.kind != ROW}
    alike = pairs_known_by(run.company_id, list(digests))
    leads = sorted({lead_id for _, lead_id in alike})
    hers = Lead.objects.visible_to(keyring, Level.VIEW).filter(pk__any_of=leads)
    visible = set(hers.order_by("pk").values_list("pk", flat=True))
    return {digests[key] for key, lead_id in alike if lead_id in visible}


def _keep(run: ImportRun, kept: dict[str, int]) -> None:
    lines = (f"{run.created_by_id}\t{digest}\t{run.pk}\t{line}\n" for digest, line in kept.items())
    with connection.cursor() as cursor, cursor.copy(KEEP) as copy:
        copy.write("".join(lines))
