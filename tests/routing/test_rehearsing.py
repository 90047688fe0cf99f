"""R12: a draft is rehearsed with the leads that came, and nothing comes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.notifications.models import Notification
from leads.models import Lead
from permissions.keyring import load_keyring
from routing.models import Decision, Offer, RosterMember, Rotation
from routing.services.comparing import Comparison
from routing.services.handing_out import route_leads
from routing.services.rehearsing import rehearse
from routing.services.rules import RuleValues, begin_draft, draft_rules, save_rule, turn_on
from tests.factories.leads import make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, stranger
from tests.routing.scenes import lakeside, route


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return lakeside()


def came(harbor: Brokerage, count: int = 1, **fields: Any) -> list[Lead]:
    leads = [make_lead(harbor.lakeside, **fields) for _ in range(count)]
    route(harbor.lakeside, *leads)
    return leads


def drafted(harbor: Brokerage, *rules: RuleValues) -> None:
    draft = begin_draft(actor=harbor.lead, unit=harbor.lakeside)
    for version, values in enumerate(rules, start=draft.version):
        save_rule(actor=harbor.lead, unit=harbor.lakeside, rule=None, values=values, version=version)


def played(harbor: Brokerage, days: int = 7) -> Comparison:
    draft = draft_rules(harbor.lakeside)
    assert draft is not None
    return rehearse(keyring=load_keyring(fresh(harbor.lead)), book=draft, days=days)


def state() -> list[Any]:
    rows = (RosterMember, Offer, Decision, Rotation, Notification, Lead)
    return [list(model.objects.order_by("pk").values()) for model in rows]


def test_r12_what_happened_stands_beside_what_would_have(harbor: Brokerage) -> None:
    came(harbor, 4, state="AZ")
    came(harbor, 1, state="CA")
    drafted(harbor, RuleValues("", {"state": ["AZ"]}, "person", user_id=harbor.ben.pk))
    before = state()
    found = played(harbor)
    assert state() == before
    assert [str(row.would) for row in found.rows[:4]] == ["Ben"] * 4
    assert {str(one): (was, would) for one, was, would in found.shares}["Ben"][1] >= 4
    assert sum(was for _, was, _ in found.shares) == sum(would for _, _, would in found.shares) == 5
    assert sorted(found.by_rule.values()) == [1, 4]
    assert all(str(row.was) == "Ana" for row in found.changed)


def test_r12_a_draft_that_says_the_same_sends_nothing_elsewhere(harbor: Brokerage) -> None:
    """Though it is another’s turn now than it was then."""
    came(harbor, 3, state="CA")
    drafted(harbor, RuleValues("", {"state": ["AZ"]}, "person", user_id=harbor.ben.pk))
    found = played(harbor)
    assert [str(row.would) for row in found.rows] == ["Ben", "Ana", "Ben"]
    assert [str(row.was) for row in found.rows] == ["Ana", "Ben", "Ana"]
    assert found.changed == []


def test_r12_all_methods_can_be_rehearsed(harbor: Brokerage) -> None:
    came(harbor, 1, kind="buyer")
    came(harbor, 1, kind="seller")
    came(harbor, 1)
    drafted(
        harbor,
        RuleValues("", {"kind": ["buyer"]}, "first_to_claim"),
        RuleValues("", {"kind": ["seller"]}, "number_one"),
    )
    first, second, _ = played(harbor).rows
    assert [str(one.would) for one in (first, second)] == ["Everybody on the roster of Lakeside", "Ana"]


def test_r12_daily_caps_count_by_the_day_of_the_lead(harbor: Brokerage) -> None:
    leads = came(harbor, 4)
    for days, lead in enumerate(leads):
        Rotation.objects.filter(lead=lead).update(
            started_at=timezone.now() - timedelta(days=days // 2, minutes=5 - days)
        )
    RosterMember.objects.filter(user=harbor.ana).update(daily_cap=1)
    drafted(harbor, RuleValues("", {}, "number_one"))
    assert sorted(str(row.would) for row in played(harbor).rows) == ["Ana", "Ana", "Ben", "Ben"]


def test_r12_older_leads_and_those_of_others_are_left_out(harbor: Brokerage) -> None:
    old, gone, new = came(harbor, 3)
    Rotation.objects.filter(lead=old).update(started_at=timezone.now() - timedelta(days=20))
    Lead.objects.filter(pk=gone.pk).update(owner_unit=None, owner_user=harbor.ana, hidden=True, privacy=1)
    drafted(harbor)
    found = played(harbor)
    assert ([row.lead for row in found.rows], found.unseen) == ([new], 1)
    assert len(played(harbor, days=30).rows) == 2


def test_r12_cold_leads_are_not_new_ones(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    had = {lead.pk: harbor.ana.pk}
    route_leads(company_id=harbor.company.pk, unit_id=harbor.lakeside.pk, lead_ids=[lead.pk], cause="cold", had=had)
    [new] = came(harbor)
    drafted(harbor)
    assert [row.lead for row in played(harbor).rows] == [new]


def test_r12_the_page_is_for_managers_and_says_what_would_change(client: Client, harbor: Brokerage) -> None:
    [lead] = came(harbor, 1, state="AZ")
    page = f"/routing/{harbor.lakeside.pk}/rehearsal/"
    client.force_login(harbor.lead)
    assert client.get(page).status_code == 302  # no draft, no rules
    drafted(harbor, RuleValues("", {"state": ["AZ"]}, "person", user_id=harbor.ben.pk))
    shown = client.get(page).content.decode()
    assert "1 of 1 lead would have gone elsewhere" in shown
    assert lead.name in shown
    assert client.get(page, {"days": "8"}).status_code == 422
    assert client.get(page, {"days": "30"}).status_code == 200
    draft = draft_rules(harbor.lakeside)
    assert draft is not None
    turn_on(actor=harbor.lead, unit=harbor.lakeside, version=draft.version)
    assert "the rules in effect" in client.get(page).content.decode()
    for user, status in ((harbor.ana, 403), (harbor.eve, 404), (stranger(), 404)):
        client.force_login(user)
        assert client.get(page).status_code == status
