"""V1: every surface shows to everybody what the table of V2 gives her, over random worlds; and none is forgotten."""

from __future__ import annotations

import pytest

from tests.architecture.endpoints import read_table
from tests.architecture.tree import assert_only
from tests.properties.every_surface import SURFACES
from tests.properties.surfaces import Visit
from tests.properties.telling import POLICIES, TELLING
from tests.properties.test_access import in_database
from tests.properties.world import World

pytestmark = pytest.mark.django_db


def test_v1_every_address_that_shows_leads_is_a_surface() -> None:
    shown = {name for surface in SURFACES.values() for name in surface.addresses}
    assert_only(shown, {row.name for row in read_table() if "leads" in row.marks})


@pytest.mark.parametrize("world", TELLING, ids=POLICIES)
def test_v1_every_surface_in_a_telling_world(world: World) -> None:
    """Everybody looks everywhere, asking about another lead and another person each time."""
    with in_database(world) as built:
        for turn, surface in enumerate(SURFACES.values()):
            for person in [n for n, one in enumerate(world.people) if one.active]:
                number, other = 7 * person + 5 * turn, person + turn
                surface.check(
                    Visit(world, built, person, number % len(world.leads), other % len(world.people), person + turn)
                )
