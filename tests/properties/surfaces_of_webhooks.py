"""The surfaces of webhooks: a program is told of what its person sees, and her log speaks of nothing else (V1, I5)."""

from __future__ import annotations

import re

from django.db.models.functions import Now
from django.urls import reverse

from crm.webhooks.models import Event, Webhook, WebhookDelivery, WebhookEvent
from crm.webhooks.services import add
from crm.webhooks.spreading import spread_all
from crm.webhooks.telling import bodies_of
from leads.models import Lead
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, said, seen, surface


def hers(visit: Visit) -> Webhook:
    """A webhook of hers, with a delivery for every lead there is."""
    made = add(user=visit.user, name="Till", url="https://till.example/", events=Event.values)
    leads = Lead.objects.order_by("pk").values_list("pk", flat=True)
    values = {"webhook": made, "kind": visit.one_of(*Event.values), "at": Now()}
    made.deliveries.bulk_create(WebhookDelivery(lead_id=pk, event_id=-pk, fact_id=0, **values) for pk in leads)
    return made


@surface("webhook", "webhook-secret", expects=seen)
def webhook_log(visit: Visit) -> Told:
    """All its pages; the first also beside a new secret, and beside what was wrong with her settings."""
    there = hers(visit).pk
    sent = visit.one_of("", "webhook-secret", "webhook")
    page = said(visit.client.post(reverse(sent, args=[there]))) if sent else visit.get("webhook", there)
    pages = [page]
    while older := re.search(r'rel="next" href="[^"]*cursor=([\w=-]+)"', page):
        page = visit.get("webhook", there, cursor=older[1])
        pages.append(page)
    return told("\n".join(pages))


@surface("webhook", expects=seen)
def webhook_told(visit: Visit) -> Told:
    """What would be sent, though there is a delivery for every lead."""
    webhook = hers(visit)
    return told("\n".join(bodies_of(visit.user, list(webhook.deliveries.select_related("webhook"))).values()))


@surface("webhook", expects=lambda visit: len(seen(visit)))
def webhook_deliveries_counted(visit: Visit) -> int:
    """How many rows there are once something happened to every lead of her company."""
    webhook = add(user=visit.user, name="Till", url="https://till.example/", events=Event.values)
    values = {"kind": Event.CREATED, "fact_id": 0, "at": Now()}
    companies = Lead.objects.order_by("pk").values_list("pk", "company")
    WebhookEvent.objects.bulk_create(
        WebhookEvent(lead_id=pk, company_id=company, **values) for pk, company in companies
    )
    spread_all()
    return webhook.deliveries.count()
