"""Reports (R11): what they are asked, whom they show what, and how they are as pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.organization.models import Company, Unit
from leads.models import Lead
from permissions.models import ProfileHolder
from routing.models import Offer
from routing.reports.tables import MOST_ROWS
from tests.factories.people import fresh, make_member
from tests.factories.scenes import Brokerage, stranger
from tests.routing.reporting import MINUTE, NAMES, contact, made, page, rows, step
from tests.routing.scenes import lakeside, offered, on_roster

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


# --- What is asked ----------------------------------------------------------------------------------------------------


def test_r11_offers_are_narrowed_by_unit_source_and_agent(client: Client, harbor: Brokerage) -> None:
    zillow = made(harbor.ana, harbor.lakeside, source="Zillow").lead.source
    made(harbor.ben, harbor.lakeside)
    made(harbor.dee, harbor.hilltop)
    made(harbor.eve, harbor.harborfront)
    assert zillow is not None
    everything = rows(client, harbor.broker, "claims")
    assert set(everything) == {"Ana", "Ben", "Dee", "Eve"}
    assert set(rows(client, harbor.broker, "claims", unit=harbor.north.pk)) == {"Ana", "Ben", "Dee"}
    assert set(rows(client, harbor.broker, "claims", source=zillow.pk)) == {"Ana"}
    assert set(rows(client, harbor.broker, "claims", agent="be")) == {"Ben"}


def test_r11_days_are_those_of_the_unit_or_the_company(client: Client, harbor: Brokerage) -> None:
    Company.objects.update(time_zone="America/New_York")
    Unit.objects.filter(pk=harbor.lakeside.pk).update(time_zone="America/Los_Angeles")
    made(harbor.ana, harbor.lakeside, at=datetime(2026, 3, 8, 23, 30, tzinfo=ZoneInfo("America/Los_Angeles")))
    days = {"period": "days", "since": "2026-03-08", "until": "2026-03-08"}
    assert rows(client, harbor.broker, **days) == {}
    assert set(rows(client, harbor.broker, **days | {"unit": harbor.lakeside.pk})) == {"Lakeside"}
    assert set(rows(client, harbor.broker, period="days", since="2026-03-09", until="2026-03-10")) == {"Lakeside"}


@pytest.mark.parametrize(("period", "count"), [("7", "1"), ("30", "2"), ("90", "3"), ("", "2")])
def test_r11_a_period_ends_today(client: Client, harbor: Brokerage, period: str, count: str) -> None:
    for days in (5, 25, 85, 95):
        made(harbor.ana, harbor.lakeside, at=timezone.now() - timedelta(days=days))
    assert rows(client, harbor.lead, period=period)["Lakeside"]["Offers"] == count


@pytest.mark.parametrize(
    "query",
    [
        {"period": "12"},
        {"period": "days"},
        {"period": "days", "since": "2026-03-09", "until": "2026-03-08"},
        {"period": "days", "since": "2026-03-09", "until": "2027-03-10"},
        {"period": "days", "since": "0001-01-01", "until": "2026-03-08"},
        {"unit": "9999999"},
        {"unit": "x\x00"},
        {"source": "9999999"},
        {"by": "lead"},
        {"agent": "Nobody at all"},
    ],
)
def test_r11_what_cannot_be_read_shows_nothing_and_says_so(client: Client, harbor: Brokerage, query: Any) -> None:
    made(harbor.ana, harbor.lakeside)
    assert "A filter could not be read" in page(client, harbor.lead, **query)
    answer = client.get("/reports/speed/file/", query)
    assert answer["Content-Type"].startswith("text/html")


def test_r11_nothing_to_show_says_what_would_be_there(client: Client, harbor: Brokerage) -> None:
    for name in NAMES:
        assert "No offers in these days" in page(client, harbor.lead, name)
        assert "No offers to you in these days" in page(client, harbor.ana, name)
        assert rows(client, harbor.lead, name) == {}


# --- Who sees what ----------------------------------------------------------------------------------------------------


def test_r11_an_agent_sees_her_own_figures_and_no_colleagues(client: Client, harbor: Brokerage) -> None:
    for _ in range(4):
        offered(harbor.lakeside)
    for name in NAMES:
        shown = page(client, harbor.ana, name, by="agent")
        assert "These are your own figures." in shown
        assert "Ben" not in shown
        assert list(rows(client, harbor.ana, name, by="agent")) == ["Ana"]
    assert rows(client, harbor.ana, "claims")["Ana"]["Received"] == "2"
    assert "You got 2 of 4 turns" in unescape(page(client, harbor.ana, "fairness"))


def test_r11_managers_see_their_units_and_those_below(client: Client, harbor: Brokerage) -> None:
    on_roster(harbor.hilltop, harbor.dee)
    for unit in (harbor.lakeside, harbor.hilltop):
        offered(unit)
    for user, units in (
        (harbor.lead, {"Lakeside"}),
        (harbor.north_admin, {"Lakeside", "Hilltop"}),
        (harbor.broker, {"Lakeside", "Hilltop"}),
        (stranger(), set()),
        (harbor.eve, set()),
    ):
        assert set(rows(client, user)) == units
        assert {row["Report"] for row in rows(client, user, "fairness").values()} == units


def test_r11_a_manager_who_takes_turns_elsewhere_sees_those_of_hers(client: Client, harbor: Brokerage) -> None:
    made(harbor.lead, harbor.hilltop)
    made(harbor.dee, harbor.hilltop)
    made(harbor.ana, harbor.lakeside)
    assert set(rows(client, harbor.lead, "claims")) == {"Lead", "Ana"}


def test_r11_reports_want_a_permission(client: Client, harbor: Brokerage) -> None:
    ProfileHolder.objects.filter(user=harbor.ana).delete()
    client.force_login(fresh(harbor.ana))
    for path in ("/reports/", "/reports/claims/", "/reports/speed/file/"):
        assert client.get(path).status_code == 403
    assert "/reports/" not in client.get("/").content.decode()


def test_r11_there_are_no_other_reports_and_nothing_to_post(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.lead)
    for path in ("/reports/nothing/", "/reports/nothing/file/"):
        assert client.get(path).status_code == 404
    assert client.post("/reports/").status_code == 405


def test_v1_of_leads_one_may_not_read_only_the_units_offers_are_counted(client: Client, harbor: Brokerage) -> None:
    """Counted for Lakeside, whatever became of the lead; when it came, from where and when contacted is its own."""
    gone = made(harbor.ana, harbor.lakeside, source="Zillow", seen=1)
    contact(gone, 5)
    hers = {"owner_unit": None, "owner_user": harbor.ana, "origin": "agent", "origin_unit": None}
    for now in (
        {"removed_at": timezone.now()},
        {**hers, "privacy": 0},
        {**hers, "privacy": 1, "hidden": True},
    ):
        Lead.objects.filter(pk=gone.lead_id).update(**{"removed_at": None} | now)
        row = rows(client, harbor.lead, by="agent")["Ana"]
        assert row["Offers"] == "1"
        assert step(row, "Offered to seen")[0] == step(row, "Offered to claimed")[0] == "1"
        for words in ("Received to offered", "Offered to first contact", "Received to first contact"):
            assert step(row, words) == ("0", "", "")
        assert set(rows(client, harbor.lead, by="source")) == {"No source, or none you may know"}
        assert "Zillow" not in page(client, harbor.lead)


# --- As a page --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_r11_a_report_takes_the_same_queries_for_few_and_many(client: Client, harbor: Brokerage, name: str) -> None:
    offered(harbor.lakeside)
    page(client, harbor.north_admin, name)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as found:
            client.get(f"/reports/{name}/", {"by": "agent"})
        counts.append(len(found))
        on_roster(harbor.hilltop, *(make_member(harbor.hilltop) for _ in range(4)))
        for unit in (harbor.lakeside, harbor.hilltop) * 4:
            offered(unit, source="Zillow")
    assert counts[0] == counts[1]


def test_r11_a_large_team_fits_a_page_and_is_whole_in_the_file(client: Client, harbor: Brokerage) -> None:
    for number in range(MOST_ROWS + 5):
        made(make_member(harbor.lakeside, f"Agent Number {number:03}"), harbor.lakeside)
    for name in ("speed", "claims"):
        shown = page(client, harbor.lead, name, by="agent")
        assert f"The first {MOST_ROWS} of {MOST_ROWS + 5}; the CSV has all." in shown
        assert len(shown) < 60_000
        assert len(rows(client, harbor.lead, name, by="agent")) == MOST_ROWS + 5


def test_r11_a_claim_has_a_receipt(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    at = datetime(2026, 3, 2, 14, 5, tzinfo=ZoneInfo("America/New_York"))
    Offer.objects.filter(pk=offer.pk).update(
        state="claimed",
        claimed_by="call",
        offered_at=at,
        deadline=at + 60 * MINUTE,
        runs=[],
        closed_at=at + 4 * MINUTE,
    )
    client.force_login(harbor.lead)
    shown = client.get(f"/routing/lead/{offer.lead.public_id}/").content.decode()
    assert (
        "Offered Mar 2, 2:05 PM for 1 h, so until Mar 2, 3:05 PM. Claimed Mar 2, 2:09 PM, after 4 min, with a call."
        in shown
    )
