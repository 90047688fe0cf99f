"""Who gets which answer where: every address, asked by every kind of person, against the table in endpoints.txt."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from io import StringIO

import pytest
from django.test import Client
from django.urls import NoReverseMatch, resolve

from crm.core.doors import mark_of
from tests.architecture.addresses import Address, addresses, is_of_the_sign_in_library
from tests.architecture.endpoints import TABLE, Row, ask, hear, read_table, written_out
from tests.factories.crossing import PEOPLE, Crossing, beyond_her
from tests.factories.marks import told

ALL = list(addresses())
ROWS = written_out(read_table(), ALL)
MARKED = {row.name for row in ROWS if "leads" in row.marks}
SHOWN = {"200", "422"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
GUESSES = {"public_id": "team", "unit_id": "lakeside", "user_id": "ben", "object_id": "*"}

Table = dict[str, list[Row]]  # by route


@pytest.fixture(autouse=True)
def log() -> Iterator[StringIO]:
    """All that is logged; Django's refusals, which are meant here, only there."""
    written = StringIO()
    handler, ours, djangos = logging.StreamHandler(written), logging.getLogger(), logging.getLogger("django")
    djangos.propagate = False
    for logger in (ours, djangos):
        logger.addHandler(handler)
    yield written
    for logger in (ours, djangos):
        logger.removeHandler(handler)
    djangos.propagate = True


@pytest.fixture(scope="module")
def table(scene: Crossing) -> Table:
    """The rows by the route they lead to."""
    found: Table = defaultdict(list)
    for row in ROWS:
        with suppress(NoReverseMatch):
            found[resolve(row.path(scene)).route].append(row)
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.asked)
def test_p4_each_kind_of_person_gets_the_answer_of_the_table(
    row: Row, scene: Crossing, clients: dict[str, Client], log: StringIO
) -> None:
    heard = {person: hear(clients[person], row, scene) for person in PEOPLE}
    found = replace(row, statuses=tuple(status for status, _ in heard.values()))
    assert row == found, f"\n{TABLE.name} says\n  {row}\nthe product answers\n  {found}"
    asked = [row.path(scene), *(value for value in row.data(scene).values() if told(value))]
    told_of = {person: told(answer.said, *asked) for person, (_, answer) in heard.items()}
    assert told(log.getvalue(), *asked) == {}
    beyond = {person: beyond_her(person, what) for person, what in told_of.items()}
    assert not any(beyond.values()), f"{row.asked} tells more than they may know: {beyond}"
    shown = [person for person, (status, _) in heard.items() if status in SHOWN and told_of[person]]
    assert row.name in MARKED or not shown, f"{row.asked} tells of leads: mark it `leads`, and add a surface"


def test_every_row_leads_to_its_address(table: Table) -> None:
    names = {address.route: address.name for address in ALL}
    right = {row for route, rows in table.items() for row in rows if names[route] == row.name}
    wrong = [str(row) for row in ROWS if row not in right]
    assert not wrong, "no longer an address, or another takes its place:\n" + "\n".join(wrong)


def test_every_row_of_a_kind_of_page_has_pages() -> None:
    written = {(row.method, row.things, row.sent, row.statuses) for row in ROWS}
    idle = [str(row) for row in read_table() if (row.method, row.things, row.sent, row.statuses) not in written]
    assert idle == []


def test_no_two_rows_ask_the_same() -> None:
    twice = [asked for asked, times in Counter(row.asked for row in ROWS).items() if times > 1]
    assert twice == [], "two rows of the table speak of the same"


def test_no_two_addresses_have_one_name() -> None:
    assert [name for name, times in Counter(str(one) for one in ALL).items() if times > 1] == []


def test_every_address_is_in_the_table(table: Table, scene: Crossing, clients: dict[str, Client]) -> None:
    missing = [proposed(one, scene, clients) for one in ALL if one.route not in table]
    assert not missing, f"add to {TABLE.name}, once you find these answers right:\n" + "\n".join(missing)


def proposed(address: Address, scene: Crossing, clients: dict[str, Client]) -> str:
    """The row to add, with the product's answers where the things it is about can be guessed."""
    mark = mark_of(address.view)
    method = "GET" if mark is None or "GET" in mark.methods else "POST"
    row = Row(method, address.name, tuple(GUESSES.get(part, f"<{part}>") for part in address.parts))
    try:
        return str(replace(row, statuses=tuple(hear(clients[person], row, scene)[0] for person in PEOPLE)))
    except (KeyError, NoReverseMatch):
        return str(row)


@pytest.mark.parametrize("address", [one for one in ALL if not is_of_the_sign_in_library(one.view)], ids=str)
def test_methods_without_a_row_are_refused(
    address: Address, table: Table, scene: Crossing, clients: dict[str, Client]
) -> None:
    rows = {row.method: row for row in table.get(address.route, [])}
    for method in [one for one in METHODS if rows and one not in rows]:
        some = next(iter(rows.values()))
        found = ask(clients["company"], some, scene, method=method).status
        assert found == 405, f"add a row for {method} {address}, which is answered with {found}"


@pytest.mark.parametrize("address", ALL, ids=str)
def test_heads_are_answered_as_gets(
    address: Address, table: Table, scene: Crossing, clients: dict[str, Client]
) -> None:
    for row in [row for row in table.get(address.route, []) if row.method == "GET"][:1]:
        found = ask(clients["company"], row, scene, method="HEAD").status
        assert found == int(row.statuses[PEOPLE.index("company")])


POSTS = [row for row in ROWS if row.method == "POST" and "machines" not in row.marks]


@pytest.mark.parametrize("row", POSTS, ids=lambda row: row.asked)
def test_posts_need_the_token_of_a_page(row: Row, scene: Crossing) -> None:
    client = Client(enforce_csrf_checks=True)
    if row.statuses[PEOPLE.index("company")] != "405":
        client.force_login(scene.people["company"])
        assert ask(client, row, scene).status == 403
