"""Cells become the values of a lead, or reasons why not (I1, L1)."""

from __future__ import annotations

import string
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.contact import UnreadableContactError, read_phone
from leads.imports.phones import phone_reader
from leads.imports.values import LONGEST_VALUE, Draft, RowReader


def read(region: str = "US", **columns: str) -> Draft:
    """One row, its columns called by what they become (many of a kind: phone_1, phone_2)."""
    header = list(columns)
    mapping = [name.rstrip("_0123456789") if name[:5] in ("phone", "email", "stree") else name for name in header]
    mapping = [f"custom:{name}" if name in ("county", "web") else name for name in mapping]
    return RowReader(mapping, header, region).read(list(columns.values()))


def field(name: str, text: str, region: str = "US") -> Any:
    draft = read(region, **{"company_name": "x", name: text})
    assert not draft.problems
    return draft.fields.get(name)


def problem(name: str, text: str) -> str:
    (only,) = read(**{"company_name": "x", name: text}).problems
    return only


def test_l1_phones_in_e164_with_the_text_as_given() -> None:
    draft = read(phone_1="504-621-8927", phone_2="+44 20 7946 0958", phone_3="(504) 621 8927")
    assert draft.points == {
        ("phone", "+15046218927"): "504-621-8927",
        ("phone", "+442079460958"): "+44 20 7946 0958",
    }


@pytest.mark.parametrize(
    "cell", ["504-621-8927; 504-845-1427", "504-621-8927 / 504-845-1427", "5046218927\n5048451427"]
)
def test_i1_many_phones_in_a_cell(cell: str) -> None:
    assert [value for _, value in read(phone=cell).points] == ["+15046218927", "+15048451427"]


def test_i1_a_slash_may_belong_to_the_phone() -> None:
    assert read(phone="504/621-8927").points == {("phone", "+15046218927"): "504/621-8927"}


def test_l1_emails_are_normalised_and_may_be_many() -> None:
    draft = read(email="Ana@Mail.example, ben@mail.example;ANA@mail.example")
    assert [value for _, value in draft.points] == ["ana@mail.example", "ben@mail.example"]


@pytest.mark.parametrize("cell", ["n/a", "None", "-", " ", "NULL", "unknown"])
def test_i1_words_for_nothing_are_nothing(cell: str) -> None:
    draft = read(first_name="Ana", phone=cell, email=cell)
    assert (draft.points, draft.problems) == ({}, [])


@pytest.mark.parametrize(
    ("given_as", "kept_as"),
    [("8014", "08014"), ("501", "00501"), ("8014-1234", "08014-1234"), ("70116", "70116"), ("8014.0", "08014")],
)
def test_i1_postal_codes_get_their_zeros_back(given_as: str, kept_as: str) -> None:
    assert field("postal_code", given_as) == kept_as


def test_i1_postal_codes_of_elsewhere_are_left_alone() -> None:
    assert field("postal_code", "8014", region="CH") == "8014"
    assert field("postal_code", "SW1A 1AA") == "SW1A 1AA"


@pytest.mark.parametrize(
    ("given_as", "first", "last"),
    [
        ("Ana Silva", "Ana", "Silva"),
        ("Silva, Ana Maria", "Ana Maria", "Silva"),
        ("Ana de la Cruz", "Ana", "de la Cruz"),
    ],
)
def test_i1_full_names_are_taken_apart(given_as: str, first: str, last: str) -> None:
    assert read(name=given_as).fields == {"first_name": first, "last_name": last}


def test_i1_one_word_is_a_first_name() -> None:
    assert read(name="Prince").fields == {"first_name": "Prince"}


