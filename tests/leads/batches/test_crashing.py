"""Once, whatever happens: tasks delivered twice, chunks that break, workers killed, several at the same time (10, 14)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from unittest import mock

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Count, Max
from django.db.models.functions import Now

from crm.core.embedded.addresses import addresses
from crm.organization.models import Unit
from leads import tasks
from leads.batches import running
from leads.batches.drafting import cancel
from leads.batches.running import carry_on
from leads.models import Batch, BatchItem, Lead
from permissions.ledger import seal, verify
from permissions.models import LedgerEntry
from tests.factories.leads import make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import drafted, queued
from tests.support.racing import together

MANY = """
INSERT INTO leads_lead (company_id, owner_unit_id, origin, origin_unit_id, stage_id, first_name)
SELECT company_id, owner_unit_id, origin, origin_unit_id, stage_id, 'Lead ' || number
FROM leads_lead, generate_series(1, %s) AS number WHERE id = %s
"""


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 10)


def many(unit: Unit, count: int) -> None:
    """So many leads of the unit, made at once."""
    first = make_lead(unit)
    with connection.cursor() as cursor:
        cursor.execute(MANY, [count - 1, first.pk])


def assigning(harbor: Brokerage, count: int) -> Batch:
    many(harbor.lakeside, count)
    return queued(drafted(harbor.lead, "assign", "", user=harbor.ben))


def check_once(harbor: Brokerage, batch: Batch, count: int) -> None:
    """Each lead was changed once, and the ledger says so."""
    batch.refresh_from_db()
    assert (batch.state, batch.done, batch.changed) == ("done", count, count)
    assert Lead.objects.filter(agent=harbor.ben).count() == count
    facts = LedgerEntry.objects.filter(batch_id=batch.pk)
    assert facts.count() == facts.values("lead_id").distinct().count() == count
    assert not BatchItem.objects.filter(batch=batch).exclude(outcome="changed").exists()


def test_14_the_task_run_twice_changes_nothing_more(harbor: Brokerage) -> None:
    batch = assigning(harbor, 5)
    for _ in range(2):
        tasks.run_batch(batch.pk)
        check_once(harbor, batch, 5)


def test_4_a_task_works_for_a_while_and_queues_the_rest(
    harbor: Brokerage, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "CHUNKS_OF_A_BATCH", 2)
    batch = assigning(harbor, 35)
    with mock.patch.object(tasks.run_batch, "queue") as queue:
        tasks.run_batch(batch.pk)
        queue.assert_called_once_with(batch.pk)
        batch.refresh_from_db()
        assert (batch.state, batch.done, batch.changed) == ("running", 20, 20)
        tasks.run_batch(batch.pk)
    tasks.run_batch(batch.pk)
    check_once(harbor, batch, 35)


@pytest.mark.parametrize("spot", ["judge", "compare", "_save"])
def test_10_a_chunk_that_breaks_leaves_nothing_and_is_done_again(
    harbor: Brokerage, small_chunks: None, spot: str
) -> None:
    batch = assigning(harbor, 25)
    assert carry_on(batch.pk, chunks=1)
    real = getattr(running, spot)
    calls = iter([spot == "_save"])  # the first save only says that somebody is at work

    def breaking(*args: object, **kwargs: object) -> object:
        if next(calls, False):
            return real(*args, **kwargs)
        raise RuntimeError("killed")

    with mock.patch.object(running, spot, breaking), pytest.raises(RuntimeError):
        carry_on(batch.pk)
    assert Lead.objects.filter(agent=harbor.ben).count() == 10
    assert LedgerEntry.objects.filter(batch_id=batch.pk).count() == 10
    carry_on(batch.pk)
    check_once(harbor, batch, 25)


def test_4_a_batch_that_keeps_breaking_is_given_up_with_a_word(harbor: Brokerage) -> None:
    batch = assigning(harbor, 3)
    with mock.patch("leads.batches.running._work", side_effect=RuntimeError("poison")):
        for _ in range(running.MOST_TRIES):
            with pytest.raises(RuntimeError):
                carry_on(batch.pk)
    assert not carry_on(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.problem) == ("failed", "It broke off 5 times at the same place.")


def test_14_batches_that_nobody_works_on_are_taken_up(harbor: Brokerage) -> None:
    lost, lively, done = (
        queued(drafted(harbor.lead, "tags", [make_lead(harbor.lakeside)], add=["x"], remove=[])) for _ in range(3)
    )
    while carry_on(done.pk):
        pass
    Batch.objects.exclude(pk=lively.pk).update(held_until=Now() - running.HOLD)
    with mock.patch.object(tasks.run_batch, "queue") as queue:
        tasks.resume_batches()
    queue.assert_called_once_with(lost.pk)


def test_4_cancelled_between_chunks(harbor: Brokerage, small_chunks: None) -> None:
    batch = assigning(harbor, 25)
    carry_on(batch.pk, chunks=1)
    cancel(actor=fresh(harbor.lead), batch=batch)
    assert not carry_on(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.done, batch.changed) == ("cancelled", 10, 10)
    waiting = queued(drafted(harbor.lead, "tags", "", add=["x"], remove=[]))
    cancel(actor=fresh(harbor.lead), batch=waiting)
    assert not carry_on(waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.changed) == ("cancelled", 0)


# --- several at once --------------------------------------------------------------------------------------------------


def test_14_several_workers_on_one_batch_do_it_once(committing_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 20)
    harbor = brokerage()
    batch = assigning(harbor, 300)
    together(*[lambda: carry_on(batch.pk)] * 4)
    while carry_on(batch.pk):
        pass
    check_once(harbor, batch, 300)


def test_10_overlapping_batches_end_in_one_consistent_story(
    committing_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight batches over the same leads, whose owner, Agent and stage they fight over."""
    monkeypatch.setattr(running, "CHUNK", 25)
    harbor = brokerage()
    many(harbor.lakeside, 200)
    units = (harbor.hilltop, harbor.north, harbor.south, harbor.lakeside)
    to = [f"unit-{unit.pk}" for unit in units]
    batches = [queued(drafted(harbor.broker, "owner", "", to=place, keep_assistants=False)) for place in to]
    batches += [
        queued(drafted(harbor.broker, "assign", "", user=user)) for user in (harbor.ana, harbor.ben, harbor.broker)
    ]
    batches += [queued(drafted(harbor.broker, "release", ""))]
    together(*[lambda batch=batch: finish(batch) for batch in batches])
    assert set(Batch.objects.values_list("state", flat=True)) == {"done"}
    check_chains()
    seal()
    assert not verify(harbor.company.pk).problem


