"""Several workers at one batch, each at a chunk of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

from leads import tasks
from leads.batches import running
from leads.batches.drafting import cancel
from leads.batches.running import carry_on
from leads.batches.verb import NotNowError
from leads.models import Batch, BatchChunk, Lead
from tests.factories.people import fresh
from tests.factories.scenes import brokerage
from tests.leads.batches.test_crashing import assigning, check_once
from tests.support.racing import together

pytestmark = pytest.mark.usefixtures("committing_db")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 10)


class Halted:
    """The first worker that comes to the chunk which ends at `upto` stays in it until it is told to go on."""

    def __init__(self, upto: int) -> None:
        self.upto, self.there, self.go_on = upto, threading.Event(), threading.Event()
        self.work = running._work

    def __call__(self, act: object, verb: object, chunk: BatchChunk) -> int:
        if chunk.upto == self.upto and not self.there.is_set():
            self.there.set()
            assert self.go_on.wait(20)
        return self.work(act, verb, chunk)  # type: ignore[arg-type]


@contextmanager
def halted(upto: int) -> Iterator[Halted]:
    one = Halted(upto)
    with mock.patch.object(running, "_work", one):
        yield one
        one.go_on.set()


def beside(one: Halted, act: Callable[[], None]) -> Callable[[], bool]:
    """Waits until a worker is in its chunk, does this, and lets it go on."""

    def then() -> bool:
        assert one.there.wait(20)
        try:
            act()
        finally:
            one.go_on.set()
        return False

    return then


def state_of(batch: Batch) -> tuple[str, int, int]:
    batch.refresh_from_db()
    return batch.state, batch.done, batch.changed


def test_m4_another_worker_does_the_other_chunks_meanwhile() -> None:
    harbor = brokerage()
    batch = assigning(harbor, 45)

    def act() -> None:
        assert not carry_on(batch.pk), "what is left is in other hands"
        assert state_of(batch) == ("running", 35, 35)
        assert Lead.objects.filter(agent=harbor.ben).count() == 35

    with halted(10) as one:
        together(lambda: carry_on(batch.pk), beside(one, act))
    check_once(harbor, batch, 45)


def test_m4_who_cancels_waits_for_the_chunk_that_is_being_done() -> None:
    harbor = brokerage()
    batch = assigning(harbor, 45)

    def act() -> None:
        assert carry_on(batch.pk, chunks=1)
        cancel(actor=fresh(harbor.lead), batch=batch)

    with halted(10) as one:
        together(lambda: carry_on(batch.pk), beside(one, act))
    assert state_of(batch) == ("cancelled", 20, 20)
    assert Lead.objects.filter(agent=harbor.ben).count() == 20


def test_m4_a_refusal_leaves_the_chunk_of_the_other_worker_done() -> None:
    harbor = brokerage()
    batch = assigning(harbor, 45)

    def act() -> None:
        with mock.patch("leads.batches.verbs.assigning.Assign.check", side_effect=NotNowError("Ben has left.")):
            threading.Timer(0.3, one.go_on.set).start()
            assert not carry_on(batch.pk)

    with halted(10) as one:
        together(lambda: carry_on(batch.pk), beside(one, act))
    assert state_of(batch) == ("failed", 10, 10)
    assert batch.problem == "Ben has left."


def test_m4_a_batch_of_one_chunk_is_for_one_worker_and_a_long_one_for_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CHUNK", 10)
    harbor = brokerage()
    batch = assigning(harbor, 12)
    with mock.patch.object(tasks.run_batch, "queue") as queue:
        tasks.set_to_work(batch)
        assert queue.call_count == 2
        batch.total = 10
        tasks.set_to_work(batch)
        assert queue.call_count == 3


def test_m4_a_batch_begun_before_there_were_chunks_goes_on_where_it_was() -> None:
    harbor = brokerage()
    batch = assigning(harbor, 45)
    assert carry_on(batch.pk, chunks=2)
    batch.chunks.all().delete()
    assert not carry_on(batch.pk)
    check_once(harbor, batch, 45)
