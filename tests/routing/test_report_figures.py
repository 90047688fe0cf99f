"""Reports (R11): how speed, claims and shares are counted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from crm.notifications.models import Delivery, Notification
from leads.models import Activity
from routing.models import InboundLead, InboundRequest, RosterMember, Rotation
from routing.services.claiming import decline
from tests.factories.leads import offer, refresh
from tests.factories.scenes import Brokerage
from tests.routing.capture.scenes import make_channel
from tests.routing.reporting import MINUTE, YESTERDAY, contact, made, page, rows, step
from tests.routing.scenes import lakeside, offered

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


# --- Speed to lead ----------------------------------------------------------------------------------------------------


def test_r11_each_step_has_a_median_and_the_time_of_nine_in_ten(client: Client, harbor: Brokerage) -> None:
    for minutes in (2, 4, 6):
        contact(made(harbor.ana, harbor.lakeside, after=minutes, seen=minutes / 2), minutes)
    row = rows(client, harbor.lead)["Lakeside"]
    assert row["Offers"] == "3"
    assert step(row, "Received to offered") == ("3", "60", "60")
    assert step(row, "Offered to seen") == ("3", "120", "168")
    assert step(row, "Offered to first contact") == ("3", "240", "336")
    assert step(row, "Offered to claimed") == ("3", "240", "336")
    assert step(row, "Received to first contact") == ("3", "300", "396")
    assert step(row, "Offered to e-mailed") == ("0", "", "")


def test_r11_only_claims_end_the_way_to_a_claim(client: Client, harbor: Brokerage) -> None:
    made(harbor.ana, harbor.lakeside, after=5)
    for ends in ("expired", "declined", "withdrawn", "open"):
        made(harbor.ana, harbor.lakeside, ends=ends, after=60)
    row = rows(client, harbor.lead)["Lakeside"]
    assert row["Offers"] == "5"
    assert step(row, "Offered to claimed") == ("1", "300", "300")


def test_r11_a_lead_is_received_when_its_request_came(client: Client, harbor: Brokerage) -> None:
    offered = made(harbor.ana, harbor.lakeside)
    lead = offered.lead
    channel = make_channel(harbor.lakeside)
    owned = {"company": harbor.company, "channel": channel}
    came = InboundRequest.objects.create(body=b"1", digest=b"1", received_at=YESTERDAY - 5 * MINUTE, **owned)
    again = InboundRequest.objects.create(body=b"2", digest=b"2", received_at=YESTERDAY - 9 * MINUTE, **owned)
    for number, (request, state) in enumerate(((again, "inquiry"), (came, "created"))):
        InboundLead.objects.create(request=request, number=number, key=bytes([number]), state=state, lead=lead, **owned)
    refresh(offered)
    assert step(rows(client, harbor.lead)["Lakeside"], "Received to offered") == ("1", "300", "300")


def test_r11_a_lead_is_received_once(client: Client, harbor: Brokerage) -> None:
    """The second agent's wait, and a later way through the roster, are no wait since it came."""
    first = made(harbor.ana, harbor.lakeside, ends="expired", received=YESTERDAY - timedelta(days=200))
    later = {"state": "claimed", "closed_at": YESTERDAY + 65 * MINUTE, "deadline": YESTERDAY + 120 * MINUTE}
    second = offer(first.lead, harbor.ben, offered_at=YESTERDAY + 60 * MINUTE, **later)
    contact(second, 5)
    Rotation.objects.update(ended_at=timezone.now())
    third = offer(first.lead, harbor.ana, offered_at=YESTERDAY + 70 * MINUTE, **later)
    contact(third, 5)
    found = rows(client, harbor.lead, by="agent")
    assert step(found["Ben"], "Received to offered") == ("0", "", "")
    assert step(found["Ana"], "Received to offered")[0] == "1"
    assert step(found["Ben"], "Received to first contact")[0] == "1"
    assert (found["Ana"]["Offers"], step(found["Ana"], "Received to first contact")[0]) == ("2", "1")


def test_r11_first_contact_is_the_agents_own_and_by_hand(client: Client, harbor: Brokerage) -> None:
    offer = made(harbor.ana, harbor.lakeside)
    for no_contact in (
        {"kind": "note"},
        {"direction": "in"},
        {"actor": harbor.ben},
        {"automatic": True},
        {"bulk": True},
        {"at": YESTERDAY - MINUTE},
    ):
        Activity.objects.create(
            **{"company": harbor.company, "lead": offer.lead, "kind": "call", "actor": harbor.ana, "at": YESTERDAY}
            | no_contact
        )
    assert step(rows(client, harbor.lead)["Lakeside"], "Offered to first contact") == ("0", "", "")
    contact(offer, 9, kind="text")
    contact(offer, 3, kind="email")
    assert step(rows(client, harbor.lead)["Lakeside"], "Offered to first contact") == ("1", "180", "180")


