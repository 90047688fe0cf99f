"""M2: transfers in random worlds: who may, what becomes of the lead, who sees it then, by a slow reading of product.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crm.organization import models as organization
from leads.models import Lead as StoredLead
from leads.services.transferring import transfer_leads
from permissions.catalog import BUILT_IN
from tests.properties import oracle
from tests.properties.telling import TELLING
from tests.properties.test_access import compare, in_database
from tests.properties.world import Lead, World
from tests.properties.worlds import BASE, Built, worlds

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Move:
    """Somebody gives a lead to a unit or a person, each by her place in the world."""

    actor: int
    lead: int
    to: int
    to_unit: bool
    keep_assistants: bool = False


Drawn = tuple[int, bool, bool]  # which move, counted round; of the allowed ones; keeping assistants
MOVES = st.lists(st.tuples(st.integers(0, 9999), st.booleans(), st.booleans()), min_size=2, max_size=8)


def every_move(world: World) -> list[Move]:
    targets = [(unit, True) for unit in range(len(world.units))]
    targets += [(person, False) for person in range(len(world.people))]
    actors, leads = range(len(world.people)), range(len(world.leads))
    return [Move(actor, lead, *target) for actor, lead, target in product(actors, leads, targets)]


def choose(world: World, drawn: Drawn) -> Move:
    place, allowed, keep = drawn
    moves = every_move(world)
    moves = [move for move in moves if is_allowed(world, move)] or moves if allowed else moves
    return replace(moves[place % len(moves)], keep_assistants=keep)


def is_allowed(world: World, move: Move) -> bool:
    """P3, O6 and the policy `company_only` (O5)."""
    actor, lead = world.people[move.actor], world.leads[move.lead]
    if oracle.level(world, move.actor, lead) != "manage" or actor.profile is None:
        return False
    if "change_owner" not in BUILT_IN[actor.profile][1]:
        return False
    if world.companies[actor.company].policy == "company_only":
        return move.to_unit and world.units[move.to].kind == "company" and world.units[move.to].company == actor.company
    choices = oracle.units_to_choose if move.to_unit else oracle.people_to_choose
    return move.to in choices(world, move.actor)


def moved(world: World, move: Move) -> Lead:
    """The lead afterwards."""
    lead = world.leads[move.lead]
    if move.to == (lead.owner_unit if move.to_unit else lead.owner_person):
        return lead
    ended = {
        "offers": tuple((person, "withdrawn" if state == "open" else state) for person, state in lead.offers),
        "among": tuple((person, "lost" if state == "open" else state) for person, state in lead.among),
    }
    offered = [person for person, state in lead.offers if state == "open"]
    if move.to_unit:
        allowed = [slot for slot in lead.assigned if may_be_assigned(world, slot[1], move.to)]
        left = tuple(slot for slot in allowed if slot[0] != "agent" or slot[1] not in offered)
        return replace(
            lead,
            owner_unit=move.to,
            owner_person=None,
            hidden=False,
            became_personal_under=None,
            assigned=left,
            **ended,
        )
    policy = world.companies[lead.company].policy
    before = lead.became_personal_under or policy
    kept = tuple(
        slot for slot in lead.assigned if move.keep_assistants and slot[0] == "assistant" and slot[1] != move.to
    )
    return replace(
        lead,
        owner_unit=None,
        owner_person=move.to,
        became_personal_under=min(policy, before, key=oracle.POLICIES.index),
        assigned=(("agent", move.to), *kept),
        **ended,
        shares=(),
        pond=None,
    )


def may_be_assigned(world: World, person: int, unit: int) -> bool:
    """M1: current members of the unit or one below; of the company's leads, anyone active in it."""
    one = world.people[person]
    if not one.active or one.company != world.units[unit].company:
        return False
    if world.units[unit].kind == "company":
        return True
    return any(unit in (m.unit, *oracle.line_above(world, m.unit)) for m in oracle.current_memberships(world, person))


def carry_out(built: Built, move: Move) -> bool:
    """Whether it was allowed."""
    targets = organization.Unit.objects if move.to_unit else organization.User.objects
    lead = built.leads[move.lead]
    try:
        transfer_leads(
            actor=built.users[move.actor],
            lead_ids=[lead.pk],
            to=targets.get(pk=BASE + move.to),
            why="by hand",
            keep_assistants=move.keep_assistants,
        )
    except (PermissionDenied, ValidationError):
        return False
    return True


def steps(world: World, built: Built, moves: list[Drawn]) -> Iterator[World]:
    """The world after each move."""
    for drawn in moves:
        move = choose(world, drawn)
        allowed = is_allowed(world, move)
        assert carry_out(built, move) == allowed, move
        if allowed:
            leads = list(world.leads)
            leads[move.lead] = moved(world, move)
            world = replace(world, leads=tuple(leads))
        yield world


@example(world=TELLING[2], moves=[(place, True, False) for place in range(0, 600, 40)])
@example(world=TELLING[0], moves=[(place, True, True) for place in range(0, 20, 4)])
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds(), moves=MOVES)
def test_m2_access_after_transfers_is_as_the_table_says(world: World, moves: list[Drawn]) -> None:
    with in_database(world) as built:
        after = list(steps(world, built, moves))[-1]
        built.leads = list(StoredLead.objects.order_by("pk"))
        for lead in built.leads:
            assert (lead.owner_unit_id is None) != (lead.owner_user_id is None)
        compare(after, built)
