"""Who is called when something comes in: somebody always, and one at a time (C4, R9)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from leads.models import Lead
from routing import tasks
from routing.capture import calling
from routing.tasks import take_in_inbound, take_in_soon
from tests.factories.scenes import Brokerage, stranger
from tests.routing.capture.scenes import make_channel, send
from tests.routing.capture.test_taking import MAYA
from tests.routing.scenes import lakeside

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One for each time that somebody was called."""
    made: list[None] = []
    monkeypatch.setattr(take_in_inbound, "queue", lambda: made.append(None))
    return made


def person(number: int) -> dict[str, str]:
    return {**MAYA, "email": f"m{number}@mail.example", "phone": ""}


def test_c4_one_call_is_enough_until_it_is_answered(harbor: Brokerage, calls: list[None]) -> None:
    channel = make_channel(harbor.lakeside)
    for number in range(3):
        send(channel, person(number))
    assert len(calls) == 1
    take_in_inbound()
    assert Lead.objects.count() == 3
    send(channel, person(3))
    assert len(calls) == 2


def test_c4_what_comes_while_others_are_taken_in_calls_nobody_and_is_taken_too(
    harbor: Brokerage, calls: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, real, late = make_channel(harbor.lakeside), calling.take_in_waiting, [person(1), person(2)]

    def looked() -> Any:
        taken = real()
        if late:
            send(channel, late.pop())
        return taken

    send(channel, person(0))
    monkeypatch.setattr(calling, "take_in_waiting", looked)
    take_in_inbound()
    assert (Lead.objects.count(), len(calls)) == (3, 1)


def test_c4_who_looks_last_misses_nobody(harbor: Brokerage, calls: list[None], monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is sent after the last look finds that nobody is at it any more."""
    channel, real, looks = make_channel(harbor.lakeside), calling.take_in_waiting, []

    def looked() -> Any:
        taken = real()
        looks.append(taken)
        if len(looks) == 3:  # the first found it, the second nothing, the third nothing again
            send(channel, person(1))
        return taken

    send(channel, person(0))
    monkeypatch.setattr(calling, "take_in_waiting", looked)
    take_in_inbound()
    assert (len(looks), Lead.objects.count(), len(calls)) == (3, 1, 2)
    take_in_inbound()
    assert Lead.objects.count() == 2


def test_c4_the_tick_leaves_it_to_who_is_at_it_until_she_dies(harbor: Brokerage, calls: list[None]) -> None:
    send(make_channel(harbor.lakeside), person(0))
    cache.set(calling.SOON, calling.TAKING, timeout=calling.LASTS)
    take_in_inbound()
    assert not Lead.objects.exists()
    cache.delete(calling.SOON)  # as it is by itself after so many seconds
    take_in_inbound()
    assert Lead.objects.count() == 1


def test_c4_more_than_one_run_takes_are_left_to_the_next(
    harbor: Brokerage, calls: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MOST_BATCHES", 1)
    send(make_channel(harbor.lakeside), person(0))
    take_in_inbound()
    assert len(calls) == 2
    take_in_soon()
    assert len(calls) == 3


def test_c4_only_those_of_one_company_gather(
    harbor: Brokerage, calls: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(calling.time, "sleep", rests.append)
    here, there = make_channel(harbor.lakeside), make_channel(stranger().company.units.get(parent=None))
    to_come, real = [here, here, there, here], calling.take_in_waiting

    def looked() -> Any:
        if to_come:
            send(to_come.pop(), person(len(to_come)))
        return real()

    monkeypatch.setattr(calling, "take_in_waiting", looked)
    take_in_inbound()
    assert Lead.objects.count() == 4
    assert len(rests) == 1  # before the last, which came by the channel of the one before it
    assert 0 <= rests[0] <= calling.GATHERING
