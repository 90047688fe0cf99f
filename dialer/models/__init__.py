"""Lead filters and skills (D3); campaigns and dispositions (D1, D10)."""

from dialer.models.campaigns import Campaign, CampaignAgent, CampaignDisposition
from dialer.models.dispositions import Disposition
from dialer.models.filters import AgentSkill, LeadFilter

__all__ = ["AgentSkill", "Campaign", "CampaignAgent", "CampaignDisposition", "Disposition", "LeadFilter"]
