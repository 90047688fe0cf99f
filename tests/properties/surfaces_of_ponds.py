"""The surfaces of ponds: what is in one, how many, and what a lead's own dialog and the filter tell."""

from __future__ import annotations

import re

from django.urls import reverse

from tests.factories import marks
from tests.factories.marks import Told, told
from tests.properties import oracle
from tests.properties.details import BASE
from tests.properties.surfaces import Visit, page_of, read, said, surface, that_one


def asked(visit: Visit) -> int | None:
    """The pond she asks about: that of the lead, or one in turn."""
    ponds = visit.world.ponds
    return visit.turn % len(ponds) if ponds and visit.lead.pond is None else visit.lead.pond


def opens(visit: Visit) -> bool:
    """Whether it is one she is in or runs; the worlds' ponds are of companies."""
    number = asked(visit)
    pond = None if number is None else visit.world.ponds[number]
    if pond is None or pond.closed or visit.world.people[visit.person].company != pond.company:
        return False
    runs = visit.has("manage_pond") and oracle.manages_unit(visit.world, visit.person, pond.company)
    return runs or visit.person in dict(pond.members)


def inside(visit: Visit) -> Told:
    return {n: "view" for n in read(visit) if visit.world.leads[n].pond == asked(visit)} if opens(visit) else {}


@surface("pond", expects=inside)
def pond(visit: Visit) -> Told:
    return told(visit.get("pond", BASE + (asked(visit) or 0)))


@surface("ponds", expects=lambda visit: len(inside(visit)) if opens(visit) else None)
def ponds_counted(visit: Visit) -> int | None:
    there = reverse("pond", args=[BASE + (asked(visit) or 0)])
    found = re.search(rf'href="{there}".*?<td class="num">([\d,]+)<', visit.get("ponds"), re.DOTALL)
    return int(found[1].replace(",", "")) if found else None


@surface("lead-pond", expects=that_one("manage"))
def lead_pond(visit: Visit) -> Told:
    return page_of(visit, "lead-pond")


@surface("lead-cover", expects=that_one("manage"))
def lead_covering(visit: Visit) -> Told:
    return page_of(visit, "lead-cover")


def chosen(visit: Visit) -> Told:
    """What is in a pond may be asked of the list by those who may choose the pond."""
    world, company = visit.world, visit.world.people[visit.person].company
    number = asked(visit)
    if number is None or world.ponds[number].closed or world.ponds[number].company != company:
        return {}
    may = visit.person in dict(world.ponds[number].members) or company in oracle.units_to_choose(world, visit.person)
    return {n: "view" for n in read(visit) if world.leads[n].pond == number} if may else {}


@surface("people", expects=chosen)
def people_in_a_pond(visit: Visit) -> Told:
    number = asked(visit)
    return told(visit.get("people", pond=BASE + number)) if number is not None else {}


@surface("pond-take", expects=that_one("view"))
def pond_taken(visit: Visit) -> Told:
    """What she is told who tries to take it: of a lead that she may not read, nothing."""
    return told(said(visit.client.post(reverse("pond-take"), {"lead": marks.public_id(visit.number)}, follow=True)))
