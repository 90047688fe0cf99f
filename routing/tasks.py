"""The claim clock. Deadlines are rows; this only makes acting on them prompt (R9)."""

from __future__ import annotations

from crm.core.tasks import task
from routing.services.handing_out import expire_due

BATCH = 1000
MOST_BATCHES = 60  # then the next tick goes on, so that one run never outlives a deploy


@task(queue="clock", every=1.0)
def expire_offers() -> None:
    """Hand on every lead whose offer is due, oldest first."""
    for _ in range(MOST_BATCHES):
        if expire_due(BATCH) < BATCH:
            return
