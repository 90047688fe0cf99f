"""Campaigns, lead filters, dispositions; the do-not-call list."""

from __future__ import annotations

from itertools import count
from typing import Any

from crm.organization.models import Company, Unit
from dialer.models import Campaign, CampaignAgent, CampaignDisposition, Disposition, DoNotCall, LeadFilter
from dialer.services.do_not_call import add_numbers

numbers = count(1)


def make_filter(unit: Unit, *items: tuple[str, str, str], name: str = "") -> LeadFilter:
    """A filter of the unit: leads that have all of these (field, operator, value)."""
    groups = [[dict(zip(("field", "operator", "value"), item, strict=True))] for item in items]
    sets = [groups or [[{"field": "score", "operator": "at_least", "value": "0"}]]]
    return LeadFilter.objects.create(company=unit.company, unit=unit, name=name or f"Filter {next(numbers)}", sets=sets)


def make_campaign(unit: Unit, *agents: Any, name: str = "", **settings: Any) -> Campaign:
    """A running campaign of the unit with all dispositions; open to all members unless agents are named."""
    values = {"open_to_members": not agents} | settings
    campaign = Campaign.objects.create(
        company=unit.company, unit=unit, name=name or f"Campaign {next(numbers)}", **values
    )
    owned = {"company": unit.company, "campaign": campaign}
    CampaignAgent.objects.bulk_create(CampaignAgent(user=user, **owned) for user in agents)
    CampaignDisposition.objects.bulk_create(
        CampaignDisposition(disposition=one, **owned) for one in Disposition.objects.in_use(unit.company_id)
    )
    return campaign


def make_listed(company: Company, number: str = "+16025550199") -> DoNotCall:
    """The number, on the company's do-not-call list."""
    add_numbers(company_id=company.pk, user_id=None, numbers=[number], reason="asked")
    return DoNotCall.objects.get(company=company, number=number, removed_at=None)
