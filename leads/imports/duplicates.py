"""Which rows are there already (I6), and what becomes of them: skipped, added all the same, or they update the lead.

A row is compared with what its importer may read, with what she imported before, and with the rows above it; with
nothing else, so that no answer tells her of a lead that is not hers to see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection

from leads.imports.keys import ROW, RowKey
from leads.imports.rows import Outcome, Row
from leads.merging.keys import pairs_known_by
from leads.models import ImportChange, ImportRun, Lead
from permissions.access import Keyring, Level

Place = tuple[int, int]  # run and line
Memory = dict[str | int, Place]  # of a trial: where the keys of its rows, and the leads that they update, are from
TAKEN = "SELECT key, run_id, number FROM leads_importedkey WHERE created_by_id = %s AND key = ANY (%s::uuid[])"
KEEP = "COPY leads_importedkey (created_by_id, key, run_id, number) FROM STDIN"
SEVERAL = "Several leads are like it: merge them first, or correct it by hand."
NOT_HERS = "A lead with {} is there already, and you may not change it."
WORD_KEPT = "What it says against calls and messages holds for that lead."
WORD_LOST = "What it says against calls and messages is not taken over: that lead is not yours to change."
Duplicates = ImportRun.Duplicates


def settle(run: ImportRun, keyring: Keyring, rows: Sequence[Row], memory: Memory | None = None) -> None:
    """Say of each readable row what becomes of it, and remember new ones by their keys; a trial in its own memory.

    The company's import lock must be held.
    """
    candidates = [row for row in rows if row.goes_in]
    known = _taken(run, {key.digest for row in candidates for key in row.keys})
    taken: dict[str | int, Place] = {**(memory or {})}
    taken.update(known)
    if run.duplicates == Duplicates.UPDATE:
        _find_leads(run, keyring, candidates, taken)
    elif run.duplicates == Duplicates.SKIP:
        _skip(run, keyring, candidates, taken)
    else:
        _remember(run, candidates, taken)
    if memory is None:
        _keep(run, {key: line for key, (_, line) in taken.items() if isinstance(key, str) and key not in known})
    else:
        memory.update(taken)


def _skip(run: ImportRun, keyring: Keyring, rows: Sequence[Row], taken: dict[str | int, Place]) -> None:
    asked = (row for row in rows if row.draft.refuses or not any(key.digest in taken for key in row.keys))
    seen = _leads_by_key(run, keyring, {key for row in asked for key in row.keys})
    hers = _workable(keyring, {pk for row in rows if row.draft.refuses for pk in _alike(row, seen)})
    files = _files(taken)
    for row in rows:
        known = next((key for key in row.keys if key.digest in seen), None)
        reason = _reason(row, run, taken, files) or (f"A lead with {known.words} is there already." if known else "")
        if reason:
            row.refuse(Outcome.SKIPPED, reason)
            _keep_word(run, row, _alike(row, seen) & hers, taken)
        else:
            _remember(run, [row], taken)


def _keep_word(run: ImportRun, row: Row, leads: set[int], taken: Mapping[str | int, Place]) -> None:
    """What a skipped row says against calls and messages is for the leads it is like, hers to work or of this file."""
    if not row.draft.refuses:
        return
    places = (taken[key.digest] for key in row.keys if key.digest in taken)
    row.twin = next((line for run_id, line in places if run_id == run.pk), 0)
    row.like = leads
    row.reason = f"{row.reason} {WORD_KEPT if row.twin or leads else WORD_LOST}"


def _alike(row: Row, seen: Mapping[str, Iterable[int]]) -> set[int]:
    return {lead_id for key in row.keys for lead_id in seen.get(key.digest, ())}


def _workable(keyring: Keyring, ids: Iterable[int]) -> set[int]:
    wanted = sorted(ids)
    hers = Lead.objects.workable_by(keyring).filter(pk__any_of=wanted).order_by("pk")
    return set(hers.values_list("pk", flat=True)) if wanted else set()


def _find_leads(run: ImportRun, keyring: Keyring, rows: Sequence[Row], taken: dict[str | int, Place]) -> None:
    """Of each row the one lead that it updates, which must be hers to work; each lead once in a run."""
    seen = _leads_by_key(run, keyring, {key for row in rows for key in row.keys})
    ids = sorted({lead_id for leads in seen.values() for lead_id in leads})
    hers = _workable(keyring, ids)
    changes = ImportChange.objects.filter(run=run, lead_id__in=ids).order_by("lead_id")
    taken |= {lead_id: (run.pk, number) for lead_id, number in changes.values_list("lead_id", "number")}
    files = _files(taken)
    for row in rows:
        known = next((key for key in row.keys if key.digest in seen), None)
        leads = _alike(row, seen)
        above = any(taken.get(key.digest, (0, 0))[0] == run.pk for key in row.keys) and _reason(row, run, taken, files)
        if above:
            row.refuse(Outcome.SKIPPED, above)
        elif known is None:
            _settle_unseen(run, row, taken, files)
        elif len(leads) > 1:
            row.refuse(Outcome.SKIPPED, SEVERAL)
        elif not leads <= hers:
            row.refuse(Outcome.SKIPPED, NOT_HERS.format(known.words))
        else:
            _take_lead(run, row, next(iter(leads)), taken)
        if row.outcome == Outcome.SKIPPED:
            _keep_word(run, row, leads & hers, taken)


def _settle_unseen(run: ImportRun, row: Row, taken: dict[str | int, Place], files: Mapping[int, str]) -> None:
    reason = _reason(row, run, taken, files)
    if reason:
        row.refuse(Outcome.SKIPPED, reason)
    else:
        _remember(run, [row], taken)


def _take_lead(run: ImportRun, row: Row, lead_id: int, taken: dict[str | int, Place]) -> None:
    if lead_id in taken:
        row.refuse(Outcome.SKIPPED, f"It is the same lead as line {taken[lead_id][1]} of this file.")
        return
    taken[lead_id] = (run.pk, row.line)
    row.outcome, row.lead_id = Outcome.UPDATED.value, lead_id


def _remember(run: ImportRun, rows: Iterable[Row], taken: dict[str | int, Place]) -> None:
    for row in rows:
        for key in row.keys:
            taken.setdefault(key.digest, (run.pk, row.line))


def _files(taken: Mapping[str | int, Place]) -> dict[int, str]:
    runs = {run_id for run_id, _ in taken.values()}
    return dict(ImportRun.objects.filter(pk__in=runs).order_by("pk").values_list("pk", "file_name"))


def _reason(row: Row, run: ImportRun, taken: Mapping[str | int, Place], files: Mapping[int, str]) -> str:
    """Why a row is a duplicate of one that went in, in this run or an earlier one."""
    for key in row.keys:
        if key.digest in taken:
            run_id, line = taken[key.digest]
            where = "this file" if run_id == run.pk else f"{files.get(run_id, 'a file')}, imported before"
            return f"It has {key.words} as line {line} of {where}."
    return ""


def _taken(run: ImportRun, digests: Iterable[str]) -> dict[str, Place]:
    """Of these digests those of rows she imported before, and where those were."""
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, [run.created_by_id, f"{{{','.join(sorted(digests))}}}"])
        return {key.hex: (run_id, line) for key, run_id, line in cursor.fetchall()}


def _leads_by_key(run: ImportRun, keyring: Keyring, keys: Iterable[RowKey]) -> dict[str, list[int]]:
    """By the digests of those keys the leads that they fit and whose contact data she may read."""
    digests = {key: digest for key, digest in keys if key.kind != ROW}
    alike = pairs_known_by(run.company_id, list(digests))
    leads = sorted({lead_id for _, lead_id in alike})
    hers = Lead.objects.visible_to(keyring, Level.VIEW).filter(pk__any_of=leads)
    visible = set(hers.order_by("pk").values_list("pk", flat=True))
    found: dict[str, list[int]] = defaultdict(list)
    for key, lead_id in alike:
        if lead_id in visible:
            found[digests[key]].append(lead_id)
    return found


def _keep(run: ImportRun, kept: Mapping[str, int]) -> None:
    lines = (f"{run.created_by_id}\t{digest}\t{run.pk}\t{line}\n" for digest, line in sorted(kept.items()))
    with connection.cursor() as cursor, cursor.copy(KEEP) as copy:
        copy.write("".join(lines))
