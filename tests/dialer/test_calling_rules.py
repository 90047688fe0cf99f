"""The page of calling rules (D14): what holds, a new version of it, and for whom the page is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from dialer.models import CallingHours
from permissions.models import LedgerEntry
from tests.factories.scenes import Brokerage, brokerage, stranger

PATH = "/admin/calling-hours/"
HERE = ZoneInfo("America/New_York")  # where the company is


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def sent(
    state: str = "", days: str = "0123456", start: str = "09:00", end: str = "20:00", **more: Any
) -> dict[str, Any]:
    today = timezone.localdate(timezone=HERE).isoformat()
    week = {"week_0_days": list(days), "week_0_from": start, "week_0_to": end} if days else {}
    return {"state": state, "as_of": today, "seen": "0", **week, **more}


def test_d14_without_any_the_usual_hours_hold(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    html = client.get(PATH).content.decode()
    assert "The usual hours" in html
    assert "every day 08:00 to 21:00" in html
    assert "Other versions" not in html


def test_d14_a_state_gets_hours_of_its_own_and_history_is_kept(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    assert "It has hours of its own" in client.get(f"{PATH}?state=TX").content.decode()
    assert client.post(PATH, sent("TX", "012345", own="on"))["Location"] == PATH
    assert client.post(PATH, sent(consent_for_texts="on", seen="1")).status_code == 302
    html = client.get(PATH).content.decode()
    assert "Texas" in html
    assert "Mon–Sat 09:00 to 20:00; Sun closed" in html
    first, second = CallingHours.objects.order_by("version")
    assert set(first.states) == set(second.states) == {"", "TX"}
    assert (first.states[""][0][1], second.states[""][0][1]) == ("08:00", "09:00")
    assert (second.consent_for_calls, second.consent_for_texts, second.made_by) == (False, True, harbor.broker)
    facts = LedgerEntry.objects.filter(why="calling rules").order_by("pk")
    assert [fact.detail["version"] for fact in facts] == [1, 2]

    assert client.post(PATH, sent("TX", "", seen="2")).status_code == 302
    assert set(CallingHours.objects.get(version=3).states) == {""}


def test_d14_what_holds_already_is_no_new_version(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    client.post(PATH, sent("TX", own="on"))
    assert "Nothing was changed" in client.post(PATH, sent("TX", own="on", seen="1"), follow=True).content.decode()
    assert CallingHours.objects.count() == 1


def test_d14_a_version_may_be_of_a_day_to_come(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    later = (timezone.localdate(timezone=HERE) + timedelta(days=9)).isoformat()
    client.post(PATH, sent(as_of=later))
    html = client.get(PATH).content.decode()
    assert "The usual hours" in html
    assert "To come" in html


def test_d14_a_state_without_hours_is_not_called(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    client.post(PATH, sent("CA", "", own="on"))
    assert "every day closed" in client.get(PATH).content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"as_of": "2020-01-01"}, "What held in the past stays"),
        ({"week_0_from": "21:00"}, "from an earlier time to a later one"),
        ({"week_0_from": "nine"}, "Say from when to when"),
        ({"week_0_days": []}, "Tick the days"),
        ({"week_1_days": ["0"], "week_1_from": "10:00", "week_1_to": "11:00"}, "overlap"),
        ({"seen": "7"}, "Somebody saved other calling rules meanwhile"),
        ({"days": ""}, "Say when one may call at all"),
    ],
)
def test_d14_what_cannot_stand_is_refused(
    client: Client, harbor: Brokerage, changes: dict[str, Any], said: str
) -> None:
    client.force_login(harbor.broker)
    response = client.post(PATH, sent(**changes) if "days" in changes else sent() | changes)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not CallingHours.objects.exists()


def test_d14_what_was_typed_can_be_saved_over_what_came_between(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    client.post(PATH, sent())
    html = client.post(PATH, sent(start="10:00")).content.decode()
    assert 'value="10:00"' in html
    assert 'name="seen" value="1"' in html


def test_d14_the_page_is_for_managers_of_the_company(client: Client, harbor: Brokerage) -> None:
    for user in (harbor.ana, harbor.north_admin):
        client.force_login(user)
        assert client.get(PATH).status_code == 403
        assert client.post(PATH, sent()).status_code == 403
    client.force_login(stranger())
    client.post(PATH, sent())
    client.force_login(harbor.broker)
    assert "The usual hours" in client.get(PATH).content.decode()
    assert client.get(f"{PATH}?state=XX").status_code == 404
    assert client.delete(PATH).status_code == 405
