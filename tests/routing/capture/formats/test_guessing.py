"""C3: anybody's JSON and forms, whose names nobody announced, and the mapping that goes before every guess."""

from __future__ import annotations

from typing import Any

import pytest

from leads.models import Lead
from routing.capture.formats.draft import LENGTHS, LONGEST_SOURCE, LONGEST_TAG
from routing.capture.formats.inquiry import Agent, Inquiry, read
from routing.capture.formats.values import KINDS
from tests.routing.capture.formats.senders import read_one


def who(found: Inquiry) -> tuple[Any, ...]:
    return (found.fields.get("first_name"), found.fields.get("last_name"), found.phones, found.emails)


ANA = ("Ana", "Silva", ("512-555-0142",), ("ana@x.com",))


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Ana Silva", "phone": "512-555-0142", "email": "ana@x.com"},
        {"Full Name": "Silva, Ana", "Mobile Number": "512-555-0142", "E-mail address": "Ana <ana@x.com>"},
        {"your-name": "Ana Silva", "your-phone": "512-555-0142", "your-email": "mailto:ana@x.com"},
        {"contact": {"name": {"first": "Ana", "last": "Silva"}, "phone": {"number": "512-555-0142"}, "email": "ana@x.com"}},
        {"lead_first_name": "Ana", "lead_last_name": "Silva", "lead_phone": "512-555-0142", "lead_email": "ana@x.com"},
        {"vorname": "?", "first_name": "Ana", "name": "Silva", "tel": "512-555-0142", "mail": "ana@x.com"},
        {"answers": [
            {"question": "Name", "answer": "Ana Silva"},
            {"question": "Phone", "answer": "512-555-0142"},
            {"question": "Email", "answer": ["ana@x.com"]},
        ]},
        {"payload": {"name": "Contact us", "data": {"Name": "Ana Silva", "Phone": "512-555-0142", "Email": "ana@x.com"}}},
        {"form": {"name": "Contact us"}, "name": "Ana Silva", "phone": "512-555-0142", "email": "ana@x.com"},
        {"name": "Ana Silva", "value": 5, "phone": "512-555-0142", "email": "ana@x.com"},
        {
            "office": {"name": "Harbor", "phone": "512-555-0100", "email": "o@x.com"},
            "vendor": {"contact": {"email": "v@x.com"}},
            "person": {"name": "Ana Silva", "phones": [{"value": "512-555-0142"}], "emails": ["ana@x.com", "ANA@x.com"]},
        },
    ],
)  # fmt: skip
def test_c3_the_same_person_by_any_names(body: dict[str, Any]) -> None:
    assert who(read_one("json", body)) == ANA


def test_c3_a_form_builders_fields_in_brackets() -> None:
    body = (
        b"fields[name][id]=name&fields[name][title]=Name&fields[name][value]=Ana+Silva&fields[name][raw_value]=Ana+Silva"
        b"&fields[email][value]=ana@x.com&fields[phone][value]=512-555-0142&form[name]=Contact"
    )
    assert who(read_one("form", body)) == ANA


def test_c3_the_property_is_not_the_persons_address() -> None:
    body = {"email": "a@b.co", "city": "Paris", "property_city": "Austin", "listing": {"zip": 78704.0, "price": "1e6"}}
    found = read_one("json", body)
    assert found.fields == {"city": "Paris"}
    assert found.asked == {"city": "Austin", "postal_code": "78704", "price": 1_000_000}
    assert found.about == {"Property": "Austin, 78704", "Price": "1,000,000"}


def test_c6_c7_whoever_is_named_and_whoever_is_chosen() -> None:
    body = {"email": "a@b.co", "agent_email": "bo@x.com", "preferred_agent": "Cy Lee", "assignedTo": "512-555-0101"}
    found = read_one("json", body)
    assert found.agent == Agent(email="bo@x.com", phone="512-555-0101")
    assert found.chosen == Agent("Cy Lee")
    form = read_one("form", b"email=a@b.co&agent=Cy+Lee&assigned_to=bo@x.com")
    assert (form.agent, form.chosen) == (Agent(email="bo@x.com"), Agent("Cy Lee"))


def test_c3_a_budget_fills_the_price_range() -> None:
    found = read_one("json", {"email": "a@b.co", "What is your budget?": "$450k–$500k"})
    assert found.fields == {"price_min": 450_000, "price_max": 500_000}
    turned = read_one("json", {"email": "a@b.co", "budget_max": 1, "budget_min": "2.0"})
    assert turned.fields == {"price_min": 1, "price_max": 2}
    assert turned.about == {"Budget": "1 – 2"}
    assert read_one("json", {"email": "a@b.co", "budget": "ask me"}).about == {"Budget": "ask me"}


