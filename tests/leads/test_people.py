"""The People list."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.organization.models import Unit, User
from leads.models import Activity, Lead, Source
from leads.services.sharing import share_lead
from permissions.keyring import load_keyring
from permissions.profiles.services import give_profile
from tests.factories.leads import assign, make_lead, make_stage
from tests.factories.people import make_manager
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
PEOPLE = "/people/"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def page(client: Client, user: User, query: str = "") -> str:
    client.force_login(user)
    response = client.get(f"{PEOPLE}{query}")
    assert response.status_code == 200, response
    return response.content.decode()


def names(html: str) -> list[str]:
    """The names of the rows one may open, in their order."""
    return re.findall(r'class="row-link"[^>]*>([^<]+)</a>', html)


def count(html: str) -> str:
    found = re.search(r'class="count">([^<]*)<', html)
    assert found
    return found[1]


def hide(harbor: Brokerage, **fields: Any) -> Lead:
    """A hidden personal lead of Ana, which Lakeside's lead sees redacted, full of what he must not see."""
    concealed = {
        "first_name": "Sam",
        "last_name": "Secretname",
        "company_name": "Secretcompany",
        "street": "7 Secretstreet",
        "city": "Secretcity",
        "state": "ZQ",
        "postal_code": "90909",
        "kind": "investor",
        "tags": ["secrettag"],
        "price_min": 987654,
        "score": 77,
    }
    return make_lead(
        harbor.ana,
        hidden=True,
        phones=["201 555 0177"],
        emails=["secret@mail.example"],
        source="Secretsource",
        **(concealed | fields),
    )


def test_shows_what_a_row_must(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(
        harbor.lakeside, agent=harbor.ana, first_name="Maya", last_name="Okafor", source="Zillow", score=92
    )
    html = page(client, harbor.lead)
    assert names(html) == ["Maya Okafor"]
    assert count(html) == "1"
    for shown in ("Lakeside", harbor.ana.name, "Zillow", "Company · Lakeside", "New", "92", lead.public_id):
        assert shown in html


def test_refuses_other_methods(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.lead)
    assert client.post(PEOPLE).status_code == 405


def test_sends_strangers_to_sign_in(client: Client) -> None:
    assert client.get(PEOPLE)["Location"].startswith(reverse("account_login"))


def test_v3_other_companies_see_neither_rows_nor_counts(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, last_name="Okafor")
    html = page(client, stranger(), "?q=okafor")
    assert names(html) == []
    assert count(html) == "0"
    assert "Okafor" not in html.replace("okafor", "")


def test_v2_agents_see_their_own_and_what_they_are_assigned(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Own", last_name="")
    make_lead(harbor.lakeside, agent=harbor.ana, first_name="Assigned", last_name="")
    make_lead(harbor.lakeside, agent=harbor.ben, first_name="Bens", last_name="")
    make_lead(harbor.hilltop, first_name="Hilltops", last_name="")
    assert set(names(page(client, harbor.ana))) == {"Own", "Assigned"}
    assert names(page(client, harbor.eve)) == []
    assert count(page(client, harbor.broker)) == "4"


def test_an_empty_list_offers_the_step_that_fills_it(client: Client, harbor: Brokerage) -> None:
    html = page(client, harbor.eve)
    assert "No people yet" in html
    assert reverse("lead-add") in html
    give_profile(harbor.eve, "agent")
    assert "Nobody matches" in page(client, harbor.eve, "?q=nobody")


# --- redacted rows ----------------------------------------------------------------------------------------------------


def test_v5_a_redacted_row_shows_its_facts_and_no_link(client: Client, harbor: Brokerage) -> None:
    lead = hide(harbor)
    for kind in ("call", "call", "email", "note"):
        Activity.objects.create(company=harbor.company, lead=lead, kind=kind, actor=harbor.ana, body="Secretbody")
    html = page(client, harbor.lead)
    assert count(html) == "1"
    assert names(html) == []
    row = html[html.index("is-redacted") : html.index("</tbody>")]
    for shown in ("Sam", "New", harbor.ana.name, "77", "2 calls, 0 texts, 1 e-mail", "<time", "Hidden by its owner"):
        assert shown in row
    assert "<a" not in row


def test_v5_no_byte_of_the_page_tells_what_is_concealed(client: Client, harbor: Brokerage) -> None:
    lead = hide(harbor)
    User.objects.filter(pk=harbor.eve.pk).update(name="Secretholder")
    assign(lead, harbor.eve)
    html = page(client, harbor.lead)
    points = [point.value for point in lead.contact_points.order_by("pk")]
    concealed = [lead.public_id, "Secret", "secret", "90909", "ZQ", "nvestor", "987", "0177", *points]
    row = html[html.index("is-redacted") : html.index("</tbody>")]
    assert [text for text in concealed if text in html.replace(row, "")] == []
    assert [text for text in concealed if text in row] == []


def test_v5_its_own_page_does_not_exist(client: Client, harbor: Brokerage) -> None:
    lead = hide(harbor)
    client.force_login(harbor.lead)
    assert client.get(reverse("lead", args=[lead.public_id])).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "q=Secretname",
        "q=Sam",
        "q=2015550177",
        "q=secret@mail.example",
        "state=ZQ",
        "tag=secrettag",
        "kind=investor",
        "origin=agent",
        "created_since=2020-01-01",
        "mine=1",
        "sort=created",
        "sort=-created",
        "q=%20%20x",
    ],
)
def test_v5_concealed_fields_leave_redacted_rows_out(client: Client, harbor: Brokerage, query: str) -> None:
    hide(harbor)
    html = page(client, harbor.lead, f"?{query}")
    assert "is-redacted" not in html
    assert count(html) == "0"


