"""The post of webhooks. Triggers wrote down what is to be told; this only makes it prompt."""

from __future__ import annotations

from crm.core.tasks import task
from crm.webhooks import sending, spreading
from crm.webhooks.services import forget_old


@task(queue="default", every=3.0)
def tell_webhooks() -> None:
    """Make deliveries of what happened, and send those that are due, for some seconds; the next tick goes on."""
    with sending.alone() as nobody_else:
        if nobody_else:
            spreading.spread_all()
            sending.send_all()


@task(queue="default", every=3600.0)
def forget_deliveries() -> None:
    """Throw away what was delivered a month ago."""
    forget_old()
