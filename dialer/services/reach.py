"""Which leads can be in a campaign's hopper, and for whom: conditions over Lead."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Q, QuerySet

from crm.organization.models import Company, User
from dialer.hopper import ANY
from dialer.models import AgentSession, AgentSkill, Campaign, LeadFilter
from dialer.services.campaigns import leads_of
from dialer.services.filters import read_saved
from dialer.services.gates import open_leads
from dialer.services.lists import fields_of
from dialer.services.matching import NOTHING, matching
from leads.models import Lead, Stage
from permissions.access import Keyring, Level
from permissions.door import seen_by
from permissions.managers import keyrings_of

GENERAL = Q(holder_id=None)
GENERAL_ONE = Q(lead__holder_id=None)  # Django takes a generated column for one that is never null


@dataclass(frozen=True)
class Reach:
    """A campaign, who is logged in to it, her skill (None: no general leads), and the condition of each skill."""

    campaign: Campaign
    agents: list[int]
    now: datetime
    skill_of: Mapping[int, int | None]
    skills: Mapping[int, Q]

    @classmethod
    def of(cls, campaign: Campaign, agents: list[int], now: datetime) -> Reach:
        skill_of = skills_among(campaign, agents)
        had = {skill for skill in skill_of.values() if skill is not None}
        return cls(campaign, agents, now, skill_of, fitting(campaign, had, now))

    @cached_property
    def dialable(self) -> QuerySet[Lead]:
        """Open leads of the company that pass the gates, whoever's they are."""
        there = Lead.objects.filter(self.in_open_stage, company=self.campaign.company_id, removed_at=None)
        return open_leads(there, self.campaign, self.now)

    @cached_property
    def in_open_stage(self) -> Q:
        stages = Stage.objects.filter(company=self.campaign.company_id, kind=Stage.Kind.OPEN).order_by("pk")
        return Q(stage__in=list(stages.values_list("pk", flat=True)))

    @cached_property
    def candidates(self) -> QuerySet[Lead]:
        """Those of the campaign that somebody logged in may be given."""
        found = self.dialable.filter(leads_of(self.campaign, self.now))
        return found if self.campaign.enforce_lead_ownership else found.filter(self.for_somebody())

    def for_somebody(self) -> Q:
        """The condition that a lead is for more than one: general, of a skill; or what one of them may work (D2)."""
        if not self.campaign.enforce_lead_ownership:
            return GENERAL | workable_by_some(self.campaign.company, self.agents)
        condition = NOTHING
        for skill in self.skills.values():
            condition |= skill
        return GENERAL & condition


def agents_in(campaign: Campaign) -> list[int]:
    """Who is logged in to it; while it is stopped that counts for nothing."""
    sessions = AgentSession.objects.live().filter(campaign=campaign).order_by("user")
    return list(sessions.values_list("user", flat=True)) if campaign.active else []


def workable_by_some(company: Company, people: Iterable[int]) -> Q:
    """One of these people may work it."""
    keyrings = _keyrings(company, people)
    members = [keyring for keyring in keyrings if not keyring.manages_units]
    locks = {lock for keyring in members for lock in keyring.locks_at(Level.WORK)}
    single = {lead for keyring in members for lead in keyring.leads_at(Level.WORK)}
    condition = Q(locks__fits=locks) | Q(pk__any_of=single)
    for keyring in keyrings:
        if keyring.manages_units:
            condition |= seen_by(keyring, Level.WORK)
    return condition


def workable_by_each(company: Company, people: Iterable[int], prefix: str = "") -> dict[int, Q]:
    """Of each of these people the condition that she may work the lead at `prefix`."""
    return {keyring.user_id: seen_by(keyring, Level.WORK, prefix) for keyring in _keyrings(company, people)}


def _keyrings(company: Company, people: Iterable[int]) -> Collection[Keyring]:
    users = (
        User.objects.active().filter(pk__in=set(people), company=company).select_related("company", "holding__profile")
    )
    return keyrings_of(list(users.order_by("pk"))).values()


def skills_among(campaign: Campaign, people: Iterable[int]) -> dict[int, int | None]:
    """Each one's skill (D3): her own filter, else the campaign's default; ANY where the campaign asks for none."""
    if not campaign.agent_skills:
        return dict.fromkeys(people, ANY)
    hers = dict(AgentSkill.objects.filter(user__in=set(people)).order_by().values_list("user", "lead_filter"))
    return {pk: hers.get(pk, campaign.default_skill_id) for pk in people}


def fitting(campaign: Campaign, skills: Iterable[int], now: datetime | None = None) -> dict[int, Q]:
    """The condition of each skill over general leads."""
    wanted = set(skills)
    filters = LeadFilter.objects.filter(pk__in=wanted - {ANY}).order_by("pk")
    fields = fields_of(campaign.company_id) if wanted - {ANY} else {}
    conditions = {one.pk: matching(read_saved(one), fields, now) for one in filters}
    return {pk: GENERAL if pk == ANY else conditions[pk] for pk in sorted(wanted)}
