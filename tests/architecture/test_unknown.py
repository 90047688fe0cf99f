"""V3: what somebody may not see and what does not exist answer alike: the same bytes, after the same queries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from tests.architecture.addresses import addresses
from tests.architecture.endpoints import HTMX, Row, ask, read_table, written_out
from tests.factories.crossing import MAY_KNOW, NUMBERS, PEOPLE, Crossing
from tests.support.sameness import shapes_asked, without_tokens

ROWS = [row for row in written_out(read_table(), addresses()) if "404" in row.statuses and row.things]


def refused(row: Row) -> list[str]:
    """Those who must not learn that there is such a thing: all who get a 404, but for another reason than the lead."""
    found = [person for person, status in zip(PEOPLE, row.statuses, strict=True) if status == "404"]
    lead = NUMBERS.get(row.things[0])
    return [person for person in found if lead is None or MAY_KNOW[person].get(lead) != "view"]


def answered(client: Client, row: Row, scene: Crossing, headers: dict[str, str]) -> tuple[int, str, list[str]]:
    """Status, all that came back (its own address left out), and the shapes of what the database was asked."""
    with shapes_asked() as shapes:
        answer = ask(client, row, scene, headers)
    said = without_tokens(answer.said).replace(row.path(scene), "PATH")
    return answer.status, said, shapes


@pytest.mark.parametrize("row", [row for row in ROWS if refused(row)], ids=lambda row: row.asked)
def test_v3_what_one_may_not_see_is_as_if_it_were_not_there(
    row: Row, scene: Crossing, clients: dict[str, Client]
) -> None:
    there = row.meant(row.things[0], scene)
    missing = "0" * len(there) if there.isdigit() else "nobodyatall0"  # as long, since pages repeat their own address
    concealed, absent = (replace(row, things=(f"={one}", *row.things[1:])) for one in (there, missing))
    for person in refused(row):
        for headers in ({}, HTMX):
            found = answered(clients[person], concealed, scene, headers)
            assert found == answered(clients[person], absent, scene, headers), person
