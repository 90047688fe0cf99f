"""Search (L6): by name, phone, e-mail, address and tag; what is spelled alike; on top of every page as one writes."""

from __future__ import annotations

import re

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from crm.organization.models import User
from leads.filters import LeadFilter
from leads.models import Lead
from leads.search import slips
from leads.services.working import edit_lead
from permissions.keyring import load_keyring
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage, stranger


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def found(user: User, query: str) -> list[str]:
    rows = LeadFilter(QueryDict(query), Lead.objects.all(), keyring=load_keyring(user), actor=user).qs
    return sorted(rows.values_list("first_name", flat=True))


def looked_up(client: Client, text: str) -> str:
    response = client.get(reverse("people-search"), {"q": text}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(
    "text",
    [
        "maya",
        "O’Brien maya",
        "(201) 555-0123",
        "201.555",
        "maya@",
        "5550123",
        "harbor st",
        "reno",
        "89501",
        "nv",
        "vip",
        "y fishing",
    ],
)
def test_l6_a_lead_is_found_by_whatever_is_known_of_it(harbor: Brokerage, text: str) -> None:
    maya = make_lead(
        harbor.ana, first_name="Maya", last_name="O’Brien", phones=["2015550123"], emails=["maya@example.com"]
    )
    fields = {"street": "12 Harbor St", "city": "Reno", "state": "NV", "postal_code": "89501"}
    edit_lead(keyring=load_keyring(harbor.ana), lead=maya, fields={**fields, "tags": ["VIP", "fly fishing"]})
    make_lead(harbor.ana, first_name="Jonas", last_name="Weber")
    query = QueryDict(mutable=True)
    query["q"] = text
    assert found(harbor.ana, query.urlencode()) == ["Maya"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("212 555 0115", ["Maya"]),
        ("(212) 555-0115", ["Maya"]),
        ("+1 212-555-0115", ["Maya"]),
        ("2125550115", ["Maya"]),
        ("020 7946 0958", []),  # not as it is written here
        ("+44 20 7946 0958", ["Zoe"]),
        ("212 555 0199", []),
        ("555 0115", ["Jonas", "Maya"]),
        ("212", ["Jonas", "Maya"]),
    ],
)
def test_l6_a_whole_phone_number_finds_that_number_only(harbor: Brokerage, text: str, names: list[str]) -> None:
    make_lead(harbor.ana, first_name="Maya", phones=["2125550115"])
    jonas = make_lead(harbor.ana, first_name="Jonas", phones=["4805550115", "6025551234"])
    edit_lead(keyring=load_keyring(harbor.ana), lead=jonas, fields={"street": "212 Main St"})
    make_lead(harbor.ana, first_name="Zoe", phones=["+442079460958"])
    query = QueryDict(mutable=True)
    query["q"] = text
    assert found(harbor.ana, query.urlencode()) == names


def test_l6_no_other_number_is_spelled_like_a_whole_one(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Jonas", phones=["2125550116", "4805550115"])
    client.force_login(harbor.ana)
    assert "Jonas" not in looked_up(client, "212 555 0115")
    assert "Jonas" in looked_up(client, "212 555 0116")


@pytest.mark.parametrize(
    "text", ["Jonhson", "jhonson", "Johnsen", "robrt johnson", "johnson rbert", "johnson@exmaple", "ron johnsonn"]
)
def test_l6_a_slip_of_the_fingers_still_finds_the_lead(harbor: Brokerage, text: str) -> None:
    make_lead(
        harbor.ana, first_name="Robert", last_name="Johnson", emails=["johnson@example.com"], company_name="Baron"
    )
    make_lead(harbor.ana, first_name="Maya", last_name="Weber")
    make_lead(harbor.dee, first_name="Robert", last_name="Johnson")
    assert found(harbor.ana, f"like={text}") == ["Robert"]


@pytest.mark.parametrize("text", ["josefine", "josefine darakji", "JOSEPHINE DARAKJI", "josefine alexanner"])
def test_l6_a_name_is_found_as_it_is_heard(harbor: Brokerage, text: str) -> None:
    make_lead(harbor.ana, first_name="Josephine", last_name="Darakjy", company_name="Alexander")
    make_lead(harbor.ana, first_name="Josef", last_name="Weber")
    assert found(harbor.ana, f"like={text}") == ["Josephine"]


@pytest.mark.parametrize("word", ["jonhson", "maya", "100%", "a_b\\c", "weber's", "ü" * 200])
def test_l6_every_slip_can_be_found_by_the_index(word: str) -> None:
    patterns = slips(word)
    assert patterns
    for pattern in patterns:
        literal = re.sub(r"\\.", "x", pattern).strip("%")
        assert "%" not in literal
        assert max(map(len, literal.split("_"))) >= 3


@pytest.mark.parametrize(
    "text", ["abc", "a b c", "'); DROP TABLE leads_lead; --", "%%%%", "____", "😀😀😀😀", "\\\\\\\\"]
)
def test_l6_what_is_like_nothing_finds_nothing(harbor: Brokerage, text: str) -> None:
    make_lead(harbor.ana, first_name="Maya", last_name="Weber")
    query = QueryDict(mutable=True)
    query["like"] = text
    assert found(harbor.ana, query.urlencode()) == []


def test_l6_leads_come_as_one_writes_those_that_begin_so_first(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Mason", last_name="Ort")
    make_lead(harbor.ana, first_name="Thomas", last_name="Masefield", phones=["2015550123"])
    client.force_login(harbor.ana)
    html = looked_up(client, "mas")
    assert html.index("Mason Ort") < html.index("Thomas Masefield")
    assert html.count('role="option"') == 3
    assert 'href="/people/?q=mas"' in html
    assert "Thomas Masefield" in looked_up(client, "(201) 555")


def test_l6_nobody_exactly_so_brings_what_is_spelled_alike(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Robert", last_name="Johnson")
    client.force_login(harbor.ana)
    html = looked_up(client, "Jonhson")
    assert "Spelled alike" in html
    assert "Robert Johnson" in html
    assert 'href="/people/?like=Jonhson"' in html
    page = client.get("/people/", {"q": "Jonhson"}).content.decode()
    assert 'href="/people/?like=Jonhson"' in page
    assert "Robert Johnson" in client.get("/people/", {"like": "Jonhson"}).content.decode()


@pytest.mark.parametrize("text", ["", " ", "m", "\x00", "x" * 5000, "<script>alert(1)</script>"])
def test_l6_odd_texts_are_answered(client: Client, harbor: Brokerage, text: str) -> None:
    make_lead(harbor.ana, first_name="Maya")
    client.force_login(harbor.ana)
    html = looked_up(client, text)
    assert "<script>" not in html
    assert "Maya" not in html


def test_l6_it_finds_only_what_one_may_read(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Maya", last_name="Secretson", hidden=True)
    for person in (harbor.lead, harbor.ben, stranger()):
        client.force_login(person)
        for text in ("Secretson", "Secretsom", "maya"):
            assert "Maya" not in looked_up(client, text)


def test_l6_without_scripts_the_people_page_searches(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    response = client.get(reverse("people-search"), {"q": "ma & ya"})
    assert (response.status_code, response["Location"]) == (302, "/people/?q=ma+%26+ya")


def test_l6_it_asks_as_much_whoever_is_found(client: Client, harbor: Brokerage, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    for number in range(12):
        make_lead(harbor.ana, first_name=f"Maya {number}")
    client.force_login(harbor.ana)
    looked_up(client, "maya")
    with django_assert_max_num_queries(9):
        looked_up(client, "maya")
