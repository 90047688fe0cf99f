"""A person's keys to the API: shown once, kept as a hash, revoked by her or by who manages people (I3)."""

from __future__ import annotations

import re

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from permissions.models import ApiAnswer, ApiToken
from permissions.tasks import forget_answers
from permissions.tokens.services import KEPT, Scope, issue, token_of
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.support.sending import sending_of

SENT = {"name": "Website", "scopes": ["leads:write"], "lasts": "30"}


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def test_i3_a_key_is_shown_once_and_not_kept(harbor: Brokerage, client: Client) -> None:
    client.force_login(harbor.ana)
    page = client.post(reverse("tokens"), SENT)
    key = re.search(r'value="(fl_[\w-]+)"', page.content.decode())
    assert key
    assert page["Cache-Control"] == "no-store"
    token = ApiToken.objects.get()
    assert (token.user, token.scopes, token.hint) == (harbor.ana, ["leads:write"], key[1][:8])
    assert token_of(key[1]) == token
    assert key[1] not in client.get(reverse("tokens")).content.decode()
    assert key[1].encode() not in bytes(token.digest)
    token.refresh_from_db()
    assert token.used_at


def test_i3_a_form_sent_again_makes_no_second_token(harbor: Brokerage, client: Client) -> None:
    """As a reloaded page does; another person's form, or another form of hers, is not the same."""
    there = reverse("tokens")
    client.force_login(harbor.ana)
    once = {**SENT, "sent": sending_of(client.get(there).content.decode())}
    assert client.post(there, {**once, "name": ""}).status_code == 422  # not made yet
    assert client.post(there, once).status_code == 200
    for _ in range(2):
        again = client.post(there, once)
        html = again.content.decode()
        assert again.status_code == 422
        assert "no other token was made" in html
        assert 'value="Website"' in html
        assert ">Sent<" not in html
    assert ApiToken.objects.count() == 1
    assert client.post(there, {**once, "sent": sending_of(html)}).status_code == 200
    client.force_login(harbor.ben)
    assert client.post(there, once).status_code == 200
    assert ApiToken.objects.count() == 3


def test_i3_she_revokes_her_own_and_nobody_elses(harbor: Brokerage, client: Client) -> None:
    token, key = issue(user=harbor.ana, name="Website", scopes=[Scope.LEADS_READ], lasts=None)
    for other in (harbor.ben, harbor.broker, stranger()):
        client.force_login(other)
        assert client.post(reverse("token-revoke", args=[token.pk])).status_code == 404
    client.force_login(harbor.ana)
    for _ in range(2):
        assert client.post(reverse("token-revoke", args=[token.pk])).status_code == 302
    token.refresh_from_db()
    assert token.revoked_by == harbor.ana
    assert token_of(key) is None


def test_i3_a_company_manager_revokes_in_the_admin(harbor: Brokerage, client: Client) -> None:
    token, key = issue(user=harbor.ana, name="Website", scopes=[Scope.LEADS_READ], lasts=None)
    others, _ = issue(user=stranger(), name="Theirs", scopes=[Scope.LEADS_READ], lasts=None)
    client.force_login(harbor.broker)
    there = reverse("admin:permissions_apitoken_changelist")
    page = client.get(there).content.decode()
    assert "Website" in page
    assert "Theirs" not in page
    client.post(there, {"action": "revoke", "_selected_action": [token.pk, others.pk]})
    token.refresh_from_db()
    others.refresh_from_db()
    assert (token.revoked_by, others.revoked_by) == (harbor.broker, None)
    assert token_of(key) is None


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "a\nb"}, {"scopes": []}, {"scopes": ["all"]}, {"lasts": "9"}])
def test_i3_what_is_wrong_with_a_token_is_said_and_kept(
    harbor: Brokerage, client: Client, wrong: dict[str, object]
) -> None:
    client.force_login(harbor.ana)
    page = client.post(reverse("tokens"), {**SENT, **wrong})
    assert page.status_code == 422
    assert not ApiToken.objects.exists()


def test_i3_answers_are_forgotten_after_a_day(harbor: Brokerage) -> None:
    for key, at in (("old", Now() - KEPT), ("new", Now())):
        ApiAnswer.objects.create(user=harbor.ana, key=key, digest=b"", status=200, at=at)
    for _ in range(2):
        forget_answers()
    assert ApiAnswer.objects.get().key == "new"
