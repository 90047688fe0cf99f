"""The rest of a world's leads: what they are called, how to reach them, what was done with them, who was told of them."""

from __future__ import annotations

from typing import Any

from crm.notifications.models import Notification
from leads import models as lead_models
from leads.search import reindex
from tests.factories import marks
from tests.properties.world import Lead, World

# Beyond what sequences reach. Units, people and leads get the same numbers: a lock of one taken for another is found out.
BASE = 1_000_000


def build_sources(world: World) -> None:
    """A source for each lead, under the lead's own id: before the leads."""
    lead_models.Source.objects.bulk_create(
        lead_models.Source(pk=BASE + number, company_id=BASE + lead.company, name=marks.source(number))
        for number, lead in enumerate(world.leads)
    )


def build_details(world: World) -> None:
    """After the leads."""
    leads: list[tuple[dict[str, Any], int]] = [
        ({"company_id": BASE + lead.company, "lead_id": BASE + number}, number)
        for number, lead in enumerate(world.leads)
    ]
    lead_models.CustomField.objects.bulk_create(
        lead_models.CustomField(company_id=BASE + number, key="hobby", label="Hobby")
        for number in range(len(world.companies))
    )
    lead_models.ContactPoint.objects.bulk_create(
        lead_models.ContactPoint(**lead, kind=kind, value=value, raw=value)
        for lead, number in leads
        for kind, value in (("phone", f"+1{marks.phone(number)}"), ("email", marks.email(number)))
    )
    lead_models.Activity.objects.bulk_create(
        lead_models.Activity(**lead, kind=kind, body=marks.note(number))
        for lead, number in leads
        for kind in ("note", "call")
    )
    Notification.objects.bulk_create(
        Notification(**lead, user_id=BASE + person, kind="offer", title="{lead} is offered to you")
        for lead, number in leads
        for person in people_told(world.leads[number])
        if world.people[person].company == world.leads[number].company
    )
    reindex([lead["lead_id"] for lead, _ in leads])


def people_told(lead: Lead) -> set[int]:
    """Who was told of the lead at some time."""
    named = [
        *(person for _, person in lead.assigned),
        *(person for person, *_ in (*lead.offers, *lead.among, *lead.shares)),
    ]
    return {*named, *([] if lead.owner_person is None else [lead.owner_person])}
