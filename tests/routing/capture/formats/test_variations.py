"""C3: what vendors change without a word, and the person is still the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.capture.formats.inquiry import Inquiry, UnreadableError
from tests.routing.capture.formats.senders import FORMAT_OF, OBJECTS, body_of, read_one, read_sample, tree_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
UNKNOWN = st.dictionaries(
    st.text("qwz_", min_size=3, max_size=9), st.none() | st.integers() | st.text() | st.lists(st.text()), max_size=4
)
SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")


def camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


SPELLINGS: list[Callable[[str], str]] = [
    str.upper,
    str.lower,
    str.title,
    camel,
    lambda key: SNAKE.sub("_", key).lower(),
    lambda key: SNAKE.sub("-", key).replace("_", "-"),
    lambda key: SNAKE.sub(" ", key).replace("_", " ").capitalize(),
    lambda key: f" {key} ",
]


def identity(inquiry: Inquiry) -> tuple[Any, ...]:
    names = [inquiry.fields.get(name) for name in ("first_name", "last_name")]
    return (*names, set(inquiry.phones), set(inquiry.emails), inquiry.agent, inquiry.message)


def respelt(node: Any, spell: Callable[[str], str]) -> Any:
    if isinstance(node, list):
        return [respelt(one, spell) for one in node]
    return {spell(key): respelt(one, spell) for key, one in node.items()} if isinstance(node, dict) else node


def reordered(node: Any, random: Any) -> Any:
    if isinstance(node, list):
        return [reordered(one, random) for one in node]
    if not isinstance(node, dict):
        return node
    keys = list(node)
    random.shuffle(keys)
    return {key: reordered(node[key], random) for key in keys}


def retyped(node: Any) -> Any:
    """Numbers as strings, and each scalar alone in a list."""
    if isinstance(node, list):
        return [retyped(one) for one in node]
    if isinstance(node, dict):
        return {key: retyped(one) for key, one in node.items()}
    return [str(node) if isinstance(node, int | float) and not isinstance(node, bool) else node]


def places_in(node: Any) -> list[tuple[Any, Any]]:
    """Every container of a tree with each of its keys."""
    if not isinstance(node, dict | list):
        return []
    inside = list(node.items() if isinstance(node, dict) else enumerate(node))
    return [(node, key) for key, _ in inside] + [place for _, one in inside for place in places_in(one)]


def read_tree(name: str, tree: Any) -> Inquiry:
    return read_one(FORMAT_OF[name], tree, "application/json")


def tried(name: str, tree: Any) -> Inquiry | None:
    try:
        return read_tree(name, tree)
    except UnreadableError:
        return None


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize("name", OBJECTS)
def test_c3_keys_may_be_spelt_otherwise(name: str, spell: Callable[[str], str]) -> None:
    assert identity(read_tree(name, respelt(tree_of(name), spell))) == identity(read_sample(name))


@pytest.mark.parametrize("name", OBJECTS)
@settings(max_examples=40)
@given(random=st.randoms(use_true_random=False), more=UNKNOWN)
def test_c3_keys_may_come_in_any_order_with_unknown_ones(name: str, random: Any, more: dict[str, Any]) -> None:
    tree = reordered({**tree_of(name), **more}, random)
    assert identity(read_tree(name, tree)) == identity(read_sample(name))


@pytest.mark.parametrize("name", OBJECTS)
def test_c3_numbers_may_be_strings_and_scalars_lists(name: str) -> None:
    assert identity(read_tree(name, retyped(tree_of(name)))) == identity(read_sample(name))


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("wrap", [lambda tree: [tree], lambda tree: {"leads": [tree]}, lambda tree: json.dumps(tree)])
def test_c3_a_relay_may_put_it_in_a_list_or_a_text(name: str, wrap: Callable[[Any], Any]) -> None:
    assert read_tree(name, wrap(tree_of(name))) == read_sample(name)


@pytest.mark.parametrize("name", [name for name in OBJECTS if name != "facebook_lead.json"])
def test_c3_a_relay_may_wrap_it(name: str) -> None:
    assert identity(read_tree(name, {"payload": tree_of(name)})) == identity(read_sample(name))


@pytest.mark.parametrize("name", [name for name in OBJECTS if name != "facebook_lead.json"])
@settings(max_examples=40)
@given(data=st.data())
def test_c3_any_one_answer_may_be_missing_null_or_empty(name: str, data: st.DataObject) -> None:
    """What is left is still hers, and nobody else's."""
    tree, before = tree_of(name), read_sample(name)
    container, key = data.draw(st.sampled_from([place for place in places_in(tree) if isinstance(place[0], dict)]))
    gone = data.draw(st.sampled_from(["missing", None, "", [], {}, "   "]))
    if gone == "missing":
        del container[key]
    else:
        container[key] = gone
    after = tried(name, tree)
    if after is None:
        return
    for column in ("first_name", "last_name"):
        assert after.fields.get(column) in (before.fields[column], None)
    assert set(after.phones) <= set(before.phones)
    assert set(after.emails) <= set(before.emails)
    assert after.phones or after.emails or after.fields


