"""Once, whatever happens: tasks delivered twice, chunks that break, workers killed, two at the same time (I1, 14)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from crm.core.embedded.addresses import addresses
from leads import tasks
from leads.imports import running
from leads.imports.running import carry_on
from leads.models import ContactPoint, ImportedKey, ImportPart, ImportRow, ImportRun, Lead, LeadSearch
from permissions.ledger import seal, verify
from permissions.models import LedgerEntry
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import counts, csv_of, people, start

ONE = csv_of("Ana,Silva,ana@mail.example,201-555-0101")


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 10)


def test_14_the_task_run_twice_changes_nothing(harbor: Brokerage) -> None:
    run = start(harbor.ana, harbor.ana, people(range(5)))
    for _ in range(2):
        tasks.run_import(run.pk)
        assert counts(run) == (5, 0, 0)
    assert Lead.objects.count() == LedgerEntry.objects.count() == LeadSearch.objects.count() == 5


def test_i1_the_wider_the_rows_the_fewer_at_once(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(harbor.ana, harbor.ana, people(range(50)))
    monkeypatch.setattr(running, "LARGEST_CHUNK", 100)  # characters: two or three of these rows
    assert running.carry_on(run.pk, chunks=2)
    first, _, _ = counts(run)
    assert 3 < first < 10
    assert not running.carry_on(run.pk)
    assert counts(run) == (50, 0, 0)
    assert list(ImportRow.objects.order_by("number").values_list("number", flat=True)) == list(range(2, 52))


def test_i1_a_task_works_for_a_while_and_queues_the_rest(harbor: Brokerage, small_chunks: None) -> None:
    run = start(harbor.ana, harbor.ana, people(range(75)))
    with mock.patch.object(tasks.run_import, "queue") as queue:
        tasks.run_import(run.pk)
        queue.assert_called_once_with(run.pk)
        assert counts(run) == (10 * tasks.CHUNKS_AT_ONCE, 0, 0)
        tasks.run_import(run.pk)
    queue.assert_called_once()
    assert (counts(run), run.state) == ((75, 0, 0), "done")


@pytest.mark.parametrize("spot", ["reindex", "record_select", "_copy_points", "keep_rows"])
def test_10_a_chunk_that_breaks_leaves_nothing_and_is_done_again(
    harbor: Brokerage, small_chunks: None, spot: str
) -> None:
    run = start(harbor.ana, harbor.ana, people(range(25)))
    assert carry_on(run.pk, chunks=1)
    with mock.patch(f"leads.imports.loading.{spot}", side_effect=RuntimeError("killed")), pytest.raises(RuntimeError):
        carry_on(run.pk)
    assert counts(run) == (10, 0, 0)
    assert Lead.objects.count() == ImportedKey.objects.count() // 2 == 10
    carry_on(run.pk)
    assert (counts(run), run.state) == ((25, 0, 0), "done")
    assert Lead.objects.count() == LedgerEntry.objects.count() == 25


def test_i1_a_run_that_keeps_breaking_is_given_up_with_a_word(harbor: Brokerage) -> None:
    run = start(harbor.ana, harbor.ana, ONE)
    with mock.patch("leads.imports.running.load", side_effect=RuntimeError("poison")):
        for _ in range(running.MOST_TRIES):
            with pytest.raises(RuntimeError):
                carry_on(run.pk)
    assert not carry_on(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "It broke off 5 times at the same place.")


def test_14_runs_that_nobody_works_on_are_taken_up(harbor: Brokerage) -> None:
    lost, lively, done = (start(harbor.ana, harbor.ana, people([number])) for number in range(3))
    carry_on(done.pk)
    ImportRun.objects.exclude(pk=lively.pk).update(touched_at=Now() - tasks.SILENCE)
    with mock.patch.object(tasks.run_import, "queue") as queue:
        tasks.resume_imports()
    queue.assert_called_once_with(lost.pk)


def at_once(*calls: Any) -> None:
    """Run the calls in threads of their own, each with a connection of its own, starting together."""
    ready = threading.Barrier(len(calls))
    failures: list[BaseException] = []

    def run(call: Any) -> None:
        try:
            ready.wait()
            call()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_14_two_workers_on_one_run_do_it_once(committing_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 20)
    harbor = brokerage()
    run = start(harbor.ana, harbor.ana, people(range(200)))
    at_once(*[lambda: carry_on(run.pk)] * 4)
    while carry_on(run.pk):
        pass
    assert (counts(run), run.state) == ((200, 0, 0), "done")
    assert Lead.objects.count() == LedgerEntry.objects.count() == 200


def test_i6_two_people_importing_the_same_file_at_once_make_no_doubles(
    committing_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK", 20)
    harbor = brokerage()
    runs = [start(actor, harbor.lakeside, people(range(200))) for actor in (harbor.lead, harbor.broker, harbor.lead)]
    at_once(*[lambda run=run: carry_on(run.pk) for run in runs])
    assert Lead.objects.count() == 200
    for run in runs:
        run.refresh_from_db()
    assert (sum(run.imported for run in runs), sum(run.skipped for run in runs)) == (200, 400)


WORK = """
import django; django.setup()
from leads.imports import running, services, uploading
running.CHUNK = 50
running.carry_on({})
"""


def worker(database: str, run: ImportRun) -> subprocess.Popen[bytes]:
    """A process of its own that carries the run on."""
    url = addresses(settings.DATA).database.replace("/fairlead?", f"/{database}?")
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "crm.settings", "DATABASE_URL": url}
    return subprocess.Popen([sys.executable, "-c", WORK.format(run.pk)], env=env)


def test_10_a_worker_killed_again_and_again_loses_and_doubles_nothing(committing_db: str) -> None:
    harbor = brokerage()
    run = start(harbor.lead, harbor.lakeside, people(range(4000)))
    for kills in range(1, 4):
        process = worker(committing_db, run)
        while run.handled < 1000 * kills - 400 and process.poll() is None:
            time.sleep(0.01)
            run.refresh_from_db()
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        run.refresh_from_db()
        assert run.handled == ImportRow.objects.filter(run=run).count() == Lead.objects.count()
    assert 0 < run.handled < 4000
    assert worker(committing_db, run).wait() == 0
    assert (counts(run), run.state) == ((4000, 0, 0), "done")
    assert Lead.objects.count() == LeadSearch.objects.count() == LedgerEntry.objects.count() == 4000
    assert ContactPoint.objects.count() == ImportedKey.objects.count() == 8000
    assert not ImportPart.objects.exists()
    seal()
    assert not verify(harbor.company.pk).problem
