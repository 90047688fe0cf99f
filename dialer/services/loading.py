"""Loading a campaign's hopper (D4): a few statements over all its agents, one run at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.db.models.expressions import OrderBy, RawSQL

from crm.core.moments import database_now
from crm.notifications.live import bump
from dialer.hopper import Crew, Fits
from dialer.models import AgentSession, Campaign, HopperEntry
from dialer.services.campaigns import leads_of
from dialer.services.flushing import flush
from dialer.services.reach import GENERAL, Reach, agents_in
from leads.models import Lead

LOAD_LOCK = 7034004
SAMPLE = 20_000  # of so many general leads those that fit a skill are counted, to tell which skill is narrower
NEWEST = (F("created_at").desc(), F("pk").desc())
ORDERS: Mapping[str, tuple[OrderBy, ...]] = {
    Campaign.Order.NEWEST: NEWEST,
    Campaign.Order.OLDEST: (F("created_at").asc(), F("pk").asc()),
    Campaign.Order.ATTEMPTS: (F("attempts").asc(), *NEWEST),
    Campaign.Order.NOT_CALLED: (F("last_called_at").asc(nulls_first=True), *NEWEST),
    Campaign.Order.SCORE: (F("score").desc(), *NEWEST),
}
# the leads are locked as they are chosen, so that none changes hands between that and the entry, and no other load chooses
# it; what somebody else has locked is left for the next run
CHOSEN = """
SELECT id, row_number() OVER () AS place
FROM ({leads} LIMIT {limit} FOR NO KEY UPDATE OF leads_lead SKIP LOCKED) AS chosen
"""
# hers are sorted before they are judged, so that of thousands only the first few are; OFFSET keeps it so
HERS_CHOSEN = """
SELECT judged.id, row_number() OVER () AS place
FROM ({hers} OFFSET 0) AS hers CROSS JOIN LATERAL ({leads} FOR NO KEY UPDATE OF leads_lead SKIP LOCKED) AS judged
LIMIT wanted.number
"""
OWNED = """
WITH added AS (
    INSERT INTO dialer_hopperentry (company_id, campaign_id, at, lead_id, agent_id, source, place)
    SELECT %s, %s, %s, lead.id, wanted.agent, 'load', lead.place
    FROM unnest(%s::bigint[], %s::integer[]) AS wanted (agent, number) CROSS JOIN LATERAL ({chosen}) AS lead
    ON CONFLICT (lead_id) DO NOTHING RETURNING agent_id
) SELECT agent_id, count(*) FROM added GROUP BY agent_id
"""
SHARED = """
INSERT INTO dialer_hopperentry (company_id, campaign_id, at, lead_id, source, place)
SELECT %s, %s, %s, lead.id, 'load', lead.place FROM ({chosen}) AS lead ON CONFLICT (lead_id) DO NOTHING
"""
AGENT = RawSQL("wanted.agent", ())


@dataclass
class Loaded:
    """What a run did: entries removed by why, owned ones added by agent, general ones by skill."""

    agents: list[int]
    removed: Counter[str] = field(default_factory=Counter)
    owned: Counter[int] = field(default_factory=Counter)
    general: Counter[int] = field(default_factory=Counter)

    @property
    def added(self) -> int:
        return self.owned.total() + self.general.total()


def load(campaign_id: int, *, wait: bool = False) -> Loaded | None:
    """Bring the hopper up to what its agents want. None: another run is at it (with `wait`, that one is waited for)."""
    done = _load(campaign_id, wait=wait)
    if done is not None:  # in a transaction of its own: sessions are locked before entries
        AgentSession.objects.live().filter(campaign=campaign_id, user__in=done.agents, loaded=False).update(loaded=True)
        bump(done.agents, "dialer")
    return done


@transaction.atomic
def _load(campaign_id: int, *, wait: bool) -> Loaded | None:
    campaign = Campaign.objects.whole().filter(pk=campaign_id).first()
    if campaign is None or not _is_only_run(campaign_id, wait=wait):
        return None
    agents = agents_in(campaign)
    reach = Reach.of(campaign, agents, database_now())
    done = Loaded(agents, removed=flush(reach))
    if agents and campaign.enforce_lead_ownership:
        _load_by_agent(reach, done)
    elif agents:
        _load_in_all(reach, done)
    return done


def _is_only_run(campaign_id: int, *, wait: bool) -> bool:
    lock = "pg_advisory_xact_lock(%s, %s), true" if wait else "NULL, pg_try_advisory_xact_lock(%s, %s)"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")  # for the leads of all hoppers, as `free` has them
        cursor.execute(f"SELECT {lock}", [LOAD_LOCK, campaign_id])
        return bool(cursor.fetchone()[1])


def _load_by_agent(reach: Reach, done: Loaded) -> None:
    """Her own for each agent, then general ones for each skill, the narrowest first."""
    crew = Crew(reach.campaign.hopper_level, reach.skill_of)
    live = fits_of(reach)
    owned = _owned_by_agent(reach)
    done.owned = _add_owned(reach, crew.owned_wanted(owned, live))
    wanted = crew.general_wanted({**owned, **{pk: owned.get(pk, 0) + n for pk, n in done.owned.items()}}, live)
    for skill in narrowest_first(reach, list(wanted)):
        done.general[skill] = _add_shared(reach, free(reach).filter(GENERAL & reach.skills[skill]), wanted[skill])


def _load_in_all(reach: Reach, done: Loaded) -> None:
    """Without ownership the level is what the campaign has in all (D2)."""
    live = HopperEntry.objects.filter(campaign=reach.campaign).count()
    done.general[0] = _add_shared(reach, free(reach), max(0, reach.campaign.hopper_level - live))


def _owned_by_agent(reach: Reach) -> dict[int, int]:
    entries = HopperEntry.objects.filter(campaign=reach.campaign, agent__isnull=False).order_by()
    return dict(entries.values_list("agent").annotate(number=Count("pk")))


def fits_of(reach: Reach) -> Fits:
    """The live general entries, counted by the skills that fit them."""
    general = HopperEntry.objects.filter(campaign=reach.campaign, agent=None)
    columns = {
        f"fits_{pk}": Case(When(fit, then=Value(True)), default=Value(False)) for pk, fit in reach.skills.items()
    }
    leads = Lead.objects.filter(pk__in=general.values("lead")).annotate(**columns).order_by()
    rows = leads.values_list(*columns).annotate(number=Count("pk"))
    return {frozenset(pk for pk, has in zip(reach.skills, row, strict=False) if has): row[-1] for row in rows}


def narrowest_first(reach: Reach, skills: list[int]) -> list[int]:
    """The skills by how many of the campaign's newest general leads fit each."""
    if len(skills) < 2:
        return skills
    its = Q(company=reach.campaign.company_id) & GENERAL & leads_of(reach.campaign, reach.now)
    newest = Lead.objects.filter(its).order_by(*NEWEST)[:SAMPLE]
    counts = newest.aggregate(**{f"fits_{pk}": Count("pk", filter=reach.skills[pk]) for pk in skills})
    return sorted(skills, key=lambda pk: (counts[f"fits_{pk}"], pk))


