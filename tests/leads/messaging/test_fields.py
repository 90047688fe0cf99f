"""The script's merge fields (D1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.messaging.fields import FIELDS, fill, problem_of


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello {first_name}!", "Hello Maya!"),
        ("Hello {first_name|there}!", "Hello Maya!"),
        ("In {city|your town} they say {unknown}", "In your town they say "),
        ("", ""),
    ],
)
def test_d1_fields_are_filled_in(text: str, said: str) -> None:
    assert fill(text, {"first_name": "Maya", "city": " "}) == said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Hello {first_name}, {city|there}", ""),
        ("Hello {firstname}", "There is no {firstname}"),
        ("Hello {first_name", "A brace stands alone"),
        ("Hello first_name}", "A brace stands alone"),
        ("Hello {{first_name}}", "A brace stands alone"),
        ("Hello {First name}", "A brace stands alone"),
    ],
)
def test_d1_a_script_that_cannot_be_read_out_is_refused(text: str, why: str) -> None:
    assert problem_of(text).startswith(why)
    assert bool(problem_of(text)) == bool(why)


@given(st.text(max_size=60) | st.lists(st.sampled_from(["{", "}", "|", "first_name", "x"]), max_size=9).map("".join))
def test_d1_what_is_accepted_leaves_no_brace(text: str) -> None:
    if not problem_of(text):
        assert not {"{", "}"} & set(fill(text, FIELDS))