def test_v5_leads_left_out_are_spoken_of_without_telling_of_any(client: Client, harbor: Brokerage) -> None:
    words = "Leads of which you see only a part are left out"
    assert words in page(client, harbor.lead, "?sort=created")
    assert words in page(client, harbor.lead, "?q=sam")
    assert words not in page(client, harbor.lead)
    assert words not in page(client, harbor.lead, "?hidden=yes")
    assert words not in page(client, harbor.ana, "?sort=created")


def test_v5_the_filter_of_hidden_leads_shows_them_redacted(client: Client, harbor: Brokerage) -> None:
    hide(harbor)
    html = page(client, harbor.lead, "?hidden=yes")
    assert "is-redacted" in html
    assert count(html) == "1"
    assert count(page(client, harbor.lead, "?hidden=yes&tag=secrettag")) == "0"
    assert count(page(client, harbor.lead, "?hidden=no")) == "0"


def test_v3_hidden_leads_are_found_by_all_who_may_read_them(client: Client, harbor: Brokerage) -> None:
    lead = hide(harbor)
    assign(lead, harbor.dee)
    share_lead(keyring=load_keyring(harbor.ana), actor=harbor.ana, lead=lead, user=harbor.ben, verb="view_lead")
    for reader in (harbor.ana, harbor.ben, harbor.dee):
        assert count(page(client, reader, "?hidden=yes")) == "1"
        assert count(page(client, reader, "?hidden=yes&tag=secrettag")) == "1"
    assert count(page(client, harbor.eve, "?hidden=yes")) == "0"


def test_v5_source_and_slots_leave_redacted_rows_out(client: Client, harbor: Brokerage) -> None:
    lead = hide(harbor)
    assign(lead, harbor.ben)
    for query in (f"?source={lead.source_id}", f"?assigned=person-{harbor.ben.pk}", "?assigned=nobody"):
        assert count(page(client, harbor.lead, query)) == "0"


def test_v5_shown_fields_keep_redacted_rows(client: Client, harbor: Brokerage) -> None:
    lead = hide(harbor)
    kept = (
        f"stage={lead.stage_id}",
        f"owner=person-{harbor.ana.pk}",
        "score_min=77&score_max=77",
        "active=7d",
        "sort=score",
        "sort=-score",
        "sort=active",
    )
    for query in kept:
        html = page(client, harbor.lead, f"?{query}")
        assert "is-redacted" in html, query
        assert count(html) == "1"
    assert "is-redacted" not in page(client, harbor.lead, f"?stage={lead.stage_id}&state=ZQ")


def test_v5_its_owner_reads_it_in_full(client: Client, harbor: Brokerage) -> None:
    hide(harbor)
    assert names(page(client, harbor.ana, "?q=secretname")) == ["Sam Secretname"]


# --- search, sort, pages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["okafor", "MAYA oka", "(201) 555-0123", "2015550123", "+12015550123", "555 0123", "maya@mail.example"]
)
def test_l6_search_finds_by_name_phone_and_email(client: Client, harbor: Brokerage, text: str) -> None:
    make_lead(
        harbor.lakeside, first_name="Maya", last_name="Okafor", phones=["201-555-0123"], emails=["Maya@Mail.example"]
    )
    make_lead(harbor.lakeside, first_name="Jonas", last_name="Lindqvist", phones=["201-555-9999"])
    client.force_login(harbor.lead)
    html = client.get(PEOPLE, {"q": text}).content.decode()
    assert names(html) == ["Maya Okafor"]


def test_sorts_by_activity_creation_and_score(client: Client, harbor: Brokerage) -> None:
    for number, day in ((1, 3), (2, 1), (3, 2)):
        lead = make_lead(harbor.lakeside, first_name=f"L{number}", last_name="", score=number * 10)
        Lead.objects.filter(pk=lead.pk).update(
            created_at=f"2026-01-0{number}T00:00Z", last_activity_at=f"2026-02-0{day}T00:00Z"
        )
    orders = {sort: names(page(client, harbor.lead, f"?sort={sort}")) for sort in ("active", "-created", "-score")}
    assert orders == {"active": ["L2", "L3", "L1"], "-created": ["L3", "L2", "L1"], "-score": ["L3", "L2", "L1"]}
    assert names(page(client, harbor.lead)) == ["L1", "L3", "L2"]
    assert 'aria-sort="descending"' in page(client, harbor.lead)


