"""The test harness itself: whom tests connect as, and what they leave."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from tests.support.databases import as_superuser


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


def test_no_committing_database_is_left() -> None:
    with as_superuser() as server:
        names = [row[0] for row in server.execute(r"SELECT datname FROM pg_database WHERE datname LIKE 'test\__%\_1'")]
    assert names == []
