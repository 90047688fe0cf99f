"""Lead filters (D3): what is read, what is refused, what is said; nothing but the named error comes of any input."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.filtering import (
    FIELDS,
    MOST_GROUPS,
    MOST_ITEMS,
    MOST_SETS,
    WITHOUT_VALUE,
    FilterError,
    Item,
    Operator,
    fields_with,
    read,
    say,
    written,
)
from tests.dialer.filters import KNOWN, filters

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
WORDS = st.sampled_from([*(field.key for field in FIELDS), *(one.value for one in Operator), "custom:hobby"])
NEARLY = st.lists(
    st.lists(
        st.lists(
            st.fixed_dictionaries({}, optional=dict.fromkeys(("field", "operator", "value"), WORDS | JSON)), max_size=3
        ),
        max_size=2,
    ),
    max_size=2,
)


def item(field: str, operator: str, value: str = "") -> dict[str, str]:
    return {"field": field, "operator": operator, "value": value}


@given(JSON | NEARLY)
def test_d3_whatever_is_sent_is_read_or_refused_by_name(raw: Any) -> None:
    said: Any = {}
    try:
        found = read(raw, KNOWN)
    except FilterError as error:
        said = error.problems
    assert all(said.values())
    assert said or read(written(found), KNOWN) == found


@given(filters())
def test_d3_what_is_kept_is_read_back(raw: list[Any]) -> None:
    found = read(raw, KNOWN)
    assert read(written(found), KNOWN) == found
    assert all(say(found, KNOWN, lambda one: one.value))


def test_d3_every_field_says_each_of_its_operators() -> None:
    for field in KNOWN.values():
        for operator in field.operators:
            assert field.words(operator)
        assert set(field.operators) - WITHOUT_VALUE


@pytest.mark.parametrize(
    ("one", "kept"),
    [
        (item("state", "is", " AZ ,ca,, AZ"), "AZ, CA"),
        (item("state", "is_not", "california, New  york,CA, Île-de-France"), "CA, NY, Île-de-France"),
        (item("city", "is", "california"), "california"),
        (item("price", "at_least", "500,000"), "500000"),
        (item("called", "over", "07"), "7"),
        (item("stage", "is_not", "12"), "12"),
        (item("owner", "is", "unit-3"), "unit-3"),
        (item("owner", "empty", "unit-3"), ""),
        (item("custom:moved", "since", "2026-02-28"), "2026-02-28"),
        (item("custom:rooms", "at_least", "2.5"), "2.5"),
    ],
)
def test_d3_values_are_kept_as_they_are_compared(one: dict[str, str], kept: str) -> None:
    [[[found]]] = read([[[one]]], KNOWN)
    assert found == Item(one["field"], Operator(one["operator"]), kept)


@pytest.mark.parametrize(
    "one",
    [
        item("colour", "is", "red"),
        item("state", "at_least", "AZ"),
        item("state", "is", " , "),
        item("state", "is", "A\x00Z"),
        item("state", "is", "A" * 81),
        item("score", "at_least", "-1"),
        item("score", "at_least", "٣"),
        item("score", "at_least", "9" * 14),
        item("created", "within", "0"),
        item("created", "within", "9999"),
        item("stage", "is", "New"),
        item("pond", "is", "999999999"),
        item("owner", "is", "pond-3"),
        item("holder", "is", "unit-3"),
        item("owner", "is", "person-3\n"),
        item("custom:moved", "since", "2026-02-30"),
        item("custom:rooms", "is", "two"),
        item("kind", "is", "DROP TABLE"),
    ],
)
def test_d3_what_it_cannot_be_is_refused_beside_it(one: dict[str, str]) -> None:
    with pytest.raises(FilterError) as refused:
        read([[[item("score", "at_least", "1"), one]]], KNOWN)
    assert list(refused.value.problems) == [(0, 0, 1)]


def test_d3_lines_without_a_field_are_left_out_and_something_must_be_left() -> None:
    blank = item("", "")
    assert read([[[blank, item("score", "is", "5")], [blank]], [[blank]]], KNOWN) == (
        ((Item("score", Operator.IS, "5"),),),
    )
    with pytest.raises(FilterError) as refused:
        read([[[blank]]], KNOWN)
    assert list(refused.value.problems) == [()]


def test_d3_a_filter_has_an_end() -> None:
    one = item("score", "is", "5")
    for raw in ([[[one]]] * (MOST_SETS + 1), [[[one]] * (MOST_GROUPS + 1)], [[[one] * (MOST_ITEMS + 1)]]):
        with pytest.raises(FilterError):
            read(raw, KNOWN)


def test_d3_it_reads_as_one_would_say_it() -> None:
    raw = [
        [[item("state", "is", "AZ, CA, NV"), item("tag", "is", "vip")], [item("price", "at_least", "500000")]],
        [[item("owner", "empty")], [item("called", "over", "7")], [item("stage", "is", "4")]],
        [[item("custom:hobby", "contains", "golf")]],
    ]
    fields = fields_with([("hobby", "Hobby", "text")])
    assert say(read(raw, fields), fields, lambda one: {"4": "New"}[one.value]) == [
        "state is AZ, CA or NV or tag is vip, and price is at least 500,000",
        "lead owner is nobody: general leads, and last call was more than 7 days ago, and stage is New",
        "Hobby contains golf",
    ]
