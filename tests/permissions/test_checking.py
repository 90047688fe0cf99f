"""M7: the ledger's chain is checked on request, in the background, once, and the result is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.utils import timezone

from permissions import checking
from permissions.checking import SILENCE, ask_for_check, carry_out, latest_check, waiting_checks
from permissions.ledger import Fact, record, seal, verify
from permissions.models import LedgerCheck, LedgerEntry
from permissions.tasks import check_ledger, resume_checks
from tests.factories.people import make_manager
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def sealed_facts(harbor: Brokerage, seals: int = 1) -> None:
    for number in range(seals):
        record(Fact(company_id=harbor.company.pk, kind=LedgerEntry.Kind.CREATED, lead_id=number))
        seal()


def done(harbor: Brokerage) -> LedgerCheck:
    check = latest_check(harbor.company.pk)
    assert check
    return check


def test_m7_a_check_recomputes_the_chain_and_keeps_what_it_found(harbor: Brokerage) -> None:
    sealed_facts(harbor, seals=3)
    record(Fact(company_id=harbor.company.pk, kind=LedgerEntry.Kind.CREATED))
    asked = ask_for_check(harbor.broker)
    assert (asked.state, asked.total) == ("queued", 3)
    check_ledger(asked.pk)
    found = done(harbor)
    assert (found.pk, found.state, found.checked, found.seals, found.unsealed) == (asked.pk, "done", 3, 3, 1)
    assert (found.problem, found.asked_by, found.is_under_way) == ("", harbor.broker, False)
    assert found.finished_at


def test_m7_a_broken_chain_is_told(harbor: Brokerage) -> None:
    sealed_facts(harbor)
    record(Fact(company_id=harbor.company.pk, kind=LedgerEntry.Kind.CREATED))
    LedgerEntry.objects.create(pk=-1, company=harbor.company, kind="created")
    carry_out(ask_for_check(harbor.broker).pk)
    assert done(harbor).problem == "1 entries lie between the seals"


def test_m7_one_check_at_a_time(harbor: Brokerage) -> None:
    first = ask_for_check(harbor.broker)
    assert ask_for_check(make_manager(harbor.whole)).pk == first.pk
    with pytest.raises(IntegrityError):
        LedgerCheck.objects.create(company=harbor.company, asked_by=harbor.broker)


def test_m7_a_check_is_done_once_however_often_it_is_sent(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ask_for_check(harbor.broker)
    assert [carry_out(asked.pk), carry_out(asked.pk), carry_out(10**9)] == [True, False, False]
    assert ask_for_check(harbor.broker).pk != asked.pk


def test_m7_a_check_that_nobody_works_on_is_taken_up(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ask_for_check(harbor.broker)
    sent: list[Any] = []
    monkeypatch.setattr(type(check_ledger), "queue", lambda self, *args: sent.append(args))
    resume_checks()
    LedgerCheck.objects.update(state="running")
    resume_checks()  # somebody is at it
    LedgerCheck.objects.update(touched_at=timezone.now() - SILENCE - timedelta(seconds=1))
    resume_checks()
    assert sent == [(asked.pk,), (asked.pk,)]
    assert carry_out(asked.pk)
    assert not waiting_checks().exists()


def test_m7_how_far_it_is_can_be_seen(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("permissions.ledger.LINKS_AT_ONCE", 2)
    sealed_facts(harbor, seals=5)
    told: list[int] = []
    assert verify(harbor.company.pk, told.append).problem == ""
    assert told == [2, 4, 5]
    seen: list[int] = []
    honest = checking._tell

    def tell(check: Any, entries: int) -> None:
        honest(check, entries)
        seen.append(done(harbor).checked)

    monkeypatch.setattr(checking, "_tell", tell)
    carry_out(ask_for_check(harbor.broker).pk)
    assert seen == [2, 4, 5]


def test_m7_only_who_may_read_the_ledger_asks(harbor: Brokerage) -> None:
    for who in (harbor.north_admin, harbor.ana, make_manager(harbor.whole, profile="agent")):
        with pytest.raises(PermissionDenied):
            ask_for_check(who)
    ask_for_check(stranger())
    assert latest_check(harbor.company.pk) is None
