"""The surface of erasing a person's data: of the leads that go, only those one may see are named."""

from __future__ import annotations

from django.urls import reverse

from leads.models import ContactPoint, Lead
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, administers, said, seen, surface

MAIL = "forget@mail.example"


def near(visit: Visit) -> list[int]:
    return [number for number in range(len(visit.world.leads)) if abs(number - visit.number) <= 4]


def shown(visit: Visit) -> Told:
    return {n: level for n, level in seen(visit).items() if n in near(visit)} if administers(visit) else {}


@surface("admin:erasure", expects=shown)
def erasure_foreseen(visit: Visit) -> Told:
    leads = list(Lead.objects.order_by("pk"))
    ContactPoint.objects.bulk_create(
        [ContactPoint(company_id=leads[n].company_id, lead=leads[n], kind="email", value=MAIL) for n in near(visit)]
    )
    return told(said(visit.client.post(reverse("admin:erasure"), {"contact": MAIL})))
