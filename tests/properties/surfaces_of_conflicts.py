"""The surfaces of conflicts: their inbox, and both sides of one."""

from __future__ import annotations

from leads.models import Conflict
from tests.factories.marks import Told, told
from tests.properties import oracle
from tests.properties.surfaces import Visit, surface


def manages_company(visit: Visit) -> bool:
    own = visit.world.people[visit.person].company
    company = next(n for n, unit in enumerate(visit.world.units) if unit.company == own)
    return oracle.manages_unit(visit.world, visit.person, company)


def sides(visit: Visit) -> tuple[int, int]:
    """The lead she asks about, and another one that may be said to be the same person."""
    count = len(visit.built.leads)
    return visit.number, (visit.number + 1 + visit.turn % (count - 1)) % count


def conflict_over(visit: Visit) -> Conflict:
    known, arrived = (visit.built.leads[number] for number in sides(visit))
    return Conflict.objects.create(
        company_id=visit.user.company_id,
        known=known,
        known_by=visit.user,
        arrived=arrived,
        came_by="Website",
        alike_by=["email", "phone_name"],
    )


def readable(visit: Visit) -> Told:
    """Both of them, where she decides at all and may read both: the one would tell who the other is."""
    hers = {n: "view" for n in sides(visit) if manages_company(visit) and n in visit.at_least("view")}
    return hers if len(hers) == 2 else {}


def named(visit: Visit) -> Told:
    """The one there was."""
    return {n: level for n, level in readable(visit).items() if n == visit.number}


@surface("conflicts", expects=named)
def conflicts(visit: Visit) -> Told:
    conflict_over(visit)
    return told(visit.get("conflicts"))


@surface("conflict", expects=readable)
def conflict(visit: Visit) -> Told:
    return told(visit.get("conflict", conflict_over(visit).pk))
