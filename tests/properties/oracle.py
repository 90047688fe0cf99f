"""Who may see what: product.md read slowly and literally (section 1's words; V1–V3; all rules of V2; O6).

It shares nothing with the product and is not meant to be fast. Where it and the product differ, one of them is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.properties.world import NOW, Lead, Membership, World

LEVELS = ("none", "redacted", "view", "work", "manage")
POLICIES = ("private", "visible", "managed")  # the stricter first
MANAGING = ("owner", "admin")
VIEW_ORIGINATED_LEAD = ("team_lead", "office_admin", "company_admin")
VIEW_UNIT_LEAD = ("team_lead", "office_admin", "company_admin")  # profiles with the permission (P2)


def level(world: World, person: int, lead: Lead) -> str:
    """V2: the highest level wins."""
    return max((found for _, found in reasons(world, person, lead)), key=LEVELS.index, default="none")


def reasons(world: World, person: int, lead: Lead) -> set[tuple[str, str]]:
    """Every matching rule of V2, with the level it gives."""
    if not world.people[person].active or world.people[person].company != lead.company or lead.removed:
        return set()
    return set(matching_rules(world, person, lead))


def matching_rules(world: World, person: int, lead: Lead) -> Iterator[tuple[str, str]]:
    if lead.owner_person == person:
        yield "a", "manage"
    if lead.owner_unit is not None and manages_unit(world, person, lead.owner_unit):
        yield "b", "manage"
    if person in [worker for _, worker in lead.assigned]:
        yield "c", "work"
    if (person, "open") in lead.offers:
        yield "d", "work"
    if (person, "open") in lead.among:
        yield "d", "redacted"  # to all who got it, until one has claimed
    if lead.pond is not None and not world.ponds[lead.pond].closed:
        for member, may_claim in world.ponds[lead.pond].members:
            if member == person and world.ponds[lead.pond].company == lead.company:
                yield "e", "work" if may_claim else "view"  # who may not claim only looks
    for sharer, level_given, until in lead.shares:
        if sharer == person and (until is None or until > NOW):
            yield "f", level_given
    if (
        lead.owner_unit is not None
        and lead.owner_unit in [membership.unit for membership in current_memberships(world, person)]
        and world.people[person].profile in VIEW_UNIT_LEAD
    ):
        yield "g", "view"
    if lead.owner_person is not None and oversees(world, person, lead.owner_person):
        policy = policy_that_counts(world, lead)
        if policy != "private":
            yield ("i", "redacted") if lead.hidden else ("h", "manage" if policy == "managed" else "view")
    if (
        lead.owner_person is not None
        and lead.origin_unit is not None
        and manages_unit(world, person, lead.origin_unit)
        and world.people[person].profile in VIEW_ORIGINATED_LEAD
    ):
        yield "j", "redacted" if lead.hidden else "view"


def current_memberships(world: World, person: int) -> list[Membership]:
    return [one for one in world.memberships if one.person == person and one.ended is None]


def lasting_memberships(world: World, person: int) -> list[Membership]:
    """What counts for who manages her: her memberships now, or when she left the company."""
    left = world.people[person].left
    at_leaving = [
        one
        for one in world.memberships
        if one.person == person and one.ended is not None and left is not None and one.started <= left <= one.ended
    ]
    return current_memberships(world, person) + at_leaving


def line_above(world: World, unit: int) -> list[int]:
    """The units above it, nearest first."""
    parent = world.units[unit].parent
    return [] if parent is None else [parent, *line_above(world, parent)]


def manages_unit(world: World, person: int, unit: int) -> bool:
    """Has role owner or admin in it, or in a unit above it."""
    return any(one.role in MANAGING for one in roles_over(world, person, unit))


def roles_over(world: World, person: int, unit: int) -> list[Membership]:
    where = [unit, *line_above(world, unit)]
    return [one for one in current_memberships(world, person) if one.unit in where and one.role in MANAGING]


def managing_roles(world: World, manager: int, person: int) -> list[Membership]:
    """The roles by which one manages the other: over a unit in which she has (or, gone, had) role member. Never upward."""
    lasting = lasting_memberships(world, person)
    return [
        role
        for membership in lasting
        if membership.role == "member"
        for role in roles_over(world, manager, membership.unit)
        if not any(hers.role in MANAGING and hers.unit in line_above(world, role.unit) for hers in lasting)
    ]


def oversees(world: World, manager: int, person: int) -> bool:
    """Manages her, and her *private and hide from team* does not count: it never counts against the company's managers."""
    roles = managing_roles(world, manager, person)
    of_the_company = any(world.units[role.unit].kind == "company" for role in roles)
    return bool(roles) and (of_the_company or not world.people[person].hides_from_team)


def policy_that_counts(world: World, lead: Lead) -> str:
    """The stricter of the company's policy now and the one under which the lead became personal (O5)."""
    assert lead.became_personal_under is not None
    now = world.companies[lead.company].policy
    now = "visible" if now == "company_only" else now  # what was personal before it follows `visible`
    return min(now, lead.became_personal_under, key=POLICIES.index)


def holder(lead: Lead) -> int | None:
    """Who has it: whoever is in its Agent slot, or else its owner; with a pond in the slot, its owner."""
    return dict(lead.assigned).get("agent", lead.owner_person)


def units_to_choose(world: World, person: int) -> set[int]:
    """O6: of her company, never closed ones."""
    own = {number for number, unit in enumerate(world.units) if unit.company == world.people[person].company}
    seen = {one.unit for one in current_memberships(world, person)}
    for unit in own:
        if manages_unit(world, person, unit):
            seen |= {unit, *line_above(world, unit)}
    return {unit for unit in seen if not world.units[unit].closed}


def people_to_choose(world: World, person: int) -> set[int]:
    """O6: herself, the members of the units she may choose; all for managers of the company. Never deactivated ones."""
    units = units_to_choose(world, person)
    seen = {person} | {one.person for one in world.memberships if one.ended is None and one.unit in units}
    if any(
        world.units[one.unit].kind == "company" and one.role in MANAGING for one in current_memberships(world, person)
    ):
        seen = {number for number, one in enumerate(world.people) if one.company == world.people[person].company}
    return {one for one in seen if world.people[one].active}
