"""Clockwork of the ledger and of invitations."""

from __future__ import annotations

from crm.core.tasks import task
from permissions import checking, ledger
from permissions.joining import invitations
from permissions.tokens.services import forget_answers as forget_old_answers

BATCH = 20


@task(queue="default", every=20.0)
def seal_ledger() -> None:
    """Chain what was written since the last run (M7: sealed within a minute)."""
    ledger.seal()


@task(queue="default", every=15.0)
def send_invitations() -> None:
    """Send every invitation that is due."""
    while invitations.send_due(BATCH) == BATCH:
        pass


@task(queue="default")
def check_ledger(check_id: int) -> None:
    """Recompute one company's chain."""
    checking.carry_out(check_id)


@task(queue="default", every=30.0)
def resume_checks() -> None:
    """Take up the checks that nobody works on any more, or that no worker ever heard of."""
    for check_id in checking.waiting_checks().values_list("pk", flat=True):
        check_ledger.queue(check_id)


@task(queue="default", every=3600.0)
def forget_answers() -> None:
    """Throw away what the API answered to repeatable requests a day ago."""
    forget_old_answers()
