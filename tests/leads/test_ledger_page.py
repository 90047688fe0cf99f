"""M7, V1 in the browser: the ledger, its filters, its file and its check."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from crm.organization.models import User
from permissions.access import Privacy
from permissions.checking import carry_out
from permissions.ledger import Fact, record
from permissions.models import LedgerCheck, LedgerEntry
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
PAGE, EXPORT, CHECK = "/admin/ledger/", "/admin/ledger/export/", "/admin/ledger/check/"
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def see(client: Client, user: User, path: str = PAGE, **query: Any) -> HttpResponse:
    client.force_login(user)
    return client.get(path, query)  # type: ignore[return-value]


def said(response: HttpResponse) -> str:
    """The words of the page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", response.content.decode())))


def assigned(lead: Any, user: User, actor: User | None = None) -> None:
    fact = Fact(lead.company_id, LedgerEntry.Kind.ASSIGNED, lead.pk, to_user_id=user.pk, role="agent")
    record(Fact(**vars(fact) | {"actor_id": actor.pk if actor else None}))


def test_m7_the_page_tells_who_did_what_with_which_lead(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, first_name="Maria", last_name="Lopez")
    assigned(lead, harbor.ana, harbor.lead)
    page = see(client, harbor.broker)
    assert "Maria Lopez · Assigned to Ana by Lead" in said(page)
    assert f'href="/people/{lead.public_id}/"' in page.content.decode()
    assert f'href="{PAGE}"' in see(client, harbor.broker, "/admin/").content.decode()
    assert "What happens to leads will be listed here" in said(see(client, stranger()))


def test_v1_the_page_says_that_there_is_something_one_may_not_see(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, privacy=Privacy.PRIVATE, first_name="Secretname")
    assigned(lead, harbor.ana, harbor.ana)
    page = see(client, harbor.broker)
    rows = page.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    assert "Assigned" in rows
    assert "About a lead you may not see" in rows
    for secret in ("Secretname", "Ana", lead.public_id):
        assert secret not in rows
    assert "Nothing that you may see fits" in said(see(client, harbor.broker, person="Ana"))


def test_m7_filters_narrow_and_are_kept_on_the_next_page(client: Client, harbor: Brokerage) -> None:
    for _ in range(51):
        assigned(make_lead(harbor.lakeside), harbor.ana)
    assigned(make_lead(harbor.lakeside), harbor.ben)
    first = see(client, harbor.broker, person="Ana", kind="assigned").content.decode()
    assert (first.count("data-row"), first.count("Assigned to <strong>Ben")) == (50, 0)
    older = re.search(r'rel="next" href="([^"]*)"', first)
    assert older
    last = client.get(unescape(older[1])).content.decode()
    assert last.count("data-row") == 1
    assert 'value="Ana"' in last
    assert "Newest" in last


@pytest.mark.parametrize("query", [{"person": "zzz"}, {"kind": "guess"}, {"lead": "x" * 12}, {"since": "soon"}])
def test_m7_a_filter_that_cannot_be_read_shows_nothing(
    client: Client, harbor: Brokerage, query: dict[str, str]
) -> None:
    assigned(make_lead(harbor.lakeside), harbor.ana)
    page = see(client, harbor.broker, **query)
    assert page.status_code == 422
    assert "A filter could not be read" in said(page)
    assert "Assigned to" not in said(page)


def test_m7_bad_input_does_no_harm(client: Client, harbor: Brokerage) -> None:
    assert see(client, harbor.broker, cursor="nonsense").status_code == 200
    assert see(client, harbor.broker, person="<script>").status_code == 422
    assert "<script>" not in see(client, harbor.broker, person="<script>").content.decode().partition("<main")[2]


# --- the file ---------------------------------------------------------------------------------------------------------


def test_m7_the_file_holds_what_is_shown_and_is_a_fact_itself(client: Client, harbor: Brokerage) -> None:
    assigned(make_lead(harbor.lakeside), harbor.ana)
    assigned(make_lead(harbor.lakeside), harbor.ben)
    client.force_login(harbor.broker)
    answer: Any = client.post(EXPORT, {"person": "Ana"})
    text = b"".join(answer.streaming_content).decode()
    assert "Assigned to Ana" in text
    assert "Ben" not in text
    assert re.fullmatch(r'attachment; filename="ledger-[\d-]+\.csv"', answer.headers["Content-Disposition"])
    fact = LedgerEntry.objects.get(kind="exported")
    assert (fact.actor, fact.why, fact.detail) == (harbor.broker, "ledger", {"count": 1, "filters": ["person"]})


