"""Leads as the API gives them: what a page would show of them, and no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.urls import reverse

from crm.api.schemas import Communications, LeadOut, Named, Owner, RedactedLead
from crm.organization.models import Unit, User
from leads.models import ContactPoint, Lead
from leads.reading import communications_of
from permissions.access import Access, Keyring, Level
from permissions.door import access_to


def shown(leads: Sequence[Lead], keyring: Keyring) -> list[LeadOut | RedactedLead]:
    """Leads read `for_rows`, in their order, in two queries more."""
    accesses = [access_to(keyring, lead) for lead in leads]
    closed = [lead.pk for lead, access in zip(leads, accesses, strict=True) if access.level == Level.REDACTED]
    counts = communications_of(closed)
    points = points_of(lead.pk for lead, access in zip(leads, accesses, strict=True) if access.level > Level.REDACTED)
    return [
        _redacted(lead, Communications(**counts[lead.pk]))
        if access.level == Level.REDACTED
        else _whole(lead, access, points[lead.pk])
        for lead, access in zip(leads, accesses, strict=True)
    ]


Points = dict[str, list[str]]


def points_of(lead_ids: Iterable[int]) -> defaultdict[int, Points]:
    """Per lead its phones and e-mails, the first ones first."""
    found: defaultdict[int, Points] = defaultdict(lambda: {"phone": [], "email": []})
    rows = ContactPoint.objects.filter(lead__in=list(lead_ids)).order_by("lead", "position", "pk")
    for lead_id, kind, value in rows.values_list("lead", "kind", "value"):
        found[lead_id][kind].append(value)
    return found


def owner_of(owner: Unit | User) -> Owner:
    return Owner(id=owner.pk, name=str(owner), kind=owner.kind if isinstance(owner, Unit) else "person")


def named(one: Unit | User) -> Named:
    return Named(id=one.pk, name=str(one))


def address_of(lead: Lead) -> str:
    return settings.PUBLIC_URL + reverse("lead", args=[lead.public_id])


def _redacted(lead: Lead, counts: Communications) -> RedactedLead:
    return RedactedLead(
        first_name=lead.first_name,
        stage=lead.stage.name,
        owner=owner_of(lead.owner),
        score=lead.score,
        last_activity_at=lead.last_activity_at,
        communications=counts,
    )


def _whole(lead: Lead, access: Access, points: Points) -> LeadOut:
    same = (
        "first_name",
        "last_name",
        "company_name",
        "street",
        "city",
        "state",
        "postal_code",
        "time_zone",
        "language",
    )
    more = ("tags", "score", "price_min", "price_max", "origin", "hidden", "do_not_call", "created_at")
    return LeadOut(
        id=lead.public_id,
        url=address_of(lead),
        access=access.level.name.lower(),
        phones=points["phone"],
        emails=points["email"],
        type=lead.kind,
        source=lead.source.name if lead.source else "",
        custom={key: str(value) for key, value in lead.custom.items()},
        stage=Named(id=lead.stage_id, name=lead.stage.name),
        owner=owner_of(lead.owner),
        agent=named(lead.agent) if lead.agent else None,
        last_activity_at=lead.last_activity_at,
        **{name: getattr(lead, name) for name in (*same, *more)},
    )
