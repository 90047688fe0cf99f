"""The surface of a rehearsal: leads that a draft would have sent elsewhere, for whoever manages the unit."""

from __future__ import annotations

from crm.organization.models import Unit
from routing.models import LAST, Rule, RuleBook
from tests.factories.leads import make_pond
from tests.factories.marks import Told, told
from tests.properties import oracle
from tests.properties.details import BASE
from tests.properties.surfaces import Visit, read, surface


def rehearses(visit: Visit) -> bool:
    """Whether she manages the unit that makes all offers of a world, and may change its routing."""
    return oracle.manages_unit(visit.world, visit.person, 0) and visit.has("manage_routing")


def played(visit: Visit) -> Told:
    company = visit.world.units[0].company
    leads = enumerate(visit.world.leads)
    came = {n for n, lead in leads if lead.offers and lead.company == company} if rehearses(visit) else set()
    return {n: "view" for n in read(visit) if n in came}


@surface("rehearsal", expects=played)
def rehearsed(visit: Visit) -> Told:
    """All leads would have gone into a pond."""
    unit = Unit.objects.get(pk=BASE)
    owned = {"company": unit.company}
    book, fresh = RuleBook.objects.get_or_create(
        unit=unit, state="draft", defaults={"created_by": visit.built.users[0], **owned}
    )
    if fresh:
        Rule.objects.create(book=book, position=LAST, method="pond", pond=make_pond(unit, name="Rehearsed"), **owned)
    return told(visit.get("rehearsal", unit.pk, days=visit.one_of("1", "7")))
