"""The routing page: a manager writes rules and pauses; everybody else is kept out (R1, R7)."""

from __future__ import annotations

import pytest
from django.test import Client

from routing.forms import PolicyForm
from routing.models import Rule, RuleBook
from routing.services.rules import live_rules
from tests.factories.leads import make_pond
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, stranger
from tests.routing.capture.scenes import make_channel
from tests.routing.scenes import lakeside


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return lakeside()


def path(harbor: Brokerage, rest: str = "") -> str:
    return f"/routing/{harbor.lakeside.pk}/{rest}"


def test_r1_a_manager_writes_rules_and_turns_them_on(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.lead)
    assert client.get("/routing/")["Location"] == path(harbor)
    assert "All leads" in client.get(path(harbor)).content.decode()
    client.post(path(harbor, "act/"), {"act": "begin"})
    sent = {
        "name": "Luxury",
        "price": "900000–",
        "state": "az, California",
        "hours_0_days": ["0", "1"],
        "hours_0_from": "08:00",
    }
    sent |= {"hours_0_to": "18:00", "method": "person", "user": harbor.ben.pk, "version": "1"}
    assert client.post(path(harbor, "rules/new/"), sent).status_code == 302
    [rule, _] = Rule.objects.order_by("position")
    assert rule.conditions == {
        "price": [[900_000, None]],
        "state": ["AZ", "CA"],
        "hours": [[[0, 1], "08:00", "18:00"]],
    }
    shown = client.get(path(harbor)).content.decode()
    assert "assigned to Ben" in shown
    assert "that come Mon, Tue 08:00 to 18:00" in shown
    client.post(path(harbor, "act/"), {"act": "turn_on", "version": "2"})
    assert live_rules(harbor.lakeside) is not None
    assert "Change the rules" in client.get(path(harbor)).content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price", "cheap"),
        ("price", "9–3"),
        ("state", "Arizonia"),
        ("hours_0_from", "25:00"),
        ("minutes", "0"),
        ("method", "nonsense"),
        ("user", ""),
        ("name", "two\nlines"),
    ],
)
def test_r1_a_rule_that_cannot_be_read_is_refused_and_kept(
    client: Client, harbor: Brokerage, field: str, value: str
) -> None:
    client.force_login(harbor.lead)
    client.post(path(harbor, "act/"), {"act": "begin"})
    sent = {"city": "Queen Creek", "method": "person", "user": harbor.ben.pk, "version": "1", field: value}
    response = client.post(path(harbor, "rules/new/"), sent)
    assert response.status_code == 422
    assert "Queen Creek" in response.content.decode()
    assert "errorlist" in response.content.decode()
    assert Rule.objects.count() == 1


def test_r8_a_fallback_pond_without_anybody_is_saved_with_a_warning(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.lead)
    empty, full = make_pond(harbor.lakeside), make_pond(harbor.lakeside, harbor.ben)
    for pond, warned in ((empty, True), (full, False)):
        seen = PolicyForm(actor=fresh(harbor.lead), unit=harbor.lakeside)["seen"].value()
        sent = {"round_robin": "on", "minutes": "15", "passes": "2", "fallback": f"pond-{pond.pk}", "seen": seen}
        assert client.post(path(harbor, "policy/"), sent).status_code == 302
        assert ("Nobody is in the pond" in client.get(path(harbor)).content.decode()) is warned


def test_r1_pages_of_rules_are_for_managers_of_the_unit(client: Client, harbor: Brokerage) -> None:
    for user, status in ((harbor.ana, 403), (harbor.eve, 404), (stranger(), 404)):
        client.force_login(user)
        assert client.get(path(harbor)).status_code == status
        assert client.post(path(harbor, "act/"), {"act": "begin"}).status_code == status
        assert client.get(path(harbor, "rules/new/")).status_code == status
    client.force_login(harbor.lead)
    assert client.post(path(harbor, "act/"), {"act": "nonsense"}).status_code == 404
    assert client.get(path(harbor, "rules/new/")).status_code == 302  # there is no draft
    assert not RuleBook.objects.exists()


def test_r7_pauses_are_typed_as_rows_and_leave_time_for_every_clock(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.lead)
    sent = {"round_robin": "on", "minutes": "60", "passes": "2", "fallback": f"person-{harbor.lead.pk}"}
    sent["seen"] = PolicyForm(actor=fresh(harbor.lead), unit=harbor.lakeside).initial["seen"]
    week = {"pauses_0_days": [str(day) for day in range(7)]}
    night = week | {"pauses_0_from": "20:00", "pauses_0_to": "08:00"}
    assert client.post(path(harbor, "policy/"), sent | night).status_code == 302
    harbor.lakeside.refresh_from_db()
    assert harbor.lakeside.routing_policy.pauses == [[[0, 1, 2, 3, 4, 5, 6], "20:00", "08:00"]]
    refused = client.post(path(harbor, "policy/"), sent | week | {"pauses_0_from": "00:00", "pauses_0_to": "23:00"})
    assert "Leave at least 12 hours" in refused.content.decode()
    assert 'value="23:00"' in refused.content.decode()


def test_r1_channels_are_asked_for_where_there_are_any(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.lead)
    client.post(path(harbor, "act/"), {"act": "begin"})
    assert "Channel" not in client.get(path(harbor, "rules/new/")).content.decode()
    channel = make_channel(harbor.lakeside)
    assert channel.name in client.get(path(harbor, "rules/new/")).content.decode()
