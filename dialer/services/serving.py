"""The next lead (D7), skipping it (D8), and what a reservation lets her do."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from crm.core.prepared import prepared_cursor
from dialer.filtering import CUSTOM, Fields, fields_with
from dialer.models import AgentSession, Campaign, HopperEntry, Skip
from dialer.services.filters import read_if_possible
from dialer.services.lists import fields_of
from dialer.services.matching import matching
from dialer.services.reach import GENERAL, GENERAL_ONE
from dialer.services.sessions import NotNowError, State, hold, settle
from leads.models import Lead
from permissions.access import Key, Level, Reason
from permissions.door import seen_by
from permissions.keyring import Gives, load_keyring

# One statement: each part is asked only where those before it found nothing. An entry that somebody else is being given is
# passed over, never waited for. General entries are read along the index, hence its column that is null in all of them, and
# the lead of each is looked up in turn until one fits. Before a load has brought her own nobody gets general ones.
NEXT = """
WITH me AS MATERIALIZED (
    SELECT id, loaded FROM dialer_agentsession WHERE id = %(session)s AND ended_at IS NULL AND state = 'ready'
    FOR NO KEY UPDATE
), owned AS MATERIALIZED (
    SELECT id FROM dialer_hopperentry AS entry
    WHERE campaign_id = %(campaign)s AND agent_id = %(user)s AND reserved_by_id IS NULL AND EXISTS (SELECT FROM me)
        AND NOT EXISTS (SELECT FROM dialer_skip AS skip WHERE session_id = %(session)s AND skip.lead_id = entry.lead_id)
    ORDER BY priority DESC, at, place, id LIMIT 1 FOR UPDATE SKIP LOCKED
), general AS MATERIALIZED (
    SELECT id FROM dialer_hopperentry AS entry
    WHERE campaign_id = %(campaign)s AND agent_id IS NULL AND reserved_by_id IS NULL AND ready
        AND EXISTS (SELECT FROM me WHERE loaded) AND NOT EXISTS (SELECT FROM owned)
        AND NOT EXISTS (SELECT FROM dialer_skip AS skip WHERE session_id = %(session)s AND skip.lead_id = entry.lead_id)
        AND {hers}
    ORDER BY agent_id, priority DESC, at, place, id LIMIT 1 FOR UPDATE SKIP LOCKED
), skipped AS MATERIALIZED (
    SELECT entry.id FROM dialer_skip AS skip JOIN dialer_hopperentry AS entry USING (lead_id)
    WHERE session_id = %(session)s AND %(again)s AND campaign_id = %(campaign)s AND reserved_by_id IS NULL
        AND EXISTS (SELECT FROM me) AND NOT EXISTS (SELECT FROM owned) AND NOT EXISTS (SELECT FROM general)
        AND (agent_id = %(user)s OR (agent_id IS NULL AND ready AND {hers}))
    ORDER BY skip.at {turn}, skip.id {turn} LIMIT 1 FOR UPDATE OF entry SKIP LOCKED
), taken AS (
    UPDATE dialer_hopperentry AS entry SET reserved_by_id = %(session)s
    FROM (SELECT id FROM owned UNION ALL SELECT id FROM general UNION ALL SELECT id FROM skipped) AS chosen
    WHERE entry.id = chosen.id RETURNING lead_id
)
UPDATE dialer_agentsession AS session
SET lead_id = taken.lead_id, state = 'preview', state_at = now(), pause_reason = '' FROM taken
WHERE session.id = %(session)s RETURNING session.lead_id
"""
Named = tuple[str, dict[str, Any]]  # SQL, and its parameters by name
RESERVED: Gives = {"reserved": Key(Level.WORK, Reason.OFFERED)}
PLACE = re.compile(r"(?<!%)%s")


def next_lead(session: AgentSession) -> int | None:
    """Reserve for her the lead whose turn it is: its id; that of the one she has, if any; None where there is none.

    The session is one read `whole`, now.
    """
    campaign = session.campaign
    hers, params = _hers(session)
    turn = "DESC" if campaign.secondary_priority == Campaign.Priority.LIFO else "ASC"
    again = campaign.reinsert_skipped
    given = {"session": session.pk, "campaign": campaign.pk, "user": session.user_id, "again": again}
    with prepared_cursor() as cursor:
        cursor.execute(NEXT.format(hers=hers, turn=turn), given | params)
        row = cursor.fetchone()
    if row:
        return int(row[0])
    return AgentSession.objects.live().filter(pk=session.pk).values_list("lead", flat=True).first()


def _hers(session: AgentSession) -> Named:
    """The condition on an entry without an agent that its lead is for her: general and of her skill (D3), or hers to work
    (D2).
    """
    campaign = session.campaign
    if not campaign.enforce_lead_ownership:
        return _named(GENERAL | seen_by(load_keyring(session.user), Level.WORK))
    if not campaign.agent_skills:
        return _named(GENERAL)
    sets = json.dumps(session.own_skill or (campaign.default_skill.sets if campaign.default_skill else []))
    return _skilled(sets, fields_of(campaign.company_id)) if CUSTOM in sets else _skilled_alike(sets)


@lru_cache(maxsize=500)
def _skilled_alike(sets: str) -> Named:
    """Filters without a company's own fields that say the same are one condition, worked out once."""
    return _skilled(sets, fields_with(()))


def _skilled(sets: str, fields: Fields) -> Named:
    return _named(GENERAL & matching(read_if_possible(json.loads(sets), fields), fields))


def _named(condition: Q) -> Named:
    """The condition on `entry` as text and its parameters by name."""
    leads = Lead.objects.filter(condition, pk=RawSQL("entry.lead_id", ()))
    try:
        sql, params = leads.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "false", {}
    names = iter(range(len(params)))
    named = PLACE.sub(lambda _: f"%(hers_{next(names)})s", sql)
    return f"({named}) IS NOT NULL", {f"hers_{n}": value for n, value in enumerate(params)}


@transaction.atomic
def skip(session: AgentSession, *, about: int | None = None) -> None:
    """Pass over the lead before her. Raises NotNowError where there is none, it is not the one she saw (`about`), or the
    campaign does not let her.
    """
    held = hold(session, State.PREVIEW, about=about)
    if held is None or not held.campaign.may_skip:
        raise NotNowError
    HopperEntry.objects.filter(reserved_by=held).update(reserved_by=None)
    Skip.objects.update_or_create(
        session=held, lead_id=held.lead_id, defaults={"company_id": held.company_id, "at": Now()}
    )
    settle(held, State.READY)


def given_by_reservations(company_id: int, people: Collection[int]) -> list[QuerySet[Any, Any]]:
    """The leads these people have before them in the dialer (V2, rule d). What one holds is hers without that."""
    sessions = AgentSession.objects.live().filter(company=company_id, user__in=people, lead__isnull=False)
    theirs = sessions.filter(GENERAL_ONE | ~Q(lead__holder_id=F("user"))).order_by()
    return [theirs.values_list("user", "lead", Value("reserved"))]
