"""Keeping hoppers full, ending sessions nobody hears of (D4, D9), automations (D13), reading files for the do-not-call
list (D14).

All of it stands in rows; this only makes acting on them prompt.
"""

from __future__ import annotations

from time import monotonic

from django.core.cache import cache

from crm.core.tasks import task
from dialer.models import AgentSession, HopperEntry
from dialer.services import automating, do_not_call_files
from dialer.services.loading import load
from dialer.services.sessions import recover

CHUNKS_AT_ONCE = 4
SECONDS_AT_ONCE = 20
SOON = "hopper:soon:{}"


@task(queue="clock", every=60.0)
def load_hoppers() -> None:
    """Load the hopper of every campaign that somebody is logged in to; empty those that nobody is any more."""
    live = AgentSession.objects.live().order_by().values_list("campaign")
    left = HopperEntry.objects.order_by().values_list("campaign")
    for (campaign_id,) in live.union(left).order_by("campaign"):
        load_hopper.queue(campaign_id)


@task(queue="clock")
def load_hopper(campaign_id: int) -> None:
    """Unless a run is under way: the next tick has what that one does not see."""
    load(campaign_id)


@task(queue="clock")
def load_for_newcomer(campaign_id: int) -> None:
    """For whoever has just logged in: after the run that may be under way."""
    cache.delete(SOON.format(campaign_id))
    load(campaign_id, wait=True)


@task(queue="clock", every=10.0)
def end_lost_sessions() -> None:
    """Free what is before agents whose browser is gone."""
    recover()


def load_soon(campaign_id: int) -> None:
    """Have the hopper loaded at once. One call is enough for all who log in before it begins."""
    if cache.add(SOON.format(campaign_id), 1, timeout=5):
        load_for_newcomer.queue(campaign_id)


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


@task(queue="default", every=3.0)
def run_automations() -> None:
    """Do what is due for some seconds; the next tick goes on."""
    until = monotonic() + SECONDS_AT_ONCE
    while monotonic() < until and automating.do_next():
        pass


@task(queue="default", every=900.0)
def find_cold_leads() -> None:
    """Write down what automations do with leads that nothing has happened to."""
    automating.find_cold()
