"""Two-factor sign-in where the company asks for it (O5): nothing else is open until it is set up, and it stays on."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.organization.models import Company, User
from permissions.joining import invitations
from tests.factories.people import PASSWORD, fresh
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
SET_UP = "/accounts/2fa/totp/activate/"
SWITCH_OFF = "/accounts/2fa/totp/deactivate/"
AGAIN = "/accounts/reauthenticate/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def require(company: Company, required: bool = True) -> None:
    Company.objects.filter(pk=company.pk).update(two_factor_required=required)


def code(secret: str) -> str:
    """What an authenticator app shows now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def give_factor(user: User) -> str:
    """A second factor with recovery codes; its secret."""
    secret = str(generate_totp_secret())
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def sign_in(client: Client, user: User, **given: str) -> Any:
    return client.post(LOGIN, {"login": user.email, "password": PASSWORD} | given)


def set_up(client: Client) -> Any:
    page = client.get(SET_UP).content.decode()
    found = re.search(r'class="secret">(\w+)<', page)
    assert found, page
    return client.post(SET_UP, {"code": code(found[1])})


def test_o5_signing_in_leads_to_the_set_up_and_that_lets_her_in(client: Client, harbor: Brokerage) -> None:
    require(harbor.company)
    sign_in(client, harbor.ana)
    assert client.get("/")["Location"] == SET_UP
    page = client.get(SET_UP).content.decode()  # her password was just asked
    assert "asks everybody for a code" in page
    assert 'class="rail"' not in page
    assert "data-live-url" not in page
    assert client.get("/people/")["Location"] == SET_UP
    assert set_up(client)["Location"] == "/accounts/2fa/recovery-codes/"
    assert client.get("/people/").status_code == 200
    assert 'class="rail"' in client.get("/accounts/2fa/recovery-codes/").content.decode()


def test_o5_it_holds_for_open_sessions_from_the_next_request(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    assert client.get("/people/").status_code == 200
    require(harbor.company)
    assert client.get("/people/")["Location"] == SET_UP
    assert client.post("/people/add/", {"first_name": "Maya", "owner": "me"})["Location"] == SET_UP
    assert client.get("/people/", headers=HTMX).status_code == 401
    assert client.get("/live/").status_code == 401
    assert client.get(SET_UP)["Location"].startswith(AGAIN)  # who finds an open session cannot make it hers
    client.post(AGAIN, {"password": PASSWORD, "next": SET_UP})
    assert set_up(client).status_code == 302
    assert client.get("/people/").status_code == 200
    assert client.get("/live/").status_code == 200


def test_o5_nobody_is_asked_who_has_it_or_whose_company_does_not_ask(client: Client, harbor: Brokerage) -> None:
    require(harbor.company)
    give_factor(harbor.ana)
    for user in (harbor.ana, stranger()):
        client.force_login(user)
        assert client.get("/people/").status_code == 200
    client.force_login(harbor.ben)
    require(harbor.company, False)
    assert client.get("/people/").status_code == 200


def test_o5_recovery_codes_alone_are_no_second_factor(client: Client, harbor: Brokerage) -> None:
    require(harbor.company)
    RecoveryCodes.activate(harbor.ana)
    client.force_login(harbor.ana)
    assert client.get("/people/")["Location"] == SET_UP


def test_o5_a_recovery_code_lets_in_once(client: Client, harbor: Brokerage) -> None:
    require(harbor.company)
    give_factor(harbor.ana)
    codes = Authenticator.objects.get(user=harbor.ana, type="recovery_codes").wrap().get_unused_codes()
    for at_first in (True, False):
        door = Client()
        assert sign_in(door, harbor.ana)["Location"] == "/accounts/2fa/authenticate/"
        assert door.get("/people/")["Location"].startswith(LOGIN)
        door.post("/accounts/2fa/authenticate/", {"code": codes[0]})
        assert (door.get("/people/").status_code == 200) == at_first


def test_o5_the_last_factor_stays_while_the_company_asks_for_one(client: Client, harbor: Brokerage) -> None:
    secret = give_factor(harbor.ana)
    sign_in(client, harbor.ana)
    client.post("/accounts/2fa/authenticate/", {"code": code(secret)})
    require(harbor.company)
    assert SWITCH_OFF not in client.get("/accounts/2fa/").content.decode()
    page = client.get(SWITCH_OFF).content.decode()
    assert "Your company asks for two-factor sign-in" in page
    assert "Switch off</button>" not in page
    assert client.post(SWITCH_OFF).status_code == 200
    assert fresh_factors(harbor.ana) == {"totp", "recovery_codes"}
    client.post("/accounts/2fa/recovery-codes/generate/")
    assert fresh_factors(harbor.ana) == {"totp", "recovery_codes"}
    require(harbor.company, False)
    assert SWITCH_OFF in client.get("/accounts/2fa/").content.decode()
    client.post(SWITCH_OFF)
    assert fresh_factors(harbor.ana) == set()


def fresh_factors(user: User) -> set[str]:
    return set(Authenticator.objects.filter(user=user).values_list("type", flat=True))


def test_o7_joining_leads_to_it(client: Client, harbor: Brokerage) -> None:
    require(harbor.company)
    invitation = invitations.invite(
        actor=fresh(harbor.broker),
        unit=harbor.lakeside,
        email="nina@example.com",
        name="Nina",
        role="member",
        profile="agent",
    )
    link = f"/invitations/accept/{invitations.token_of(invitation)}/"
    assert client.post(link, {"name": "Nina", "password": "a long enough secret"})["Location"] == "/"
    assert client.get("/")["Location"] == SET_UP
    assert set_up(client).status_code == 302
    assert client.get("/").status_code == 200


def test_o5_it_costs_no_query(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    counts = []
    for required in (False, True):
        require(harbor.company, required)
        give_factor(harbor.ana) if required else None
        with CaptureQueriesContext(connection) as found:
            assert client.get("/me/").status_code == 200
        counts.append(len(found))
    assert counts[0] == counts[1]
    require(harbor.company)
    client.force_login(harbor.ben)
    with CaptureQueriesContext(connection) as found:
        client.get("/me/")
    assert len(found) == 1  # she; her session is in the cache


def test_the_door_out_stays_open(client: Client, harbor: Brokerage) -> None:
    require(harbor.company)
    client.force_login(harbor.ana)
    assert client.get("/accounts/logout/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/people/")["Location"].startswith(LOGIN)
    assert client.get("/healthz").status_code in (200, 503)
