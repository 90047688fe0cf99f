"""The claim clock, and what comes in. Deadlines and requests are rows; this only makes acting on them prompt (R9, C4)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from crm.core.tasks import task
from routing.capture.calling import must_call, take_in_all
from routing.capture.fetching import fetch_next
from routing.capture.mailbox import poll
from routing.services.cold import AT_ONCE as AT_ONCE_COLD
from routing.services.cold import move_cold, units_with_cold
from routing.services.handing_out import expire_due, units_due
from routing.services.shadowing import AT_ONCE as AT_ONCE_IN_SHADOW
from routing.services.shadowing import books_in_shadow, decide_in_shadow

logger = logging.getLogger(__name__)
BATCH = 2000
MOST_FETCHED = 50  # then it queues itself anew
MOST_BATCHES = 60  # then the next tick goes on, so that one run never outlives a deploy


@task(queue="clock", every=0.5)
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


@task(queue="clock", every=2.0)
def take_in_inbound() -> None:
    """Make leads of all that came in by the channels, unless somebody is at it."""
    if not take_in_all(MOST_BATCHES):
        take_in_inbound.queue()


@task(queue="default", every=10.0)
def fetch_inbound() -> None:
    """Fetch the leads of which only the ids came in."""
    for _ in range(MOST_FETCHED):
        if not fetch_next():
            return
    fetch_inbound.queue()


@task(queue="default", every=30.0)
def read_mail() -> None:
    """Take in the leads that were mailed, where there is a mailbox to look into."""
    poll()


@task(queue="default", every=600.0)
def move_cold_leads() -> None:
    """Move on what nobody was in touch with for as long as its unit allows."""
    for unit_id in units_with_cold():
        in_batches(move_cold, unit_id, AT_ONCE_COLD)


@task(queue="default", every=5.0)
def decide_in_shadows() -> None:
    """Let the drafts that are in shadow decide of the leads that came."""
    for book_id in books_in_shadow():
        in_batches(decide_in_shadow, book_id, AT_ONCE_IN_SHADOW)


def in_batches(act: Callable[[int], int], pk: int, at_once: int) -> None:
    """Until there are no more; what cannot be done for one does not hold up the others."""
    try:
        for _ in range(MOST_BATCHES):
            if act(pk) < at_once:
                return
    except Exception:
        logger.exception("%s cannot be done for %s", act.__name__, pk)


def take_in_soon() -> None:
    """Have what came in taken in at once."""
    if must_call():
        take_in_inbound.queue()
