"""Imports, batches, reminders in the background. Their rows say what is due; a worker that died is relieved in a minute."""

from __future__ import annotations

from datetime import timedelta

from crm.core.tasks import task
from leads.batches.drafting import forget_drafts
from leads.batches.running import CHUNK, carry_on
from leads.batches.verb import verb_of
from leads.imports import running, services
from leads.imports.receiving import read_upload
from leads.messaging.posting import send_due
from leads.models import Batch, ImportRun
from leads.services.covering import due_covers
from leads.services.tasks import REMINDERS_AT_ONCE, remind_due

CHUNKS_AT_ONCE = 4  # then others have their turn on the queue
CHUNKS_OF_A_BATCH = 4
MAILS_AT_ONCE = 10  # times twenty, then others have their turn
HANDS = 2  # workers at one batch of several chunks
SILENCE = timedelta(seconds=30)


@task(queue="default")
def run_import(run_id: int) -> None:
    """Read the file of one import, or work on it for a few seconds; what is left goes to the end of the queue."""
    read_upload(run_id)
    if running.carry_on(run_id, chunks=CHUNKS_AT_ONCE):
        run_import.queue(run_id)


@task(queue="default", every=30.0)
def resume_imports() -> None:
    """Take up the imports that nobody works on any more, or that no worker ever heard of."""
    for run_id in ImportRun.objects.silent_for(SILENCE).order_by("pk").values_list("pk", flat=True):
        run_import.queue(run_id)


@task(queue="default", every=3600.0)
def forget_imports() -> None:
    """Throw away files that were uploaded a week ago and never started."""
    services.forget_drafts()


@task(queue="default")
def run_batch(batch_id: int) -> None:
    """Work on one batch for a few seconds; what is left goes to the end of the queue."""
    if carry_on(batch_id, chunks=CHUNKS_OF_A_BATCH):
        run_batch.queue(batch_id)


def set_to_work(batch: Batch) -> None:
    """Queue a batch for as many workers as there is work for."""
    for _ in range(HANDS if batch.total > CHUNK and not verb_of(batch).whole else 1):
        run_batch.queue(batch.pk)


@task(queue="default", every=10.0)
def resume_batches() -> None:
    """Take up the batches that nobody works on any more, or that no worker ever heard of."""
    for batch in Batch.objects.forsaken().order_by("pk"):
        set_to_work(batch)


@task(queue="default", every=3600.0)
def forget_batches() -> None:
    """Throw away batches that were previewed yesterday and never confirmed."""
    forget_drafts()


@task(queue="default", every=10.0)
def post_mails() -> None:
    """Send the e-mails to leads that are due, a few hundred; what is left goes to the end of the queue."""
    for _ in range(MAILS_AT_ONCE):
        if not send_due():
            return
    post_mails.queue()


@task(queue="clock", every=30.0)
def return_covered() -> None:
    """Return leads whose cover is over to whom they were covered for."""
    while due_covers():
        continue


@task(queue="clock", every=5.0)
def remind() -> None:
    """Tell people of tasks, appointments and callbacks that fall due."""
    while remind_due() == REMINDERS_AT_ONCE:
        continue
