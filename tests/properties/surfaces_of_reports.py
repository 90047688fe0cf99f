"""The surfaces of reports: what they tell of leads, count of offers, and list behind a figure."""

from __future__ import annotations

import csv
import io

from tests.factories.marks import Told, told
from tests.properties import oracle
from tests.properties.details import BASE
from tests.properties.surfaces import Visit, read, surface

EVER = "0-4000000000"


def counted(visit: Visit) -> dict[int, int]:
    """How many offers of each lead are hers to count: of her company, made by the unit she manages, or to herself."""
    world, person = visit.world, visit.person
    company = world.people[person].company
    manages = oracle.manages_unit(world, person, 0)  # the unit that makes all offers of a world
    own = {n: lead for n, lead in enumerate(world.leads) if lead.company == company}
    found = {n: sum(manages or who == person for who in lead.made_to) for n, lead in own.items()}
    if world.units[0].company != company or not visit.has("view_reports"):
        return {}
    return {n: count for n, count in found.items() if count}


def rows_of(visit: Visit, name: str, **query: str) -> list[dict[str, str]]:
    """Of its file; none where she may have no reports."""
    answer = visit.get("report-file", name, **query)
    return list(csv.DictReader(io.StringIO(answer.partition("\n")[2].lstrip("\ufeff")))) if answer[:3] == "200" else []


@surface("reports", "report", expects=lambda visit: read(visit) if visit.has("view_reports") else {})
def report(visit: Visit) -> Told:
    """Sources to choose from; claims and speed are counted by the same door."""
    return told(visit.get("report", visit.one_of("speed", "claims"), by="source"))


@surface("report-file", expects=lambda visit: {n: "view" for n in counted(visit) if n in read(visit)})
def report_by_source(visit: Visit) -> Told:
    return told(str(rows_of(visit, "speed", by="source")))


@surface("report-file", expects=lambda visit: sum(counted(visit).values()))
def report_counted(visit: Visit) -> int:
    if visit.turn % 2:
        return sum(int(row["Received"]) for row in rows_of(visit, "claims"))
    return sum(int(row["Offers"]) for row in rows_of(visit, "speed", by=visit.one_of("unit", "agent", "source")))


@surface("people", expects=lambda visit: dict.fromkeys(behind(visit), "view"))
def people_behind_a_figure(visit: Visit) -> Told:
    unit = BASE + visit.world.people[visit.person].company
    whose = f".to{BASE + visit.person}" if visit.turn % 2 else ""
    where = f".at{unit}" if visit.turn % 3 == 0 else ""
    return told(visit.get("people", offers=f"offered{where}{whose}.{EVER}"))


def behind(visit: Visit) -> set[int]:
    """She asks by name of herself and of units of hers, and is refused others."""
    world, person = visit.world, visit.person
    company = world.people[person].company
    if visit.turn % 3 == 0 and not knows_unit(visit, company):
        return set()
    leads = {n: lead for n, lead in enumerate(world.leads) if n in read(visit) and lead.company == company}
    manages = oracle.manages_unit(world, person, 0)
    if company != world.units[0].company:
        return set()
    return {n for n, lead in leads.items() for who in lead.made_to if who == person or (manages and not visit.turn % 2)}


def knows_unit(visit: Visit, unit: int) -> bool:
    world, person = visit.world, visit.person
    joined = any(m.unit == unit and m.person == person and m.ended is None for m in world.memberships)
    return joined or oracle.manages_unit(world, person, unit)
