"""Who manages what and whom, in SQL: as nested subqueries it took the planner milliseconds, and minutes without statistics.

A role of owner or admin reaches its unit and all below. It manages those who are members there, and those whose membership
ended when they left the company. Never upward: it does not reach those who manage above its unit, such as a broker who
joined a team below.
"""

from __future__ import annotations

from django.db import connection

REACH = """
WITH RECURSIVE reach AS (
    SELECT role.user_id AS manager_id, unit.company_id, unit.id AS unit_id, ARRAY[unit.parent_id, parent.parent_id] AS above
    FROM organization_membership AS role
    JOIN organization_unit AS unit ON unit.id = role.unit_id
    LEFT JOIN organization_unit AS parent ON parent.id = unit.parent_id
    WHERE role.{whose} = %s AND role.ended_at IS NULL AND role.role IN ('owner', 'admin')
    UNION ALL
    SELECT manager_id, reach.company_id, unit.id, above
    FROM reach JOIN organization_unit AS unit ON unit.parent_id = reach.unit_id
)
"""
MANAGED = """, managed AS MATERIALIZED (
    SELECT manager_id, person.id AS user_id, person.hide_from_team FROM reach
    JOIN organization_membership AS member ON member.unit_id = reach.unit_id AND member.role = 'member'
    JOIN organization_user AS person ON person.id = member.user_id AND person.company_id = reach.company_id
    WHERE (member.ended_at IS NULL OR member.ended_at >= person.left_at)
    AND NOT EXISTS (
        SELECT FROM organization_membership AS upward
        WHERE upward.user_id = person.id AND upward.unit_id = ANY (above) AND upward.role IN ('owner', 'admin')
            AND (upward.ended_at IS NULL OR upward.ended_at >= person.left_at)
    )
)
"""
UNITS_MANAGED = f"({REACH.format(whose='user_id')} SELECT unit_id FROM reach)"
PEOPLE_MANAGED = f"({REACH.format(whose='user_id')}{MANAGED} SELECT user_id FROM managed)"
ALL_MANAGED = f"{REACH.format(whose='company_id')}{MANAGED} SELECT manager_id, user_id, hide_from_team FROM managed"


def who_manages_whom(company_id: int) -> list[tuple[int, int, bool]]:
    """Manager, person, and whether that person hides from her team; a pair comes once for each way."""
    with connection.cursor() as cursor:
        cursor.execute(ALL_MANAGED, [company_id])
        return list(cursor.fetchall())
