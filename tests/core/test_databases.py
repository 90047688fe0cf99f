import time

import pytest
from django.db import connection


def role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_tests_connect_as_the_application() -> None:
    assert role() == "fairlead"


def test_committing(committing_db: str) -> None:
    assert connection.settings_dict["NAME"] == committing_db
    assert role() == "fairlead"


def test_committing2(committing_db: str) -> None:
    assert connection.settings_dict["NAME"] == committing_db
    assert role() == "fairlead"


def test_committing3(committing_db: str) -> None:
    assert connection.settings_dict["NAME"] == committing_db
    assert role() == "fairlead"
