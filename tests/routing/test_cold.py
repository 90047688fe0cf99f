"""R13: cold leads go into a pond or round the roster, as was foreseen before it was turned on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.notifications.models import Notification
from leads.models import Assignment, Lead
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from routing.models import Offer, RoutingPolicy
from routing.services.cold import foresee, move_cold
from routing.tasks import move_cold_leads
from tests.factories.leads import make_lead, make_pond
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, stranger
from tests.routing.scenes import lakeside, make_policy


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return lakeside()


def silent(harbor: Brokerage, days: int = 30, **fields: Any) -> Lead:
    """A lead that Ana has had as long as nobody was in touch with it."""
    lead = make_lead(harbor.lakeside, **{"agent": harbor.ana, **fields})
    long_ago = timezone.now() - timedelta(days=days)
    Assignment.objects.filter(lead=lead).update(since=long_ago)
    Lead.objects.filter(pk=lead.pk).update(last_contact_at=long_ago)
    return lead


def cold(harbor: Brokerage, days: int = 14, **fields: Any) -> None:
    make_policy(harbor.lakeside, fallback=harbor.lead, cold_days=days, **fields)


def agent_of(lead: Lead) -> Any:
    return Lead.objects.get(pk=lead.pk).agent


def test_r13_they_go_to_the_next_in_turn_and_not_to_who_had_them(harbor: Brokerage) -> None:
    leads, warm = [silent(harbor) for _ in range(3)], silent(harbor, days=3)
    cold(harbor)
    assert move_cold(harbor.lakeside.pk) == 3
    assert {agent_of(lead) for lead in leads} == {harbor.ben}
    assert agent_of(warm) == harbor.ana
    assert Offer.objects.filter(lead__in=leads, state="open").count() == 3
    assert move_cold(harbor.lakeside.pk) == 0
    [told] = Notification.objects.filter(user=harbor.ana, kind="withdrawn")
    assert told.title == "3 leads of yours went to the next agents in turn"


def test_r13_or_into_a_pond(harbor: Brokerage) -> None:
    lead, pond = silent(harbor), make_pond(harbor.lakeside)
    cold(harbor, cold_pond=pond)
    move_cold_leads()
    assert Assignment.objects.get(lead=lead, role="agent").pond == pond
    assert LedgerEntry.objects.filter(lead_id=lead.pk, kind="pooled", why="no contact for 14 days").exists()
    assert not Offer.objects.exists()


def test_r13_some_are_never_cold(harbor: Brokerage) -> None:
    """Nobody's, another unit's, personal ones, closed ones, those covered for, and those given to somebody lately."""
    others = [silent(harbor, agent=None)]
    elsewhere = make_lead(harbor.hilltop, agent=harbor.dee)
    Assignment.objects.filter(lead=elsewhere).update(since=timezone.now() - timedelta(days=90))
    given, covered = silent(harbor), silent(harbor)
    Assignment.objects.filter(lead=given).update(since=timezone.now())
    Assignment.objects.create(company=harbor.company, lead=covered, role="covered", user=harbor.ben)
    cold(harbor)
    assert move_cold(harbor.lakeside.pk) == 0
    assert [agent_of(lead) for lead in (given, covered)] == [harbor.ana] * 2
    assert agent_of(others[0]) is None


def test_r13_what_is_foreseen_happens(harbor: Brokerage) -> None:
    for _ in range(2):
        silent(harbor)
    silent(harbor, agent=harbor.ben)
    keyring = load_keyring(fresh(harbor.lead))
    found = foresee(keyring=keyring, unit=harbor.lakeside, days=14)
    assert (found.leads, list(found.agents)) == (3, [("Ana", 2), ("Ben", 1)])
    cold(harbor)
    assert move_cold(harbor.lakeside.pk) == found.leads


def test_r13_it_is_seen_before_it_is_on(client: Client, harbor: Brokerage) -> None:
    silent(harbor)
    client.force_login(harbor.lead)
    page = f"/routing/{harbor.lakeside.pk}/cold/"
    looked = client.post(page, {"days": "14", "to": "", "step": "look"}).content.decode()
    assert "Now 1 lead would go" in looked
    assert "Ana 1" in looked
    assert RoutingPolicy.objects.get(unit=harbor.lakeside).cold_days is None
    seen = {"seen": "[null, null]"}
    assert client.post(page, {"days": "14", "to": "", "step": "save", **seen}).status_code == 302
    assert RoutingPolicy.objects.get(unit=harbor.lakeside).cold_days == 14
    assert "Without contact for" in client.get(f"/routing/{harbor.lakeside.pk}/").content.decode()
    assert LedgerEntry.objects.filter(kind="policy_changed", why="cold leads").count() == 1
    again = client.post(page, {"days": "30", "to": "", "step": "save", **seen})
    assert "Somebody changed this" in again.content.decode()
    assert client.post(page, {"days": "0", "step": "look"}).status_code == 422
    for user, status in ((harbor.ana, 403), (harbor.eve, 404), (stranger(), 404)):
        client.force_login(user)
        assert client.get(page).status_code == status
