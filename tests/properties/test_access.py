"""V1: the function, the querysets and a slow reading of product.md agree, over random worlds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings

from leads.models import Lead
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from tests.properties import oracle
from tests.properties.telling import TELLING
from tests.properties.world import World
from tests.properties.worlds import Built, build, worlds

pytestmark = pytest.mark.django_db
WORLDS = 500
random_worlds = settings(
    max_examples=WORLDS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
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
        for least, leads in [
            ("redacted", Lead.objects.visible_to(keyring)),
            ("view", Lead.objects.visible_to(keyring, Level.VIEW)),
            ("work", Lead.objects.workable_by(keyring)),
            ("manage", Lead.objects.manageable_by(keyring)),
        ]:
            enough = oracle.LEVELS[oracle.LEVELS.index(least) :]
            allowed = {number for number, level in enumerate(expected) if level in enough}
            assert built.leads_by_place(leads) == allowed, (person, least)


@pytest.mark.parametrize("world", TELLING, ids=["visible", "managed"])
def test_v1_function_and_querysets_in_a_telling_world(world: World) -> None:
    with in_database(world) as built:
        compare(world, built)


@pytest.mark.parametrize("shard", range(4))
@random_worlds
@given(world=worlds())
def test_v1_function_and_querysets_follow_the_table(shard: int, world: World) -> None:
    with in_database(world) as built:
        compare(world, built)
