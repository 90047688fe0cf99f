"""Random worlds, and how one is put into the database: a bulk insert per table, undone by whoever asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from crm.organization import models as organization
from leads import models as lead_models
from permissions.access import Privacy
from permissions.catalog import BUILT_IN
from permissions.grants import permission_on
from permissions.models import Profile, ProfileHolder
from routing.models import Offer, OfferRecipient, Rotation
from tests.factories.marks import columns
from tests.properties.details import BASE, build_details, build_sources
from tests.properties.world import NOW, Company, Lead, Membership, Person, Pond, Unit, World

# --- drawing ----------------------------------------------------------------------------------------------------------

PLACE = st.integers(0, 59)  # which of those there are, counted round
POLICY = st.sampled_from(["company_only", "private", "visible", "visible", "managed", "managed"])
UNDER = st.sampled_from(["private", "visible", "managed"])
LEFT = 50  # when people who left the company did
UNIT = st.tuples(PLACE, st.booleans(), st.sampled_from([False] * 7 + [True]))
ROLE = st.sampled_from(["member", "member", "admin", "owner"])
# a membership lasts, or ended before people left, when they left, or in a clean-up afterwards
ENDED = st.sampled_from([None] * 6 + [LEFT, LEFT, LEFT + 10, LEFT - 20])
PERSON = st.tuples(
    st.sampled_from([0, 0, 0, 0, 1]),
    st.sampled_from(["agent", "team_lead", "office_admin", "company_admin", None]),
    st.sampled_from(["here"] * 5 + ["left", "left", "deactivated"]),
    st.sampled_from([False, False, True]),
)
MEMBERSHIP = st.tuples(PLACE, PLACE, ROLE, ENDED)
SLOTS = st.lists(st.tuples(st.sampled_from(["agent", "assistant", "lender"]), PLACE), max_size=2)
OFFERS = st.lists(st.tuples(PLACE, st.sampled_from(["open", "expired", "claimed", "withdrawn"])), max_size=2)
AMONG = st.lists(st.tuples(PLACE, st.sampled_from(["open", "open", "open", "passed", "claimed", "lost"])), max_size=3)
SHARES = st.lists(
    st.tuples(PLACE, st.sampled_from(["view", "work"]), st.sampled_from([None, NOW + 9, NOW - 9])), max_size=1
)
IN_POND = st.sampled_from([None, None, None, 0, 1])
POND = st.tuples(PLACE, st.lists(st.tuples(PLACE, st.booleans()), max_size=4), st.sampled_from([False] * 5 + [True]))
LEAD = st.tuples(
    *(st.sampled_from([True, True, True, False]), PLACE, st.booleans(), UNDER, PLACE, SLOTS, OFFERS, AMONG, SHARES),
    *(IN_POND, st.sampled_from([False] * 9 + [True])),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """One company, or two side by side; rather full than empty."""

    def several(of: st.SearchStrategy[Any], sizes: list[int]) -> list[Any]:
        size = draw(st.sampled_from(sizes))
        return draw(st.lists(of, min_size=size, max_size=size))

    companies = tuple(Company(policy) for policy in several(POLICY, [1, 1, 1, 2]))
    units = settle_units(len(companies), several(UNIT, [0, 1, 2, 2, 3, 3, 4]))
    people = tuple(
        Person(
            company=company % len(companies),
            profile=profile,
            active=state == "here",
            left=LEFT if state == "left" else None,
            hides_from_team=hides,
        )
        for company, profile, state, hides in several(PERSON, [1, 2, 3, 4, 5, 5, 6, 6])
    )
    memberships = settle_memberships(units, people, several(MEMBERSHIP, [0, 3, 6, 9, 12, 12, 12]))
    ponds = tuple(
        Pond(company % len(companies), tuple({who % len(people): may for who, may in members}.items()), closed)
        for company, members, closed in several(POND, [0, 1, 2, 2])
    )
    leads = tuple(settle_lead(units, people, ponds, *lead) for lead in several(LEAD, [1, 4, 6, 7, 8, 8]))
    return World(companies, units, people, memberships, leads, ponds)


def settle_units(companies: int, drawn: list[tuple[int, bool, bool]]) -> tuple[Unit, ...]:
    units = [Unit(company, "company", None) for company in range(companies)]
    for place, team, closed in drawn:
        above = [(number, unit) for number, unit in enumerate(units) if unit.kind != "team"]
        parent, unit = above[place % len(above)]
        units.append(Unit(unit.company, "team" if team or unit.kind == "office" else "office", parent, closed))
    return tuple(units)


def settle_memberships(
    units: tuple[Unit, ...], people: tuple[Person, ...], drawn: list[tuple[int, int, str, int | None]]
) -> tuple[Membership, ...]:
    settled: list[Membership] = []
    for unit_place, person_place, role, ended in drawn:
        person = person_place % len(people)
        own = [number for number, unit in enumerate(units) if unit.company == people[person].company]
        unit = own[unit_place % len(own)]
        if ended is None and any(one.unit == unit and one.person == person and one.ended is None for one in settled):
            continue  # once at a time
        settled.append(Membership(unit, person, role, ended=ended))
    return tuple(settled)


def settle_lead(
    units: tuple[Unit, ...],
    people: tuple[Person, ...],
    ponds: tuple[Pond, ...],
    personal: bool,
    owner: int,
    hidden: bool,
    under: str,
    origin: int,
    slots: list[tuple[str, int]],
    offers: list[tuple[int, str]],
    among: list[tuple[int, str]],
    shares: list[tuple[int, str, int | None]],
    pond: int | None,
    removed: bool,
) -> Lead:
    """Slots and offers may name anybody, even people of the other company: it must give them nothing."""
    person = owner % len(people)
    unit = owner % len(units)
    company = people[person].company if personal else units[unit].company
    channels = [None, *(number for number, one in enumerate(units) if one.company == company)]
    pools = [number for number, one in enumerate(ponds) if one.company == company]
    named = [(who % len(people), state) for who, state in offers]
    alone = tuple(one for number, one in enumerate(named) if one[1] != "open" or number == 0)  # one open at most
    return Lead(
        company=company,
        owner_unit=None if personal else unit,
        owner_person=person if personal else None,
        hidden=personal and hidden,
        became_personal_under=under if personal else None,
        origin_unit=channels[origin % len(channels)],
        assigned=tuple({slot: who % len(people) for slot, who in slots}.items()),
        offers=alone,
        among=settle_among({who % len(people): state for who, state in among}, alone),
        shares=tuple((who % len(people), given, until) for who, given, until in shares),
        removed=removed,
        pond=pools[pond % len(pools)]
        if pools and pond is not None and not any(s == "agent" for s, _ in slots)
        else None,
    )


def settle_among(asked: dict[int, str], alone: tuple[tuple[int, str], ...]) -> tuple[tuple[int, str], ...]:
    """Once one has claimed it, it is lost to the others; whoever claimed it may have it no more by now."""
    winner = next((who for who, state in asked.items() if state == "claimed"), None)
    over = winner is not None or "open" in [state for _, state in alone]
    return tuple(
        (who, state if who == winner else "lost" if over and state != "passed" else state)
        for who, state in asked.items()
    )


# --- building ---------------------------------------------------------------------------------------------------------

TODAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


def moment(at: int) -> datetime:
    return TODAY - timedelta(days=NOW - at)


@dataclass
class Built:
    users: list[organization.User]
    leads: list[lead_models.Lead]


def build(world: World) -> Built:
    """Insert the world into the database; its people as the next request would read them."""
    build_organization(world)
    build_leads(world)
    users = organization.User.objects.select_related("company", "holding__profile").order_by("pk")
    return Built(users=list(users), leads=list(lead_models.Lead.objects.order_by("pk")))


def build_organization(world: World) -> None:
    organization.Company.objects.bulk_create(
        organization.Company(pk=BASE + number, name=f"Company {number}", personal_leads=company.policy)
        for number, company in enumerate(world.companies)
    )
    organization.Unit.objects.bulk_create(
        organization.Unit(
            pk=BASE + number,
            company_id=BASE + unit.company,
            kind=unit.kind,
            parent_id=None if unit.parent is None else BASE + unit.parent,
            name=f"Unit {number}",
            closed_at=TODAY if unit.closed else None,
        )
        for number, unit in enumerate(world.units)
    )
    organization.User.objects.bulk_create(
        organization.User(
            pk=BASE + number,
            company_id=BASE + person.company,
            email=f"{number}@example.com",
            name=f"Person {number}",
            is_active=person.active,
            left_at=None if person.left is None else moment(person.left),
            hide_from_team=person.hides_from_team,
        )
        for number, person in enumerate(world.people)
    )
    build_profiles(world)
    organization.Membership.objects.bulk_create(
        organization.Membership(
            company_id=BASE + world.units[one.unit].company,
            unit_id=BASE + one.unit,
            user_id=BASE + one.person,
            role=one.role,
            started_at=moment(one.started),
            ended_at=None if one.ended is None else moment(one.ended),
        )
        for one in world.memberships
    )


def build_profiles(world: World) -> None:
    held = sorted({(person.company, person.profile) for person in world.people if person.profile})
    made = Profile.objects.bulk_create(
        Profile(company_id=BASE + company, code=code, name=code, permissions=sorted(BUILT_IN[code][1]))
        for company, code in held
    )
    profiles = dict(zip(held, made, strict=True))
    ProfileHolder.objects.bulk_create(
        ProfileHolder(user_id=BASE + number, profile=profiles[person.company, person.profile])
        for number, person in enumerate(world.people)
        if person.profile
    )


def build_leads(world: World) -> None:
    lead_models.Stage.objects.bulk_create(
        lead_models.Stage(pk=BASE + number, company_id=BASE + number, name="New")
        for number in range(len(world.companies))
    )
    build_sources(world)
    lead_models.Lead.objects.bulk_create(
        lead_models.Lead(
            **columns(number),
            source_id=BASE + number,
            pk=BASE + number,
            company_id=BASE + lead.company,
            owner_unit_id=None if lead.owner_unit is None else BASE + lead.owner_unit,
            owner_user_id=None if lead.owner_person is None else BASE + lead.owner_person,
            hidden=lead.hidden,
            privacy=lead.became_personal_under and Privacy[lead.became_personal_under.upper()],
            origin="agent" if lead.origin_unit is None else "company",
            origin_unit_id=None if lead.origin_unit is None else BASE + lead.origin_unit,
            stage_id=BASE + lead.company,
            removed_at=TODAY if lead.removed else None,
        )
        for number, lead in enumerate(world.leads)
    )
    lead_models.Assignment.objects.bulk_create(
        lead_models.Assignment(company_id=BASE + lead.company, lead_id=BASE + number, role=slot, user_id=BASE + person)
        for number, lead in enumerate(world.leads)
        for slot, person in lead.assigned
    )
    build_ponds(world)
    build_offers(world)
    build_shares(world)
    build_details(world)


def build_ponds(world: World) -> None:
    lead_models.Pond.objects.bulk_create(
        lead_models.Pond(
            pk=BASE + number,
            company_id=BASE + pond.company,
            unit_id=BASE + pond.company,
            name=f"Pond {number}",
            closed_at=TODAY if pond.closed else None,
        )
        for number, pond in enumerate(world.ponds)
    )
    lead_models.PondMember.objects.bulk_create(
        lead_models.PondMember(
            company_id=BASE + pond.company, pond_id=BASE + number, user_id=BASE + person, may_claim=may_claim
        )
        for number, pond in enumerate(world.ponds)
        for person, may_claim in pond.members
    )
    lead_models.Assignment.objects.bulk_create(
        lead_models.Assignment(company_id=BASE + lead.company, lead_id=BASE + number, pond_id=BASE + lead.pond)
        for number, lead in enumerate(world.leads)
        if lead.pond is not None
    )


def build_shares(world: World) -> None:
    verbs = {given: permission_on(lead_models.Lead, f"{given}_lead") for given in ("view", "work")}
    lead_models.LeadShare.objects.bulk_create(
        lead_models.LeadShare(
            company_id=BASE + lead.company,
            content_object_id=BASE + number,
            user_id=BASE + person,
            permission=verbs[given],
            given_by_id=BASE + person,
            until=None if until is None else datetime.now(UTC) + timedelta(days=until - NOW),
        )
        for number, lead in enumerate(world.leads)
        for person, given, until in lead.shares
    )


def build_offers(world: World) -> None:
    offered = [(number, lead) for number, lead in enumerate(world.leads) if lead.made_to]
    Rotation.objects.bulk_create(
        Rotation(pk=BASE + number, company_id=BASE + lead.company, lead_id=BASE + number, unit_id=BASE)
        for number, lead in offered
    )
    Offer.objects.bulk_create(
        offer_of(number, lead, person, state) for number, lead in offered for person, state in lead.offers
    )
    build_offers_to_several([one for one in offered if one[1].among])


def build_offers_to_several(offered: list[tuple[int, Lead]]) -> None:
    made = Offer.objects.bulk_create(offer_of(number, lead, *state_of_several(lead)) for number, lead in offered)
    OfferRecipient.objects.bulk_create(
        OfferRecipient(
            company_id=offer.company_id,
            offer=offer,
            user_id=BASE + person,
            passed=state == "passed",
            ended_at=None if state == "open" else TODAY,
        )
        for offer, (_, lead) in zip(made, offered, strict=True)
        for person, state in lead.among
    )


def state_of_several(lead: Lead) -> tuple[int | None, str]:
    """Whose it is, and what became of it."""
    states = {state: person for person, state in lead.among}
    if "claimed" in states:
        return states["claimed"], "claimed"
    return None, "open" if "open" in states else "expired"


def offer_of(number: int, lead: Lead, person: int | None, state: str) -> Offer:
    return Offer(
        company_id=BASE + lead.company,
        rotation_id=BASE + number,
        lead_id=BASE + number,
        unit_id=BASE,
        user_id=None if person is None else BASE + person,
        pass_number=1,
        state=state,
        deadline=datetime.now(UTC) + timedelta(hours=1),
        closed_at=None if state == "open" else TODAY,
    )
