"""Closing an office or a team (O4): its people and teams go to the unit above. What it owns is handed on first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models.functions import Now

from crm.organization.models import Membership, Unit, User
from permissions.catalog import Permission
from permissions.joining.units import change_unit
from permissions.ledger import Fact, record, record_all
from permissions.models import LedgerEntry
from permissions.profiles.services import manages_company

Rows = list[tuple[int, int, str]]


def why_not_close(actor: User, unit: Unit) -> str:
    """Why she may not close it, in a sentence; empty where she may."""
    if not actor.has_perm(Permission.MANAGE_USERS) or not manages_company(actor):
        return "This is for managers of the company."
    if unit.kind == Unit.Kind.COMPANY:
        return "The company itself is not closed."
    return f"{unit} is closed already." if unit.closed_at else ""


def why_not_reopen(unit: Unit) -> str:
    if unit.parent and unit.parent.closed_at:
        return f"{unit.parent}, to which it belongs, is closed. Open that again first."
    others = Unit.objects.filter(company=unit.company_id, name__iexact=unit.name, closed_at=None).exclude(pk=unit.pk)
    return f"There is another unit of the name {unit} now." if others.exists() else ""


def close_unit(*, actor: User, unit: Unit, batch_id: int | None = None) -> dict[str, Any]:
    """Close it; its people become members of the unit above, its teams hang there: what `reopen_unit` needs.

    The caller holds the unit, and has handed on what it owned. Raises RefusedError where a team cannot be moved.
    """
    above = unit.parent
    assert above is not None
    teams = list(unit.children.filter(closed_at=None).order_by("pk"))
    for team in teams:
        change_unit(actor=actor, unit=team, batch_id=batch_id, parent=above)
    leaving = _current(unit)
    there = {user for _, user, _ in _current(above)}
    ending = Membership.objects.filter(pk__in=[pk for pk, _, _ in leaving])
    ending.update(ended_at=Now())
    coming = ending.filter(user__is_active=True).exclude(user__in=there).order_by("pk").values_list("user", flat=True)
    joined = Membership.objects.bulk_create(
        [Membership(company_id=unit.company_id, unit=above, user_id=user) for user in coming]
    )
    Unit.objects.filter(pk=unit.pk).update(closed_at=Now())
    _record(actor, unit, "unit closed", batch_id)
    _record_members(actor, unit, leaving, batch_id, ended=True)
    _record_members(actor, above, [(row.pk, row.user_id, row.role) for row in joined], batch_id)
    return {
        "teams": [team.pk for team in teams],
        "members": [pk for pk, _, _ in leaving],
        "joined": [row.pk for row in joined],
    }


def reopen_unit(*, actor: User, unit: Unit, kept: dict[str, Any], batch_id: int | None = None) -> None:
    """Undo `close_unit`; teams and people that have gone elsewhere since, or left, stay away. Raises RefusedError."""
    Unit.objects.filter(pk=unit.pk).update(closed_at=None)
    unit.closed_at = None
    _record(actor, unit, "unit opened again", batch_id)
    for team in Unit.objects.filter(pk__in=kept["teams"], parent=unit.parent, closed_at=None).order_by("pk"):
        change_unit(actor=actor, unit=team, batch_id=batch_id, parent=unit)
    here = {user for _, user, _ in _current(unit)}
    left = Membership.objects.filter(pk__in=kept["joined"], ended_at__isnull=False).values("user")
    back = Membership.objects.filter(pk__in=kept["members"], user__is_active=True)
    back = back.exclude(user__in=here).exclude(user__in=left)
    rows = list(back.order_by("pk").values_list("pk", "user", "role"))
    back.update(ended_at=None)
    guests = Membership.objects.current().filter(pk__in=kept["joined"], role=Membership.Role.MEMBER)
    gone = list(guests.order_by("pk").values_list("pk", "user", "role"))
    guests.update(ended_at=Now())
    _record_members(actor, unit, rows, batch_id)
    if unit.parent:
        _record_members(actor, unit.parent, gone, batch_id, ended=True)


def _current(unit: Unit) -> Rows:
    """Membership, person, role."""
    current = Membership.objects.current().filter(unit=unit).order_by("pk")
    return list(current.values_list("pk", "user", "role"))


def _record(actor: User, unit: Unit, why: str, batch_id: int | None) -> None:
    kind, detail = LedgerEntry.Kind.POLICY_CHANGED, {"unit": unit.pk}
    record(Fact(unit.company_id, kind, actor_id=actor.pk, why=why, batch_id=batch_id, detail=detail))


def _record_members(
    actor: User, unit: Unit, rows: Iterable[tuple[int, int, str]], batch_id: int | None, *, ended: bool = False
) -> None:
    record_all(
        Fact(
            company_id=unit.company_id,
            kind=LedgerEntry.Kind.MEMBERSHIP_CHANGED,
            actor_id=actor.pk,
            to_user_id=user,
            to_unit_id=unit.pk,
            role="" if ended else role,
            why="membership ended" if ended else "role given",
            batch_id=batch_id,
            detail={"before": role if ended else None, "after": None if ended else role},
        )
        for _, user, role in rows
    )
