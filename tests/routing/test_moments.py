"""R11: the moments of speed to lead, kept with each offer as they come, are those that the rows of others say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.notifications.delivering import send_due
from crm.notifications.models import Delivery
from leads.models import Activity, Lead
from leads.services.working import log_activity
from permissions.keyring import load_keyring
from routing.models import InboundRequest, Offer, Rule, RuleBook
from routing.services.claiming import claim, decline
from routing.services.cold import move_cold
from tests.factories.leads import make_lead, refresh
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage
from tests.routing.capture.scenes import make_channel, send, take_all_in
from tests.routing.scenes import lakeside, make_policy, route

MOMENTS = ("is_first", "received_at", "notified_at", "contacted_at")


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return lakeside()


def came_in(harbor: Brokerage) -> Lead:
    """By a channel of the team, and everybody has had her mail."""
    send(make_channel(harbor.lakeside), {"first_name": "Maya", "email": "maya@mail.example"})
    take_all_in()
    send_due()
    return Lead.objects.get(first_name="Maya")


def kept(lead: Lead) -> list[dict[str, Any]]:
    """Of its offers, as they are kept; to find them anew finds the same."""
    offers = Offer.objects.filter(lead=lead).order_by("pk")
    before = list(offers.values(*MOMENTS))
    refresh(*offers)
    assert list(offers.values(*MOMENTS)) == before
    return before


def call(user: Any, lead: Lead, **fields: Any) -> Activity:
    user = fresh(user)
    made = {"kind": Activity.Kind.CALL, "direction": "out"} | fields
    return log_activity(keyring=load_keyring(user), actor=user, lead=lead, **made)


def test_r11_they_are_kept_as_they_come(harbor: Brokerage) -> None:
    lead = came_in(harbor)
    first = call(harbor.ana, lead)
    call(harbor.ana, lead)
    [offer] = kept(lead)
    assert offer == {
        "is_first": True,
        "received_at": InboundRequest.objects.get().received_at,
        "notified_at": Delivery.objects.get(notification__user=harbor.ana).sent_at,
        "contacted_at": Activity.objects.get(pk=first.pk).at,
    }


@pytest.mark.parametrize("kind", Activity.Kind)
@pytest.mark.parametrize("manner", [{}, {"direction": "in"}, {"automatic": True}, {"bulk": True}])
def test_r11_only_what_is_contact_counts(harbor: Brokerage, kind: str, manner: dict[str, Any]) -> None:
    lead = came_in(harbor)
    Activity.objects.create(company=harbor.company, lead=lead, actor=harbor.ana, **{"kind": kind} | manner)
    [offer] = kept(lead)
    assert bool(offer["contacted_at"]) == (kind in ("call", "text", "email", "meeting") and not manner)


def test_r11_each_agents_are_her_own_and_the_lead_came_once(harbor: Brokerage) -> None:
    lead = came_in(harbor)
    decline(lead=lead, user=harbor.ana)
    send_due()
    call(harbor.ben, lead)
    Offer.objects.filter(state="declined").update(closed_at=timezone.now())  # all is one transaction here
    hers, his = kept(lead)
    assert (hers["is_first"], his["is_first"]) == (True, False)
    assert hers["received_at"] == his["received_at"] == InboundRequest.objects.get().received_at
    assert hers["notified_at"] < his["notified_at"]
    assert hers["contacted_at"] is None
    assert his["contacted_at"] is not None


def test_r11_of_several_those_of_whoever_claims_it(harbor: Brokerage) -> None:
    owned = {"company": harbor.company}
    book = RuleBook.objects.create(unit=harbor.lakeside, state="live", created_by=harbor.lead, **owned)
    Rule.objects.create(book=book, position=32_000, method="first_to_claim", **owned)
    lead = came_in(harbor)
    assert [(one["notified_at"], one["is_first"]) for one in kept(lead)] == [(None, True)]
    claim(lead_id=lead.pk, user=harbor.ben, act="button")
    call(harbor.ben, lead)
    [offer] = kept(lead)
    assert (
        offer["notified_at"] == Delivery.objects.get(notification__user=harbor.ben, notification__kind="offer").sent_at
    )
    assert offer["contacted_at"] is not None


def test_r11_a_later_way_has_no_arrival(harbor: Brokerage) -> None:
    lead = came_in(harbor)
    claim(lead_id=lead.pk, user=harbor.ana, act="button")
    route(harbor.lakeside, lead)
    _, later = kept(lead)
    assert (later["is_first"], later["received_at"]) == (False, None)


def test_r11_nor_has_one_that_went_cold(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    lead.assignments.update(since=timezone.now() - timedelta(days=90))
    make_policy(harbor.lakeside, cold_days=30)
    assert move_cold(harbor.lakeside.pk) == 1
    assert [one["received_at"] for one in kept(lead)] == [None]
