"""O5: what the page says another policy would change is what comes of it, over random worlds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.services.foreseeing import groups_of
from permissions.access import Key, Privacy, Standing
from permissions.keyring import standing_of
from permissions.managers import managers_of
from permissions.policy.foreseeing import foresee
from tests.properties import oracle
from tests.properties.telling import POLICIES, TELLING
from tests.properties.test_access import in_database, random_worlds
from tests.properties.world import World, beside
from tests.properties.worlds import BASE, Built, worlds

pytestmark = pytest.mark.django_db
WIDEST = ("company", "office", "team")
Counts = dict[tuple[str, str, str], tuple[int, int, int]]


@dataclass
class Reach:
    leads: set[int] = field(default_factory=set)
    owners: set[int] = field(default_factory=set)
    managers: set[int] = field(default_factory=set)


def under(world: World, company: int, policy: str) -> World:
    companies = list(world.companies)
    companies[company] = replace(companies[company], policy=policy)
    return replace(world, companies=tuple(companies))


def manages(world: World, person: int) -> str:
    """The kind of the widest unit she manages; empty for none."""
    if not world.people[person].active:
        return ""
    current = oracle.current_memberships(world, person)
    kinds = {world.units[one.unit].kind for one in current if one.role in oracle.MANAGING}
    return min(kinds, key=WIDEST.index, default="")


def by_force(world: World, company: int, policy: str, asker: int) -> Counts:
    """Everybody against every lead, before and after."""
    after = under(world, company, policy)
    found: defaultdict[tuple[str, str, str], Reach] = defaultdict(Reach)
    for number, lead in enumerate(world.leads):
        if lead.company != company:
            continue
        if {oracle.level(world, asker, lead), oracle.level(after, asker, lead)} == {"none"}:
            continue
        for person in range(len(world.people)):
            levels = oracle.level(world, person, lead), oracle.level(after, person, lead)
            if levels[0] == levels[1]:
                continue
            reach = found[manages(world, person), *levels]
            reach.leads.add(number)
            reach.owners.add(lead.owner_person)  # type: ignore[arg-type]
            reach.managers.add(person)
    return {shift: (len(it.leads), len(it.owners), len(it.managers)) for shift, it in found.items()}


def as_set(standing: Standing) -> tuple[Standing, frozenset[tuple[int, Key]]]:
    """The standing, whatever the order of its keys to single leads."""
    return replace(standing, leads=()), frozenset(standing.leads)


def foreseen(built: Built, asker: int, policy: str) -> Counts:
    user = built.users[asker]
    managers = managers_of(user.company)
    for manager in managers:
        person = built.users[manager.standing.user_id - BASE]
        assert as_set(manager.standing) == as_set(standing_of(person))
    privacy = Privacy.VISIBLE if policy == "company_only" else Privacy[policy.upper()]
    standings = [(manager.kind.value, manager.standing) for manager in managers]
    found = foresee(standings, groups_of(user.company, managers), privacy, user.pk)
    return {
        (shift.kind, shift.before.name.lower(), shift.after.name.lower()): (
            extent.leads,
            extent.people,
            len(extent.managers),
        )
        for shift, extent in found.items()
    }


def compare(world: World, built: Built, policy: str) -> None:
    for asker, person in enumerate(world.people):
        if manages(world, asker) == "company":
            assert foreseen(built, asker, policy) == by_force(world, person.company, policy, asker), asker


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("world", TELLING, ids=POLICIES)
def test_o5_what_is_foreseen_comes_true_in_a_telling_world(world: World, policy: str) -> None:
    with in_database(world) as built:
        compare(world, built, policy)


@random_worlds
@given(apart=st.tuples(worlds(), worlds(), worlds(), worlds()), policy=st.sampled_from(POLICIES))
def test_o5_what_is_foreseen_comes_true(apart: tuple[World, ...], policy: str) -> None:
    world = beside(*apart)
    with in_database(world) as built:
        compare(world, built, policy)
