"""Files for the do-not-call list in the background; one whose worker died is taken up within a minute."""

from __future__ import annotations

from crm.core.tasks import task
from dialer.services import do_not_call_files

CHUNKS_AT_ONCE = 4


@task(queue="default")
def read_numbers(file_id: int) -> None:
    """Work on one file for a few seconds; what is left goes to the end of the queue."""
    if do_not_call_files.carry_on(file_id, chunks=CHUNKS_AT_ONCE):
        read_numbers.queue(file_id)


@task(queue="default", every=30.0)
def resume_numbers() -> None:
    """Take up the files that nobody works on any more, or that no worker ever heard of."""
    for file_id in do_not_call_files.forsaken():
        read_numbers.queue(file_id)
