"""Ninety days of routing by sets: ways of leads, offers, decisions, messages and calls, as if they had happened."""

from __future__ import annotations

WAYS = """
CREATE TEMPORARY TABLE bench_way AS
SELECT number, lead_id, 1 + number %% cardinality(%(units)s::bigint[]) AS unit_number,
    (%(units)s::bigint[])[1 + number %% cardinality(%(units)s::bigint[])] AS unit_id,
    now() - (1 + number * 88.0 / cardinality(%(leads)s::bigint[])) * interval '1 day' AS at
FROM unnest(%(leads)s::bigint[]) WITH ORDINALITY AS lead (lead_id, number)
"""
ROTATIONS = """
INSERT INTO routing_rotation (company_id, lead_id, unit_id, pass_number, started_at, ended_at, outcome)
SELECT %(company)s, lead_id, unit_id, 1, at, at + interval '2 hours', 'claimed' FROM bench_way ORDER BY number
"""
# the second of two after an hour, to whoever sits next
MADE = """
CREATE TEMPORARY TABLE bench_offer AS
SELECT way.number, turn, lead_id, way.unit_id, unit_number, rotation.id AS rotation_id,
    at + turn * interval '1 hour' AS at, turn = 0 AND number <= %(twice)s AS lost,
    (%(people)s::bigint[][])[unit_number][1 + (number / cardinality(%(units)s::bigint[]) + turn) %% 50] AS user_id
FROM bench_way AS way JOIN routing_rotation AS rotation USING (lead_id) CROSS JOIN generate_series(0, 1) AS turn
WHERE turn = 0 OR number <= %(twice)s
"""
OFFERS = """
INSERT INTO routing_offer (company_id, rotation_id, lead_id, unit_id, user_id, pass_number, state, offered_at, deadline,
    seen_at, closed_at, claimed_by)
SELECT %(company)s, rotation_id, lead_id, unit_id, user_id, 1,
    CASE WHEN lost THEN 'expired' WHEN number %% 10 = 0 THEN 'declined' ELSE 'claimed' END, at, at + interval '1 hour',
    CASE WHEN number %% 5 > 0 THEN at + random() * interval '20 minutes' END,
    CASE WHEN lost THEN at + interval '1 hour' ELSE at + random() * interval '50 minutes' END, ''
FROM bench_offer ORDER BY at
"""
# each day another tenth of a roster is away
DECISIONS = """
WITH away AS (
    SELECT unit_number, day, jsonb_agg(jsonb_build_array((%(people)s::bigint[][])[unit_number][place], 'paused')) AS skipped
    FROM generate_series(1, cardinality(%(units)s::bigint[])) AS unit_number, generate_series(0, 6) AS day,
        generate_series(1, 50) AS place
    WHERE (place + day) %% 10 = 0 GROUP BY unit_number, day
)
INSERT INTO routing_decision (company_id, lead_id, rotation_id, at, method, cause, pass_number, chosen_id, skipped)
SELECT %(company)s, lead_id, rotation_id, at, 'round_robin', CASE WHEN turn = 0 THEN 'new' ELSE 'expired' END, 1, user_id,
    skipped || CASE WHEN turn = 0 THEN '[]' ELSE jsonb_build_array(
        jsonb_build_array(lag(user_id) OVER (PARTITION BY lead_id ORDER BY turn), 'had it already this pass')) END
FROM bench_offer JOIN away USING (unit_number)
WHERE away.day = extract(dow FROM at) ORDER BY at
"""
TOLD = """
WITH told AS (
    INSERT INTO notifications_notification (company_id, user_id, kind, title, body, url, lead_id, created_at)
    SELECT %(company)s, user_id, kind, 'Told', '', '', lead_id, at
    FROM bench_offer CROSS JOIN unnest(ARRAY['offer', 'inquiry']) AS kind ORDER BY at
    RETURNING id, created_at
)
INSERT INTO notifications_delivery (notification_id, channel, state, tries, due_at, sent_at, error)
SELECT id, 'email', 'sent', 1, created_at, created_at + random() * interval '9 seconds', '' FROM told
"""
CALLS = """
INSERT INTO leads_activity (company_id, lead_id, kind, at, actor_id, direction, body, outcome, automatic, bulk)
SELECT %(company)s, lead_id, 'call', at + random() * interval '90 minutes', user_id, 'out', '', '', false, false
FROM bench_offer WHERE NOT lost AND number %% 3 > 0
"""
ARRIVALS = """
WITH request AS (
    INSERT INTO routing_inboundrequest (company_id, channel_id, received_at, content_type, body, digest, state, error)
    SELECT %(company)s, channel.id, at - interval '4 seconds', '', '', sha256(lead_id::text::bytea), 'read', ''
    FROM bench_way, routing_channel AS channel ORDER BY number
    RETURNING id, company_id, channel_id, digest
)
INSERT INTO routing_inboundlead (company_id, channel_id, request_id, number, key, form_id, pointer, state, error, tries,
    lead_id)
SELECT company_id, channel_id, request.id, 0, digest, '', '', 'created', '', 0, way.lead_id
FROM request JOIN bench_way AS way ON request.digest = sha256(way.lead_id::text::bytea)
"""
CHANNEL = """
INSERT INTO routing_channel (company_id, kind, name, owner_unit_id, hidden, secret, old_secret, signing_secret,
    access_token, created_by_id, created_at)
SELECT %(company)s, 'json', 'Benchmark', (%(units)s::bigint[])[1], false, 'secret', '', '', '', id, now()
FROM organization_user WHERE company_id = %(company)s ORDER BY id LIMIT 1
"""
MOMENTS = "SELECT refresh_offers(ARRAY(SELECT id FROM routing_offer))"
STATEMENTS = (WAYS, ROTATIONS, MADE, OFFERS, DECISIONS, TOLD, CALLS, CHANNEL, ARRIVALS, MOMENTS)