@pytest.mark.parametrize(
    ("event", "kind", "makes_lead"),
    [
        ("Registration", None, True),
        ("inquiry", "buyer", True),
        ("PROPERTY_INQUIRY", "buyer", True),
        ("Seller Inquiry", "seller", True),
        ("General Inquiry", None, True),
        ("Visited Open House", None, True),
        (None, "buyer", True),
        ("Viewed Property", None, False),
        ("Unsubscribed", None, False),
    ],
)
def test_c3_six_events_make_a_lead(event: str | None, kind: str | None, makes_lead: bool) -> None:
    body = {"type": event, "person": {"emails": [{"value": "a@b.co", "type": "work"}]}, "property": {"city": "Austin"}}
    found = read_one("events", body)
    assert (found.fields.get("kind"), found.makes_lead) == (kind, makes_lead)
    assert squeezed(found.event) == squeezed(event or "Inquiry")


def squeezed(text: str) -> str:
    return text.lower().replace("_", "").replace(" ", "")


def test_c4_a_mapping_goes_before_every_guess() -> None:
    body = {"email": "wrong@x.com", "reach": "ana@x.com", "town?": "Austin", "who": {"is": "Ana"}, "colour": "red"}
    mapping = {"EMAIL": "extra", "reach": "email", "Town": "city", "who.is": "first_name", "colour": "custom:colour"}
    found = read_one("json", body, mapping=mapping)
    assert (found.emails, found.fields) == (("ana@x.com",), {"first_name": "Ana", "city": "Austin"})
    assert (found.extra, found.custom) == ({"Email": "wrong@x.com"}, {"colour": "red"})


def test_c4_a_mapping_of_the_persons_email_leaves_the_agents() -> None:
    body = {"contact": {"email": "a@b.co"}, "listing_agent": {"email": "bo@x.com"}}
    found = read_one("json", body, mapping={"email": "email", "": "phone", "!": "nonsense"})
    assert (found.emails, found.agent) == (("a@b.co",), Agent(email="bo@x.com"))


def test_c3_nothing_sent_is_lost() -> None:
    """What does not fit its column, is no phone, comes twice, or has no place, is kept in words."""
    body = {
        "name": "x" * 300,
        "city": "y" * 130,
        "phone": "ask my wife",
        "tags": ["z" * 41, "short"],
        "type": "who knows",
        "created": "soon",
        "consent": True,
        "leadSource": "w" * 81,
        "fooBar": {"bazQux": [1, None, False]},
        "first": "v",
        "firstname": "u",
    }
    found = read_one("json", body)
    assert found.fields == {"first_name": "v", "last_name": "x" * 120, "city": "y" * 120}
    assert found.tags == ("z" * 40, "short")
    assert found.extra == {
        "Name": "x" * 300,
        "City": "y" * 130,
        "Phone": "ask my wife",
        "Tags": "z" * 41,
        "Type": "who knows",
        "Created": "soon",
        "Consent": "yes",
        "Lead source": "w" * 81,
        "Foo bar baz qux": "1; no",
        "Firstname": "u",
    }


def test_c3_several_prospects_in_one_document() -> None:
    one = "<prospect><customer><contact>{}<phone type='fax'>5125550100</phone></contact></customer></prospect>"
    people = [one.format(f"<name part='full'>{name}</name>") for name in ("Ana Silva", "Bo Lee")]
    ana, bo = read("adf", f"Dear all,\n<ADF>{''.join(people)}</ADF>".encode(), "")
    assert isinstance(ana, Inquiry)
    assert isinstance(bo, Inquiry)
    assert [who(lead) for lead in (ana, bo)] == [("Ana", "Silva", (), ()), ("Bo", "Lee", (), ())]
    assert ana.extra == {"Fax": "5125550100", "Fax type": "fax"}


def test_the_limits_are_those_of_the_columns() -> None:
    assert {name: Lead._meta.get_field(name).max_length for name in LENGTHS} == LENGTHS
    assert Lead._meta.get_field("tags").base_field.max_length == LONGEST_TAG
    assert Lead._meta.get_field("source").related_model._meta.get_field("name").max_length == LONGEST_SOURCE
    assert set(KINDS.values()) <= set(Lead.Kind.values)