@pytest.mark.parametrize("name", OBJECTS)
@settings(max_examples=40)
@given(data=st.data(), other=JSON)
def test_c4_anything_in_place_of_an_answer_is_read_or_refused(name: str, data: st.DataObject, other: Any) -> None:
    tree = tree_of(name)
    container, key = data.draw(st.sampled_from(places_in(tree)))
    container[key] = other
    tried(name, tree)


def test_c3_the_nested_shape_may_be_flat() -> None:
    tree = tree_of("realtor_nested.json")["Lead"]
    info = tree["lead_info"]
    flat = {**info.pop("lead_consumer_info"), **info, **tree["lead_property_info"]}
    assert read_tree("realtor_nested.json", flat) == read_sample("realtor_nested.json")


def test_c3_a_form_may_come_as_json_as_multipart_or_in_latin_1() -> None:
    tree, before = tree_of("website_form.form"), read_sample("website_form.form")
    parts = "".join(f'--sep\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in tree.items())
    latin = urlencode(tree, encoding="latin-1").encode()
    assert read_tree("website_form.form", tree) == before
    assert read_one("form", f"{parts}--sep--\r\n".encode(), 'multipart/form-data; boundary="sep"') == before
    assert read_one("form", latin, "application/x-www-form-urlencoded; charset=ISO-8859-1") == before


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("name", [*OBJECTS, "adf.xml"])
def test_c3_any_unicode_with_its_mark(name: str, encoding: str) -> None:
    body = body_of(name).decode().encode(encoding)
    assert read_one(FORMAT_OF[name], body, "") == read_sample(name)


@pytest.mark.parametrize("declared", ["iso-8859-1", "utf-8", "x-nonsense", "zip", "utf-16"])
def test_c3_latin_1_whatever_is_declared(declared: str) -> None:
    text = json.dumps(tree_of("events.json"), ensure_ascii=False)
    found = read_one("events", text.encode("latin-1"), f"application/json; charset={declared}")
    assert found == read_sample("events.json")
    assert read_one("events", text.encode(), f"application/json; charset={declared}") == read_sample("events.json")


def test_c3_the_name_of_a_question_without_an_answer_is_nobodys_name() -> None:
    asked = [{"name": "full_name"}, {"name": "email", "values": ["ana@example.com"]}, {"name": "city", "values": None}]
    found = read_tree("facebook_lead.json", {"id": "1", "field_data": asked})
    assert (found.fields, found.emails) == ({}, ("ana@example.com",))
    by_name = read_tree("facebook_lead.json", {"id": "1", "field_data": {"name": "Ana Silva"}})
    assert by_name.fields == {"first_name": "Ana", "last_name": "Silva"}


@pytest.mark.parametrize("answer", ["ana@example.com", "(512) 555-0142", "+353 85 555 0142"])
def test_c4_beside_a_name_alone_what_may_be_a_way_to_reach_her_has_to_be_mapped(answer: str) -> None:
    with pytest.raises(UnreadableError, match="how to reach her may be under: Hint"):
        read_one("json", {"name": "Ana Silva", "hint": answer})
    assert read_one("json", {"name": "Ana Silva", "hint": answer}, mapping={"hint": "extra"}).extra == {"Hint": answer}
    assert read_one("json", {"name": "Ana Silva", "hint": answer, "email": "as@example.com"}).extra == {"Hint": answer}


@pytest.mark.parametrize(
    "answer", ["2026-11-21 10:15", "551111744595541", "78704-1234", "wants to write to a@b.example"]
)
def test_c4_what_is_no_way_to_reach_her_is_not_asked_about(answer: str) -> None:
    assert read_one("json", {"name": "Ana Silva", "hint": answer}).extra == {"Hint": answer}
