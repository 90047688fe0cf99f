"""A hopper filled for five hundred agents, and fifty who ask for their next lead at once, beside the same by hand."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from statistics import quantiles
from typing import Any

from django.db import connection, transaction

from crm.bench import words
from crm.bench.database import clone, connected_to, tidy_up
from crm.bench.figures import Rate, Wait
from crm.core.prepared import prepared_cursor
from crm.organization.models import Company, Unit, User
from dialer.hours import EVERYWHERE
from dialer.models import AgentSession, AgentSkill, CallingHours, Campaign, HopperEntry, LeadFilter, ZoneSet
from dialer.services.loading import load
from dialer.services.serving import next_lead

AGENTS, SKILLS, LEVEL = 500, 25, 100
ASKERS = 50
SHARE = AGENTS // ASKERS
# how fast they are given one after the other, and how long each waits where all want one at the same moment
RUNS, BURSTS = [range(SHARE)] * 4, [range(n, n + 1) for n in range(SHARE)] * 3
ROLE = "dialer"
# what filling has to do: choose callable leads that no hopper has, hold them, and write them in their turn
CALLABLE = """
company_id = %(company)s AND removed_at IS NULL AND NOT do_not_call AND owner_unit_id IS NOT NULL
    AND stage_id = ANY(%(stages)s)
    AND EXISTS (SELECT FROM dialer_dialing AS dialing WHERE dialing.lead_id = lead.id
        AND by_number = ANY(%(open)s::smallint[]) AND by_place = ANY(%(open)s::smallint[])
        AND NOT EXISTS (SELECT FROM dialer_donotcall AS listed WHERE listed.company_id = %(company)s
            AND listed.number = dialing.number AND removed_at IS NULL))
    AND coalesce((SELECT given FROM leads_consent AS said WHERE said.lead_id = lead.id AND kind = 'call'
        ORDER BY id DESC LIMIT 1), true)
    AND NOT EXISTS (SELECT FROM dialer_campaignlead AS known WHERE known.lead_id = lead.id AND campaign_id = %(campaign)s
        AND (closed OR next_at > now()))
    AND id NOT IN (SELECT lead_id FROM dialer_hopperentry WHERE company_id = %(company)s)