def finish(batch: Batch) -> None:
    while carry_on(batch.pk):
        pass


def check_chains() -> None:
    """Every lead's owners and Agents follow each other without a gap, up to those it has now."""
    owners: dict[int, int | None] = {}
    agents: dict[int, int | None] = {}
    for lead in Lead.objects.order_by("pk"):
        owners[lead.pk], agents[lead.pk] = None, None
    facts = LedgerEntry.objects.exclude(lead_id=None).order_by("pk").defer("content_hash")
    for fact in facts:
        if fact.kind == "owner_changed":
            assert owners[fact.lead_id] in (None, fact.from_unit_id), fact.lead_id
            owners[fact.lead_id] = fact.to_unit_id
        elif fact.kind in ("assigned", "unassigned", "released"):
            assert agents[fact.lead_id] == fact.from_user_id, fact.lead_id
            agents[fact.lead_id] = fact.to_user_id
    for lead in Lead.objects.order_by("pk"):
        assert owners[lead.pk] in (None, lead.owner_unit_id)
        assert agents[lead.pk] == lead.agent_id


# --- killed -----------------------------------------------------------------------------------------------------------

WORK = """
import django; django.setup()
from leads.batches import running
running.CHUNK = {chunk}
while running.carry_on({batch}): pass
"""


def worker(database: str, batch: Batch, chunk: int) -> subprocess.Popen[bytes]:
    """A process of its own that carries the batch on."""
    url = addresses(settings.DATA).database.replace("/fairlead?", f"/{database}?")
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "crm.settings", "DATABASE_URL": url}
    return subprocess.Popen([sys.executable, "-c", WORK.format(batch=batch.pk, chunk=chunk)], env=env)


def kill_on_the_way(database: str, batch: Batch, *, kills: int, chunk: int, chance: random.Random) -> None:
    """Kill worker after worker, each somewhere in a chunk after it has done one or two."""
    for number in range(kills):
        process, goal = worker(database, batch, chunk), batch.done + chunk * chance.choice([1, 2])
        while batch.done < min(goal, batch.total) and process.poll() is None:
            time.sleep(0.005)
            batch.refresh_from_db()
        time.sleep(chance.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        batch.refresh_from_db()
        assert batch.done == batch.items.exclude(outcome="").aggregate(last=Max("number"))["last"], number
        if batch.has_ended:
            return


@pytest.mark.parametrize(
    ("leads", "kills"), [(1500, 3), pytest.param(20_000, 20, marks=pytest.mark.soak)], ids=["few", "20,000"]
)
def test_10_workers_killed_at_random_points_lose_and_double_nothing(committing_db: str, leads: int, kills: int) -> None:
    harbor = brokerage()
    batch = assigning(harbor, leads)
    kill_on_the_way(committing_db, batch, kills=kills, chunk=250, chance=random.Random(4))
    assert 0 < batch.done < leads
    assert worker(committing_db, batch, 250).wait() == 0
    check_once(harbor, batch, leads)
    per_lead = LedgerEntry.objects.filter(batch_id=batch.pk).values("lead_id").annotate(times=Count("pk"))
    assert per_lead.aggregate(most=Max("times"))["most"] == 1
    seal()
    assert not verify(harbor.company.pk).problem