def free(reach: Reach) -> QuerySet[Lead]:
    """What could be loaded and is in no hopper and before nobody, in the campaign's order.

    The leads of hoppers are read once, not looked up for each lead: the planner may know a hopper as empty while a
    statement fills it, and would read all of it again and again.
    """
    waiting = HopperEntry.objects.filter(company=reach.campaign.company_id)
    before = AgentSession.objects.filter(company=reach.campaign.company_id, lead__isnull=False)
    leads = reach.candidates.exclude(pk__in=waiting.values("lead")).exclude(pk__in=before.values("lead"))
    return leads.order_by(*ORDERS[reach.campaign.order])


def _add_owned(reach: Reach, wanted: Mapping[int, int]) -> Counter[int]:
    open_leads = Lead.objects.filter(reach.in_open_stage, removed_at=None, do_not_call=False, holder_id=AGENT)
    judged = free(reach).filter(pk=RawSQL("hers.id", ()), holder_id=AGENT).order_by()  # hers still as it is locked
    try:
        hers, of_hers = open_leads.order_by(*ORDERS[reach.campaign.order]).values("id").query.sql_with_params()
        leads, of_leads = judged.values("id").query.sql_with_params()
    except EmptyResultSet:
        return Counter()
    given: list[Any] = [reach.campaign.company_id, reach.campaign.pk, reach.now, list(wanted), list(wanted.values())]
    with connection.cursor() as cursor:
        cursor.execute(OWNED.format(chosen=HERS_CHOSEN.format(hers=hers, leads=leads)), [*given, *of_hers, *of_leads])
        return Counter(dict(cursor.fetchall()))


def _add_shared(reach: Reach, leads: QuerySet[Lead], number: int) -> int:
    try:
        chosen, params = _chosen(leads, "%s")
    except EmptyResultSet:
        return 0
    with connection.cursor() as cursor:
        given = [reach.campaign.company_id, reach.campaign.pk, reach.now, *params, number]
        cursor.execute(SHARED.format(chosen=chosen), given)
        return int(cursor.rowcount)


def _chosen(leads: QuerySet[Lead], limit: str) -> tuple[str, list[Any]]:
    sql, params = leads.values("id").query.sql_with_params()
    return CHOSEN.format(leads=sql, limit=limit), list(params)
