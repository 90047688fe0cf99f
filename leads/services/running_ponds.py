"""Running ponds: who is in them, what they let one take, and closing them. For managers of their units (P2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from crm.notifications.services import bump
from crm.organization.models import Unit, User
from crm.organization.querysets import UnitQuerySet
from leads import signals
from leads.models import Assignment, Lead, Pond, PondMember
from leads.services.assigning import assignees_of, end_slots
from leads.services.ponding import pool_leads, units_served_by
from leads.services.transferring import Cause
from permissions.catalog import Permission
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry

TAKEN = "There is a pond of this name already."
ROUTING, NOBODY = "routing", "nobody"


@dataclass(frozen=True)
class Use:
    """What sends leads into a pond: of which unit, what it is, and what becomes of those leads without the pond."""

    unit: Unit
    what: str
    then: str


Users = Callable[[Pond], list[Use]]
_users: list[Users] = []


def register_users(users: Users) -> None:
    """Declared by higher rooms: what of theirs sends leads into a pond."""
    _users.append(users)


def uses_of(pond: Pond) -> list[Use]:
    return [use for users in _users for use in users(pond)]


def units_for(actor: User) -> UnitQuerySet:
    """Units for which she may run ponds."""
    if not actor.has_perm(Permission.MANAGE_POND):
        return Unit.objects.none()
    return Unit.objects.managed_by(actor).open()


def newcomers_to(actor: User, pond: Pond) -> QuerySet[User]:
    """Colleagues she may add: those who may be assigned to leads of the pond's unit (M1)."""
    colleagues: QuerySet[User] = User.objects.can_be_seen_by(actor).filter(pk__in=assignees_of(pond.unit).values("pk"))
    return colleagues.exclude(pk__in=pond.members.values("user"))


def guests_of(pond: Pond) -> set[int]:
    """Its members who are none of its unit any more, or never were: they see its leads, and take only some."""
    return set(pond.members.exclude(user__in=assignees_of(pond.unit)).values_list("user", flat=True))


@transaction.atomic
def create_pond(*, actor: User, unit: Unit, name: str, daily_limit: int | None) -> Pond:
    """Raises PermissionDenied, ValidationError for a name that is taken."""
    if not units_for(actor).filter(pk=unit.pk).exists():
        raise PermissionDenied("This is for the managers of the unit.")
    try:
        with transaction.atomic():
            pond = Pond.objects.create(company_id=actor.company_id, unit=unit, name=name, daily_limit=daily_limit)
    except IntegrityError as error:
        raise ValidationError({"name": TAKEN}) from error
    _record(actor, pond, after=_shape(pond))
    return pond


@transaction.atomic
def change_pond(*, actor: User, pond: Pond, name: str, daily_limit: int | None) -> None:
    """Raises PermissionDenied, ValidationError for a name that is taken."""
    pond = _hold(actor, pond)
    before = _shape(pond)
    pond.name, pond.daily_limit = name, daily_limit
    if _shape(pond) == before:
        return
    try:
        with transaction.atomic():
            pond.save(update_fields=["name", "daily_limit"])
    except IntegrityError as error:
        raise ValidationError({"name": TAKEN}) from error
    _record(actor, pond, before=before, after=_shape(pond))


@transaction.atomic
def set_member(*, actor: User, pond: Pond, user: User, may_claim: bool) -> None:
    """Let her into the pond, or change whether she may claim. Raises PermissionDenied, ValidationError."""
    pond = _hold(actor, pond)
    known = pond.members.filter(user=user).first()
    if known is None and not newcomers_to(actor, pond).filter(pk=user.pk).exists():
        raise ValidationError(f"Choose a colleague that you can see, of {pond.unit} or a unit below it.")
    if known is not None and known.may_claim == may_claim:
        return
    defaults = {"may_claim": may_claim, "company_id": pond.company_id}
    PondMember.objects.update_or_create(pond=pond, user=user, defaults=defaults)
    _record(actor, pond, user, before=None if known is None else _right(known.may_claim), after=_right(may_claim))


@transaction.atomic
def remove_member(*, actor: User, pond: Pond, user: User) -> None:
    """What she took out of it stays with her. Raises PermissionDenied."""
    pond = _hold(actor, pond)
    gone, _ = pond.members.filter(user=user).delete()
    if gone:
        _record(actor, pond, user, after=None)


@transaction.atomic
def close_pond(*, actor: User, pond: Pond, to: Pond | str) -> int:
    """Close it, and move the leads in it to another pond, to their units' routing, or to nobody: how many.

    The owners stay. Raises PermissionDenied, ValidationError where the other pond may not have all of them.
    """
    inside = Lead.objects.filter(assignments__pond=pond)
    lead_ids = list(inside.in_id_order().values_list("pk", flat=True))
    pond = _hold(actor, pond)
    if inside.exclude(pk__any_of=lead_ids).exists():
        raise ValidationError("Somebody moved leads here at this moment. Try again.")
    cause = Cause(actor, "pond closed")
    if isinstance(to, Pond):
        if inside.filter(owner_unit__isnull=False).exclude(units_served_by(to.unit)).exists():
            raise ValidationError(f"Some of the leads here belong to units that {to} does not serve.")
        pool_leads(lead_ids, to, **cause.params())
    else:
        _let_go(lead_ids, cause, route=to == ROUTING)
    pond.closed_at = Now()
    pond.save(update_fields=["closed_at"])
    _record(actor, pond, after=None)
    return len(lead_ids)


def _let_go(lead_ids: list[int], cause: Cause, *, route: bool) -> None:
    """Out of the pond, with nobody in the Agent slot; those of units go on to their routing where that is wanted."""
    end_slots(Assignment.objects.filter(lead__pk__any_of=lead_ids, role=Assignment.Role.AGENT), **cause.params())
    if route:
        route_anew(lead_ids, cause.actor.company_id)


def route_anew(lead_ids: Sequence[int], company_id: int, *, but: int | None = None) -> None:
    """Let the owning units' routing find these leads their next agents, not her who leaves (`but`).

    Personal ones stay as they are.
    """
    owned = Lead.objects.filter(pk__any_of=list(lead_ids), owner_unit__isnull=False).order_by("owner_unit", "pk")
    by_unit: dict[int, list[int]] = {}
    for pk, unit_id in owned.values_list("pk", "owner_unit"):
        by_unit.setdefault(unit_id, []).append(pk)
    for unit_id, ids in by_unit.items():
        signals.ready_for_routing.send(sender=Lead, company_id=company_id, unit_id=unit_id, lead_ids=ids, but=but)


def _hold(actor: User, pond: Pond) -> Pond:
    held = Pond.objects.managed_by(actor).select_for_update(of=("self",), no_key=True).filter(pk=pond.pk).first()
    if held is None:
        raise PermissionDenied("This is for the managers of the pond’s unit.")
    return held


def _shape(pond: Pond) -> dict[str, object]:
    return {"name": pond.name, "daily_limit": pond.daily_limit}


def _right(may_claim: bool) -> str:
    return "claims" if may_claim else "looks"


def _record(actor: User, pond: Pond, user: User | None = None, **detail: object) -> None:
    record(
        Fact(
            company_id=actor.company_id,
            kind=LedgerEntry.Kind.POLICY_CHANGED,
            actor_id=actor.pk,
            to_unit_id=pond.unit_id,
            to_user_id=user.pk if user else None,
            why="pond",
            detail={"pond": pond.pk, **detail},
        )
    )
    if user is not None:
        bump([user.pk], "offers")
