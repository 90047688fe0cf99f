"""V7: a company admin sees the product as another person would: reading only, within what she may see herself."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from crm.notifications.live import bump
from crm.notifications.models import Notification
from crm.notifications.services import Message, notify
from crm.organization.models import Company, Membership, User
from crm.organization.viewing import KEY
from permissions.models import LedgerEntry
from permissions.profiles.services import give_profile
from tests.factories.leads import make_lead, offer
from tests.factories.people import leave_company, make_manager, make_member
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.permissions.scenes import own

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def broker(client: Client, harbor: Brokerage) -> Client:
    client.force_login(harbor.broker)
    return client


def view_as(client: Client, person: User) -> Any:
    return client.post(f"/view-as/{person.pk}/")


def read(client: Client, path: str = "/", **headers: str) -> str:
    return unescape(client.get(path, headers=headers or None).content.decode())


def is_viewing(client: Client, name: str) -> bool:
    return f"Viewing as <strong>{name}</strong>" in read(client)


def facts() -> list[tuple[int | None, int | None, str]]:
    rows = LedgerEntry.objects.filter(kind="viewed_as").order_by("pk")
    return list(rows.values_list("actor", "to_user_id", "why"))


# --- Beginning and ending ---------------------------------------------------------------------------------------------


def test_v7_she_sees_what_the_other_sees_under_a_banner(broker: Client, harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, agent=harbor.ana, first_name="Maya", last_name="Okafor")
    make_lead(harbor.south, first_name="Sol", last_name="Southern")
    assert "Southern" in read(broker, "/people/")
    assert view_as(broker, harbor.ana)["Location"] == "/"
    today, people = read(broker), read(broker, "/people/")
    assert "Viewing as <strong>Ana</strong>" in today
    assert ", Ana</h1>" in today
    assert "Maya Okafor" in people
    assert "Southern" not in people
    assert 'href="/profiles/"' not in today
    assert "Viewing as" in read(broker, "/nowhere/at/all/")


def test_v7_stopping_gives_her_own_back_where_she_is(broker: Client, harbor: Brokerage) -> None:
    view_as(broker, harbor.ana)
    assert 'name="next" value="/people/?q=x"' in read(broker, "/people/?q=x")
    assert broker.post("/view-as/end/", {"next": "/people/?q=x"})["Location"] == "/people/?q=x"
    assert KEY not in broker.session
    assert ", Broker</h1>" in read(broker)
    assert not is_viewing(broker, "Ana")
    assert broker.post("/view-as/end/", {"next": "https://evil.example/"})["Location"] == "/"


def test_v7_each_beginning_and_end_is_in_the_ledger(broker: Client, harbor: Brokerage) -> None:
    view_as(broker, harbor.ana)
    for path in ("/", "/people/", "/live/"):
        broker.get(path)
    until = LedgerEntry.objects.get(kind="viewed_as").detail["until"]
    assert timedelta(minutes=59) < timezone.datetime.fromisoformat(until) - timezone.now() <= timedelta(hours=1)
    broker.post("/view-as/end/")
    broker.post("/view-as/end/")  # the same click twice
    view_as(broker, harbor.ben)
    broker.post("/accounts/logout/")
    her = harbor.broker.pk
    assert facts() == [(her, p.pk, why) for p in (harbor.ana, harbor.ben) for why in ("begun", "ended")]
    assert set(LedgerEntry.objects.filter(kind="viewed_as").values_list("company", flat=True)) == {harbor.company.pk}


def test_v7_only_company_admins_view_as_somebody(client: Client, harbor: Brokerage) -> None:
    hr = own(harbor, "People", "manage_users")
    give_profile(harbor.north_admin, hr.code)
    plain = make_manager(harbor.whole, "Plain", profile="agent")
    for user in (harbor.ana, harbor.lead, harbor.north_admin, plain):
        client.force_login(user)
        assert client.get("/view-as/").status_code == 403
        assert view_as(client, harbor.ben).status_code == 403
        assert ", Ben</h1>" not in read(client)
    assert facts() == []


def test_v7_never_as_herself_a_stranger_or_somebody_who_left(broker: Client, harbor: Brokerage) -> None:
    gone = leave_company(harbor.ben)
    for person in (harbor.broker, stranger(), gone):
        assert view_as(broker, person).status_code == 404
    assert broker.post("/view-as/999999999/").status_code == 404
    assert broker.get(f"/view-as/{harbor.ana.pk}/").status_code == 405
    assert facts() == []
    page = read(broker, "/view-as/")
    assert "View as Ana" in page
    assert "View as Ben" not in page
    assert "View as Broker" not in page
    assert "View as Stranger" not in page


def test_v7_people_are_found_by_name(broker: Client, harbor: Brokerage) -> None:
    page = read(broker, "/view-as/?q=AN")
    assert "View as Ana" in page
    assert "View as Dee" not in page
    assert "No colleague of yours" in read(broker, "/view-as/?q=100%25%00")


def test_v7_the_ways_in(broker: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    way = f'action="/view-as/{harbor.ana.pk}/"'
    assert 'href="/view-as/"' in read(broker)
    assert way in read(broker, "/profiles/people/")
    assert f'action="/view-as/{harbor.broker.pk}/"' not in read(broker, "/profiles/people/")
    assert way in read(broker, f"/people/{lead.public_id}/why/?person={harbor.ana.pk}")
    assert f'action="/view-as/{harbor.broker.pk}/"' not in read(broker, f"/people/{lead.public_id}/why/")
    give_profile(harbor.north_admin, own(harbor, "People", "manage_users", "view_unit_lead").code)
    for other in (harbor.lead, harbor.north_admin):
        client = Client()
        client.force_login(other)
        assert "/view-as/" not in read(client) + read(client, f"/people/{lead.public_id}/why/?person={harbor.ana.pk}")
    view_as(broker, harbor.ana)
    assert 'href="/view-as/"' not in read(broker)


# --- Ending by itself -------------------------------------------------------------------------------------------------


def lose_the_role(harbor: Brokerage) -> None:
    Membership.objects.filter(user=harbor.broker).update(role="member")


def lose_the_permission(harbor: Brokerage) -> None:
    give_profile(harbor.broker, "office_admin")


def the_person_leaves(harbor: Brokerage) -> None:
    User.objects.filter(pk=harbor.ana.pk).update(is_active=False)


def owe_a_second_factor(harbor: Brokerage) -> None:
    Company.objects.filter(pk=harbor.company.pk).update(two_factor_required=True)


@pytest.mark.parametrize("change", [lose_the_role, lose_the_permission, the_person_leaves, owe_a_second_factor])
def test_v7_it_ends_on_the_next_request_with_the_right_to_it(broker: Client, harbor: Brokerage, change: Any) -> None:
    make_lead(harbor.ana, first_name="Maya", last_name="Okafor")
    view_as(broker, harbor.ana)
    assert "Okafor" in read(broker, "/people/?mine=1")
    change(harbor)
    page = read(broker, "/people/?mine=1")
    assert "Okafor" not in page
    assert "Ana" not in page
    assert KEY not in broker.session


def test_v7_it_ends_after_an_hour(broker: Client, harbor: Brokerage) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        view_as(broker, harbor.ana)
        clock.shift(timedelta(minutes=59))
        assert is_viewing(broker, "Ana")
        clock.shift(timedelta(minutes=2))
        page = read(broker)
        assert ", Broker</h1>" in page
        assert "This is your own Fairlead again" in page
        assert KEY not in broker.session


def test_v7_it_ends_with_the_session(broker: Client, harbor: Brokerage) -> None:
    view_as(broker, harbor.ana)
    broker.post("/accounts/logout/")
    assert SESSION_KEY not in broker.session
    assert broker.get("/").status_code == 302
    broker.force_login(harbor.broker)
    assert not is_viewing(broker, "Ana")


def test_v7_whoever_signs_in_with_the_same_session_is_herself(broker: Client, harbor: Brokerage) -> None:
    view_as(broker, harbor.ana)
    kept = broker.session[KEY]
    broker.force_login(harbor.ben)
    session = broker.session
    session[KEY] = kept
    session.save()
    assert ", Ben</h1>" in read(broker)


def test_v7_a_viewer_who_is_deactivated_is_out(broker: Client, harbor: Brokerage) -> None:
    view_as(broker, harbor.ana)
    User.objects.filter(pk=harbor.broker.pk).update(is_active=False)
    assert broker.get("/people/").status_code == 302
    assert broker.get("/people/", headers=HTMX).status_code == 401
    assert "own Fairlead" not in read(broker, "/accounts/login/")


# --- Within her own rights --------------------------------------------------------------------------------------------


def test_v7_no_lead_she_may_not_see(broker: Client, harbor: Brokerage) -> None:
    private = make_lead(harbor.ana, privacy=0, first_name="Prue", last_name="Private")
    hidden = make_lead(harbor.ana, hidden=True, first_name="Hida", last_name="Concealed")
    view_as(broker, harbor.ana)
    people = read(broker, "/people/")
    assert "Prue" not in people
    assert "Hida" in people
    assert "Concealed" not in people
    for lead in (private, hidden):
        assert broker.get(f"/people/{lead.public_id}/").status_code == 404
    assert "Nobody matches" in read(broker, "/people/?q=concealed")


def test_v7_notifications_name_no_lead_she_may_not_see(broker: Client, harbor: Brokerage) -> None:
    hidden = make_lead(harbor.ana, hidden=True, last_name="Concealed")
    plain = make_lead(harbor.lakeside, agent=harbor.ana, last_name="Okafor")
    for lead in (hidden, plain):
        notify(harbor.company.pk, [Message(harbor.ana.pk, "offer", "New: {lead}", lead_id=lead.pk)])
    view_as(broker, harbor.ana)
    bell = read(broker, "/notifications/")
    assert "New: a lead" in bell
    assert "Okafor" in bell
    assert "Concealed" not in bell


def test_v7_no_page_that_is_closed_to_her(client: Client, harbor: Brokerage) -> None:
    own(harbor, "Half", "manage_users", "add_lead")
    half = make_manager(harbor.whole, "Half", profile="half")
    User.objects.filter(pk=harbor.broker.pk).update(is_staff=True)
    client.force_login(half)
    view_as(client, harbor.broker)
    assert is_viewing(client, "Broker")
    for path in ("/profiles/", "/gallery/", "/import/", "/admin/"):
        assert client.get(path).status_code == 403
    assert client.get("/people/add/").status_code == 200


def test_v7_her_own_account_waits_until_she_stops(broker: Client, harbor: Brokerage) -> None:
    view_as(broker, harbor.ana)
    for path in ("/accounts/2fa/", "/accounts/password/change/", "/accounts/logout/", "/admin/"):
        response = broker.get(path)
        assert response.status_code == 403
        assert "You are viewing as Ana" in response.content.decode()
    assert "/accounts/2fa/" not in read(broker)


def test_v7_imports_stay_with_whoever_made_them(broker: Client, harbor: Brokerage) -> None:
    client = Client()
    client.force_login(harbor.ana)
    with open("tests/data/contacts.csv", "rb") as file:
        run = client.post("/import/", {"file": file})["Location"]
    assert "contacts.csv" in read(client, "/import/")
    view_as(broker, harbor.ana)
    assert "contacts.csv" not in read(broker, "/import/")
    assert broker.get(run).status_code == 404


# --- Reading only -----------------------------------------------------------------------------------------------------


def test_v7_whatever_would_write_is_refused_with_a_sentence(broker: Client, harbor: Brokerage) -> None:
    put = offer(make_lead(harbor.lakeside, agent=harbor.ana), harbor.ana)
    notify(harbor.company.pk, [Message(harbor.ana.pk, "offer", "New")])
    view_as(broker, harbor.ana)
    for path in (f"/offers/{put.lead.public_id}/claim/", "/notifications/seen/", "/me/", f"/view-as/{harbor.ben.pk}/"):
        response = broker.post(path, headers=HTMX)
        assert response.status_code == 403
        assert "Nothing was changed" in response["X-Refusal"]
        assert "You are viewing as Ana" in broker.post(path).content.decode()
    put.refresh_from_db()
    assert put.state == "open"
    assert Notification.objects.get().seen_at is None


def test_v7_a_tab_left_open_writes_nothing_afterwards(harbor: Brokerage) -> None:
    tab = Client(enforce_csrf_checks=True)
    tab.force_login(harbor.broker)
    token = form_token(read(tab, "/me/"))
    assert tab.post(f"/view-as/{harbor.ana.pk}/", {"csrfmiddlewaretoken": token}).status_code == 302
    page = read(tab, "/me/")
    tokens = re.findall(r'name="csrfmiddlewaretoken" value="([^"]*)"', page)
    assert len([token for token in tokens if token != "read-only"]) == 2  # to stop, and to sign out
    assert '"X-CSRFToken": "read-only"' in page
    changed = {"name": "Changed", "time_zone": "America/Chicago"}
    assert "viewing as" in tab.post("/me/", {**changed, "csrfmiddlewaretoken": token}).content.decode()
    tab.post("/view-as/end/", {"csrfmiddlewaretoken": form_token(page)})
    assert KEY not in tab.session
    assert tab.post("/me/", changed, headers={"X-CSRFToken": "read-only"}).status_code == 403
    assert User.objects.get(pk=harbor.broker.pk).name == "Broker"


def form_token(page: str) -> str:
    return page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]


def test_v7_pages_are_not_kept_by_the_browser(broker: Client, harbor: Brokerage) -> None:
    view_as(broker, harbor.ana)
    assert "no-store" in broker.get("/people/")["Cache-Control"]
    broker.post("/view-as/end/")
    assert "no-store" not in broker.get("/people/").headers.get("Cache-Control", "")


# --- Two tabs, and the poll -------------------------------------------------------------------------------------------


def test_v7_the_poll_counts_for_the_person_and_costs_no_query(
    broker: Client, harbor: Brokerage, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    notify(harbor.company.pk, [Message(harbor.ana.pk, "offer", "New")])
    view_as(broker, harbor.ana)
    answer = broker.get("/live/").json()
    assert answer["counts"]["notifications"] == 1
    with django_assert_num_queries(0):
        assert broker.get("/live/", {"token": answer["token"]}).status_code == 204
    assert Notification.objects.get().seen_at is None


def test_v7_a_page_from_before_learns_that_it_is_over(broker: Client, harbor: Brokerage) -> None:
    own, as_ana = str(harbor.broker.pk), f"{harbor.broker.pk}-{harbor.ana.pk}"
    assert f'data-live-key="{own}"' in read(broker)
    assert broker.get("/live/", {"key": own}).status_code == 200
    view_as(broker, harbor.ana)
    assert f'data-live-key="{as_ana}"' in read(broker)
    assert broker.get("/live/", {"key": own}).status_code == 409
    assert broker.get("/live/", {"key": as_ana}).status_code == 200
    broker.post("/view-as/end/")
    assert broker.get("/live/", {"key": as_ana}).status_code == 409


def test_v7_a_page_from_before_loads_no_part_and_sends_nothing(broker: Client, harbor: Brokerage) -> None:
    mine = {**HTMX, "X-Page": str(harbor.broker.pk)}
    as_ana = {**HTMX, "X-Page": f"{harbor.broker.pk}-{harbor.ana.pk}"}
    assert f'"X-Page": "{harbor.broker.pk}"' in read(broker)
    assert broker.get("/notifications/", headers=mine).status_code == 200
    view_as(broker, harbor.ana)
    assert broker.get("/notifications/", headers=as_ana).status_code == 200
    assert "Reload this page" in broker.get("/notifications/", headers=mine)["X-Refusal"]
    broker.post("/view-as/end/")
    for response in (broker.get("/offers/", headers=as_ana), broker.post("/notifications/seen/", headers=as_ana)):
        assert response.status_code == 403
        assert "Reload this page" in response["X-Refusal"]
    broker.post("/accounts/logout/")
    assert broker.get("/offers/", headers=mine).status_code == 401


def test_v7_the_poll_ends_with_the_right_to_view(
    broker: Client, harbor: Brokerage, django_capture_on_commit_callbacks: Any
) -> None:
    view_as(broker, harbor.ana)
    token = broker.get("/live/").json()["token"]
    give_profile(harbor.broker, "office_admin")
    with django_capture_on_commit_callbacks(execute=True):
        bump([harbor.ana.pk], "offers")
    assert broker.get("/live/", {"token": token}).status_code == 409
    assert KEY not in broker.session


def test_v7_the_page_costs_few_queries_and_does_not_grow(
    broker: Client, harbor: Brokerage, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(12) as before:
        read(broker, "/view-as/")
    for number in range(5):
        make_member(harbor.lakeside, f"Agent {number}")
    with django_assert_max_num_queries(len(before)):
        read(broker, "/view-as/")
