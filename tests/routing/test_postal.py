"""R12: postal codes that no lead can have are noted beside the rule that asks for them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from routing.models import Rule, RuleBook
from routing.services.postal import postal_notes
from routing.services.wording import lint
from tests.factories.scenes import Brokerage, brokerage


def notes(*codes: str, state: list[str] | None = None, region: str = "US") -> str:
    return " ".join(postal_notes({"postal_code": list(codes), "state": state or []}, region))


@pytest.mark.parametrize("code", ["8", "850", "85253", "85253-", "85253-1234", "07102"])
def test_r12_what_codes_begin_with_is_not_noted(code: str) -> None:
    assert notes(code) == ""


@pytest.mark.parametrize(
    "code", ["AZ", "K1A 0B1", "8525x", "852533", "85253-12345", "8525-1", "000", "٨٥", "🏠", "-", "85 253", "853 ' --"]
)
def test_r12_what_no_code_begins_with_is(code: str) -> None:
    assert notes(code) == f"It never matches: no postal code begins with {code}."


def test_r12_one_wrong_code_among_right_ones_is_named() -> None:
    assert notes("850", "AZ", "K1A", "x", "y") == "No postal code begins with AZ, K1A, x or 1 more."


def test_r12_codes_of_another_state_contradict_the_state() -> None:
    assert notes("100", state=["AZ", "Nevada"]) == (
        "It never matches: postal codes that begin with 100 are in NY, not in AZ or NV."
    )
    assert notes("100", "850", state=["AZ"]) == ""
    assert notes("8", state=["arizona"]) == ""
    assert notes("x", state=["AZ"]) == "It never matches: no postal code begins with x."


def test_r12_elsewhere_codes_have_letters_but_are_not_endless() -> None:
    assert notes("K1A 0B1", "SW1", state=["ON"], region="CA") == ""
    assert "never matches" in notes("1" * 17, region="DE")


def test_r12_a_rule_without_postal_codes_has_none() -> None:
    conditions: list[dict[str, Any]] = [{}, {"state": ["AZ"]}, {"postal_code": []}]
    assert [postal_notes(one, "US") for one in conditions] == [[], [], []]


@pytest.mark.django_db
def test_r12_the_linter_says_so_beside_the_rule(client: Client) -> None:
    harbor: Brokerage = brokerage()
    book = RuleBook.objects.create(company=harbor.company, unit=harbor.lakeside, created_by=harbor.lead)
    made = [
        Rule.objects.create(
            company=harbor.company, book=book, position=position, method="round_robin", conditions=conditions
        )
        for position, conditions in ((1, {"postal_code": ["ABC"]}), (32_000, {}))
    ]
    found = lint(harbor.lakeside, made)
    assert found[made[0].pk][0] == "It never matches: no postal code begins with ABC."
    assert not any("postal" in note for note in found[made[1].pk])
