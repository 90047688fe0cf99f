"""R1, R3: a lead is routed by the property that was asked about, where its person says nothing of her own place."""

from __future__ import annotations

from typing import Any

import pytest

from crm.organization.models import Unit
from leads.models import Lead
from routing.models import Decision, InboundLead, RosterMember, Rule, RuleBook
from routing.services.claiming import decline
from routing.services.following import subjects_of
from tests.factories.scenes import Brokerage
from tests.routing.capture.formats.senders import FORMAT_OF, body_of, type_of
from tests.routing.capture.scenes import make_channel, send, take_all_in
from tests.routing.scenes import lakeside

pytestmark = pytest.mark.django_db
STATES = {
    "zillow_rental.form": "IL",
    "zillow_contact.json": "TX",
    "realtor_flat.json": "IL",
    "realtor_nested.json": "NJ",
    "events.json": "TX",
}


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


def comes(unit: Unit, name: str) -> Lead:
    kind = {"form": "website"}.get(FORMAT_OF[name], FORMAT_OF[name])
    assert send(make_channel(unit, kind), body_of(name), type_of(name)).status_code == 200
    take_all_in()
    return Lead.objects.select_related("agent").get()


def live(harbor: Brokerage, conditions: dict[str, Any]) -> None:
    """Leads that fulfil these go to Lead, all others in turn."""
    owned = {"company": harbor.company}
    book = RuleBook.objects.create(unit=harbor.lakeside, state="live", created_by=harbor.lead, **owned)
    Rule.objects.create(book=book, position=1, method="person", user=harbor.lead, conditions=conditions, **owned)
    Rule.objects.create(book=book, position=32_000, method="round_robin", **owned)


@pytest.mark.parametrize("name", STATES)
def test_r1_a_rule_for_a_state_knows_the_property(harbor: Brokerage, name: str) -> None:
    live(harbor, {"state": [STATES[name]]})
    assert comes(harbor.lakeside, name).agent == harbor.lead


def test_r1_a_rule_for_a_price_and_a_postal_code_knows_the_property(harbor: Brokerage) -> None:
    live(harbor, {"price": [[900_000, None]], "postal_code": ["787"], "city": ["austin"]})
    assert comes(harbor.lakeside, "events.json").agent == harbor.lead


@pytest.mark.parametrize("name", STATES)
def test_r3_who_has_no_licence_where_the_property_is_does_not_get_it(harbor: Brokerage, name: str) -> None:
    RosterMember.objects.filter(user=harbor.ana).update(states=["CA"])
    lead = comes(harbor.lakeside, name)
    assert lead.agent == harbor.ben
    assert Decision.objects.get(lead=lead).skipped == [[harbor.ana.pk, "not licensed for the state"]]


def test_r1_where_none_is_asked_about_her_own_place_counts(harbor: Brokerage) -> None:
    body = {"name": "Maya Okafor", "email": "maya@example.com", "state": "AZ", "city": "Tempe"}
    assert send(make_channel(harbor.lakeside), body).status_code == 200
    take_all_in()
    [subject] = subjects_of(Lead.objects.order_by("pk")).values()
    assert (subject.state, subject.city, subject.price) == ("AZ", "Tempe", (None, None))
    assert InboundLead.objects.get().asked is None


def test_r1_her_own_place_stays_on_the_lead(harbor: Brokerage) -> None:
    """The property says nothing of where she lives, nor when she may be called (D14)."""
    lead = comes(harbor.lakeside, "zillow_rental.form")
    assert (lead.state, lead.postal_code, lead.price_min) == ("", "", None)
    Lead.objects.filter(pk=lead.pk).update(state="AZ", postal_code="85001")
    [subject] = subjects_of(Lead.objects.order_by("pk")).values()
    assert (subject.state, subject.city) == ("IL", "Chicago")


def test_r3_the_next_in_turn_is_licensed_there_too(harbor: Brokerage) -> None:
    lead = comes(harbor.lakeside, "zillow_rental.form")
    assert lead.agent == harbor.ana
    RosterMember.objects.filter(user=harbor.ben).update(states=["TX"])
    decline(lead=lead, user=harbor.ana)
    last = Decision.objects.filter(lead=lead).order_by("pk").last()
    assert last is not None
    assert [harbor.ben.pk, "not licensed for the state"] in last.skipped
