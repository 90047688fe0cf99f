"""What a price, a moment, a day, a phone and an address are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.capture.formats.values import day_in_words, emails_in, kind_of, phones_in, read_moment, read_price


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("$450k–$500k", (450_000, 500_000)),
        ("450-500k", (450_000, 500_000)),
        ("500,000 to 450,000", (450_000, 500_000)),
        ("1250000.0", (None, 1_250_000)),
        ("$1,250,000.00", (None, 1_250_000)),
        ("1.250.000 €", (None, 1_250_000)),
        ("450.000,50", (None, 450_000)),
        ("500 000", (None, 500_000)),
        ("1.25M", (None, 1_250_000)),
        ("1.25e6", (None, 1_250_000)),
        ("up to 500,000", (None, 500_000)),
        ("700k or less", (None, 700_000)),
        ("1M+", (1_000_000, None)),
        ("from $300K", (300_000, None)),
    ],
)
def test_prices(text: str, price: tuple[int | None, int | None]) -> None:
    assert read_price(text) == price


@pytest.mark.parametrize("text", ["", "0", "-5", "nope", "NaN", "1 or 2 or 3", "9" * 40, "1e999", "about " * 20 + "5"])
def test_no_prices(text: str) -> None:
    assert read_price(text) is None


@given(st.text("0123456789.,kKmM$ -–+", max_size=90) | st.text(max_size=90))
def test_a_price_goes_from_less_to_more_and_fits_the_column(text: str) -> None:
    low, high = read_price(text) or (None, None)
    assert all(amount is None or 0 < amount < 2**63 for amount in (low, high))
    assert low is None or high is None or low <= high


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T08:47:50Z",
        "2026-11-21T8:47:50",
        "2026-11-21T02:47:50-06:00",
        "2026-11-21T2:47:50-06:0",
        "2026-11-21T00:47:50-08:0",
        "2026-11-21T03:47:50-5",
        "2026-11-21T08:47:50+0000",
        "2026-11-21 08:47:50.123456",
        "20261121T084750Z",
        "11/21/2026 8:47:50 AM",
        "Sat, 21 Nov 2026 02:47:50 -0600",
        "1795250870",
        "1795250870000",
        "1795250870.0",
    ],
)
def test_one_moment_however_it_is_written(text: str) -> None:
    assert read_moment(text) == datetime(2026, 11, 21, 8, 47, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-11-21", "20261121", "2026-11-21T25:00", "2026-13-01T10:00", "0001-01-01T00:00+99:00"]
)
def test_no_moments(text: str) -> None:
    assert read_moment(text) is None


@given(st.text("0123456789-/:TZ+. AMPX", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_moment_in_utc_or_none(text: str) -> None:
    moment = read_moment(text)
    assert moment is None or moment.tzinfo is UTC
    assert day_in_words(text) or not text


@pytest.mark.parametrize("text", ["20270115", "2027-01-15", "1/15/2027", "2027-01-15T10:00:00Z", "01/15/2027"])
def test_a_day_in_words(text: str) -> None:
    assert day_in_words(text) == "January 15, 2027"


def test_what_is_no_day_stays_as_it_is() -> None:
    assert [day_in_words(text) for text in ("ASAP", "20271345", "15")] == ["ASAP", "20271345", "15"]


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("512-555-0142 x12", ["512-555-0142 x12"]),
        ("(512) 555.0142 ext. 12", ["(512) 555.0142 ext. 12"]),
        ("+353 85 555 0142", ["+353 85 555 0142"]),
        ("tel:+15125550142", ["tel:+15125550142"]),
        ("212/555-0100", ["212/555-0100"]),
        ("512-555-0142 / 512-555-0143", ["512-555-0142", "512-555-0143"]),
        ("5125550142;5125550143", ["5125550142", "5125550143"]),
        ("call me", []),
        ("none", []),
        ("12345", []),
        ("1" * 300, []),
    ],
)
def test_phones_are_kept_as_sent(text: str, phones: list[str]) -> None:
    assert phones_in(text) == phones


def test_addresses_are_found_among_names() -> None:
    assert emails_in("Ana <ana@x.com>; mailto:B@Y.co.") == ["ana@x.com", "B@Y.co"]
    assert emails_in(f"{'a' * 250}@x.com, none, @x, a@b") == []


def test_kinds_only_of_clear_words() -> None:
    assert [kind_of(text) for text in ("Buying", "for sale", "Seller", "tenant", "maybe buying", "")] == [
        *("buyer", "buyer", "seller", "renter", "", "")
    ]
