"""From events to deliveries: one for each webhook that wants the event, if its person may see the lead (I5, V1)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from django.db import transaction

from crm.webhooks.models import Webhook, WebhookDelivery, WebhookEvent
from leads.models import Lead
from permissions.keyring import load_keyring

AT_ONCE = 500


def spread_all() -> None:
    """Until nothing is left. What another worker is at is left to it."""
    while spread():
        pass


@transaction.atomic
def spread() -> int:
    """Make deliveries of the oldest events of one company: how many events are done with, in one transaction with that."""
    waiting = WebhookEvent.objects.order_by("pk").select_for_update(skip_locked=True)
    first = waiting.first()
    if first is None:
        return 0
    events = list(waiting.filter(company=first.company_id)[:AT_ONCE])
    # by company first: no webhook of another can be among them, whatever the rows say
    webhooks = Webhook.objects.on().filter(company=first.company_id).order_by("user", "pk")
    for _, hers in groupby(webhooks.select_related("user__company", "user__holding__profile"), lambda one: one.user_id):
        _spread_to(list(hers), events)
    WebhookEvent.objects.filter(pk__in=[event.pk for event in events]).delete()
    return len(events)


def _spread_to(webhooks: list[Webhook], events: list[WebhookEvent]) -> None:
    """To the webhooks of one person: about leads that she may see now."""
    wanted = {kind for webhook in webhooks for kind in webhook.events}
    asked = {event.lead_id for event in events if event.kind in wanted}
    if not asked:
        return
    keyring = load_keyring(webhooks[0].user)
    seen = set(Lead.objects.visible_to(keyring).filter(pk__in=asked).order_by().values_list("pk", flat=True))
    WebhookDelivery.objects.bulk_create(_deliveries(webhooks, events, seen), ignore_conflicts=True, batch_size=2000)


def _deliveries(webhooks: list[Webhook], events: list[WebhookEvent], seen: set[int]) -> Iterable[WebhookDelivery]:
    return [
        WebhookDelivery(
            webhook=webhook,
            kind=event.kind,
            event_id=event.pk,
            fact_id=event.fact_id,
            lead_id=event.lead_id,
            at=event.at,
        )
        for event in events
        if event.lead_id in seen
        for webhook in webhooks
        if event.kind in webhook.events
    ]
