"""Writing the ledger (M7), in the transaction of the fact; sealing and verifying its chain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db import connection, transaction

from crm.core.inserting import insert_all
from permissions.models import LedgerEntry

WRITERS_LOCK = 7034001  # the same number stands in the trigger ledger_announce
COLUMNS = (
    "company_id",
    "kind",
    "actor_id",
    "lead_id",
    "role",
    "from_unit_id",
    "from_user_id",
    "to_unit_id",
    "to_user_id",
    "why",
    "batch_id",
    "detail",
)


@dataclass(frozen=True)
class Fact:
    """One row to be: ids only, never a lead's personal data."""

    company_id: int
    kind: LedgerEntry.Kind
    lead_id: int | None = None
    actor_id: int | None = None
    role: str = ""
    from_unit_id: int | None = None
    from_user_id: int | None = None
    to_unit_id: int | None = None
    to_user_id: int | None = None
    why: str = ""
    batch_id: int | None = None
    detail: dict[str, Any] | None = None


def record(*facts: Fact) -> None:
    """Append facts, in order."""
    record_all(facts)


def record_all(facts: Iterable[Fact]) -> None:
    insert_all([LedgerEntry(**vars(fact)) for fact in facts], {*COLUMNS})


def record_select(
    columns: Sequence[str], select: str, params: Sequence[Any] | dict[str, Any] = (), *, changing: str = ""
) -> int:
    """Append what `select` returns, in one statement: how many. `columns` names its columns, all of them of COLUMNS.

    `changing` is a WITH clause whose writes the facts speak of, so that change and record are one statement.
    """
    assert set(columns) <= set(COLUMNS), columns
    with connection.cursor() as cursor:
        cursor.execute(f"{changing} INSERT INTO permissions_ledgerentry ({', '.join(columns)}) {select}", params)
        return int(cursor.rowcount)


SEAL = """
WITH latest AS (
    SELECT DISTINCT ON (company_id) company_id, number, last_id, hash
    FROM permissions_ledgerseal ORDER BY company_id, number DESC
), fresh AS (
    SELECT entry.company_id, min(entry.id) AS first_id, max(entry.id) AS last_id, count(*) AS entries,
        string_agg(entry.content_hash, ''::bytea ORDER BY entry.id) AS hashes
    FROM permissions_ledgerentry AS entry LEFT JOIN latest USING (company_id)
    WHERE entry.id > coalesce(latest.last_id, 0) AND entry.id <= %s
    GROUP BY entry.company_id
)
INSERT INTO permissions_ledgerseal (company_id, number, first_id, last_id, entries, previous_hash, hash)
SELECT fresh.company_id, coalesce(latest.number, 0) + 1, fresh.first_id, fresh.last_id, fresh.entries,
    coalesce(latest.hash, ''::bytea), sha256(coalesce(latest.hash, ''::bytea) || fresh.hashes)
FROM fresh LEFT JOIN latest USING (company_id)
ON CONFLICT DO NOTHING
"""


def seal() -> int:
    """Chain every entry that is committed now, company by company: how many links were added.

    The exclusive lock is held only to read the horizon: with no writer under way, no entry can appear below it later.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS_LOCK])
        cursor.execute("SELECT coalesce(max(id), 0) FROM permissions_ledgerentry")
        horizon = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute(SEAL, [horizon])
        return int(cursor.rowcount)


@dataclass(frozen=True)
class Verdict:
    """What verifying one company's chain found. `problem` is empty where every link holds."""

    company_id: int
    seals: int
    entries: int
    unsealed: int
    problem: str = ""


LINKS_AT_ONCE = 50
LINKS = """
SELECT link.number, link.first_id, link.last_id, link.entries, link.previous_hash, link.hash,
    sealed.entries, sealed.hashes
FROM permissions_ledgerseal AS link
CROSS JOIN LATERAL (
    SELECT count(*) AS entries, coalesce(string_agg(
        ledger_content_hash(company_id, at, kind, actor_id, lead_id, role, from_unit_id, from_user_id,
            to_unit_id, to_user_id, why, batch_id, detail), ''::bytea ORDER BY id), ''::bytea) AS hashes
    FROM permissions_ledgerentry
    WHERE company_id = link.company_id AND id BETWEEN link.first_id AND link.last_id
) AS sealed
WHERE link.company_id = %s AND link.number > %s ORDER BY link.number LIMIT %s
"""


def verify(company_id: int, tell: Callable[[int], None] | None = None) -> Verdict:
    """Recompute the company's whole chain from its entries. Reads every row; writes nothing.

    Now and then `tell` is told how many entries are done.
    """
    previous, entries, seals, end, problem = b"", 0, 0, 0, ""
    for links in _links(company_id):
        for number, first, last, count, before, stored, found, hashes in links:
            seals, entries = seals + 1, entries + found
            problem = problem or _check_link(
                number == seals and first > end and bytes(before) == previous,
                count == found,
                sha256(previous + bytes(hashes)).digest() == bytes(stored),
                number,
            )
            previous, end = bytes(stored), last
        if tell is not None:
            tell(entries)
    unsealed, total = _count(company_id, end)
    if not problem and total != entries + unsealed:
        problem = f"{total - entries - unsealed} entries lie between the seals"
    return Verdict(company_id, seals, entries, unsealed, problem)


def _links(company_id: int) -> Iterator[list[tuple[Any, ...]]]:
    """The company's seals in their order, a few at a time, each with what its entries say now."""
    number = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(LINKS, [company_id, number, LINKS_AT_ONCE])
            links = cursor.fetchall()
            if not links:
                return
            yield links
            number = links[-1][0]


def _count(company_id: int, end: int) -> tuple[int, int]:
    """How many entries lie after `end`, and how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE id > %(end)s), count(*) FROM permissions_ledgerentry WHERE company_id = %(id)s",
            {"end": end, "id": company_id},
        )
        unsealed, total = cursor.fetchone()
        return unsealed, total


def _check_link(joined: bool, complete: bool, true: bool, number: int) -> str:
    if not joined:
        return f"seal {number} does not follow the one before it"
    if not complete:
        return f"seal {number} has entries missing or added"
    return "" if true else f"seal {number} does not match its entries"
