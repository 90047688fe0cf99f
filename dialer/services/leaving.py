"""What becomes of campaigns when a person leaves or a unit closes (O4), and back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Q

from crm.organization.models import Unit, User
from dialer.models import AgentSkill, Campaign, CampaignAgent, LeadFilter
from dialer.services.sessions import end_sessions


def leave_campaigns(user: User, units: Collection[int] | None) -> dict[str, Any]:
    """Take her out of the campaigns that name her, of these units or of all: what `join_campaigns` needs.

    Her skills go with the company only.
    """
    within = Q() if units is None else Q(campaign__unit__in=units)
    places = CampaignAgent.objects.filter(within, user=user)
    kept: dict[str, Any] = {"campaigns": list(places.order_by("campaign").values_list("campaign", flat=True))}
    places.delete()
    end_sessions(user)
    if units is None:
        skills = AgentSkill.objects.filter(user=user)
        kept["skill"] = skills.values_list("lead_filter", flat=True).first()
        skills.delete()
    return kept


def join_campaigns(user: User, kept: dict[str, Any]) -> None:
    for campaign in Campaign.objects.filter(pk__in=kept.get("campaigns", [])).order_by("pk"):
        CampaignAgent.objects.get_or_create(campaign=campaign, user=user, defaults={"company_id": user.company_id})
    skill = LeadFilter.objects.filter(pk=kept.get("skill") or 0).first()
    if skill:
        AgentSkill.objects.get_or_create(user=user, defaults={"company_id": user.company_id, "lead_filter": skill})


def hand_up(unit: Unit) -> dict[str, Any]:
    """Its campaigns stop and, like its filters, belong to the unit above: what `hand_back` needs."""
    campaigns, filters = Campaign.objects.filter(unit=unit), LeadFilter.objects.filter(unit=unit)
    kept = {
        "running": list(campaigns.filter(active=True).order_by("pk").values_list("pk", flat=True)),
        "stopped": list(campaigns.filter(active=False).order_by("pk").values_list("pk", flat=True)),
        "filters": list(filters.order_by("pk").values_list("pk", flat=True)),
    }
    campaigns.update(unit=unit.parent, active=False)
    filters.update(unit=unit.parent)
    return kept


def hand_back(unit: Unit, kept: dict[str, Any]) -> None:
    """Those that nobody has moved or started meanwhile."""
    there = {"unit": unit.parent}
    Campaign.objects.filter(pk__in=kept.get("running", []), active=False, **there).update(unit=unit, active=True)
    Campaign.objects.filter(pk__in=kept.get("stopped", []), active=False, **there).update(unit=unit)
    LeadFilter.objects.filter(pk__in=kept.get("filters", []), **there).update(unit=unit)
