"""The post."""

from __future__ import annotations

from crm.core.tasks import task
from crm.notifications.delivering import send_due

BATCH = 50


@task(queue="default", every=10.0)
def send_deliveries() -> None:
    """Send everything that is due."""
    while send_due(BATCH) == BATCH:
        pass
