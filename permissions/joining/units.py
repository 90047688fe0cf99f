"""The tree of units as company managers shape it (O2), and the whitelist of teams (O5). Each change is in the ledger."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from crm.organization import services
from crm.organization.models import Unit, User
from permissions.catalog import Permission
from permissions.joining.memberships import left_behind_by_moving
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.profiles.services import RefusedError, manages_company

MOST_NAMED = 3


@transaction.atomic
def add_unit(*, actor: User, parent: Unit, kind: str, name: str) -> Unit:
    """Raises PermissionDenied, ValidationError where the tree forbids it."""
    _require(actor, parent)
    unit = services.create_unit(parent=parent, kind=kind, name=name)
    _record(actor, "unit added", unit, to_unit_id=parent.pk)
    return unit


@transaction.atomic
def change_unit(*, actor: User, unit: Unit, batch_id: int | None = None, **changes: Any) -> None:
    """New values of name, time_zone, parent, may_change_ownership. Who manages what is another thing at once.

    It is not moved away from leads, rosters and ponds that its people still have there: first these are handed on (M1).

    Raises PermissionDenied, RefusedError, ValidationError where the tree forbids it.
    """
    _require(actor, unit)
    held = Unit.objects.select_for_update(no_key=True).get(pk=unit.pk)
    parent = held.parent
    changed = services.update_unit(unit=held, **changes)
    if "parent" in changed and parent is not None:
        if left := left_behind_by_moving(held, parent):
            others = f", and so do {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
            raise RefusedError(f"In {parent.name}: {'; '.join(left[:MOST_NAMED])}{others}. Hand that on first.")
        moved = {"from_unit_id": parent.pk, "to_unit_id": held.parent_id}
        _record(actor, "unit moved", held, **moved, batch_id=batch_id)
    if "may_change_ownership" in changed:
        if not actor.has_perm(Permission.MANAGE_POLICY):
            raise PermissionDenied("Who may change ownership in mass is company policy.")
        _record(actor, "ownership whitelist", held, after=held.may_change_ownership)


def _require(actor: User, unit: Unit) -> None:
    if not actor.has_perm(Permission.MANAGE_USERS) or unit.company_id != actor.company_id or not manages_company(actor):
        raise PermissionDenied("This is for managers of the company.")


def _record(
    actor: User,
    why: str,
    unit: Unit,
    *,
    from_unit_id: int | None = None,
    to_unit_id: int | None = None,
    batch_id: int | None = None,
    **detail: Any,
) -> None:
    record(
        Fact(
            company_id=actor.company_id,
            kind=LedgerEntry.Kind.POLICY_CHANGED,
            actor_id=actor.pk,
            from_unit_id=from_unit_id,
            to_unit_id=to_unit_id,
            why=why,
            batch_id=batch_id,
            detail={"unit": unit.pk, **detail},
        )
    )
