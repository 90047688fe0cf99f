"""The admin's own frame: who is let in, where it is shown, what it never offers."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from leads.models import Stage
from tests.factories.people import make_manager
from tests.factories.scenes import Brokerage, brokerage
from tests.permissions.admin.walk import address, signed_in, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def client(harbor: Brokerage) -> Client:
    return signed_in(harbor.broker)


def test_the_rail_leads_there_those_who_may_enter(client: Client, harbor: Brokerage) -> None:
    assert 'href="/admin/"' in text(client.get("/me/"))
    assert client.get("/admin/").status_code == 200
    for user in (harbor.ana, harbor.lead, harbor.north_admin, make_manager(harbor.whole, profile="agent")):
        assert 'href="/admin/"' not in text(signed_in(user).get("/me/"))
        assert signed_in(user).get("/admin/").status_code == 403


def test_reach_without_the_verb_and_the_verb_without_reach_do_not_enter(harbor: Brokerage) -> None:
    assert signed_in(make_manager(harbor.whole, profile="agent")).get("/admin/").status_code == 403
    assert signed_in(make_manager(harbor.north, profile="company_admin")).get("/admin/").status_code == 403


def test_staff_of_the_installation_have_no_other_way_in(harbor: Brokerage) -> None:
    harbor.ana.is_staff = True
    harbor.ana.save()
    assert signed_in(harbor.ana).get("/admin/").status_code == 403


def test_who_lost_her_role_is_out_on_the_next_request(client: Client, harbor: Brokerage) -> None:
    assert client.get("/admin/").status_code == 200
    harbor.broker.memberships.update(role="member")
    assert client.get("/admin/").status_code == 403


@pytest.mark.parametrize(
    "path",
    ["login/", "logout/", "password_change/", "jsi18n/", "autocomplete/", "r/1/1/", "auth/", "auth/group/", "x/"],
)
def test_what_has_a_page_elsewhere_or_nowhere_is_not_offered(client: Client, path: str) -> None:
    assert client.get(f"/admin/{path}").status_code == 404


def test_the_reach_is_asked_once_and_only_for_those_with_a_verb(
    client: Client, harbor: Brokerage, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    agent = signed_in(harbor.ana)
    for one, queries in ((agent, 1), (client, 2)):  # the person, her reach
        one.get("/me/")
        with django_assert_num_queries(queries):
            one.get("/me/")


def test_a_row_is_added_changed_and_remembered(client: Client, harbor: Brokerage) -> None:
    client.post(address(Stage, "add"), {"name": "Visited", "kind": "open", "position": 9})
    stage = harbor.company.stages.get(name="Visited")
    client.post(address(Stage, "change", stage.pk), {"name": "Seen", "kind": "open", "position": 9})
    stage.refresh_from_db()
    assert stage.name == "Seen"
    assert "Changed Name." in text(client.get(address(Stage, "history", stage.pk)))
    assert LogEntry.objects.filter(user=harbor.broker).count() == 2


def test_the_company_is_never_taken_from_the_form(client: Client, harbor: Brokerage) -> None:
    other = brokerage("private").company
    client.post(address(Stage, "add"), {"name": "Visited", "kind": "open", "position": 9, "company": other.pk})
    assert Stage.objects.get(name="Visited").company == harbor.company


def test_a_name_that_is_taken_is_said_beside_the_form(client: Client, harbor: Brokerage) -> None:
    taken = harbor.company.stages.order_by("pk").first()
    page = client.post(address(Stage, "add"), {"name": taken.name.upper(), "kind": "open", "position": 9})
    assert page.status_code == 422
    assert "This name is taken already." in text(page)
    assert taken.name.upper() in text(page)


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    for path in ("/admin/", address(Stage, "changelist")):
        assert getattr(client, method)(path).status_code == 405