@pytest.mark.parametrize(
    ("name", "given_as", "kept_as"),
    [
        ("state", "nj", "NJ"),
        ("city", "  New \n Orleans ", "New Orleans"),
        ("kind", "BUYER", "buyer"),
        ("tags", "hot; lakefront,hot", ["hot", "lakefront"]),
        ("tags", "Hot; HOT,hot", ["Hot"]),
        ("score", "90", 90),
        ("price_min", "$350,000", 350_000),
        ("price_max", "1.25m", 1_250_000),
        ("price_max", "400k", 400_000),
        ("time_zone", "America/Chicago", "America/Chicago"),
        ("last_name", "'=SUM", "=SUM"),
    ],
)
def test_l1_values(name: str, given_as: str, kept_as: object) -> None:
    assert field(name, given_as) == kept_as


def test_i1_the_lines_of_an_address_are_one() -> None:
    assert read(street_1="4 Mill Lane", street_2="Unit 2", company_name="x").fields["street"] == "4 Mill Lane, Unit 2"


def test_l1_other_columns_are_kept_under_their_key() -> None:
    assert read(first_name="Ana", county="Essex", web="").custom == {"county": "Essex"}


@pytest.mark.parametrize(
    ("name", "cell", "said"),
    [
        ("phone", "call me", "phone: “call me” is not a phone number."),
        ("phone", "504-621-8927 or 12", "phone: “12” is not a possible phone number."),
        ("email", "ana at mail", "email: “ana” is not an e-mail address."),
        ("first_name", "x" * 121, "first_name: it is longer than 120 characters"),
        ("county", "x" * (LONGEST_VALUE + 1), "county: it is longer than 10,000 characters"),
        ("kind", "Friend", "kind: “Friend” is none of Buyer, Seller, Renter, Landlord, Investor, Insurance, Other"),
        ("score", "101", "score: 101 is more than 100"),
        ("score", "high", "score: “high” is not a number"),
        ("score", "-5", "score: “-5” is below 0"),
        ("price_min", "9" * 25, f"price_min: {10**25 - 1:,} is more than {2**62:,}"),
        ("price_min", "9" * 5000, f"price_min: “{'9' * 40}” is not a number"),
        ("time_zone", "EST5", "time_zone: “EST5” is not a time zone such as America/New_York"),
        ("tags", "y" * 41, f"tags: the tag “{'y' * 40}…” is longer than 40 characters"),
    ],
)
def test_16_a_cell_that_cannot_be_read_is_said(name: str, cell: str, said: str) -> None:
    assert problem(name, cell) == said


def test_16_every_problem_of_a_row_is_said() -> None:
    assert len(read(phone="no", email="no", score="no").problems) == 3


def test_16_short_rows_lack_cells_and_long_ones_are_refused() -> None:
    reader = RowReader(["first_name", "city"], ["first_name", "city"], "US")
    assert reader.read(["Ana"]).fields == {"first_name": "Ana"}
    assert reader.read(["Ana", "Bonn", "", " "]).problems == []
    assert reader.read(["Ana", "Bonn", "x"]).problems == ["It has 3 cells, but the header names 2 columns."]


def test_i1_a_row_that_names_nobody_is_refused() -> None:
    assert read(city="Bonn", county="x").problems == ["It has no name, no company, no e-mail and no phone."]
    assert read(city="Bonn", company_name="Berg").problems == []


def test_l1_prices_go_from_less_to_more() -> None:
    assert read(company_name="x", price_min="5", price_max="4").problems == ["The price goes from more to less."]


def either(reader: Any, text: str) -> str:
    try:
        return str(reader(text))
    except UnreadableContactError:
        return "unreadable"


REGIONS = st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS))
DIGITS = st.text(string.digits * 6 + " -.()/+x", min_size=2, max_size=18)


@given(DIGITS, REGIONS, st.booleans())
def test_l1_the_short_cut_reads_phones_as_the_library_does(text: str, region: str, abroad: bool) -> None:
    text = f"+{phonenumbers.country_code_for_region(region)}{text}" if abroad else text
    assert either(phone_reader(region), text) == either(lambda it: read_phone(it, region), text)


def test_l1_the_short_cut_reads_every_regions_examples() -> None:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in phonenumbers.PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            for style in range(4) if number else ():
                text = phonenumbers.format_number(number, style)
                assert either(phone_reader(region), text) == either(lambda it, r=region: read_phone(it, r), text)
