"""The surfaces of a rehearsal and of shadow mode: leads that a draft would have sent elsewhere, for a unit's managers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from crm.organization.models import Unit
from routing.models import LAST, Rule, RuleBook
from routing.services.shadowing import decide_in_shadow
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
    came = {n for n, lead in leads if lead.made_to and lead.company == company} if rehearses(visit) else set()
    return {n: "view" for n in read(visit) if n in came}


def draft_of(visit: Visit) -> RuleBook:
    """All leads go into a pond."""
    unit = Unit.objects.get(pk=BASE)
    owned = {"company": unit.company}
    book, fresh = RuleBook.objects.get_or_create(
        unit=unit, state="draft", defaults={"created_by": visit.built.users[0], **owned}
    )
    if fresh:
        Rule.objects.create(book=book, position=LAST, method="pond", pond=make_pond(unit, name="Rehearsed"), **owned)
    return book


@surface("rehearsal", expects=played)
def rehearsed(visit: Visit) -> Told:
    return told(visit.get("rehearsal", draft_of(visit).unit_id, days=visit.one_of("1", "7")))


@surface("shadow", expects=played)
def shadowed(visit: Visit) -> Told:
    """All leads came while the draft was in shadow."""
    book = draft_of(visit)
    RuleBook.objects.filter(pk=book.pk).update(shadowed_from=datetime.now(UTC) - timedelta(hours=1))
    decide_in_shadow(book.pk)
    return told(visit.get("shadow", book.unit_id, days=visit.one_of("1", "7")))
