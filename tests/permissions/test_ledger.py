"""M7: the ledger only grows, and what was written can be shown to be untouched."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from threading import Barrier, Event
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, ProgrammingError, connection, transaction
from psycopg.errors import InsufficientPrivilege

from crm.core.embedded.postgres import OWNER_ROLE
from crm.organization.models import Company
from permissions.ledger import Fact, record, seal, verify
from permissions.models import LedgerEntry, LedgerSeal
from permissions.tasks import seal_ledger
from tests.factories.people import make_company
from tests.support.threads import at_once

TABLES = ["permissions_ledgerentry", "permissions_ledgerseal"]
CHANGES = ["UPDATE {} SET company_id = 7", "DELETE FROM {}", "TRUNCATE {}"]
KIND = LedgerEntry.Kind.CREATED


def as_owner() -> psycopg.Connection:
    """The same database with the role that owns it."""
    host, name = connection.settings_dict["HOST"], connection.settings_dict["NAME"]
    return psycopg.connect(host=host, dbname=name, user=OWNER_ROLE, autocommit=True)


def facts(company: Company, count: int = 3) -> None:
    record(*(Fact(company_id=company.pk, kind=KIND, lead_id=number) for number in range(count)))


# --- only growing -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", CHANGES)
def test_m7_the_application_cannot_change_a_row(table: str, change: str) -> None:
    facts(make_company())
    seal()
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(table))


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", CHANGES)
def test_m7_the_owner_of_the_tables_cannot_either(table: str, change: str) -> None:
    with as_owner() as owner, pytest.raises(psycopg.Error, match="the ledger is append-only"):
        owner.execute(change.format(table))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "attempt",
    [
        "ALTER TABLE permissions_ledgerentry DISABLE TRIGGER ALL",
        "DROP TRIGGER ledger_append_only ON permissions_ledgerentry",
        "DROP TABLE permissions_ledgerentry",
        "SET session_replication_role = replica",
        f"SET ROLE {OWNER_ROLE}",
        "CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TABLE of_our_own (id int)",
    ],
)
def test_m7_the_application_cannot_lift_the_protection(attempt: str) -> None:
    with pytest.raises(ProgrammingError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attempt)
    assert isinstance(refused.value.__cause__, InsufficientPrivilege)


@pytest.mark.django_db
def test_m7_the_owner_cannot_switch_triggers_off_by_a_setting() -> None:
    with as_owner() as owner, pytest.raises(InsufficientPrivilege):
        owner.execute("SET session_replication_role = replica")


# --- the hash ---------------------------------------------------------------------------------------------------------

OTHERS: dict[str, Any] = {
    "at": datetime(2026, 3, 2, 12, 0, 0, 2, tzinfo=UTC),
    "kind": "assigned",
    "role": "agent",
    "why": "by hand",
    "detail": {"a": 1},
}


@pytest.mark.django_db
def test_m7_the_hash_covers_every_column() -> None:
    """Each column changed by itself gives another hash, as does a value moved to its neighbour."""
    company = make_company()
    same = {"company_id": company.pk, "at": datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC), "kind": "created"}
    columns = [field.attname for field in LedgerEntry._meta.concrete_fields if field.name not in {"id", "content_hash"}]
    rows = [same, *(same | {column: OTHERS.get(column, company.pk + 1)} for column in columns)]
    rows += [same | {"role": "a|1:b"}, same | {"role": "a", "why": "b"}, same | {"why": "a", "role": "b"}]
    made = LedgerEntry.objects.bulk_create(LedgerEntry(**row) for row in rows)
    hashes = {bytes(one) for one in LedgerEntry.objects.values_list("content_hash", flat=True)}
    assert len(hashes) == len(made) == len(columns) + 4


@pytest.mark.django_db
def test_m7_equal_facts_read_the_same_everywhere() -> None:
    """The hash depends on no setting of the session."""
    facts(make_company(), 1)
    with connection.cursor() as cursor:
        found = set()
        for zone, style in [("UTC", "ISO"), ("Pacific/Auckland", "SQL, DMY"), ("America/St_Johns", "German")]:
            cursor.execute(f"SET LOCAL timezone = '{zone}'; SET LOCAL datestyle = '{style}'")
            cursor.execute(
                "SELECT ledger_content_hash(company_id, at, kind, actor_id, lead_id, role, from_unit_id, from_user_id,"
                " to_unit_id, to_user_id, why, batch_id, detail) = content_hash FROM permissions_ledgerentry"
            )
            found.add(cursor.fetchone()[0])
    assert found == {True}


# --- the chain --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_m7_a_chain_per_company() -> None:
    one, other, silent = make_company(), make_company(), make_company()
    facts(one)
    facts(other, 2)
    assert seal() == 2
    facts(one, 1)
    assert seal() == 1
    assert seal() == 0
    assert [(verify(one.pk).seals, verify(one.pk).entries, verify(one.pk).problem)] == [(2, 4, "")]
    assert (verify(other.pk).seals, verify(other.pk).entries) == (1, 2)
    assert (verify(silent.pk).seals, verify(silent.pk).problem) == (0, "")


def test_m7_sealed_within_a_minute() -> None:
    assert seal_ledger.every is not None
    assert seal_ledger.every <= 30


def test_m7_sealing_beside_writers_loses_nothing(committing_db: str) -> None:
    companies = [make_company(), make_company()]
    written = Event()

    def write() -> None:
        for number in range(25):
            with transaction.atomic():
                facts(companies[number % 2], 1 + number % 3)
                time.sleep(0.002)  # ids of others are given out before this commit

    def seal_all_along() -> int:
        seals = 0
        while not written.is_set():
            seals += seal()
        return seals

    def write_in_a_crowd() -> None:
        at_once(write, write, write, write)
        written.set()

    _, first, second = at_once(write_in_a_crowd, seal_all_along, seal_all_along)
    seal()
    for company in companies:
        verdict = verify(company.pk)
        assert verdict.problem == ""
        assert verdict.unsealed == 0
        assert verdict.entries == LedgerEntry.objects.filter(company=company).count()
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert first + second > 4


def test_m7_an_entry_that_commits_late_is_not_left_out(committing_db: str) -> None:
    """The sealer waits for whoever is writing; when it must wait too long it seals nothing rather than too much."""
    company = make_company()
    wrote, give_up = Barrier(2), Event()

    def write_slowly() -> None:
        with transaction.atomic():
            facts(company, 1)
            wrote.wait()
            give_up.wait(10)

    def seal_meanwhile() -> None:
        wrote.wait()
        with pytest.raises(OperationalError, match="lock timeout"):
            seal()
        give_up.set()

    at_once(write_slowly, seal_meanwhile)
    assert LedgerSeal.objects.count() == 0
    facts(company, 1)
    assert seal() == 1
    assert (verify(company.pk).entries, verify(company.pk).problem) == (2, "")


def test_m7_two_sealers_make_one_chain(committing_db: str) -> None:
    company = make_company()
    for _ in range(10):
        facts(company, 2)
        start = Barrier(2)

        def seal_together(start: Barrier = start) -> int:
            start.wait()
            return seal()

        assert sum(at_once(seal_together, seal_together)) == 1  # type: ignore[arg-type]
    assert (verify(company.pk).seals, verify(company.pk).entries, verify(company.pk).problem) == (10, 20, "")


# --- tampering --------------------------------------------------------------------------------------------------------

TAMPERINGS = {
    "a changed entry": (
        "UPDATE permissions_ledgerentry SET why = 'another story' WHERE id = (SELECT min(id) + 1 FROM"
        " permissions_ledgerentry)",
        "seal 1 does not match its entries",
    ),
    "a missing entry": (
        "DELETE FROM permissions_ledgerentry WHERE id = (SELECT min(id) + 1 FROM permissions_ledgerentry)",
        "seal 1 has entries missing or added",
    ),
    "an entry put in before the first": (
        "INSERT INTO permissions_ledgerentry (id, company_id, kind) OVERRIDING SYSTEM VALUE"
        " SELECT -1, company_id, kind FROM permissions_ledgerentry LIMIT 1",
        "1 entries lie between the seals",
    ),
    "an entry moved to another company": (
        "UPDATE permissions_ledgerentry SET company_id = company_id + 1000 WHERE id = (SELECT max(id) FROM"
        " permissions_ledgerentry)",
        "seal 2 has entries missing or added",
    ),
    "a missing seal": ("DELETE FROM permissions_ledgerseal WHERE number = 1", "seal 2 does not follow"),
    "a changed seal": (
        "UPDATE permissions_ledgerseal SET hash = sha256('x') WHERE number = 1",
        "seal 1 does not match its entries",
    ),
    "seals told apart anew": (
        "UPDATE permissions_ledgerseal SET last_id = last_id - 1, entries = entries - 1 WHERE number = 1",
        "seal 1 does not match its entries",
    ),
}


@pytest.mark.parametrize(("change", "problem"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_m7_tampering_is_found(committing_db: str, change: str, problem: str) -> None:
    company = make_company()
    for _ in range(2):
        facts(company)
        seal()
    assert verify(company.pk).problem == ""
    with as_owner() as owner:
        for table in TABLES:
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER ledger_append_only")
        owner.execute(change)
    assert problem in verify(company.pk).problem


def test_m7_an_entry_slipped_in_between_seals_is_found(committing_db: str) -> None:
    """Even by the application's role, which may insert: an id below the horizon belongs to no seal."""
    company = make_company()
    facts(company)
    LedgerEntry.objects.create(pk=1_000, company=company, kind=KIND)
    seal()
    LedgerEntry.objects.create(pk=2_000, company=company, kind=KIND)
    seal()
    LedgerEntry.objects.create(pk=1_500, company=company, kind=KIND)
    assert verify(company.pk).problem != ""


@pytest.mark.django_db
def test_m7_the_command_says_that_the_chains_hold(capsys: pytest.CaptureFixture[str]) -> None:
    company = make_company("Harbor")
    facts(company)
    call_command("verify_ledger")
    assert "Harbor: 3 entries in 1 seals, verified" in capsys.readouterr().out


def test_m7_the_command_fails_on_a_broken_chain(committing_db: str, capsys: pytest.CaptureFixture[str]) -> None:
    facts(make_company("Harbor"))
    sound = make_company("Summit")
    facts(sound)
    seal()
    with as_owner() as owner:
        owner.execute("ALTER TABLE permissions_ledgerentry DISABLE TRIGGER ledger_append_only")
        owner.execute("UPDATE permissions_ledgerentry SET lead_id = 9 WHERE company_id <> %s", [sound.pk])
    with pytest.raises(CommandError, match="1 of the chains are broken") as failure:
        call_command("verify_ledger")
    assert failure.value.returncode == 1
    assert "Summit: 3 entries in 1 seals, verified" in capsys.readouterr().out
