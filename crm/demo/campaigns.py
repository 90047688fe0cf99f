"""A campaign to dial, with skills by state."""

from __future__ import annotations

from crm.organization.models import Unit, User
from dialer.models import AgentSkill, Campaign, CampaignDisposition, Disposition, LeadFilter

SCRIPT = """Hi {first_name|there}, this is {agent} from {company}. You asked about homes in {city|your area}.

Is now a good time to talk for two minutes?"""
SKILLS = {  # by filter: its states, and who has it
    "East": ("MA, RI, CT, ME, NJ, NY, FL", ("ana", "ben")),
    "West": ("IL, TX, CO, CA", ("cal",)),
}


def make_campaign(unit: Unit, people: dict[str, User]) -> None:
    """Of the unit, for all its members: their own leads first, then general ones they have the skills for."""
    owned = {"company": unit.company}
    campaign = Campaign.objects.create(
        unit=unit, name="Autumn calls", script=SCRIPT, agent_skills=True, hopper_level=20, attempt_limit=6, **owned
    )
    CampaignDisposition.objects.bulk_create(
        CampaignDisposition(campaign=campaign, disposition=one, **owned)
        for one in Disposition.objects.in_use(unit.company_id)
    )
    for name, (states, agents) in SKILLS.items():
        item = {"field": "state", "operator": "is", "value": states}
        skill = LeadFilter.objects.create(unit=unit, name=name, sets=[[[item]]], **owned)
        AgentSkill.objects.bulk_create(AgentSkill(user=people[one], lead_filter=skill, **owned) for one in agents)