def test_i2_the_ledger_says_how_much_of_it_was_taken_out_and_by_what(client: Client, harbor: Brokerage) -> None:
    for user in (harbor.ana, harbor.ben):
        assigned(make_lead(harbor.lakeside), user, harbor.lead)
    client.force_login(harbor.broker)
    today = timezone.localdate(timezone=ZoneInfo(harbor.broker.time_zone))
    for asked, lines in (({}, 2), ({"kind": "assigned", "since": f"{today}"}, 2), ({"unit": harbor.south.pk}, 0)):
        answer: Any = client.post(EXPORT, asked)
        assert len(b"".join(answer.streaming_content).splitlines()) == lines + 1
        fact = LedgerEntry.objects.filter(kind="exported").latest("pk")
        assert fact.detail
        assert fact.detail["count"] == lines
    page = said(see(client, harbor.broker))
    day = f"{today:%b} {today.day}, {today.year}"
    for words in (
        "2 rows of the ledger",
        f"2 rows of the ledger, kind Assigned, since {day}",
        "0 rows of the ledger, unit South",
    ):
        assert f"Broker exported {words}" in page


def test_m7_what_cannot_be_read_is_not_taken_out(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    answer = client.post(EXPORT, {"person": "zzz"})
    assert answer.headers["Location"] == f"{PAGE}?person=zzz"
    assert not LedgerEntry.objects.exists()


# --- the check --------------------------------------------------------------------------------------------------------


def test_m7_a_check_is_asked_for_watched_and_its_result_kept(client: Client, harbor: Brokerage) -> None:
    assert "Nobody has checked the chain yet" in said(see(client, harbor.broker))
    assert client.post(CHECK).headers["Location"] == PAGE
    page = said(see(client, harbor.broker))
    assert "Checking the chain" in page
    assert "every 2s" in client.get(CHECK, headers=FRAGMENT).content.decode()
    carry_out(LedgerCheck.objects.get().pk)
    result = client.get(CHECK, headers=FRAGMENT)
    assert "The chain holds: 0 facts in 0 seals" in said(result)  # type: ignore[arg-type]
    assert "<html" not in result.content.decode()
    LedgerCheck.objects.update(problem="seal 7 does not match its entries")
    assert "The chain is broken: seal 7" in said(see(client, harbor.broker))
    assert client.get(CHECK).headers["Location"] == PAGE


def test_m7_looking_asks_for_nothing(client: Client, harbor: Brokerage) -> None:
    see(client, harbor.broker, CHECK)
    see(client, harbor.broker)
    assert not LedgerCheck.objects.exists()


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["north_admin", "lead", "ana"])
def test_m7_only_managers_of_the_company_read_it(client: Client, harbor: Brokerage, who: str) -> None:
    client.force_login(getattr(harbor, who))
    assert [client.get(PAGE).status_code, client.get(CHECK).status_code] == [403, 403]
    assert [client.post(EXPORT).status_code, client.post(CHECK).status_code] == [403, 403]
    assert not LedgerCheck.objects.exists()


def test_v1_a_stranger_reads_her_own(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    assigned(lead, harbor.ana)
    other = stranger()
    assert "Ana" not in said(see(client, other)).partition("What happened")[2]
    for query in ({"person": "Ana"}, {"lead": lead.public_id}, {"unit": harbor.lakeside.pk}):
        assert see(client, other, **query).status_code == 422


def test_m7_wrong_methods(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    assert [client.post(PAGE).status_code, client.get(EXPORT).status_code, client.put(CHECK).status_code] == [405] * 3


def test_m7_queries_and_weight_do_not_grow(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: Any
) -> None:
    for number in range(50):
        assigned(make_lead(harbor.lakeside if number % 2 else harbor.ana), harbor.ana, harbor.lead)
    client.force_login(harbor.broker)
    with django_assert_max_num_queries(14):
        page = client.get(PAGE)
    assert len(page.content) < 60_000
    with django_assert_max_num_queries(15):
        client.get(PAGE, {"person": "Ana", "unit": harbor.lakeside.pk})
