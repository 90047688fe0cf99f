"""The SQL that fills a benchmark company. Parameters are named; see `crm.bench.building`."""

TEAMS = """
CREATE TEMP TABLE bench_team AS
SELECT (row_number() OVER (ORDER BY team.id))::int AS ordinal, team.id, team.parent_id AS office, members.users
FROM organization_unit AS team
JOIN LATERAL (
    SELECT array_agg(user_id ORDER BY user_id) AS users FROM organization_membership
    WHERE unit_id = team.id AND role = 'member' AND user_id <> %(small)s
) AS members ON true
WHERE team.company_id = %(company)s AND team.kind = 'team'
"""

# Three in four leads belong to units. Teams differ: the first holds twice as many as the middle one. One lead in a
# hundred parts is the small agent's own and two are hers to work, so that she has three hundred at any size.
LEADS = """
WITH draw AS MATERIALIZED (
    SELECT n, n %% (%(total)s / 100) = 7 AS small_owns, n %% (%(total)s / 200) = 3 AS small_works,
        1 + floor(100 * power(random(), 1.15))::int AS team, random() AS owner, random() AS slot,
        random() AS agent, random() AS assistant, random() AS lender, random() AS manner,
        now() - interval '1095 days' * power(random(), 2) AS created,
        random() AS rest, random() AS contacted, random() AS secrecy
    FROM generate_series(%(first)s, %(last)s) AS n
), placed AS (
    SELECT draw.*, team.id AS team_id, team.office,
        CASE WHEN small_owns THEN 'person' WHEN small_works OR owner < 0.60 THEN 'team' WHEN owner < 0.68 THEN 'office'
            WHEN owner < 0.75 THEN 'company' ELSE 'person' END AS owner_kind,
        CASE WHEN small_owns OR small_works THEN %(small)s
            ELSE team.users[1 + floor(agent * cardinality(team.users))::int] END AS person,
        team.users[1 + floor(assistant / 0.30 * cardinality(team.users))::int] AS assistant_id,
        team.users[1 + floor(lender / 0.24 * cardinality(team.users))::int] AS lender_id
    FROM draw
    JOIN bench_team AS team ON team.ordinal = CASE WHEN small_owns OR small_works THEN 1 ELSE draw.team END
), owned AS (
    SELECT placed.*, owner_kind = 'person' AS personal,
        CASE owner_kind WHEN 'team' THEN team_id WHEN 'office' THEN office WHEN 'company' THEN %(unit)s END AS owner_unit,
        CASE WHEN small_works OR slot < CASE owner_kind WHEN 'person' THEN 0.5 ELSE 0.85 END THEN person END AS agent_id
    FROM placed
)
INSERT INTO leads_lead (
    company_id, owner_unit_id, owner_user_id, privacy, hidden, origin, origin_unit_id, first_name, last_name,
    company_name, street, city, state, postal_code, time_zone, kind, source_id, stage_id, tags, score,
    price_min, price_max, created_by_id, created_at, last_activity_at, last_contact_at, agent_id, slot_locks
)
SELECT %(company)s, owner_unit, CASE WHEN personal THEN person END,
    CASE WHEN personal THEN CASE WHEN manner < 0.2 THEN 0 WHEN manner < 0.9 THEN 1 ELSE 2 END END,
    personal AND secrecy < 0.1,
    CASE WHEN personal AND manner < 0.85 THEN 'agent' ELSE 'company' END,
    CASE WHEN NOT personal THEN owner_unit WHEN manner >= 0.85 THEN team_id END,
    (%(first_names)s::text[])[1 + floor(random() * %(first_name_count)s)::int],
    (%(surnames)s::text[])[1 + floor(random() * %(surname_count)s)::int],
    '', 1 + n %% 999 || ' Main St', 'Springfield',
    (%(states)s::text[])[1 + floor(power(random(), 1.7) * %(state_count)s)::int],
    lpad((n %% 99999)::text, 5, '0'), 'America/New_York',
    CASE WHEN slot < 0.5 THEN 'buyer' WHEN slot < 0.8 THEN 'seller' ELSE 'renter' END,
    (%(sources)s::bigint[])[1 + floor(power(random(), 1.5) * %(source_count)s)::int],
    (%(stages)s::bigint[])[1 + floor(power(random(), 2.0) * %(stage_count)s)::int],
    CASE WHEN contacted < 0.1 THEN '{hot}'::varchar[] WHEN contacted < 0.101 THEN '{probate}' ELSE '{}' END,
    floor(random() * 101)::int,
    CASE WHEN slot < 0.5 THEN 200000 END, CASE WHEN slot < 0.5 THEN 450000 END,
    person, created, created + (now() - created) * rest,
    CASE WHEN contacted < 0.7 THEN created + (now() - created) * rest END,
    agent_id,
    coalesce((
        SELECT array_agg(DISTINCT taken * 16 + 7) FROM unnest(ARRAY[
            agent_id, CASE WHEN assistant < 0.30 THEN assistant_id END, CASE WHEN lender < 0.24 THEN lender_id END
        ]) AS taken WHERE taken IS NOT NULL
    ), '{}')::int[]
FROM owned ORDER BY n
"""

