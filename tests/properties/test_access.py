"""V1: the function, the querysets, the pages and a slow reading of product.md agree, over random worlds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from django.db.models import Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads.models import Lead
from permissions.access import Keyring, Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from tests.properties import oracle
from tests.properties.surfaces import SURFACES, Visit
from tests.properties.telling import POLICIES, TELLING
from tests.properties.world import World, beside
from tests.properties.worlds import BASE, PLACE, Built, build, worlds

pytestmark = pytest.mark.django_db
EXAMPLES = 63  # of four worlds each, in each of eight shards: 2,016 worlds
random_worlds = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@contextmanager
def in_database(world: World) -> Iterator[Built]:
    with transaction.atomic():
        yield build(world)
        transaction.set_rollback(True)


def compare(world: World, built: Built) -> None:
    """Everybody against every lead, one by one and in sets."""
    for person, user in enumerate(built.users):
        keyring = load_keyring(user)
        expected = [oracle.level(world, person, lead) for lead in world.leads]
        for number, lead in enumerate(built.leads):
            access = access_to(keyring, lead)
            found = {(key.reason.value, key.level.name.lower()) for key in access.reasons}
            assert found == oracle.reasons(world, person, world.leads[number]), (person, number)
            assert access.level.name.lower() == expected[number], (person, number)
        for least, places in lists_of(keyring).items():
            enough = oracle.LEVELS[oracle.LEVELS.index(least) :]
            assert places == {number for number, level in enumerate(expected) if level in enough}, (person, least)


def lists_of(keyring: Keyring) -> dict[str, set[int]]:
    """The places in the world of the leads that each list holds, asked in one query to save time."""
    lists = {
        "redacted": Lead.objects.visible_to(keyring),
        "view": Lead.objects.visible_to(keyring, Level.VIEW),
        "work": Lead.objects.workable_by(keyring),
        "manage": Lead.objects.manageable_by(keyring),
    }
    named = [leads.annotate(list=Value(name)).values_list("list", "pk") for name, leads in lists.items()]
    found: dict[str, set[int]] = {name: set() for name in lists}
    for name, pk in named[0].union(*named[1:], all=True):
        found[name].add(pk - BASE)
    return found


Drawn = tuple[str, int, int, int, int]
VISIT: st.SearchStrategy[Drawn] = st.tuples(st.sampled_from(sorted(SURFACES)), PLACE, PLACE, PLACE, PLACE)


def look_around(world: World, built: Built, drawn: Drawn) -> None:
    """As somebody who can sign in; mostly at a lead of her own company."""
    name, person, lead, other, turn = drawn
    active = [n for n, one in enumerate(world.people) if one.active]
    if not active:
        return
    person = active[person % len(active)]
    own = [n for n, one in enumerate(world.leads) if one.company == world.people[person].company]
    leads = own if own and lead % 3 else list(range(len(world.leads)))
    SURFACES[name].check(Visit(world, built, person, leads[lead // 3 % len(leads)], other % len(world.people), turn))


@pytest.mark.parametrize("world", TELLING, ids=POLICIES)
def test_v1_function_and_querysets_in_a_telling_world(world: World) -> None:
    with in_database(world) as built:
        compare(world, built)


@pytest.mark.parametrize("shard", range(8))
@random_worlds
@given(apart=st.tuples(worlds(), worlds(), worlds(), worlds()), visits=st.tuples(VISIT, VISIT, VISIT, VISIT))
def test_v1_everything_follows_the_table(shard: int, apart: tuple[World, ...], visits: tuple[Drawn, ...]) -> None:
    """The function and the querysets for everybody, and a page for one person of each world."""
    world = beside(*apart)
    with in_database(world) as built:
        compare(world, built)
        for drawn in visits:
            look_around(world, built, drawn)
