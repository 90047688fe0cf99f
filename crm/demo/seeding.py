"""Bringing the demo companies into being."""

from __future__ import annotations

from datetime import datetime
from random import Random

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from crm.demo.campaigns import make_campaign
from crm.demo.holdings import HARBOR_LEADS, SUMMIT_LEADS, Holding
from crm.demo.leads import Writer, write
from crm.demo.people import HARBOR, PASSWORD, SUMMIT, Place, sign_ins
from crm.organization.models import Company, Unit, User
from crm.organization.services import add_member, create_company, create_unit, create_user
from permissions.profiles.services import give_profile
from routing.models import RosterMember, RoutingPolicy

SEED = 20


def is_there() -> bool:
    return Company.objects.filter(name=HARBOR.company).exists()


def announcement() -> str:
    """Who may sign in, told as the product starts."""
    return sign_ins() if settings.DEMO and is_there() else ""


@transaction.atomic
def seed() -> int:
    """Both companies with people, rosters and leads: how many leads. Nothing is routed, so that nobody has an offer."""
    now, password = _now(), make_password(PASSWORD)
    demo: tuple[tuple[Place, tuple[Holding, ...]], ...] = ((HARBOR, HARBOR_LEADS), (SUMMIT, SUMMIT_LEADS))
    count = 0
    for place, holdings in demo:
        company = create_company(name=place.company, personal_leads=place.policy)
        units = make_units(company, place)
        people = make_people(company, place, units, password)
        make_routing(place, units, people)
        if place is HARBOR:
            make_campaign(units["Lakeside"], people)
        random = Random(f"{SEED} {place.company}")  # noqa: S311  # no secret
        count += len(write(Writer(company, units, people, random, now), holdings))
    return count


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now: datetime = cursor.fetchone()[0]
        return now


def make_units(company: Company, place: Place) -> dict[str, Unit]:
    """The units by name."""
    units = {company.name: Unit.objects.get(company=company)}
    for name, kind, parent in place.units:
        units[name] = create_unit(parent=units[parent], kind=kind, name=name)
    Unit.objects.filter(company=company, kind=Unit.Kind.TEAM).update(may_change_ownership=True)
    return units


def make_people(company: Company, place: Place, units: dict[str, Unit], password: str) -> dict[str, User]:
    """The people by what stands before the @; hashing a password takes its time, so they share one hash."""
    people = {}
    for person in place.people:
        user = create_user(company=company, email=person.email(place.domain), name=person.full_name)
        add_member(unit=units[person.unit], user=user, role=person.role)
        give_profile(user, person.profile)
        people[person.name] = user
    User.objects.filter(company=company).update(password=password)
    return people


def make_routing(place: Place, units: dict[str, Unit], people: dict[str, User]) -> None:
    for routing in place.routing:
        unit = units[routing.unit]
        RoutingPolicy.objects.create(
            company_id=unit.company_id,
            unit=unit,
            claim_window=routing.claim_window,
            passes=2,
            fallback=people[routing.fallback],
        )
        RosterMember.objects.bulk_create(
            [
                RosterMember(company_id=unit.company_id, unit=unit, user=people[name], position=position, enrolled=True)
                for position, name in enumerate(routing.roster, 1)
            ]
        )
