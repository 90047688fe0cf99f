"""What happens is written down for webhooks with its cause, by whichever way, and not without it (I5, reliability 14)."""

from __future__ import annotations

from collections import Counter
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.webhooks import spreading
from crm.webhooks.models import Event, Webhook, WebhookDelivery, WebhookEvent
from crm.webhooks.spreading import spread, spread_all
from crm.webhooks.tasks import tell_webhooks
from leads.models import Lead
from leads.services.creating import first_stage, ownership_of
from leads.services.transferring import transfer_leads
from permissions.ledger import Fact, record_all
from permissions.models import LedgerEntry
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage
from tests.support.racing import together
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_telling import add_lead, created

Kind = LedgerEntry.Kind


@pytest.fixture
def hook(harbor: Brokerage) -> Webhook:
    return make_hook(harbor)


def make_hook(harbor: Brokerage) -> Webhook:
    values = {"company": harbor.company, "user": harbor.broker, "secret": "whsec_AAAA", "url": "https://a.example/"}
    return Webhook.objects.create(name="Accounting", events=Event.values, **values)


def test_i5_a_mass_transfer_writes_every_event(harbor: Brokerage, hook: Webhook) -> None:
    values = ownership_of(harbor.lakeside, harbor.company) | {"stage": first_stage(harbor.company.pk)}
    leads = Lead.objects.bulk_create(Lead(company=harbor.company, **values) for _ in range(2000))
    moved = transfer_leads(actor=harbor.broker, lead_ids=[one.pk for one in leads], to=harbor.hilltop, why="mass")
    assert len(moved) == 2000
    spread_all()
    kinds = Counter(WebhookDelivery.objects.values_list("kind", flat=True))
    assert kinds["lead.owner_changed"] == 2000
    told = WebhookDelivery.objects.filter(kind=Event.OWNER_CHANGED).order_by("pk").values_list("lead", flat=True)
    assert sorted(told) == sorted(one.pk for one in leads)


def test_i5_a_thousand_that_are_rolled_back_tell_nothing(harbor: Brokerage, hook: Webhook) -> None:
    lead = make_lead(harbor.lakeside)
    for _ in range(1000):
        with transaction.atomic():
            created(lead)
            transaction.set_rollback(True)
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("off", [choice for choice in Webhook.Off.values if choice])
def test_i5_what_is_off_is_told_of_nothing(harbor: Brokerage, hook: Webhook, off: str) -> None:
    Webhook.objects.update(off=off)
    created(make_lead(harbor.lakeside))
    assert not WebhookEvent.objects.exists()


def test_i5_other_facts_and_facts_about_no_lead_are_not_told(harbor: Brokerage, hook: Webhook) -> None:
    lead = make_lead(harbor.lakeside)
    record_all(
        [
            Fact(harbor.company.pk, Kind.HIDDEN, lead_id=lead.pk),
            Fact(harbor.company.pk, Kind.SHARED, lead_id=lead.pk),
            Fact(harbor.company.pk, Kind.POLICY_CHANGED),
            Fact(harbor.company.pk, Kind.ASSIGNED),
        ]
    )
    assert not WebhookEvent.objects.exists()


def test_i5_events_go_once_their_deliveries_are_there(harbor: Brokerage, hook: Webhook) -> None:
    created(*(make_lead(harbor.lakeside) for _ in range(3)))
    with mock.patch.object(spreading, "_deliveries", side_effect=OSError), pytest.raises(OSError):
        spread()
    assert (WebhookEvent.objects.count(), WebhookDelivery.objects.count()) == (3, 0)
    with mock.patch.object(spreading, "AT_ONCE", 2):
        assert [spread(), spread(), spread()] == [2, 1, 0]
    assert (WebhookEvent.objects.count(), WebhookDelivery.objects.count()) == (0, 3)


def test_i5_two_workers_make_each_delivery_once(committing_db: str) -> None:
    harbor = brokerage()
    make_hook(harbor)
    created(*(make_lead(harbor.lakeside) for _ in range(20)))
    with mock.patch.object(spreading, "AT_ONCE", 3):
        together(*([spread_all] * 3))
        spread_all()
    assert WebhookDelivery.objects.count() == 20
    assert not WebhookEvent.objects.exists()


def test_i5_everything_recovers_without_redis(there: Receiver, harbor: Brokerage) -> None:
    """No task was sent, the cache is gone: the rows say what is due."""
    webhook = there.hook(harbor.ana, Event.CREATED)
    add_lead(harbor.ana, harbor.ana)
    cache.clear()
    for _ in range(2):
        tell_webhooks()
    assert len(there.told(webhook)) == 1


def test_i5_queries_do_not_grow_with_events(harbor: Brokerage, hook: Webhook) -> None:
    def asked(leads: int) -> int:
        created(*(make_lead(harbor.lakeside) for _ in range(leads)))
        with CaptureQueriesContext(connection) as queries:
            spread()
        return len(queries)

    asked(1)
    assert asked(2) == asked(20)
