"""A company's do-not-call list (D14). Who changes it holds the list; every change is a version of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from crm.organization.models import User
from dialer.models import DoNotCall
from leads.contact import digits_of
from permissions.catalog import Permission
from permissions.profiles.services import manages_company

SHORTEST_SEARCH = 3
NEXT_VERSION = """
INSERT INTO dialer_donotcalllist AS list (company_id, version) VALUES (%s, 1)
ON CONFLICT (company_id) DO UPDATE SET version = list.version + 1 RETURNING version
"""
ADD = """
INSERT INTO dialer_donotcall (company_id, number, reason, added_in, added_by_id, removed_why)
SELECT %(company)s, number, %(reason)s, %(version)s, %(user)s, '' FROM unnest(%(numbers)s::text[]) AS number
ON CONFLICT (company_id, number) WHERE removed_at IS NULL DO NOTHING
"""


def require_manager(actor: User) -> None:
    """Raise PermissionDenied for whoever does not keep the company's calling rules."""
    if not (actor.has_perm(Permission.MANAGE_POLICY) and manages_company(actor)):
        raise PermissionDenied("The do-not-call list is for managers of the company.")


@transaction.atomic
def add_numbers(*, company_id: int, user_id: int | None, numbers: Collection[str], reason: str) -> int:
    """Put numbers (E.164) on the list: how many are new there. From this transaction's end on nobody dials them."""
    wanted = sorted(set(numbers))
    params: dict[str, Any] = {"company": company_id, "user": user_id, "numbers": wanted, "reason": reason[:200]}
    with connection.cursor() as cursor:
        params["version"] = _next_version(cursor, company_id)
        cursor.execute(ADD, params)
        return int(cursor.rowcount)


def _next_version(cursor: Any, company_id: int) -> int:
    """Hold the list, and count one on."""
    cursor.execute(NEXT_VERSION, [company_id])
    return int(cursor.fetchone()[0])


@transaction.atomic
def remove_number(*, actor: User, one: DoNotCall, reason: str) -> bool:
    """Take a number off the list, for a reason: whether it was still there. Raises PermissionDenied."""
    require_manager(actor)
    with connection.cursor() as cursor:
        version = _next_version(cursor, actor.company_id)
    rows = DoNotCall.objects.filter(pk=one.pk, company=actor.company_id, removed_at=None)
    changed = rows.update(removed_at=Now(), removed_in=version, removed_by=actor, removed_why=reason[:200])
    return bool(changed)


def listed_numbers(company_id: int, search: str = "") -> QuerySet[DoNotCall]:
    """Those on the list; with `search`, those that hold these digits."""
    rows = DoNotCall.objects.filter(company=company_id, removed_at=None).select_related("added_by")
    digits = digits_of(search)
    return rows.filter(number__contains=digits) if len(digits) >= SHORTEST_SEARCH else rows