"""
OWNED = f"""
INSERT INTO dialer_hopperentry (company_id, campaign_id, at, lead_id, agent_id, source, place)
SELECT %(company)s, %(campaign)s, now(), chosen.id, agent, 'load', place FROM unnest(%(agents)s::bigint[]) AS agent
CROSS JOIN LATERAL (SELECT id, row_number() OVER () AS place FROM (
    SELECT id FROM leads_lead AS lead
    WHERE holder_id = agent AND locks && ARRAY[agent * 16 + 1, agent * 16 + 7]::integer[] AND {CALLABLE}
    ORDER BY created_at + interval '0' DESC, id DESC LIMIT %(level)s FOR NO KEY UPDATE SKIP LOCKED
) AS lead) AS chosen
"""
GENERAL = f"""
INSERT INTO dialer_hopperentry (company_id, campaign_id, at, lead_id, source, place)
SELECT %(company)s, %(campaign)s, now(), id, 'load', row_number() OVER () FROM (
    SELECT id FROM leads_lead AS lead WHERE holder_id IS NULL AND upper(state) = ANY(%(states)s) AND {CALLABLE}
    ORDER BY created_at DESC, id DESC LIMIT %(number)s FOR NO KEY UPDATE SKIP LOCKED
) AS chosen
"""
CLAIM = """
WITH me AS MATERIALIZED (
    SELECT id FROM dialer_agentsession WHERE id = %(session)s AND ended_at IS NULL AND state = 'ready' FOR NO KEY UPDATE
), owned AS MATERIALIZED (
    SELECT id FROM dialer_hopperentry AS entry
    WHERE campaign_id = %(campaign)s AND agent_id = %(user)s AND reserved_by_id IS NULL AND EXISTS (SELECT FROM me)
        AND NOT EXISTS (SELECT FROM dialer_skip AS skip WHERE session_id = %(session)s AND skip.lead_id = entry.lead_id)
    ORDER BY priority DESC, at, place, id LIMIT 1 FOR UPDATE SKIP LOCKED
), general AS MATERIALIZED (
    SELECT id FROM dialer_hopperentry AS entry
    WHERE campaign_id = %(campaign)s AND agent_id IS NULL AND reserved_by_id IS NULL
        AND EXISTS (SELECT FROM me) AND NOT EXISTS (SELECT FROM owned)
        AND NOT EXISTS (SELECT FROM dialer_skip AS skip WHERE session_id = %(session)s AND skip.lead_id = entry.lead_id)
        AND (SELECT upper(state) = ANY(%(states)s) FROM leads_lead WHERE id = entry.lead_id)
    ORDER BY agent_id, priority DESC, at, place, id LIMIT 1 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE dialer_hopperentry AS entry SET reserved_by_id = %(session)s
    FROM (SELECT id FROM owned UNION ALL SELECT id FROM general) AS chosen
    WHERE entry.id = chosen.id RETURNING lead_id
)
UPDATE dialer_agentsession AS session SET lead_id = taken.lead_id, state = 'preview', state_at = now() FROM taken
WHERE session.id = %(session)s RETURNING session.lead_id
"""
Share = tuple[AgentSession, tuple[str, ...]]
Claim = Callable[[AgentSession, tuple[str, ...]], int | None]


def figures(database: str) -> Iterator[Rate | Wait]:
    with clone(database) as copied:
        with connected_to(copied, as_owner=True):
            campaign = build()
            tidy_up()
        raw = rate_of(copied, campaign, lambda: fill_by_hand(campaign))
        ours = rate_of(copied, campaign, lambda: load(campaign.pk))
        ratio = round(ours / raw, 2)
        yield Rate("hopper filled", ROLE, round(ours), round(raw), ratio, 0, "at least 0.7 by hand", ratio >= 0.7)
        by_hand, shortest = asked_at_once(copied, campaign, claim_by_hand)
        claims, waits = asked_at_once(copied, campaign, lambda session, _: next_lead(session))
    ratio = round(claims / by_hand, 2)
    yield Rate("next lead", ROLE, round(claims), round(by_hand), ratio, 0, "at least 0.5 by hand", ratio >= 0.5)
    slowest, slowest_by_hand = (round(quantiles(each, n=100)[-1], 3) for each in (waits, shortest))
    target = f"at most 0.05 s in 99 of 100; by hand {slowest_by_hand}"
    yield Wait(f"next lead, {ASKERS} at once", ROLE, slowest, target, slowest <= 0.05)


@transaction.atomic
def build() -> Campaign:
    """Agents of the company at work in one campaign, twenty to each of overlapping skills."""
    [company] = Company.objects.order_by("pk")
    top = Unit.objects.get(company=company, kind=Unit.Kind.COMPANY)
    campaign = Campaign.objects.create(
        company=company, unit=top, name="Bench", agent_skills=True, hopper_level=LEVEL, order=Campaign.Order.NEWEST
    )
    hours = {EVERYWHERE: [[list(range(7)), "00:00", "24:00"]]}
    CallingHours.objects.create(company=company, version=1, as_of=date(2026, 1, 1), states=hours)
    filters = LeadFilter.objects.bulk_create(
        LeadFilter(company=company, unit=top, name=f"Skill {n}", sets=[[[_item(states_of(n))]]]) for n in range(SKILLS)
    )
    agents = User.objects.filter(company=company, is_active=True, holding__profile__code="agent").order_by("pk")
    people = list(agents.values_list("pk", flat=True)[:AGENTS])
    AgentSkill.objects.bulk_create(
        AgentSkill(company=company, user_id=pk, lead_filter=filters[n % SKILLS]) for n, pk in enumerate(people)
    )
    AgentSession.objects.bulk_create(AgentSession(company=company, user_id=pk, campaign=campaign) for pk in people)
    return campaign


def states_of(skill: int) -> tuple[str, ...]:
    """Each skill shares a state with the next."""
    return tuple(words.STATES[(2 * skill + step) % len(words.STATES)] for step in range(3))


def _item(states: tuple[str, ...]) -> dict[str, str]:
    return {"field": "state", "operator": "is", "value": ", ".join(states)}


def rate_of(database: str, campaign: Campaign, fill: Callable[[], object]) -> float:
    """Entries a second, into an empty hopper."""
    with connected_to(database, as_owner=True), connection.cursor() as cursor:
        cursor.execute("UPDATE dialer_agentsession SET lead_id = NULL, state = 'ready'")
        cursor.execute("TRUNCATE dialer_hopperentry")
    with connected_to(database):
        started = time.perf_counter()
        fill()
        taken = time.perf_counter() - started
        return HopperEntry.objects.filter(campaign=campaign).count() / taken


@transaction.atomic
def fill_by_hand(campaign: Campaign) -> None:
    """The rarer states come last in the list of states, and so the narrower skills."""
    agents = list(AgentSession.objects.filter(campaign=campaign).order_by("user").values_list("user", flat=True))
    stages = list(campaign.company.stages.filter(kind="open").order_by("pk").values_list("pk", flat=True))
    anywhere = list(ZoneSet.objects.order_by("pk").values_list("pk", flat=True))  # anybody may be called at any hour
    params: dict[str, Any] = {"company": campaign.company_id, "campaign": campaign.pk, "stages": stages}
    params |= {"level": LEVEL, "open": anywhere}
    with connection.cursor() as cursor:
        cursor.execute(OWNED, params | {"agents": agents})
        for skill in reversed(range(SKILLS)):
            number = LEVEL * AGENTS // SKILLS
            cursor.execute(GENERAL, params | {"states": list(states_of(skill)), "number": number})


def asked_at_once(database: str, campaign: Campaign, claim: Claim) -> tuple[float, list[float]]:
    """Claims a second of so many processes, and how long each took in a burst. All hoppers begin as full."""
    rate_of(database, campaign, lambda: load(campaign.pk))
    with connected_to(database, as_owner=True):
        tidy_up()
    with connected_to(database):
        sessions = list(AgentSession.objects.whole().order_by("pk"))
        dropped = list(sessions)[::2]  # half of them have called their own, and go on with general leads
        HopperEntry.objects.filter(agent__in=[session.user_id for session in dropped]).delete()
        skill_of = {pk: n % SKILLS for n, pk in enumerate(sorted(session.user_id for session in sessions))}
        connection.close()
        start = multiprocessing.Barrier(ASKERS + 1)
        results: SimpleQueue[list[float]] = multiprocessing.SimpleQueue()
        shares = [[(one, states_of(skill_of[one.user_id])) for one in sessions[n::ASKERS]] for n in range(ASKERS)]
        askers = [multiprocessing.Process(target=ask, args=(share, claim, start, results)) for share in shares]
        for asker in askers:
            asker.start()
        spent = sum([_round(start) for _ in (*RUNS, *BURSTS)][: len(RUNS)])
        waits = [wait for _ in askers for wait in results.get()]
        for asker in askers:
            asker.join()
    return len(RUNS) * AGENTS / spent, waits


def _round(start: Barrier) -> float:
    """Let all ask, for each of their agents or one; then those agents are ready again, and have called what they had."""
    start.wait()
    started = time.perf_counter()
    start.wait()
    taken = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dialer_hopperentry WHERE reserved_by_id IS NOT NULL")
        cursor.execute("UPDATE dialer_agentsession SET lead_id = NULL, state = 'ready'")
    return taken


def ask(share: Sequence[Share], claim: Claim, start: Barrier, results: SimpleQueue[list[float]]) -> None:
    connection.ensure_connection()
    waits: list[float] = []
    for turns in (*RUNS, *BURSTS):
        start.wait()
        started = time.perf_counter()
        assert all(claim(*share[turn]) is not None for turn in turns)
        waits.append(time.perf_counter() - started)
        start.wait()
    results.put(waits[len(RUNS) :])


def claim_by_hand(session: AgentSession, states: tuple[str, ...]) -> int | None:
    params: dict[str, Any] = {"session": session.pk, "campaign": session.campaign_id, "user": session.user_id}
    params["states"] = list(states)
    with prepared_cursor() as cursor:
        cursor.execute(CLAIM, params)
        row = cursor.fetchone()
        return int(row[0]) if row else None
