"""The team board (A2): who follows up, which leads wait, and how fast; of one's own people and no others."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.organization.models import Company
from leads.models import Lead
from tests.factories.leads import make_lead, make_task
from tests.factories.people import leave_company, make_member
from tests.factories.scenes import Brokerage, stranger
from tests.routing.reporting import contact, made, page, rows
from tests.routing.scenes import lakeside

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NAME = re.compile(r'<a class="row-link" href="/leads/\w+/">([^<]+)</a>')


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


def listed(shown: str) -> list[str]:
    """The leads below the board, in their order."""
    return [unescape(name) for name in re.findall(r'class="row-link" href="[^"]+">([^<]+)<', shown)]


def test_a2_each_persons_leads_are_counted_by_follow_up_and_stage(client: Client, harbor: Brokerage) -> None:
    now, won = timezone.now(), harbor.company.stages.get(kind="won")
    for touched in (None, None, now, now - 40 * DAY):
        make_lead(harbor.lakeside, agent=harbor.ana, last_contact_at=touched)
    make_lead(harbor.lakeside, agent=harbor.ana, stage=won)
    make_lead(harbor.ben)
    make_lead(harbor.lakeside)
    found = rows(client, harbor.lead, "board")
    assert list(found) == ["Ana", "Ben", "Lead", "Nobody"]
    ana = found["Ana"]
    assert [ana[name] for name in ("Leads", "Untouched", "Contacted today", "This week")] == ["5", "2", "1", "1"]
    assert (ana["New"], ana["Closed"]) == ("4", "1")
    assert (found["Ben"]["Leads"], found["Lead"]["Leads"], found["Nobody"]["Untouched"]) == ("1", "0", "1")


def test_a2_tasks_past_their_time_are_counted_with_their_person(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    late = {"due_at": timezone.now() - DAY}
    for _ in range(2):
        make_task(harbor.ana, lead, **late)  # of one lead
    make_task(harbor.ana, make_lead(harbor.lakeside, agent=harbor.ana))  # due later
    make_task(harbor.ana, **late)  # of no lead: her own affair
    make_task(harbor.ben, lead, **late, done_at=timezone.now())
    found = rows(client, harbor.lead, "board")
    assert (found["Ana"]["Overdue"], found["Ben"]["Overdue"]) == ("1", "0")
    assert "1 has a task overdue" in page(client, harbor.lead, "board")


def test_a2_speed_is_the_median_from_offer_to_first_contact(client: Client, harbor: Brokerage) -> None:
    for minutes in (2, 4, 90):
        contact(made(harbor.ana, harbor.lakeside), minutes)
    contact(made(harbor.ana, harbor.lakeside, at=timezone.now() - 40 * DAY), 1)
    found = rows(client, harbor.lead, "board")
    assert (found["Ana"]["First contact (s)"], found["Ben"]["First contact (s)"]) == ("240", "")


def test_a2_untouched_leads_come_first_then_the_longest_silence(client: Client, harbor: Brokerage) -> None:
    now = timezone.now()
    for name, touched in (("Amy", now), ("Bob", now - 9 * DAY), ("Cid", None), ("Dan", now - 2 * DAY)):
        make_lead(harbor.lakeside, agent=harbor.ana, first_name=name, last_name="", last_contact_at=touched)
    make_lead(harbor.lakeside, first_name="Won", last_name="", stage=harbor.company.stages.get(kind="won"))
    assert listed(page(client, harbor.lead, "board")) == ["Cid", "Bob", "Dan", "Amy"]
    assert listed(page(client, harbor.lead, "board", silence="cold")) == ["Bob"]
    assert listed(page(client, harbor.lead, "board", silence="never")) == ["Cid"]
    assert listed(page(client, harbor.lead, "board", silence="today")) == ["Amy"]
    closed = harbor.company.stages.get(name="Closed")
    assert listed(page(client, harbor.lead, "board", stage=closed.pk)) == ["Won"]
    assert listed(page(client, harbor.lead, "board", agent="ben")) == []


def test_a2_v5_hidden_leads_are_counted_apart_and_shown_redacted(client: Client, harbor: Brokerage) -> None:
    hidden = make_lead(harbor.ana, hidden=True, first_name="Sam", last_name="Secretson", source="Her church")
    make_lead(harbor.lakeside, agent=harbor.ana)
    found = rows(client, harbor.lead, "board")["Ana"]
    assert (found["Leads"], found["Untouched"], found["Hidden from you"]) == ("1", "1", "1")
    shown = page(client, harbor.lead, "board")
    assert "Sam" in shown
    assert [text for text in ("Secretson", "Her church", hidden.public_id) if text in shown] == []
    narrowed = page(client, harbor.lead, "board", silence="never")
    assert "Sam" not in narrowed
    assert "Leads of which you see only a part are left out" in narrowed
    Company.objects.update(personal_leads="private")
    assert "Hidden from you" not in rows(client, harbor.lead, "board")["Ana"]
    assert "Sam" not in page(client, harbor.lead, "board")


def test_a2_under_private_a_personal_lead_is_in_no_figure(client: Client, harbor: Brokerage) -> None:
    Company.objects.update(personal_leads="private")
    hers = make_lead(harbor.ana, first_name="Oona")
    make_task(harbor.ana, hers, due_at=timezone.now() - DAY)
    for user in (harbor.lead, harbor.broker):
        assert rows(client, user, "board") == {}
        assert "Oona" not in page(client, user, "board")
    own = rows(client, harbor.ana, "board")["Ana"]
    assert (own["Leads"], own["Overdue"]) == ("1", "1")


def test_a2_p2_a_board_is_of_ones_own_people(client: Client, harbor: Brokerage) -> None:
    for person, unit in ((harbor.ana, harbor.lakeside), (harbor.dee, harbor.hilltop), (harbor.eve, harbor.harborfront)):
        make_lead(unit, agent=person, first_name=f"Of{person.name}")
    for user, seen in (
        (harbor.ana, {"Ana"}),
        (harbor.lead, {"Ana"}),
        (harbor.north_admin, {"Ana", "Dee"}),
        (harbor.broker, {"Ana", "Dee", "Eve"}),
        (stranger(), set()),
    ):
        found = rows(client, user, "board")
        assert {name for name, row in found.items() if row["Leads"] != "0"} == seen
        shown = page(client, user, "board")
        assert {name for name in ("Ana", "Dee", "Eve") if f"Of{name}" in shown} == seen
    assert "Dee" not in rows(client, harbor.north_admin, "board", unit=harbor.lakeside.pk)


def test_a2_who_left_is_there_as_long_as_she_has_leads(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    make_lead(harbor.lakeside, agent=harbor.dee)
    leave_company(harbor.ana)
    leave_company(harbor.ben)
    assert list(rows(client, harbor.lead, "board")) == ["Ana", "Lead"]
    Lead.objects.filter(pk=lead.pk).update(removed_at=timezone.now())
    assert rows(client, harbor.lead, "board") == {}


def test_a2_the_board_takes_the_same_queries_for_few_and_many(client: Client, harbor: Brokerage) -> None:
    made(harbor.ana, harbor.lakeside)
    make_lead(harbor.ana, hidden=True)
    page(client, harbor.north_admin, "board")
    asked = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as found:
            client.get("/reports/board/")
        asked.append(len(found))
        for _ in range(4):
            made(make_member(harbor.hilltop), harbor.hilltop, source="Zillow")
            make_lead(harbor.dee, hidden=True)
    assert asked[0] == asked[1]


def test_a2_the_board_is_on_the_teams_page(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.lead)
    shown = client.get(f"/team/{harbor.lakeside.pk}/").content.decode()
    assert f'href="/reports/board/?unit={harbor.lakeside.pk}"' in shown
    client.force_login(harbor.ana)
    assert "/reports/board/" not in client.get(f"/team/{harbor.lakeside.pk}/").content.decode()
