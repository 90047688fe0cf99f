"""What somebody is told at an address that is not for her, and where signing in leads her."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage

pytestmark = pytest.mark.django_db
CONFIRM = "/batches/somebatch/confirm/"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def leads_back_to(answer: Any) -> str:
    assert answer.status_code == 302
    address, _, query = answer.headers["Location"].partition("?next=")
    assert address == reverse("account_login")
    return str(query)


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("http://testserver/batches/somebatch/?edit", "/batches/somebatch/%3Fedit"),
        ("http://testserver/batches/somebatch/cancel/", "/"),
        ("http://testserver/nothing/here", "/"),
        ("https://elsewhere.example/people/", "/"),
        ("http://testserver.example//people/", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_from_a_form_back_to_its_page(client: Client, referer: str, page: str) -> None:
    assert leads_back_to(client.post(CONFIRM, headers={"Referer": referer} if referer else {})) == page
    assert leads_back_to(client.get(CONFIRM, headers={"Referer": referer} if referer else {})) == page


def test_signing_in_leads_to_the_page_asked_for(client: Client) -> None:
    assert leads_back_to(client.get("/people/?stage=3")) == "/people/%3Fstage%3D3"


def test_an_address_that_only_takes_forms_says_so(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    answer = client.get(CONFIRM)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert b"There is no page at this address" in answer.content


def test_a_refusal_says_its_reason(client: Client, harbor: Brokerage) -> None:
    team = make_lead(harbor.lakeside, agent=harbor.ana)
    client.force_login(harbor.ana)
    answer = client.get(f"/people/{team.public_id}/transfer/")
    assert answer.status_code == 403
    assert "It belongs to a unit: only the managers of that unit may transfer it." in answer.content.decode()
    assert b"Your profile does not include this." in client.post(reverse("pond-add"), {}).content