@pytest.mark.parametrize("sort", ["-active", "score"])
def test_pages_follow_each_other_without_gap_or_double(client: Client, harbor: Brokerage, sort: str) -> None:
    for number in range(120):
        make_lead(harbor.lakeside, first_name=f"Lead{number}", last_name="", score=number % 3)
    seen: list[str] = []
    query = f"?sort={sort}"
    for _ in range(4):
        html = page(client, harbor.lead, query)
        seen += names(html)
        following = re.search(r'rel="next" href="/people/([^"]+)"', html)
        if not following:
            break
        query = following[1].replace("&amp;", "&")
    assert len(seen) == 120
    assert len(set(seen)) == 120
    assert "First page" in html


def test_a_cursor_of_somebody_elses_making_starts_at_the_beginning(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, first_name="Maya", last_name="")
    assert names(page(client, harbor.lead, "?cursor=forged")) == ["Maya"]


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?stage={stage}&score_min=1&owner=person-{ana}"])
def test_queries_do_not_grow_with_rows(client: Client, harbor: Brokerage, query: str) -> None:
    stage = make_stage(harbor.company, "Warm")
    query = query.format(stage=stage.pk, ana=harbor.ana.pk)
    fields = {"stage": stage, "score": 50, "source": "Zillow"}

    def add(rows: int) -> None:
        for _ in range(rows):
            make_lead(harbor.ana, hidden=True, **fields)
            make_lead(harbor.ana, **fields)
            make_lead(harbor.lakeside, agent=harbor.ben, **fields)

    def queries() -> int:
        page(client, harbor.lead, query)
        with CaptureQueriesContext(connection) as captured:
            html = client.get(f"{PEOPLE}{query}").content.decode()
        assert "is-redacted" in html
        assert len(html.encode()) < 60_000
        return len(captured)

    add(2)
    few = queries()
    add(15)
    assert queries() == few <= 12


def test_wide_companies_stay_within_the_budget(client: Client, harbor: Brokerage) -> None:
    manager = make_manager(harbor.north, "Second")
    for _ in range(50):
        make_lead(harbor.hilltop, agent=harbor.dee)
    for user in (manager, harbor.broker, harbor.lead):
        page(client, user)
        with CaptureQueriesContext(connection) as captured:
            client.get(PEOPLE)
        assert len(captured) <= 12, user


@pytest.mark.parametrize("made_for", ["score", "-score", "active", "-active", "created", "-created"])
@pytest.mark.parametrize("used_for", ["score", "-active", "created"])
def test_a_cursor_of_another_sort_starts_at_the_beginning(
    client: Client, harbor: Brokerage, made_for: str, used_for: str
) -> None:
    for _ in range(51):
        make_lead(harbor.lakeside)
    cursor = re.search(r"cursor=([\w=-]+)", page(client, harbor.lead, f"?sort={made_for}"))
    assert cursor
    assert names(page(client, harbor.lead, f"?sort={used_for}&cursor={cursor[1]}"))


@pytest.mark.parametrize("path", ["/people/%00/", "/people/%00/edit/", "/routing/lead/%00/", "/import/%00/"])
def test_an_address_with_a_null_in_it_does_not_exist(client: Client, harbor: Brokerage, path: str) -> None:
    client.force_login(harbor.lead)
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("where", ["/people/filters/", "/people/add/"])
def test_v5_sources_of_leads_one_may_not_read_are_not_offered(client: Client, harbor: Brokerage, where: str) -> None:
    hide(harbor)
    for user, sees in ((harbor.ana, True), (harbor.lead, False), (harbor.eve, False)):
        client.force_login(user)
        assert ("Secretsource" in client.get(where).content.decode()) is sees


def test_v5_a_source_out_of_sight_is_like_one_that_is_not_there(client: Client, harbor: Brokerage) -> None:
    secret, none = 7_654_321, 7_654_322
    Lead.objects.filter(pk=hide(harbor).pk).update(source=Source.objects.create(pk=secret, company=harbor.company))
    told = []
    for source in (secret, none):
        with CaptureQueriesContext(connection) as queries:
            html = page(client, harbor.lead, f"?source={source}")
        assert "filter-chip is-wrong" in html
        html = re.sub(r"\w{64}", "", html)  # tokens against forged requests differ from page to page
        told.append((html.replace(str(source), "…"), [query["sql"] for query in queries if "leads_" in query["sql"]]))
    assert told[0] == told[1]


def test_a_full_page_of_long_names_stays_light(client: Client, harbor: Brokerage) -> None:
    User.objects.filter(pk=harbor.ana.pk).update(name="Anastasia Konstantinopoulou")
    Unit.objects.filter(pk=harbor.lakeside.pk).update(name="Lakeside Waterfront Homes")
    long = {"last_name": "Featherstonehaugh-Wellington", "source": "Zillow Premier Agent Connect", "score": 92}
    for _ in range(26):
        for owner in (harbor.ana, harbor.lakeside):
            make_lead(owner, agent=harbor.ana, first_name="Maximiliana-Alexandra", **long)
    html = page(client, harbor.broker)
    assert (len(names(html)), count(html)) == (50, "52")
    assert len(html.encode()) < 60_000
