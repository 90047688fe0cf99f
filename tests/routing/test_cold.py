"""R13: cold leads go into a pond or round the roster, as was foreseen before it was turned on."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.notifications.models import Notification
from leads.models import Assignment, Lead, Pond
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from routing.models import Offer, RosterMember, RoutingPolicy
from routing.services.cold import foresee, move_cold
from routing.services.rules import RuleValues, begin_draft, save_rule, turn_on
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


def test_r13_they_go_in_turn_whatever_the_rules_for_new_leads(harbor: Brokerage) -> None:
    """Else a rule that names who had it, or number one, would give it back to her."""
    draft = begin_draft(actor=harbor.lead, unit=harbor.lakeside)
    values = RuleValues("", {}, "person", user_id=harbor.ana.pk)
    save_rule(actor=harbor.lead, unit=harbor.lakeside, rule=None, values=values, version=draft.version)
    turn_on(actor=harbor.lead, unit=harbor.lakeside, version=draft.version + 1)
    lead = silent(harbor)
    cold(harbor, round_robin=False)
    assert move_cold(harbor.lakeside.pk) == 1
    assert agent_of(lead) == harbor.ben
    assert Offer.objects.filter(lead=lead, user=harbor.ben, state="open").exists()


def test_r13_nothing_is_taken_from_anybody_in_a_pause(harbor: Brokerage) -> None:
    lead = silent(harbor)
    cold(harbor, pauses=[[[0, 1, 2, 3, 4, 5, 6], "00:00", "00:00"]])
    assert move_cold(harbor.lakeside.pk) == 0
    assert agent_of(lead) == harbor.ana


def test_r13_once_the_pond_is_closed_they_go_in_turn_and_it_is_said(client: Client, harbor: Brokerage) -> None:
    silent(harbor)
    pond = make_pond(harbor.lakeside, name="Old ones")
    cold(harbor, cold_pond=pond)
    Pond.objects.filter(pk=pond.pk).update(closed_at=timezone.now())
    assert move_cold(harbor.lakeside.pk) == 1
    assert Notification.objects.get(user=harbor.ana).title == "1 lead of yours went to the next agents in turn"
    client.force_login(harbor.lead)
    assert "as the pond Old ones is closed" in client.get(f"/routing/{harbor.lakeside.pk}/").content.decode()


def test_r13_a_unit_that_cannot_be_served_does_not_hold_up_the_others(
    harbor: Brokerage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lead = silent(harbor)
    cold(harbor)
    monkeypatch.setattr("routing.tasks.units_with_cold", lambda: [0, harbor.lakeside.pk])
    with caplog.at_level(logging.CRITICAL, "routing.tasks"):
        move_cold_leads()
    assert agent_of(lead) == harbor.ben


def test_r13_what_is_foreseen_happens(harbor: Brokerage) -> None:
    for _ in range(2):
        silent(harbor)
    silent(harbor, agent=harbor.ben)
    keyring = load_keyring(fresh(harbor.lead))
    found = foresee(keyring=keyring, unit=harbor.lakeside, days=14)
    assert (found.leads, list(found.agents)) == (3, [("Ana", 2), ("Ben", 1)])
    cold(harbor)
    assert move_cold(harbor.lakeside.pk) == found.leads


def test_r13_who_would_get_none_is_said_before(client: Client, harbor: Brokerage) -> None:
    silent(harbor)
    RosterMember.objects.update(paused=True)
    client.force_login(harbor.lead)
    page = f"/routing/{harbor.lakeside.pk}/cold/"
    assert "takes leads: they go to the fallback" in client.post(page, {"days": "14", "step": "look"}).content.decode()
    pond = {"to": str(make_pond(harbor.lakeside).pk)}
    looked = client.post(page, {"days": "14", "step": "look", **pond}).content.decode()
    assert "fallback" not in looked
    assert "Nobody is in the pond" in looked
    cold(harbor, cold_pond_id=pond["to"])
    assert "Nobody is in the pond" in client.get(f"/routing/{harbor.lakeside.pk}/").content.decode()
    pond["to"] = str(make_pond(harbor.lakeside, harbor.ben).pk)
    assert "Nobody is in" not in client.post(page, {"days": "14", "step": "look", **pond}).content.decode()


def test_r13_it_is_seen_before_it_is_on(client: Client, harbor: Brokerage) -> None:
    silent(harbor)
    client.force_login(harbor.lead)
    page = f"/routing/{harbor.lakeside.pk}/cold/"
    looked = client.post(page, {"days": "14", "to": "", "step": "look"}).content.decode()
    assert "Now 1 lead would go" in looked
    assert "Ana 1" in looked
    assert RoutingPolicy.objects.get(unit=harbor.lakeside).cold_days is None
    seen = {"seen": "[null, null]"}
    for unlooked in ({}, {"looked": "[30, null]"}, {"looked": "x"}):
        answer = client.post(page, {"days": "14", "to": "", "step": "save", **seen, **unlooked}).content.decode()
        assert "Not saved yet" in answer
        assert "Now 1 lead would go" in answer
    assert RoutingPolicy.objects.get(unit=harbor.lakeside).cold_days is None
    seen["looked"] = "[14, null]"
    assert client.post(page, {"days": "14", "to": "", "step": "save", **seen}).status_code == 302
    assert RoutingPolicy.objects.get(unit=harbor.lakeside).cold_days == 14
    assert "Without contact for" in client.get(f"/routing/{harbor.lakeside.pk}/").content.decode()
    assert LedgerEntry.objects.filter(kind="policy_changed", why="cold leads").count() == 1
    again = client.post(page, {"days": "30", "to": "", "step": "save", **seen, "looked": "[30, null]"})
    assert "Somebody changed this" in again.content.decode()
    assert client.post(page, {"days": "0", "step": "look"}).status_code == 422
    for user, status in ((harbor.ana, 403), (harbor.eve, 404), (stranger(), 404)):
        client.force_login(user)
        assert client.get(page).status_code == status
