"""A brokerage ready to test in, and a stranger's beside it."""

from __future__ import annotations

from dataclasses import dataclass

from crm.organization.models import Company, Unit, User
from tests.factories.people import company_unit, make_company, make_manager, make_member, make_office, make_team


@dataclass
class Brokerage:
    """Offices North (teams Lakeside, Hilltop) and South (team Harborfront), with a person in every position."""

    company: Company
    whole: Unit
    north: Unit
    south: Unit
    lakeside: Unit
    hilltop: Unit
    harborfront: Unit
    broker: User  # company admin
    north_admin: User  # manages North
    lead: User  # manages Lakeside
    ana: User  # agents of Lakeside
    ben: User
    dee: User  # agent of Hilltop
    eve: User  # agent of Harborfront


def brokerage(policy: str = "visible") -> Brokerage:
    company = make_company(policy=policy)
    whole = company_unit(company)
    north, south = make_office(company, "North"), make_office(company, "South")
    lakeside, hilltop = make_team(north, "Lakeside"), make_team(north, "Hilltop")
    harborfront = make_team(south, "Harborfront")
    return Brokerage(
        company=company,
        whole=whole,
        north=north,
        south=south,
        lakeside=lakeside,
        hilltop=hilltop,
        harborfront=harborfront,
        broker=make_manager(whole, "Broker", role="owner"),
        north_admin=make_manager(north, "North Admin"),
        lead=make_manager(lakeside, "Lead"),
        ana=make_member(lakeside, "Ana"),
        ben=make_member(lakeside, "Ben"),
        dee=make_member(hilltop, "Dee"),
        eve=make_member(harborfront, "Eve"),
    )


def stranger() -> User:
    """A company admin of another company, who manages all there is there."""
    return make_manager(company_unit(make_company("Strangers")), "Stranger", role="owner")
