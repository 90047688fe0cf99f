"""The test harness itself: whom tests connect as, and what they leave."""

from __future__ import annotations

import threading

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from crm.core.embedded.addresses import addresses
from tests.conftest import WORKER
from tests.support.databases import as_superuser, clone


def answer(sql: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_tests_connect_as_the_role_that_owns_nothing() -> None:
    assert answer("SELECT current_user") == "fairlead"
    assert answer("SELECT count(*) FROM pg_tables WHERE tableowner = 'fairlead'") == 0


def test_a_committing_database_is_seen_by_every_thread(committing_db: str) -> None:
    seen: list[object] = []

    def look() -> None:
        seen.append(answer("SELECT current_database()"))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [committing_db]


def test_a_clone_ends_with_its_block_even_while_someone_is_connected() -> None:
    with clone(f"test_{WORKER}_gone") as name:
        guest = psycopg.connect(host=str(addresses(settings.DATA).sockets), dbname=name, user="fairlead")
    with as_superuser() as server:
        assert server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None
    guest.close()
