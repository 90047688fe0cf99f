"""O7: the first-run set-up of an empty installation."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.contrib.auth import get_user
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.core import preparation
from crm.organization import beginning
from crm.organization.models import Company, Membership, Unit, User
from permissions.models import LedgerEntry
from tests.factories.people import fresh, make_company
from tests.factories.scenes import brokerage, stranger

pytestmark = pytest.mark.django_db
GIVEN = {
    "company": "Kite & Co. 🪁",
    "time_zone": "America/Chicago",
    "name": "Kim Kite",
    "email": "Kim@Kite.example",
    "password": "a long enough secret",
}


@pytest.fixture(autouse=True)
def empty(begun: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has found a company yet."""
    monkeypatch.setattr(beginning, "_begun", False)


def send(client: Client, **changes: str) -> Any:
    return client.post("/setup/", {"code": beginning.code()} | GIVEN | changes)


def page(response: Any) -> str:
    return unescape(response.content.decode())


# --- The way to it ----------------------------------------------------------------------------------------------------


def test_o7_every_page_of_an_empty_installation_leads_to_its_set_up(client: Client) -> None:
    for path in ("/", "/people/", "/accounts/login/", "/accounts/password/reset/", "/gallery/", "/admin/"):
        assert client.get(path)["Location"] == "/setup/"
        assert client.post(path)["Location"] == "/setup/"
        assert client.get(path, headers={"HX-Request": "true"}).status_code == 401
    assert client.get("/healthz").status_code in (200, 503)
    assert client.get("/nowhere/").status_code == 404


def test_o7_the_code_is_told_as_the_product_starts_and_no_longer_than_it_is_good_for() -> None:
    assert beginning.announcement in preparation.announcements
    assert beginning.announcement().endswith(f"/setup/?code={beginning.code()}")
    make_company()
    assert beginning.announcement() == ""


def test_o7_without_the_code_there_is_nothing_to_fill_in(client: Client) -> None:
    asked = client.get("/setup/")
    assert asked.status_code == 200
    assert 'name="company"' not in page(asked)
    assert beginning.code() not in page(asked)
    for wrong in ("", "0" * 20, beginning.code()[:-1], "\u00e9\U0001f511", "\x00"):
        for answer in (client.get("/setup/", {"code": wrong}), send(client, code=wrong)):
            assert answer.status_code == 403
            assert "That is not the code." in page(answer)
    assert not Company.objects.exists()


def test_o7_reading_does_not_use_the_code_up(client: Client) -> None:
    for _ in range(2):
        form = client.get("/setup/", {"code": f" {beginning.code()} "})
        assert 'name="company"' in page(form)
    assert client.put("/setup/").status_code == 405
    assert not Company.objects.exists()


# --- Setting up -------------------------------------------------------------------------------------------------------


def test_o7_it_makes_the_company_its_unit_and_its_owner_and_signs_her_in(client: Client) -> None:
    assert send(client)["Location"] == "/first-steps/"
    company = Company.objects.get()
    whole = Unit.objects.get()
    owner = fresh(User.objects.get())
    assert (company.name, company.time_zone) == (GIVEN["company"], "America/Chicago")
    assert (whole.kind, whole.name, whole.time_zone) == ("company", GIVEN["company"], "America/Chicago")
    assert (owner.email, owner.name, owner.time_zone) == ("kim@kite.example", "Kim Kite", "America/Chicago")
    assert owner.check_password(GIVEN["password"])
    assert owner.holding.profile.code == "company_admin"
    assert (owner.is_staff, Membership.objects.get().role) == (False, "owner")
    assert get_user(client) == owner  # type: ignore[arg-type]
    fact = LedgerEntry.objects.get()
    assert (fact.kind, fact.why, fact.actor_id, fact.to_unit_id) == ("joined", "set-up", owner.pk, whole.pk)


def test_o7_then_it_says_what_to_do_next(client: Client) -> None:
    send(client)
    steps = page(client.get("/first-steps/"))
    whole = Unit.objects.get()
    for path in (f"/invitations/units/{whole.pk}/", "/import/", "/admin/organization/unit/add/"):
        assert f'href="{path}"' in steps
        assert client.get(path).status_code == 200
    assert client.get("/").status_code == 200


def test_o7_the_first_steps_are_for_managers_of_the_company(client: Client) -> None:
    harbor = brokerage()
    for user, status in ((harbor.broker, 200), (harbor.north_admin, 403), (harbor.ana, 403), (stranger(), 200)):
        client.force_login(user)
        assert client.get("/first-steps/").status_code == status


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("company", ""),
        ("company", "   "),
        ("company", "K" * 300),
        ("company", "Kite\nBcc: all"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("name", ""),
        ("name", "🪁" * 300),
        ("name", "Kim\x00"),
        ("email", ""),
        ("email", "nobody"),
        ("email", "k" * 300 + "@kite.example"),
        ("password", ""),
        ("password", "short"),
        ("password", "password1"),
        ("password", "kim@kite.example"),
        ("password", "x" * 2000),
    ],
)
def test_o7_bad_input_is_refused_and_what_was_typed_stays(client: Client, field: str, value: str) -> None:
    response = send(client, **{field: value})
    assert response.status_code == 422
    assert "errorlist" in page(response)
    for name in {"company", "time_zone", "name", "email"} - {field}:
        assert f'value="{GIVEN[name]}"' in page(response)
    assert GIVEN["password"] not in page(response)
    assert not Company.objects.exists()


# --- Once -------------------------------------------------------------------------------------------------------------


def test_o7_once_there_is_a_company_the_page_is_gone(client: Client) -> None:
    send(client)
    stranger_ = Client()
    for path in ("/setup/", f"/setup/?code={beginning.code()}"):
        assert stranger_.get(path).status_code == 404
    assert send(stranger_, code="wrong").status_code == 404
    late = send(stranger_, email="late@kite.example")
    assert late.status_code == 409
    assert "Somebody was faster" in page(late)
    assert (Company.objects.count(), User.objects.count()) == (1, 1)
    assert stranger_.get("/")["Location"].startswith("/accounts/login/")


def test_o7_a_known_company_costs_no_query(client: Client) -> None:
    make_company()
    client.get("/accounts/login/")
    with CaptureQueriesContext(connection) as found:
        client.get("/accounts/login/")
    assert not [query for query in found if "organization_company" in query["sql"]]
