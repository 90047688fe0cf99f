"""The surfaces of ownership requests: asking about one lead, and the inbox."""

from __future__ import annotations

from leads.models import OwnershipRequest
from leads.models.request import Kind
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, page_of, surface, that_one


@surface("lead-request", expects=that_one("view"))
def lead_request(visit: Visit) -> Told:
    return page_of(visit, "lead-request")


@surface("requests", expects=that_one("view"))
def requests(visit: Visit) -> Told:
    """Her own request names its lead as long as she may read it."""
    lead = visit.built.leads[visit.number]
    OwnershipRequest.objects.create(
        company_id=visit.user.company_id, lead=lead, asked_by=visit.user, kind=Kind.TRANSFER
    )
    return told(visit.get("requests"))
