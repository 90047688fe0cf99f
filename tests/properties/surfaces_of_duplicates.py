"""The surfaces of duplicates: only of leads that one may read, side by side only of those one may merge."""

from __future__ import annotations

from urllib.parse import quote

from leads.models import ContactPoint, Lead
from tests.factories import marks
from tests.factories.leads import make_lead
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, read, surface, that_one

MAIL = "twin@mail.example"
NEAR = 3


def one_person(visit: Visit) -> None:
    """The lead and those near to it have an e-mail in common."""
    leads = Lead.objects.filter(public_id__in=[marks.public_id(number) for number in near(visit)]).order_by("pk")
    ContactPoint.objects.bulk_create(
        [ContactPoint(company_id=lead.company_id, lead=lead, kind="email", value=MAIL) for lead in leads]
    )


def near(visit: Visit) -> list[int]:
    return [number for number in range(len(visit.world.leads)) if abs(number - visit.number) <= NEAR]


def twins(visit: Visit) -> Told:
    return {number: level for number, level in read(visit).items() if number in near(visit)}


def alike_to_it(visit: Visit) -> Told:
    found = twins(visit)
    return {number: "view" for number in found if number != visit.number} if visit.number in found else {}


@surface("duplicates", expects=lambda visit: twins(visit) if len(twins(visit)) > 1 else {})
def duplicates(visit: Visit) -> Told:
    one_person(visit)
    return told(visit.get("duplicates"))


@surface("lead-alike", expects=alike_to_it)
def lead_alike(visit: Visit) -> Told:
    one_person(visit)
    found = told(visit.get("lead-alike", marks.public_id(visit.number)))
    return {number: level for number, level in found.items() if number != visit.number}


@surface("lead-merge-with", expects=that_one("manage", "merge_lead"))
def leads_to_merge_with(visit: Visit) -> Told:
    """Searched for from a lead of her own."""
    own = make_lead(visit.user, first_name="Own", last_name="Lead").public_id
    sought = visit.one_of(marks.email(visit.number), marks.phone(visit.number))
    return told(visit.get("lead-merge-with", own, find=sought), sought, quote(sought))


@surface("lead-merge", expects=that_one("manage", "merge_lead"))
def leads_side_by_side(visit: Visit) -> Told:
    """With a lead of her own beside it."""
    own, one = make_lead(visit.user, first_name="Own", last_name="Lead").public_id, marks.public_id(visit.number)
    return told(visit.get("lead-merge", *visit.one_of((own, one), (one, own))), one)
