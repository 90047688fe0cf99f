"""The keyrings of many people, read in a few queries, are those that each would be given alone (V1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from crm.organization.models import User
from permissions.access import Keyring
from permissions.keyring import load_keyring
from permissions.managers import keyrings_of
from tests.properties.telling import POLICIES, TELLING
from tests.properties.test_access import in_database, random_worlds
from tests.properties.test_viewing import seen_as
from tests.properties.world import World
from tests.properties.worlds import Built, worlds

pytestmark = pytest.mark.django_db


def in_order(keyring: Keyring) -> Keyring:
    """The same with the keys of each lock in one order."""
    keys, leads = (
        {opens: tuple(sorted(cut, key=repr)) for opens, cut in some.items()} for some in (keyring.keys, keyring.leads)
    )
    return replace(keyring, keys=keys, leads=leads, within=keyring.within and in_order(keyring.within))


def compare(built: Built) -> None:
    fresh = User.objects.select_related("company", "holding__profile")
    people = [fresh.get(pk=user.pk) for user in built.users]
    people.append(seen_as(people[0], people.pop()))
    found = keyrings_of(people)
    assert found.keys() == {user.pk for user in people}
    for user in people:
        assert in_order(found[user.pk]) == in_order(load_keyring(user)), user


@pytest.mark.parametrize("world", TELLING, ids=POLICIES)
def test_v1_keyrings_of_many_in_a_telling_world(world: World) -> None:
    with in_database(world) as built:
        compare(built)
        User.objects.filter(pk__in=[user.pk for user in built.users[::2]]).update(is_active=False)
        compare(built)


@random_worlds
@given(world=worlds())
def test_v1_keyrings_of_many_in_random_worlds(world: World) -> None:
    with in_database(world) as built:
        compare(built)
