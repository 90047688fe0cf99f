"""Which rule each new lead follows: the unit's live ones, asked about what is known of the lead (R1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from crm.organization.models import Unit
from leads.querysets import LeadQuerySet
from routing.models import InboundLead, Rule, RuleBook
from routing.rules import PLACE, Subject, first_match

ASKED = ("pk", "source__name", "kind", "price_min", "price_max", "state", "postal_code", "city", "tags", "language")


def rules_for(unit_id: int, subjects: Mapping[int, Subject]) -> dict[int, Rule | None]:
    """By lead, the first rule of the unit that matches; none where it has no rules, and goes to its roster in turn."""
    unit = Unit.objects.get(pk=unit_id)
    book = RuleBook.objects.of(unit, RuleBook.State.LIVE)
    if book is None:
        return dict.fromkeys(subjects)
    rules, zone = list(book.rules.all()), ZoneInfo(unit.time_zone)
    return {lead: first_match(rules, subject, zone) for lead, subject in subjects.items()}


def roster_of(rule: Rule | None, unit_id: int) -> int:
    """The unit whose roster and clock a rule of this unit means."""
    return (rule.roster_id if rule else None) or unit_id


def subjects_of(leads: LeadQuerySet, at: datetime | None = None) -> dict[int, Subject]:
    """What rules look at in these leads, by lead; `at` is when they are routed, else when they were created.

    Whoever asks about a property is routed by its place and its price: there the agent has to be licensed.
    """
    rows = list(leads.values_list(*ASKED, "created_at"))
    came_by = InboundLead.objects.filter(lead__in=[row[0] for row in rows], state=InboundLead.State.CREATED)
    came = list(came_by.order_by("pk").values_list("lead", "channel", "asked"))
    channels, asked = {lead: pk for lead, pk, _ in came}, {lead: parts for lead, _, parts in came}
    return {
        pk: _about(
            Subject(
                source=source or "",
                channel=channels.get(pk),
                kind=kind,
                price=(low, high),
                state=state,
                postal_code=postal_code,
                city=city,
                tags=tuple(tags),
                language=language,
                at=at or created_at,
            ),
            asked.get(pk) or {},
        )
        for pk, source, kind, low, high, state, postal_code, city, tags, language, created_at in rows
    }


def _about(subject: Subject, asked: Mapping[str, Any]) -> Subject:
    """The same, where a property was asked about."""
    if not asked.keys().isdisjoint(PLACE):
        subject = replace(subject, **{name: asked.get(name, "") for name in PLACE})
    return replace(subject, price=(asked["price"],) * 2) if asked.get("price") else subject
