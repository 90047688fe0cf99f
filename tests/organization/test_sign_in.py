"""Signing in: by e-mail, for people who were let in, and without telling anyone who they are."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.mail import EmailMessage
from django.http import HttpResponse
from django.test import Client

from crm.organization.models import User
from tests.factories.people import PASSWORD, make_company, make_user

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
RESET = "/accounts/password/reset/"


@pytest.fixture
def ana() -> User:
    return make_user(make_company(), "Ana")


def sign_in(client: Client, email: str, password: str = PASSWORD, query: str = "") -> HttpResponse:
    response: HttpResponse = client.post(LOGIN + query, {"login": email, "password": password})  # type: ignore[assignment]
    return response


def is_signed_in(client: Client) -> bool:
    """Whether the next request of hers gets the page rather than the way to sign-in."""
    return client.get("/people/").status_code == 200


def words_of(response: HttpResponse) -> str:
    """The page without what differs from request to request or was typed in."""
    return re.sub(r'(value|content|hx-headers)="[^"]*"', "", response.content.decode())


def test_o1_people_sign_in_by_email_whatever_its_case(client: Client, ana: User) -> None:
    response = sign_in(client, ana.email.upper())
    assert response.status_code == 302
    assert is_signed_in(client)


@pytest.mark.parametrize("active", [True, False])
def test_o1_a_wrong_password_and_an_unknown_email_read_the_same(client: Client, ana: User, active: bool) -> None:
    User.objects.filter(pk=ana.pk).update(is_active=active)
    wrong = sign_in(client, ana.email, "not her password")
    unknown = sign_in(client, "nobody@example.com", "not her password")
    assert wrong.status_code == unknown.status_code == 200
    assert "not correct" in wrong.content.decode()
    assert words_of(wrong) == words_of(unknown)
    assert not is_signed_in(client)


def test_o1_an_unknown_email_takes_the_same_time(client: Client, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is made of hashing: both are hashed once."""
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    sign_in(client, ana.email, "not her password")
    known = len(hashed)
    sign_in(client, "nobody@example.com", "not her password")
    assert known == len(hashed) - known == 1


def test_o7_nobody_registers_by_herself(client: Client) -> None:
    page = client.get("/accounts/signup/")
    assert "by invitation" in page.content.decode()
    given = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/signup/", given)
    assert User.objects.filter(email="new@example.com").count() == 0


def test_o1_deactivated_people_cannot_sign_in(client: Client, ana: User) -> None:
    User.objects.filter(pk=ana.pk).update(is_active=False)
    sign_in(client, ana.email)
    assert not is_signed_in(client)


def test_v3_an_open_session_dies_with_the_account(client: Client, ana: User) -> None:
    sign_in(client, ana.email)
    assert is_signed_in(client)
    User.objects.filter(pk=ana.pk).update(is_active=False)
    response = client.get("/people/")
    assert response.status_code == 302
    assert response["Location"].startswith(LOGIN)
    assert client.post("/people/add/", {"first_name": "Ida"}).status_code == 302


def test_signing_in_changes_the_session_and_its_cookie_is_closed(client: Client, ana: User) -> None:
    client.get(LOGIN)
    before = client.session.session_key
    sign_in(client, ana.email)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie.value != before
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "https:evil.example", "\\\\evil.example"]
)
def test_signing_in_leads_nowhere_else(client: Client, ana: User, elsewhere: str) -> None:
    response = client.post(LOGIN, {"login": ana.email, "password": PASSWORD, "next": elsewhere})
    assert response.status_code == 302
    assert response["Location"] == "/"


def test_a_stranger_is_brought_back_to_where_she_wanted_to_go(client: Client, ana: User) -> None:
    wanted = client.get("/people/?sort=name")["Location"]
    response = client.post(wanted, {"login": ana.email, "password": PASSWORD, "next": "/people/?sort=name"})
    assert response["Location"] == "/people/?sort=name"


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_five_failures_close_the_account_for_a_while(client: Client, ana: User, known: bool) -> None:
    email = ana.email if known else "nobody@example.com"
    for _ in range(5):
        assert "not correct" in sign_in(client, email, "not her password").content.decode()
    refused = sign_in(client, email)
    assert "Too many failed" in refused.content.decode()
    assert not is_signed_in(client)


def test_others_are_not_locked_out_with_her(client: Client, ana: User) -> None:
    for _ in range(6):
        sign_in(client, ana.email, "not her password")
    ben = make_user(ana.company, "Ben")
    sign_in(client, ben.email)
    assert is_signed_in(client)


def test_twenty_failures_close_an_address_for_a_while(client: Client, ana: User) -> None:
    for number in range(20):
        sign_in(client, f"nobody{number}@example.com", "guess")
    assert "Too many failed" in sign_in(client, ana.email).content.decode()


# --- passwords --------------------------------------------------------------------------------------------------------


def test_a_forgotten_password_is_reset_by_mail(client: Client, ana: User, mailoutbox: list[EmailMessage]) -> None:
    client.post(RESET, {"email": ana.email})
    assert [mail.to for mail in mailoutbox] == [[ana.email]]
    found = re.search(r"http://\S+?(/accounts/password/reset/key/\S+)", str(mailoutbox[0].body))
    assert found is not None
    form = client.get(found[1], follow=True)
    where = form.redirect_chain[-1][0]
    client.post(where, {"password1": "an even better staple", "password2": "an even better staple"})
    sign_in(client, ana.email, "an even better staple")
    assert is_signed_in(client)
    assert "does not work any more" in Client().get(found[1]).content.decode()


def test_a_reset_tells_nobody_whether_an_email_is_known(
    client: Client, ana: User, mailoutbox: list[EmailMessage]
) -> None:
    known = client.post(RESET, {"email": ana.email}, follow=True)
    unknown = client.post(RESET, {"email": "nobody@example.com"}, follow=True)
    assert known.redirect_chain == unknown.redirect_chain
    assert words_of(known) == words_of(unknown)  # type: ignore[arg-type]
    assert ana.email not in [address for mail in mailoutbox[1:] for address in mail.to]


def test_a_new_password_ends_other_sessions(client: Client, ana: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere, ana.email)
    sign_in(client, ana.email)
    new = "an even better staple"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)


def test_signing_out_needs_a_post(client: Client, ana: User) -> None:
    sign_in(client, ana.email)
    client.get("/accounts/logout/")
    assert is_signed_in(client)
    client.post("/accounts/logout/")
    assert not is_signed_in(client)