def test_r11_an_agent_is_told_when_a_message_about_this_lead_was_sent(client: Client, harbor: Brokerage) -> None:
    offer = made(harbor.ana, harbor.lakeside)
    about = {"company": harbor.company, "kind": "offer", "title": "", "lead_id": offer.lead_id}
    for person, minutes, fields in (
        (harbor.ana, 0, {}),
        (harbor.ben, 0, {}),
        (harbor.ana, 11, {}),
        (harbor.ana, 0, {"kind": "assigned"}),
        (harbor.ana, 0, {"lead_id": None}),
    ):
        at = YESTERDAY + minutes * MINUTE
        told = Notification.objects.create(user=person, created_at=at, **about | fields)
        Delivery.objects.create(notification=told, channel="email", sent_at=at + timedelta(seconds=20 + minutes))
    assert step(rows(client, harbor.lead)["Lakeside"], "Offered to e-mailed") == ("1", "20", "20")


def test_r11_rows_are_units_sources_or_agents(client: Client, harbor: Brokerage) -> None:
    made(harbor.ana, harbor.lakeside, source="Zillow")
    made(harbor.ben, harbor.lakeside, source="Website")
    made(harbor.dee, harbor.hilltop)
    assert set(rows(client, harbor.north_admin)) == {"Lakeside", "Hilltop"}
    assert set(rows(client, harbor.north_admin, by="agent")) == {"Ana", "Ben", "Dee"}
    by_source = rows(client, harbor.north_admin, by="source")
    assert set(by_source) == {"Zillow", "Website", "No source, or none you may know"}


# --- Claims and misses ------------------------------------------------------------------------------------------------


def test_r11_claims_and_misses_are_counted_for_each_agent(client: Client, harbor: Brokerage) -> None:
    for ends in ("claimed", "claimed", "expired", "declined", "withdrawn", "open"):
        made(harbor.ana, harbor.lakeside, ends=ends, after=8)
    made(harbor.ben, harbor.lakeside, ends="expired")
    found = rows(client, harbor.lead, "claims")
    assert list(found["Ana"].values())[2:] == ["6", "2", "1", "1", "1", "1", "50 %", "480"]
    assert list(found["Ben"].values())[2:] == ["1", "0", "1", "0", "0", "0", "0 %", ""]
    shown = page(client, harbor.lead, "claims")
    assert '<th scope="row">All</th><td class="num"><a href=' in shown


# --- Fairness ---------------------------------------------------------------------------------------------------------


def test_r11_r3_turns_are_shown_beside_ideal_ones_in_words(client: Client, harbor: Brokerage) -> None:
    RosterMember.objects.filter(user=harbor.ana).update(weight=3)
    for _ in range(8):
        offered(harbor.lakeside)
    found = rows(client, harbor.lead, "fairness")
    assert [(found[who]["Turns"], found[who]["Ideal share"], found[who]["Turns ahead of ideal"]) for who in found] == [
        ("6", "75 %", "0.0"),
        ("2", "25 %", "0.0"),
    ]
    assert "Within one turn." in page(client, harbor.lead, "fairness")


def test_r11_skips_and_their_reasons_are_counted(client: Client, harbor: Brokerage) -> None:
    for _ in range(2):
        first = offered(harbor.lakeside)
        decline(lead=first.lead, user=first.user)
    RosterMember.objects.filter(user=harbor.ben).update(paused=True)
    offered(harbor.lakeside)
    found = rows(client, harbor.lead, "fairness")
    assert found["Ben"]["Skipped"] == "2 (had it already this pass 1, paused 1)"
    assert found["Ana"]["Skipped"] == "1 (had it already this pass 1)"


def test_r11_nobody_skipped_and_no_rate_are_plain_in_the_file(client: Client, harbor: Brokerage) -> None:
    offered(harbor.lakeside)
    assert {row["Skipped"] for row in rows(client, harbor.lead, "fairness").values()} == {"0"}
    assert {row["Claim rate"] for row in rows(client, harbor.lead, "claims").values()} == {""}


def test_r11_unfair_shares_are_called_so(client: Client, harbor: Brokerage) -> None:
    for _ in range(8):
        offered(harbor.lakeside)
    RosterMember.objects.filter(user=harbor.ben).update(weight=10)
    shown = page(client, harbor.lead, "fairness")
    assert "Not within one turn: Ana got 4 of 8 turns, 3.3 more than ideal." in shown


def test_r11_who_left_the_roster_keeps_her_turns_without_an_ideal_share(client: Client, harbor: Brokerage) -> None:
    for _ in range(2):
        offered(harbor.lakeside)
    RosterMember.objects.filter(user=harbor.ben).delete()
    assert rows(client, harbor.lead, "fairness")["Ben"]["Ideal share"] == "–"
    assert "ideal shares are a guess" in page(client, harbor.lead, "fairness")
