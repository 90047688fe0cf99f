"""The next lead (D7), skipping it (D8), and what a reservation lets her do."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from crm.notifications.live import bump
from dialer.models import AgentSession, Campaign, HopperEntry, Skip
from dialer.services.reach import GENERAL, fitting, skills_among
from dialer.services.sessions import NotNowError, State, hold, settle
from leads.models import Lead
from permissions.access import Key, Level, Reason
from permissions.door import seen_by
from permissions.keyring import Given, load_keyring

# One statement: each part is asked only where those before it found nothing. An entry that somebody else is being given is
# passed over, never waited for. The subquery on the lead stays one, looked up by its id for each entry in turn.
NEXT = """
WITH me AS MATERIALIZED (
    SELECT id FROM dialer_agentsession WHERE id = %(session)s AND ended_at IS NULL AND state = 'ready'
    FOR NO KEY UPDATE
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
        AND {hers}
    ORDER BY priority DESC, at, place, id LIMIT 1 FOR UPDATE SKIP LOCKED
), skipped AS MATERIALIZED (
    SELECT entry.id FROM dialer_skip AS skip JOIN dialer_hopperentry AS entry USING (lead_id)
    WHERE session_id = %(session)s AND %(again)s AND campaign_id = %(campaign)s AND reserved_by_id IS NULL
        AND EXISTS (SELECT FROM me) AND NOT EXISTS (SELECT FROM owned) AND NOT EXISTS (SELECT FROM general)
        AND (agent_id = %(user)s OR (agent_id IS NULL AND {hers}))
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
GENERAL_ONE = Q(lead__holder_id=None)  # Django takes a generated column for one that is never null
PLACE = re.compile(r"(?<!%)%s")


@transaction.atomic
def next_lead(session: AgentSession) -> int | None:
    """Reserve for her the lead whose turn it is: its id; that of the one she has, if any; None where there is none."""
    hers, params = _hers(session)
    campaign = session.campaign
    turn = "DESC" if campaign.secondary_priority == Campaign.Priority.LIFO else "ASC"
    given = {
        "session": session.pk,
        "campaign": campaign.pk,
        "user": session.user_id,
        "again": campaign.reinsert_skipped,
    }
    with connection.cursor() as cursor:
        cursor.execute(NEXT.format(hers=hers, turn=turn), given | params)
        row = cursor.fetchone()
    if row:
        bump([session.user_id], "dialer")
        return int(row[0])
    return AgentSession.objects.live().filter(pk=session.pk).values_list("lead", flat=True).first()


def _hers(session: AgentSession) -> tuple[str, dict[str, Any]]:
    """The condition on an entry without an agent that its lead is for her, with named parameters."""
    leads = Lead.objects.filter(for_her(session), pk=RawSQL("entry.lead_id", ()))
    try:
        sql, params = leads.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "false", {}
    names = iter(range(len(params)))
    named = PLACE.sub(lambda _: f"%(hers_{next(names)})s", sql)
    return f"({named}) IS NOT NULL", {f"hers_{n}": value for n, value in enumerate(params)}


def for_her(session: AgentSession) -> Q:
    """The condition over leads of entries without an agent: general ones of her skill (D3), or what she may work (D2)."""
    campaign = session.campaign
    if not campaign.enforce_lead_ownership:
        return GENERAL | seen_by(load_keyring(session.user), Level.WORK)
    skill = skills_among(campaign, [session.user_id])[session.user_id]
    return Q(pk__in=[]) if skill is None else GENERAL & fitting(campaign, [skill])[skill]


@transaction.atomic
def skip(session: AgentSession) -> None:
    """Pass over the lead before her. Raises NotNowError where there is none, or the campaign does not let her."""
    held = hold(session, State.PREVIEW)
    if held is None or not held.campaign.may_skip:
        raise NotNowError
    HopperEntry.objects.filter(reserved_by=held).update(reserved_by=None)
    Skip.objects.update_or_create(
        session=held, lead_id=held.lead_id, defaults={"company_id": held.company_id, "at": Now()}
    )
    settle(held, State.READY)


def given_by_reservations(company_id: int, people: Collection[int]) -> Mapping[int, Given]:
    """The leads these people have before them in the dialer (V2, rule d). What one holds is hers without that."""
    sessions = AgentSession.objects.live().filter(company=company_id, user__in=people, lead__isnull=False)
    theirs = sessions.filter(GENERAL_ONE | ~Q(lead__holder_id=F("user"))).order_by()
    given: defaultdict[int, Given] = defaultdict(Given)
    for user, lead in theirs.values_list("user", "lead"):
        given[user].leads[lead] = Key(Level.WORK, Reason.OFFERED)
    return given
