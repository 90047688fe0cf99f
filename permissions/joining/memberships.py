"""Who is in which unit with which role (O2, O3, O7). Each change holds the company's unit and stands in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet

from crm.organization import services
from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import within
from permissions.joining.invitations import may_invite, roles_for
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.profiles.services import RefusedError, kept_open

Tie = Callable[[User, frozenset[int]], list[str]]
_ties: list[Tie] = []


def register_tie(source: Tie) -> None:
    """Declared by higher rooms: what a person would leave behind in these units, such as `works 3 leads there`."""
    _ties.append(source)


@transaction.atomic
def give_role(*, actor: User, user: User, unit: Unit, role: str) -> bool:
    """Make her a member in this role, or give a member another one: whether that was a change.

    Raises PermissionDenied, RefusedError, LastOwnerError.
    """
    with _changing(actor, user, unit):
        before = _role(user, unit)
        if before == role:
            return False
        if not user.is_active or unit.closed_at:
            raise RefusedError("Nobody who left, and no closed unit, is given a role.")
        _require(actor, unit, role, before)
        services.add_member(unit=unit, user=user, role=role)
        _record(actor, user, unit, role, "role changed" if before else "role given", before)
    return True


@transaction.atomic
def end_role(*, actor: User, user: User, unit: Unit, batch_id: int | None = None) -> bool:
    """End her membership, if she leaves nothing behind: whether there was one. Raises as `give_role` does."""
    with _changing(actor, user, unit):
        before = _role(user, unit)
        if not before:
            return False
        _require(actor, unit, before)
        services.end_membership(unit=unit, user=user)
        if left := left_behind(user, unit):
            raise RefusedError(f"{user.name} {', and '.join(left)}. Hand that on first: by Departure, for {unit.name}.")
        _record(actor, user, unit, "", "membership ended", before, batch_id)
    return True


def left_behind(user: User, unit: Unit) -> list[str]:
    """What is hers in the units she no longer belongs to once her membership in `unit` has ended."""
    return _ties_to(user, units_lost(user, unit))


def units_lost(user: User, unit: Unit) -> frozenset[int]:
    """The units she belongs to by her membership in `unit` alone: those of its line to which no other one belongs."""
    line = [one.pk for one in (unit, unit.parent, unit.parent and unit.parent.parent) if one]
    there = Unit.objects.filter(within([unit.pk]) | Q(pk__in=line))
    return _without(there, Membership.objects.current().filter(user=user).exclude(unit=unit))


def left_behind_by_moving(unit: Unit, parent: Unit) -> list[str]:
    """What its people, and those below it, leave in `parent`, under which it stood until now: a line for each."""
    below = Membership.objects.current().filter(within([unit.pk], "unit__"), user__is_active=True)
    people = User.objects.filter(pk__in=below.values("user")).order_by("name", "pk")
    left = ((person, _ties_to(person, _units_left(person, parent))) for person in people)
    return [f"{person.name} {', and '.join(ties)}" for person, ties in left if ties]


def _units_left(user: User, unit: Unit) -> frozenset[int]:
    """The unit, if none of her memberships belongs to it."""
    return _without(Unit.objects.filter(pk=unit.pk), Membership.objects.current().filter(user=user))


def _without(units: QuerySet[Unit], current: QuerySet[Membership]) -> frozenset[int]:
    """Those of the units to which none of these memberships belongs."""
    kept = Unit.objects.filter(
        Q(pk__in=current.values("unit"))
        | Q(children__in=current.values("unit"))
        | Q(children__children__in=current.values("unit"))
    )
    return frozenset(units.exclude(pk__in=kept.values("pk")).values_list("pk", flat=True))


def _ties_to(user: User, lost: frozenset[int]) -> list[str]:
    return [words for tie in _ties for words in tie(user, lost)] if lost else []


@contextmanager
def _changing(actor: User, user: User, unit: Unit) -> Iterator[None]:
    with kept_open(actor.company_id):
        if user.company_id != actor.company_id or not may_invite(actor, unit):
            raise PermissionDenied("This is for the managers of the unit.")
        yield


def _require(actor: User, unit: Unit, *roles: str) -> None:
    """She may give and take these roles there; only an owner makes and unmakes owners."""
    allowed = dict(roles_for(actor, unit))
    if not {role for role in roles if role} <= set(allowed):
        raise RefusedError(
            f"Only an owner of {unit.name}, or of a unit above it, makes owners and takes that role away."
        )


def _role(user: User, unit: Unit) -> str:
    found = Membership.objects.current().filter(user=user, unit=unit).values_list("role", flat=True).first()
    return found or ""


def _record(actor: User, user: User, unit: Unit, role: str, why: str, before: str, batch_id: int | None = None) -> None:
    record(
        Fact(
            company_id=actor.company_id,
            kind=LedgerEntry.Kind.MEMBERSHIP_CHANGED,
            actor_id=actor.pk,
            to_user_id=user.pk,
            to_unit_id=unit.pk,
            role=role,
            why=why,
            batch_id=batch_id,
            detail={"before": before or None, "after": role or None},
        )
    )
