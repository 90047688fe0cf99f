"""Lead filters and skills (D3); campaigns and dispositions (D1, D10); the hopper and who dials from it (D4–D9); calling
rules, lists and attempts (D14); phones (D12, D16); automations (D13).
"""

from dialer.models.attempts import CallAttempt, Gate
from dialer.models.automations import Automation, AutomationCampaign, AutomationDue, AutomationRun
from dialer.models.campaigns import Campaign, CampaignAgent, CampaignDisposition
from dialer.models.dispositions import Disposition
from dialer.models.do_not_call import DoNotCall, DoNotCallFile, DoNotCallList, DoNotCallReject
from dialer.models.filters import AgentSkill, LeadFilter
from dialer.models.hopper import CampaignLead, HopperEntry
from dialer.models.hours import CallingHours
from dialer.models.phones import InboundCall, PhoneAccount, PhoneNumber
from dialer.models.sessions import AgentSession, Skip
from dialer.models.zones import AreaZone, Dialing, PostalZone, ZoneSet, ZoneSource

__all__ = [
    "AgentSession",
    "AgentSkill",
    "AreaZone",
    "Automation",
    "AutomationCampaign",
    "AutomationDue",
    "AutomationRun",
    "CallAttempt",
    "CallingHours",
    "Campaign",
    "CampaignAgent",
    "CampaignDisposition",
    "CampaignLead",
    "Dialing",
    "Disposition",
    "DoNotCall",
    "DoNotCallFile",
    "DoNotCallList",
    "DoNotCallReject",
    "Gate",
    "HopperEntry",
    "InboundCall",
    "LeadFilter",
    "PhoneAccount",
    "PhoneNumber",
    "PostalZone",
    "Skip",
    "ZoneSet",
    "ZoneSource",
]
