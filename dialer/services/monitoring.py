"""Who is at work in the campaigns now (D15): as their managers watch it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from crm.notifications.services import Message, notify
from crm.organization.models import Company, User
from dialer.models import AgentSession, AgentSkill, CallAttempt, Campaign, HopperEntry
from dialer.services.desk import TONES
from dialer.services.hours import today_of
from dialer.services.loading import fits_of
from dialer.services.reach import GENERAL_ONE, Reach, workable_by_each
from dialer.services.sessions import HEARTBEAT, State, end, hold
from leads.models import Lead
from permissions.access import Keyring, Level

FREED = "dialer-freed"


@dataclass(frozen=True)
class Today:
    calls: int = 0
    contacts: int = 0
    sales: int = 0


@dataclass(frozen=True)
class Agent:
    """`lead`: what is before her, where the viewer may read it. None in place of a number: there is no such thing."""

    session: AgentSession
    lead: Lead | None
    today: Today
    owned: int | None
    general: int | None
    dialable: int | None
    skill: str
    silent: int  # seconds for which nothing was heard of her browser; 0 while it is there

    @property
    def tone(self) -> str:
        return "bad" if self.silent else TONES[State(self.session.state)]


@dataclass(frozen=True)
class Line:
    """A campaign among others."""

    campaign: Campaign
    agents: int
    owned: int
    general: int
    today: Today


def agents_live(campaigns: Sequence[Campaign], keyring: Keyring) -> list[Agent]:
    """Who is logged in to these campaigns, of one company; longest in her state first."""
    known = {campaign.pk: campaign for campaign in campaigns}
    live = AgentSession.objects.live().filter(campaign__in=list(known)).select_related("user")
    sessions = list(live.order_by("state_at", "pk"))
    if not sessions:
        return []
    read, now = _readable((one.lead_id for one in sessions if one.lead_id), keyring), timezone.now()
    today, owned, skills = _today(campaigns), _owned(known), _skills(sessions)
    general = {pk: _general(campaign, sessions, owned[pk, None], now) for pk, campaign in known.items()}
    found = []
    for one in sessions:
        one.campaign, key = known[one.campaign_id], (one.campaign_id, one.user_id)
        enforced, shared = one.campaign.enforce_lead_ownership, general[one.campaign_id].get(one.user_id, 0)
        found.append(
            Agent(
                session=one,
                lead=read.get(one.lead_id or 0),
                today=today.get(key, Today()),
                owned=owned[key] if enforced else None,
                general=shared if enforced else None,
                dialable=None if enforced else shared,
                skill=skills.get(one.user_id, "") if one.campaign.agent_skills else "",
                silent=_silent(one, now),
            )
        )
    return found


def _silent(session: AgentSession, now: datetime) -> int:
    away = now - session.heartbeat_at
    return int(away.total_seconds()) if away > 2 * HEARTBEAT else 0


def _readable(ids: Iterable[int], keyring: Keyring) -> dict[int, Lead]:
    leads = Lead.objects.visible_to(keyring, Level.VIEW).filter(pk__in=list(ids))
    return {lead.pk: lead for lead in leads.order_by("pk")}


def _today(campaigns: Sequence[Campaign]) -> dict[tuple[int, int], Today]:
    """What came of the calls since midnight, where the company is; by campaign and person."""
    calls = CallAttempt.objects.filter(
        company=campaigns[0].company_id, at__gte=midnight(campaigns[0].company), kind=CallAttempt.Kind.CALL
    )
    made = calls.filter(campaign__in=[one.pk for one in campaigns], refused_by="").order_by()
    rows = made.values_list("campaign", "user").annotate(
        calls=Count("pk"),
        contacts=Count("pk", filter=Q(disposition__contact_made=True)),
        sales=Count("pk", filter=Q(disposition__sale=True)),
    )
    return {(campaign, user): Today(*counts) for campaign, user, *counts in rows}


def midnight(company: Company) -> datetime:
    return datetime.combine(today_of(company, timezone.now()), time(), ZoneInfo(company.time_zone))


def _owned(campaigns: Iterable[int]) -> Counter[tuple[int, int | None]]:
    """Live entries by campaign and agent; those of nobody are general."""
    rows = HopperEntry.objects.filter(campaign__in=list(campaigns)).order_by().values_list("campaign", "agent")
    return Counter({(campaign, agent): count for campaign, agent, count in rows.annotate(count=Count("pk"))})


def _skills(sessions: Sequence[AgentSession]) -> dict[int, str]:
    rows = AgentSkill.objects.filter(user__in=[one.user_id for one in sessions]).order_by("pk")
    return dict(rows.values_list("user", "lead_filter__name"))


def _general(campaign: Campaign, sessions: Sequence[AgentSession], all_of_them: int, now: datetime) -> dict[int, int]:
    """By agent, how many of the entries that are nobody's she may be given."""
    here = [one.user_id for one in sessions if one.campaign_id == campaign.pk]
    if not here or (campaign.enforce_lead_ownership and not campaign.agent_skills):
        return dict.fromkeys(here, all_of_them)
    if campaign.enforce_lead_ownership:
        reach = Reach.of(campaign, here, now)
        fits = fits_of(reach)
        return {
            user: sum(count for skills, count in fits.items() if skill in skills)
            for user, skill in reach.skill_of.items()
        }
    entries = HopperEntry.objects.filter(campaign=campaign)
    hers = workable_by_each(campaign.company, here, "lead__")
    counts = entries.aggregate(
        **{f"of_{pk}": Count("pk", filter=GENERAL_ONE | is_hers) for pk, is_hers in hers.items()}
    )
    return {pk: counts[f"of_{pk}"] for pk in hers}


def lines_of(campaigns: Sequence[Campaign]) -> list[Line]:
    """Each campaign with what goes on in it, in a few queries for all."""
    if not campaigns:
        return []
    ids = [one.pk for one in campaigns]
    live = AgentSession.objects.live().filter(campaign__in=ids).order_by().values_list("campaign")
    agents = dict(live.annotate(count=Count("pk")))
    owned, general, today = Counter[int](), Counter[int](), defaultdict[int, list[Today]](list)
    for (campaign, agent), count in _owned(ids).items():
        (general if agent is None else owned)[campaign] += count
    for (campaign, _), one in _today(campaigns).items():
        today[campaign].append(one)
    return [Line(one, agents.get(one.pk, 0), owned[one.pk], general[one.pk], added(today[one.pk])) for one in campaigns]


def added(parts: Iterable[Today]) -> Today:
    found = list(parts)
    return Today(sum(o.calls for o in found), sum(o.contacts for o in found), sum(o.sales for o in found))


def require_runs(actor: User, campaign: Campaign) -> None:
    """Raise PermissionDenied where she may watch the campaign, but does not run it."""
    if not Campaign.objects.managed_by(actor).filter(pk=campaign.pk).exists():
        raise PermissionDenied("Only who runs the campaign logs others out of it.")


@transaction.atomic
def free(*, actor: User, session: AgentSession) -> None:
    """Log somebody out whose session is stuck, and tell her: what she only looked at waits for its turn again.

    Nothing happens where she has gone by herself. Raises PermissionDenied.
    """
    require_runs(actor, session.campaign)
    if hold(session) is None:
        return
    end(session)
    told = f"{actor.name} logged you out of {session.campaign}"
    if session.user_id != actor.pk:
        notify(actor.company_id, [Message(session.user_id, FREED, told, url="/dialer/desk/")], by_mail=False)
