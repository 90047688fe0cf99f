"""V7: what one person sees as another is what both see, for the function and the querysets, over random worlds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from crm.organization.models import User
from leads.models import Lead
from permissions.catalog import Permission
from permissions.door import access_to, locked
from permissions.keyring import load_keyring
from permissions.models import Profile
from permissions.verbs import Verb, why_not
from tests.factories.people import fresh
from tests.properties import oracle
from tests.properties.telling import BROKER, LEAD, PEOPLE, POLICIES, TELLING
from tests.properties.test_access import in_database, lists_of
from tests.properties.world import World
from tests.properties.worlds import Built, worlds

pytestmark = pytest.mark.django_db
TELLING_PAIRS = [(viewer, person) for viewer in (BROKER, LEAD) for person in range(len(PEOPLE))]


def seen_as(viewer: User, person: User) -> User:
    """The person as the middleware hands her to a page that `viewer` looks at."""
    seen: User = User.objects.select_related("company", "holding__profile").get(pk=person.pk)
    seen.seen_through = viewer
    return seen


def compare_views(world: World, built: Built, pairs: Iterable[tuple[int, int]]) -> None:
    """Each pair is a viewer and the person she sees the product as."""
    for viewer, person in pairs:
        keyring = load_keyring(seen_as(built.users[viewer], built.users[person]))
        expected = [both(world, viewer, person, lead) for lead in world.leads]
        for number, lead in enumerate(built.leads):
            access = access_to(keyring, lead)
            hers = {reason for reason, _ in oracle.reasons(world, person, world.leads[number])}
            assert access.level.name.lower() == expected[number], (viewer, person, number)
            assert {key.reason.value for key in access.reasons} == (hers if access.level else set())
            assert all(key.level <= access.level for key in access.reasons)
        for least, places in lists_of(keyring).items():
            enough = oracle.LEVELS[oracle.LEVELS.index(least) :]
            wanted = {number for number, level in enumerate(expected) if level in enough}
            assert places == wanted, (viewer, person, least)


def both(world: World, viewer: int, person: int, lead: Any) -> str:
    """V7: never what the viewer may not see herself."""
    return min(oracle.level(world, viewer, lead), oracle.level(world, person, lead), key=oracle.LEVELS.index)


@pytest.mark.parametrize("world", TELLING, ids=POLICIES)
def test_v7_the_lower_of_both_in_a_telling_world(world: World) -> None:
    with in_database(world) as built:
        compare_views(world, built, TELLING_PAIRS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds())
def test_v7_the_lower_of_both_in_random_worlds(world: World) -> None:
    people = len(world.people)
    with in_database(world) as built:
        compare_views(world, built, [((person + 1) % people, person) for person in range(people)])


def test_v7_what_may_be_done_is_what_both_may_do() -> None:
    with in_database(TELLING[2]) as built:
        Profile.objects.update(permissions=sorted(Permission))
        for viewer, person in TELLING_PAIRS:
            keyring = load_keyring(seen_as(fresh(built.users[viewer]), built.users[person]))
            own = load_keyring(fresh(built.users[person]))
            for verb in Verb:
                hers = {lead.pk for lead in built.leads if not why_not(own, locked(lead), verb)}
                found = {lead.pk for lead in built.leads if not why_not(keyring, locked(lead), verb)}
                listed = set(Lead.objects.doable_by(keyring, verb).order_by("pk").values_list("pk", flat=True))
                assert found == listed, (viewer, person, verb)
                assert found <= hers
