"""Ten thousand offers that are due at once: handed on by the clock's task, beside the same moves by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now
from django.urls import reverse

from crm.bench.database import clone, connected_to, tidy_up
from crm.bench.figures import Figure, Wait
from crm.bench.rosters import PEOPLE, free_leads, make_rosters
from crm.organization.models import Company
from routing.models import Offer
from routing.tasks import BATCH, expire_all, expire_offers

OFFERS = 10_000
ROLE = "clock"
ROTATIONS = """
INSERT INTO routing_rotation (company_id, lead_id, unit_id, pass_number, outcome)
SELECT %(company)s, lead_id, (%(units)s::bigint[])[1 + number %% cardinality(%(units)s::bigint[])], 1, ''
FROM unnest(%(leads)s::bigint[]) WITH ORDINALITY AS lead (lead_id, number)
"""
MADE = """
INSERT INTO routing_offer (company_id, rotation_id, lead_id, unit_id, user_id, pass_number, state, offered_at, deadline,
    claimed_by)
SELECT %(company)s, rotation.id, rotation.lead_id, place.unit_id, place.user_id, 1, 'open', now() - interval '1 hour',
    now() + number * interval '1 microsecond', ''
FROM unnest(%(leads)s::bigint[]) WITH ORDINALITY AS lead (lead_id, number)
JOIN routing_rotation AS rotation USING (lead_id)
JOIN routing_rostermember AS place ON place.unit_id = rotation.unit_id
    AND place.position = 1 + number / cardinality(%(units)s::bigint[]) %% %(people)s
"""
HELD = """
UPDATE leads_assignment AS slot SET user_id = offer.user_id FROM routing_offer AS offer
WHERE offer.lead_id = slot.lead_id AND role = 'agent' AND slot.lead_id = ANY(%(leads)s)
"""
TAKE = """
CREATE TEMPORARY TABLE due ON COMMIT DROP AS
WITH due AS (
    SELECT offer.id, offer.company_id, offer.lead_id, offer.rotation_id, offer.unit_id, offer.user_id
    FROM routing_offer AS offer JOIN leads_lead AS lead ON lead.id = offer.lead_id
    WHERE offer.state = 'open' AND offer.deadline <= now() ORDER BY deadline, offer.id LIMIT %(batch)s
    FOR NO KEY UPDATE OF lead, offer SKIP LOCKED
)
SELECT due.*, next.user_id AS to_id
FROM due JOIN routing_rostermember AS hers USING (unit_id, user_id)
JOIN routing_rostermember AS next ON next.unit_id = due.unit_id AND next.position = hers.position %% %(people)s + 1
"""
BY_HAND = (
    """
    WITH closed AS (
        UPDATE routing_offer AS offer SET state = 'expired', closed_at = now() FROM due WHERE offer.id = due.id
        RETURNING offer.id, offer.company_id, offer.lead_id, offer.user_id
    )
    INSERT INTO permissions_ledgerentry (company_id, kind, lead_id, from_user_id, why, detail)
    SELECT company_id, 'expired', lead_id, user_id, 'by hand', jsonb_build_object('offer', id) FROM closed
    """,
    """
    WITH filled AS (
        UPDATE leads_assignment AS slot SET user_id = to_id, since = now() FROM due
        WHERE slot.lead_id = due.lead_id AND role = 'agent' RETURNING due.*
    )
    INSERT INTO permissions_ledgerentry (company_id, kind, lead_id, role, from_user_id, to_user_id, why)
    SELECT company_id, 'assigned', lead_id, 'agent', user_id, to_id, 'by hand' FROM filled
    """,
    """
    WITH made AS (
        INSERT INTO routing_offer (company_id, rotation_id, lead_id, unit_id, user_id, pass_number, state, deadline, runs,
            claimed_by)
        SELECT company_id, rotation_id, lead_id, unit_id, to_id, 1, 'open', now() + interval '1 hour',
            jsonb_build_array(jsonb_build_array(now(), now() + interval '1 hour')), '' FROM due
        RETURNING id, company_id, lead_id, user_id, deadline
    )
    INSERT INTO permissions_ledgerentry (company_id, kind, lead_id, to_user_id, why, detail)
    SELECT company_id, 'offered', lead_id, user_id, 'by hand', jsonb_build_object('offer', id, 'deadline', deadline)
    FROM made
    """,
    """
    INSERT INTO routing_decision (company_id, lead_id, rotation_id, method, cause, pass_number, chosen_id, skipped)
    SELECT company_id, lead_id, rotation_id, 'round_robin', 'expired', 1, to_id,
        jsonb_build_array(jsonb_build_array(user_id, 'had it already this pass')) FROM due
    """,
    """
    WITH told AS (
        INSERT INTO notifications_notification (company_id, user_id, kind, title, body, url)
        SELECT company_id, to_id, 'offer', count(*) || ' new leads', 'Claim within 60 minutes', '/today/'
        FROM due GROUP BY company_id, unit_id, to_id RETURNING id
    )
    INSERT INTO notifications_delivery (notification_id, channel, state, tries, error)
    SELECT id, 'email', 'waiting', 0, '' FROM told
    """,
)


def figures(database: str) -> Iterator[Figure | Wait]:
    """Each on a copy of the benchmark's database, with the same rows to begin with."""
    raw, ours = (measured(database, work) for work in (by_hand, expire_all))
    ratio, behind = round(ours / raw, 2), round(ours + (expire_offers.every or 0), 2)
    target = "at most 2 times by hand"
    yield Figure(f"{OFFERS:,} due offers", ROLE, round(ours * 1000), round(raw * 1000), ratio, target, ratio <= 2)
    yield Wait(f"a due offer behind {OFFERS:,} others", ROLE, behind, "at most 5 s", behind <= 5)


def measured(database: str, work: Callable[[], None]) -> float:
    """Seconds until all are handed on."""
    with clone(database) as copied:
        with connected_to(copied, as_owner=True):
            build()
            tidy_up()
        with connected_to(copied):
            reverse("today")  # reads all addresses, as a worker has done before
            started = time.monotonic()
            work()
            taken = time.monotonic() - started
            ended = Offer.objects.filter(state=Offer.State.EXPIRED)
            assert Offer.objects.filter(state=Offer.State.OPEN, lead__in=ended.values("lead")).count() == OFFERS
    return taken


def build() -> None:
    """Offers of leads that somebody has been working, spread over rosters; all fall due within a moment."""
    [company] = Company.objects.order_by("pk")
    rosters = make_rosters(company)
    leads = free_leads(company, OFFERS)
    params: dict[str, Any] = {"company": company.pk, "leads": leads, "units": list(rosters), "people": PEOPLE}
    Offer.objects.filter(state=Offer.State.OPEN).update(state=Offer.State.WITHDRAWN, closed_at=Now())
    with connection.cursor() as cursor:
        for statement in (ROTATIONS, MADE, HELD):
            cursor.execute(statement, params)


def by_hand() -> None:
    for _ in range(OFFERS // BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(TAKE, {"batch": BATCH, "people": PEOPLE})
            for statement in BY_HAND:
                cursor.execute(statement)