CONTACT_POINTS = """
INSERT INTO leads_contactpoint (company_id, lead_id, kind, value, raw, position)
SELECT company_id, id, point.kind, point.value, point.value, point.position
FROM leads_lead
CROSS JOIN LATERAL (VALUES
    ('email', lower(first_name || '.' || last_name || id || '@example.com'), 0),
    ('phone', '+1' || 201 + (id * 7919 %% 780) || 200 + (id * 31 %% 800) || lpad((id * 7 %% 10000)::text, 4, '0'), 1)
) AS point (kind, value, position)
WHERE id BETWEEN %(first)s AND %(last)s
"""

# the leads were written with the slots these rows give them, so the trigger finds nothing to put right
ASSIGNMENTS = """
INSERT INTO leads_assignment (company_id, lead_id, role, user_id, since)
SELECT company_id, id, slot.role, slot.user_id, created_at
FROM leads_lead
CROSS JOIN LATERAL (
    SELECT 'agent' AS role, agent_id AS user_id WHERE agent_id IS NOT NULL
    UNION ALL
    SELECT (ARRAY['assistant', 'lender'])[row_number() OVER (ORDER BY lock)], lock / 16
    FROM unnest(slot_locks) AS lock WHERE lock / 16 IS DISTINCT FROM agent_id
) AS slot
WHERE id BETWEEN %(first)s AND %(last)s
"""

CREATED = """
SELECT company_id, 'created', created_by_id, id, owner_unit_id, owner_user_id, 'bench'
FROM leads_lead WHERE id BETWEEN %(first)s AND %(last)s ORDER BY id
"""
ASSIGNED = """
SELECT company_id, 'assigned', lead_id, role, user_id, 'bench'
FROM leads_assignment WHERE lead_id BETWEEN %(first)s AND %(last)s ORDER BY lead_id
"""

ACTIVITIES = """
INSERT INTO leads_activity (company_id, lead_id, kind, at, actor_id, direction, outcome, body, automatic, bulk)
SELECT company_id, id, 'call', last_contact_at, created_by_id, 'out', 'reached', 'Spoke about what they look for.',
    false, false
FROM leads_lead WHERE id BETWEEN %(first)s AND %(last)s AND last_contact_at IS NOT NULL
"""

LONG_TIMELINE = """
INSERT INTO leads_activity (company_id, lead_id, kind, at, actor_id, direction, outcome, body, automatic, bulk)
SELECT %(company)s, %(lead)s, (ARRAY['call', 'note', 'email', 'stage'])[1 + n %% 4], now() - interval '1 hour' * n,
    %(actor)s, CASE WHEN n %% 4 IN (0, 2) THEN 'out' ELSE '' END, CASE WHEN n %% 4 = 0 THEN 'reached' ELSE '' END,
    'Entry ' || n || ' of a long acquaintance.', false, false
FROM generate_series(1, %(entries)s) AS n
"""

SHARES = """
INSERT INTO leads_leadshare (company_id, content_object_id, user_id, permission_id, given_by_id)
SELECT company_id, id, %(user)s, %(verb)s, %(given_by)s FROM leads_lead WHERE id %% %(step)s = 0
"""
ROTATIONS = """
INSERT INTO routing_rotation (company_id, lead_id, unit_id, pass_number, outcome)
SELECT company_id, id, owner_unit_id, 1, '' FROM leads_lead
WHERE id %% %(step)s = 0 AND owner_unit_id IS NOT NULL AND agent_id IS NOT NULL
"""
OFFERS = """
INSERT INTO routing_offer (
    company_id, rotation_id, lead_id, unit_id, user_id, pass_number, state, deadline, claimed_by
)
SELECT rotation.company_id, rotation.id, lead_id, unit_id, agent_id, 1, 'open', now() + interval '1 hour', ''
FROM routing_rotation AS rotation JOIN leads_lead AS lead ON lead.id = lead_id
"""
