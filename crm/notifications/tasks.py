"""The post. Each channel has a task of its own, and ends it once nobody is reached, so that none holds up the other."""

from __future__ import annotations

from crm.core.tasks import task
from crm.notifications.delivering import send_due
from crm.notifications.models import Delivery


@task(queue="default", every=10.0)
def send_mails() -> None:
    """Send the e-mails that are due."""
    while send_due(Delivery.Channel.EMAIL):
        pass


@task(queue="default", every=10.0)
def send_pushes() -> None:
    """Send what is due by web push."""
    while send_due(Delivery.Channel.PUSH):
        pass
