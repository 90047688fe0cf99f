"""The pages of ponds: the list, one pond, taking, settings; the dialog on the lead; the filter in People."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.organization.models import User
from dialer.models import Automation
from leads.models import Lead, Pond
from leads.services.ponding import take
from permissions.profiles.services import give_profile
from routing.models import RoutingPolicy, Rule, RuleBook
from tests.factories.leads import in_pond, make_lead, make_pond, make_stage
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def page(client: Client, user: User, path: str, /, **query: object) -> str:
    client.force_login(user)
    return str(client.get(path, query).content.decode())


def send(client: Client, user: User, path: str, /, **sent: object) -> Any:
    client.force_login(user)
    return client.post(path, sent, follow=True)


def test_r8_a_member_takes_a_lead_from_the_list(client: Client, harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana, harbor.ben, name="Cold", daily_limit=1)
    leads = [in_pond(make_lead(harbor.lakeside), pond) for _ in range(2)]
    assert "1 of 1" in page(client, harbor.ana, "/ponds/")
    assert "You may take 1 more today." in page(client, harbor.ana, f"/ponds/{pond.pk}/")
    html = send(client, harbor.ana, "/ponds/take/", lead=leads[0].public_id).content.decode()
    assert f"{leads[0].name} is yours to work." in html
    assert leads[0].assignments.get().user == harbor.ana
    html = page(client, harbor.ana, f"/ponds/{pond.pk}/")
    assert "that is the limit of this pond" in html
    assert "Take " not in html
    html = send(client, harbor.ana, "/ponds/take/", lead=leads[1].public_id).content.decode()
    assert "and that is its limit" in html


def test_r8_who_comes_too_late_is_told_who_has_it_and_nothing_of_the_lead(client: Client, harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana, harbor.ben)
    lead = in_pond(make_lead(harbor.lakeside), pond)
    take(actor=harbor.ana, lead=lead)
    html = send(client, harbor.ben, "/ponds/take/", lead=lead.public_id).content.decode()
    assert "Ana was quicker" in html
    assert lead.name not in html
    for user in (harbor.eve, stranger()):
        assert send(client, user, "/ponds/take/", lead=lead.public_id).status_code == 404


def test_r8_who_works_a_lead_that_stays_in_its_pond_is_told_why(client: Client, harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana, name="Cold", daily_limit=1)
    first, second = (in_pond(make_lead(harbor.lakeside), pond) for _ in range(2))
    call = {"kind": "call", "outcome": "reached"}
    html = send(client, harbor.ana, f"/people/{first.public_id}/log/", **call).content.decode()
    assert ("The call is on the timeline." in html, "It stays in" in html) == (True, False)
    assert "With that you have taken it from Cold, and may take 0 more today." in html
    warm = make_stage(harbor.company, "Warm")
    for act, sent in (("log", call), ("stage", {"stage": warm.pk})):
        html = send(client, harbor.ana, f"/people/{second.public_id}/{act}/", **sent).content.decode()
        assert "It stays in Cold. You have taken 1 from Cold today, and that is its limit." in html
    html = send(client, harbor.lead, f"/people/{second.public_id}/log/", **call).content.decode()
    assert ("The call is on the timeline." in html, "It stays in" in html) == (True, False), "she is not in the pond"


def test_r8_who_takes_a_lead_by_working_it_sees_it_at_once(client: Client, harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana, name="Cold")
    lead, other = in_pond(make_lead(harbor.lakeside), pond), make_lead(harbor.ana)
    client.force_login(harbor.ana)
    note, asked = {"kind": "note", "body": "Hello"}, {"HX-Request": "true"}
    answer = client.post(f"/people/{lead.public_id}/log/", note, headers=asked)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, f"/people/{lead.public_id}/")
    assert "With that you have taken it from Cold." in client.get(answer.headers["HX-Redirect"]).content.decode()
    for again in (lead, other):
        assert client.post(f"/people/{again.public_id}/log/", note, headers=asked).status_code == 200


def test_the_lead_page_shows_the_pond_and_the_button(client: Client, harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana, name="Cold leads")
    lead = in_pond(make_lead(harbor.lakeside), pond)
    html = page(client, harbor.ana, f"/people/{lead.public_id}/")
    assert "Cold leads" in html
    assert "Take it" in html
    assert "Take it" not in page(client, harbor.lead, f"/people/{lead.public_id}/")
    assert "Cold leads" in page(client, harbor.lead, "/people/")


def test_moving_to_a_pond_by_the_dialog_stands_on_the_timeline(client: Client, harbor: Brokerage) -> None:
    pond, lead = make_pond(harbor.lakeside, name="Cold leads"), make_lead(harbor.lakeside, agent=harbor.ana)
    other = make_pond(harbor.hilltop)
    there = f"/people/{lead.public_id}/pond/"
    assert send(client, harbor.lead, there, pond=other.pk).status_code == 422
    html = send(client, harbor.lead, there, pond=pond.pk).content.decode()
    assert "Moved to the pond <strong>Cold leads</strong>, before <strong>Ana</strong>" in html
    assert send(client, harbor.ana, there, pond=pond.pk).status_code == 404


def test_m5_people_are_filtered_by_pond(client: Client, harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana, name="Cold leads")
    inside = in_pond(make_lead(harbor.lakeside), pond)
    outside = make_lead(harbor.lakeside)
    html = page(client, harbor.lead, "/people/", pond=pond.pk)
    assert inside.name in html
    assert outside.name not in html
    assert "Cold leads" in html
    assert "could not be read" in page(client, harbor.eve, "/people/", pond=pond.pk)


def test_p2_a_team_lead_runs_a_pond_from_beginning_to_end(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    send(client, harbor.lead, "/ponds/add/", name="Cold", unit=harbor.lakeside.pk, daily_limit="2")
    pond = Pond.objects.get()
    there = f"/ponds/{pond.pk}/"
    assert (pond.unit, pond.daily_limit) == (harbor.lakeside, 2)
    send(client, harbor.lead, f"{there}members/", user=harbor.ana.pk)
    assert "Ana" in page(client, harbor.lead, f"{there}settings/")
    send(client, harbor.lead, f"{there}members/{harbor.ana.pk}/", right="looks")
    assert not pond.members.get().may_claim
    assert "you only look" in page(client, harbor.ana, "/ponds/")
    in_pond(lead, pond)
    send(client, harbor.lead, f"{there}settings/", name="Colder", daily_limit="")
    assert "taken already" not in page(client, harbor.lead, "/ponds/")
    assert (
        "There is a pond of this name already."
        in send(client, harbor.lead, "/ponds/add/", name="colder", unit=harbor.lakeside.pk).content.decode()
    )
    html = send(client, harbor.lead, f"{there}close/", to="nobody").content.decode()
    assert "Colder is closed; 1 lead has moved." in html
    assert "Colder" not in page(client, harbor.ana, "/ponds/")
    assert not lead.assignments.exists()


def test_p2_agents_without_the_permission_do_not_run_ponds(client: Client, harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana)
    give_profile(harbor.lead, "agent")
    for user in (harbor.ana, harbor.lead):
        assert send(client, user, "/ponds/add/", name="Cold", unit=harbor.lakeside.pk).status_code == 403
        assert send(client, user, f"/ponds/{pond.pk}/close/", to="nobody").status_code == 403
    assert send(client, harbor.broker, f"/ponds/{pond.pk}/members/{harbor.eve.pk}/", right="out").status_code == 404


def queries(client: Client, user: User, path: str) -> int:
    client.force_login(user)
    with CaptureQueriesContext(connection) as found:
        client.get(path)
    return len(found)


def test_a_pond_costs_the_same_however_full_it_is(client: Client, harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana)

    def fill(count: int) -> list[Lead]:
        return [in_pond(make_lead(harbor.lakeside), pond) for _ in range(count)]

    fill(2)
    few = queries(client, harbor.ana, f"/ponds/{pond.pk}/")
    fill(8)
    assert queries(client, harbor.ana, f"/ponds/{pond.pk}/") == few


def test_m1_the_pages_say_who_may_not_take(client: Client, harbor: Brokerage) -> None:
    pond = make_pond(harbor.whole, harbor.eve)
    lead, general = in_pond(make_lead(harbor.lakeside), pond), in_pond(make_lead(harbor.whole), pond)
    client.force_login(harbor.eve)
    html = client.get(f"/ponds/{pond.pk}/").content.decode()
    assert f'value="{general.public_id}"' in html
    assert f'value="{lead.public_id}"' not in html
    assert "for members of Lakeside" in html
    html = client.get(f"/people/{lead.public_id}/").content.decode()
    assert "It belongs to Lakeside: only its members" in html
    assert "Take it" not in html
    answer = client.post("/ponds/take/", {"lead": lead.public_id}, follow=True)
    assert "It belongs to Lakeside" in answer.content.decode()


def test_p2_a_pond_is_closed_only_after_it_was_said_what_that_does(client: Client, harbor: Brokerage) -> None:
    cold = (
        in_pond(make_lead(harbor.lakeside), make_pond(harbor.lakeside, harbor.ana, name="Cold")).assignments.get().pond
    )
    assert cold is not None
    there = f"/ponds/{cold.pk}/close/"
    empty = page(client, harbor.lead, there)
    assert "<strong>1 lead</strong> lies in it" in empty
    assert "1 member sees its leads no longer" in empty
    assert "No routing, rule or automation sends leads into it." in empty
    rows: dict[str, Any] = {"company": harbor.company, "unit": harbor.lakeside}
    RoutingPolicy.objects.create(**rows, fallback_pond=cold, cold_pond=cold, cold_days=30)
    RoutingPolicy.objects.create(company=harbor.company, unit=harbor.south, fallback_pond=cold)
    for state in (RuleBook.State.LIVE, RuleBook.State.DRAFT, RuleBook.State.PAST):
        book = RuleBook.objects.create(**rows, state=state, created_by=harbor.lead)
        rule = {"method": "pond", "pond": cold, "name": "Far"}
        Rule.objects.create(company=harbor.company, book=book, position=1, **rule)
    Automation.objects.create(**rows, author=harbor.lead, name="Cool off", trigger="cold", days=9, pond=cold)
    html = page(client, harbor.lead, there)
    assert "Lakeside, where a lead goes that nobody claims." in html
    assert "Lakeside, where cold leads go." in html
    assert html.count("Lakeside, rule 1, Far") == 2
    assert html.count("of the draft") == 1
    assert "Lakeside, the automation “Cool off”." in html
    assert "South" not in html.partition("<main")[2]
    assert "1 of units that you do not see" in html
    assert cold.name in page(client, harbor.lead, "/ponds/")
    settings = page(client, harbor.lead, f"/ponds/{cold.pk}/settings/")
    assert f'href="{there}"' in settings
    assert f'action="{there}"' not in settings
    assert "closed; 1 lead has moved" in send(client, harbor.lead, there, to="routing").content.decode()
    assert client.get(there).status_code == 404
