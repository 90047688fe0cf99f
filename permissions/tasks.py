"""Clockwork of the ledger and of invitations."""

from __future__ import annotations

from crm.core.tasks import task
from permissions import invitations, ledger

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
