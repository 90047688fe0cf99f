"""The claim clock. Deadlines are rows; this only makes acting on them prompt (R9)."""

from __future__ import annotations

import logging

from crm.core.tasks import task
from routing.services.handing_out import expire_due, units_due

logger = logging.getLogger(__name__)
BATCH = 1000
MOST_BATCHES = 60  # then the next tick goes on, so that one run never outlives a deploy


@task(queue="clock", every=1.0)
def expire_offers() -> None:
    """Hand on every lead whose offer is due, oldest first."""
    try:
        expire_all()
    except Exception:
        logger.exception("the batch failed; every unit by itself")
        expire_unit_by_unit()


def expire_all() -> None:
    for _ in range(MOST_BATCHES):
        if expire_due(BATCH) < BATCH:
            return


def expire_unit_by_unit() -> None:
    """What cannot be handed on in one unit must not hold up the others."""
    for unit_id in units_due():
        try:
            expire_due(BATCH, unit_id=unit_id)
        except Exception:
            logger.exception("offers of unit %s cannot be handed on", unit_id)
