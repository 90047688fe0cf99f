"""The conflict inbox and the page of one conflict (C8)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.organization.models import User
from leads.models import Activity, Conflict
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, stranger
from tests.leads.test_conflicts import comes, comes_to_ana, decides, now, ready

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return ready()


def page(client: Client, user: User, path: str = "/conflicts/") -> str:
    client.force_login(user)
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def of(conflict: Conflict) -> str:
    return f"/conflicts/{conflict.pk}/"


def send(client: Client, user: User, conflict: Conflict, **data: Any) -> Any:
    client.force_login(user)
    return client.post(of(conflict), data, follow=True)


def test_c8_the_inbox_lists_open_ones_and_those_that_are_decided(client: Client, harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    html = page(client, harbor.broker)
    assert all(words in html for words in ("Maya Okafor", "Dee", "Website", "Open (1)", of(conflict)))
    assert of(conflict) not in page(client, harbor.broker, "/conflicts/?show=decided")
    decides(harbor.broker, conflict, "both")
    assert of(conflict) not in page(client, harbor.broker)
    assert "Both keep theirs" in page(client, harbor.broker, "/conflicts/?show=decided")


def test_c8_an_empty_inbox_says_what_would_fill_it(client: Client, harbor: Brokerage) -> None:
    assert "both sides’ evidence waits here for you" in page(client, harbor.broker)
    html = page(client, stranger())
    assert "the company’s policy says Dispute" in html
    assert "Open the policy" in html
    assert "stays here, with the reason" in page(client, harbor.broker, "/conflicts/?show=decided")


def test_c8_managers_of_the_company_find_it_and_nobody_else(client: Client, harbor: Brokerage) -> None:
    comes_to_ana(harbor)
    for path, words in (("/requests/", "1 conflict waits for"), ("/channels/", "Conflicts (1)")):
        assert words in page(client, harbor.broker, path)
        assert "/conflicts/" not in page(client, harbor.lead, path).replace('also="/conflicts/"', "")


@pytest.mark.parametrize("who", ["lead", "north_admin", "dee", "ana"])
def test_c8_others_are_refused(client: Client, harbor: Brokerage, who: str) -> None:
    conflict = comes_to_ana(harbor)
    client.force_login(getattr(harbor, who))
    assert client.get("/conflicts/").status_code == 403
    assert client.get(of(conflict)).status_code == 404
    assert client.post(of(conflict), {"code": "both", "note": "So."}).status_code == 404
    assert now(conflict).verdict == "open"


def test_c8_another_company_finds_nothing(client: Client, harbor: Brokerage) -> None:
    conflict, other = comes_to_ana(harbor), stranger()
    assert of(conflict) not in page(client, other)
    assert client.get(of(conflict)).status_code == 404
    assert client.post(of(conflict), {"code": "both", "note": "So."}).status_code == 404


def test_c8_a_conflict_shows_the_evidence_of_both_sides(client: Client, harbor: Brokerage) -> None:
    known = make_lead(harbor.dee, emails=["maya@mail.example"], first_name="Maya")
    for kind in ("call", "call", "email", "note"):
        Activity.objects.create(company=harbor.company, lead=known, kind=kind, body="secret of Dee", actor=harbor.dee)
    conflict = comes(harbor.lakeside, "Is the house on Elm Street free?")
    Activity.objects.create(company=harbor.company, lead=known, kind="call", actor=harbor.dee)  # too late to count
    html = page(client, harbor.broker, of(conflict))
    assert "4, of them 2 calls, 1 e-mail" in html
    assert "Same e-mail: maya@mail.example" in html
    assert "Is the house on Elm Street free?" in html
    assert "secret of Dee" not in html
    assert known.public_id in html
    assert conflict.arrived.public_id in html


@pytest.mark.parametrize(("policy", "hidden"), [("private", False), ("visible", True), ("managed", True)])
def test_c8_what_she_may_not_read_is_not_named(client: Client, policy: str, hidden: bool) -> None:
    harbor = ready(policy)
    conflict = comes_to_ana(harbor, hidden=hidden)
    for path in ("/conflicts/", of(conflict)):
        html = page(client, harbor.broker, path)
        assert "Dee" in html
        assert not [
            word for word in ("Maya", "Okafor", "maya@", "Is it free?", conflict.known.public_id) if word in html
        ]
    html = page(client, harbor.broker, of(conflict))
    assert "Same e-mail" in html
    assert "neither is named here" in html
    assert conflict.arrived.public_id not in html  # the company's own, but it would tell whom Dee knows


def test_c8_she_decides_on_the_page_with_a_reason(client: Client, harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    answer = send(client, harbor.broker, conflict, code="known", note="Dee came first.")
    html = answer.content.decode()
    assert "Decided. Both sides are told." in html
    assert "Dee came first." in html
    assert "Decided by Broker" in html
    assert now(conflict).arrived.owner == harbor.dee
    assert "not open any more" in send(client, harbor.broker, conflict, code="both", note="Or not.").content.decode()


def test_p4_asking_stays_on_the_page(client: Client, harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    html = send(client, harbor.broker, conflict, code="ask-arrived", note="Ours.").content.decode()
    assert "Asked. You are told" in html
    assert "There is no answer yet." in html
    again = send(client, harbor.broker, conflict, code="ask-arrived", note="Ours, please.")
    assert again.status_code == 422
    assert "You have asked already" in again.content.decode()


@pytest.mark.parametrize(
    "sent", [{}, {"code": "both"}, {"code": "nonsense", "note": "So."}, {"code": "arrived", "note": "So."}]
)
def test_c8_what_is_no_decision_is_refused_and_what_was_typed_is_kept(
    client: Client, harbor: Brokerage, sent: dict[str, str]
) -> None:
    conflict = comes_to_ana(harbor)
    answer = send(client, harbor.broker, conflict, **sent)
    assert answer.status_code == 422
    assert sent.get("note", "") in answer.content.decode()
    assert now(conflict).verdict == "open"


def test_the_pages_take_only_what_they_are_for(client: Client, harbor: Brokerage) -> None:
    conflict = comes_to_ana(harbor)
    client.force_login(harbor.broker)
    assert client.post("/conflicts/").status_code == 405
    assert client.delete(of(conflict)).status_code == 405


def test_the_inbox_takes_as_many_queries_for_many_as_for_one(client: Client, harbor: Brokerage) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            page(client, harbor.broker)
        return len(asked)

    comes_to_ana(harbor)
    page(client, harbor.broker)
    one = queries()
    for number in range(5):
        make_lead(harbor.ben, emails=[f"m{number}@mail.example"])
        comes(harbor.lakeside, "Hello", f"m{number}@mail.example")
    assert queries() == one
