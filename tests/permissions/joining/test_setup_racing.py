"""O7: several people set an empty installation up at the same moment."""

from __future__ import annotations

import pytest
from django.test import Client

from crm.organization import beginning
from crm.organization.models import Company, Unit, User
from permissions.joining.setup import BegunError, set_up
from tests.permissions.joining.test_setup import GIVEN, page, send
from tests.support.racing import together


@pytest.fixture(autouse=True)
def empty(begun: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "_begun", False)


def test_o7_of_two_at_once_one_wins_and_the_other_is_told(committing_db: str) -> None:
    answers = together(lambda: send(Client()), lambda: send(Client(), email="other@kite.example"))
    assert sorted(answer.status_code for answer in answers) == [302, 409]
    assert (Company.objects.count(), User.objects.count(), Unit.objects.count()) == (1, 1, 1)
    told = page(next(answer for answer in answers if answer.status_code == 409))
    assert "Somebody was faster" in told
    assert GIVEN["password"] not in told


def test_o7_the_second_in_line_finds_the_first(committing_db: str) -> None:
    def attempt(email: str) -> bool:
        try:
            set_up(**GIVEN | {"email": email})
        except BegunError:
            return False
        return True

    tried = together(*(lambda number=number: attempt(f"{number}@kite.example") for number in range(4)))
    assert sorted(tried) == [False, False, False, True]
