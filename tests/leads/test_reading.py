"""How leads read: prices, addresses, contacts, clocks, reasons."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from crm.organization.models import Unit, User
from leads.models import ContactPoint, Lead
from leads.reading import address_of, contacts_of, local_time, origin_words, price_of, why
from permissions.access import Access, Key, Level, Reason


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (None, None, ""),
        (450000, 600000, "450,000 to 600,000"),
        (450000, None, "from 450,000"),
        (None, 600000, "up to 600,000"),
        (500000, 500000, "500,000"),
        (0, 10, "0 to 10"),
    ],
)
def test_l1_price_ranges_read_as_words(low: int | None, high: int | None, words: str) -> None:
    assert price_of(Lead(price_min=low, price_max=high)) == words


def test_l1_addresses_leave_out_what_is_not_known() -> None:
    whole = Lead(street="12 Shore Road", city="Newark", state="NJ", postal_code="07102")
    assert address_of(whole) == ["12 Shore Road", "Newark, NJ 07102"]
    assert address_of(Lead(state="NJ")) == ["NJ"]
    assert address_of(Lead()) == []


def test_l1_phones_are_formatted_for_the_country() -> None:
    points = [ContactPoint(kind="phone", value="+12015550123"), ContactPoint(kind="email", value="m@x.example")]
    home, abroad = contacts_of(points, "US"), contacts_of(points, "GB")
    assert (home["phones"][0].words, home["phones"][0].link) == ("(201) 555-0123", "tel:+12015550123")
    assert abroad["phones"][0].words == "+1 201-555-0123"
    assert home["emails"][0].link == "mailto:m@x.example"


@time_machine.travel(datetime(2026, 1, 15, 20, 5, tzinfo=UTC), tick=False)
def test_the_leads_own_clock_is_told_where_its_zone_is_known() -> None:
    assert local_time("America/New_York") == "3:05 PM (EST)"
    assert local_time("") == ""
    assert local_time("Nowhere/Land") == ""
    assert local_time("../../etc/passwd") == ""


def test_origins_name_the_unit_that_generated_the_lead() -> None:
    assert [origin_words(None, None), origin_words("Harbor", "company"), origin_words("Lakeside", "team")] == [
        "Agent",
        "Company",
        "Company · Lakeside",
    ]


def test_v2_every_reason_has_a_sentence_that_names_who() -> None:
    lead = Lead(owner_unit=Unit(name="Lakeside"))
    personal = Lead(owner_user=User(name="Ana"))
    for reason in Reason:
        owner = personal if reason in {Reason.MANAGES_OWNER, Reason.MANAGES_OWNER_HIDDEN} else lead
        ((level, sentence),) = why(owner, Access(Level.VIEW, (Key(Level.VIEW, reason),)), ["Agent"])
        assert level == "view"
        assert sentence.endswith(".")
        if reason not in {Reason.OWNER, Reason.ASSIGNED, Reason.OFFERED}:
            assert str(owner.owner) in sentence
