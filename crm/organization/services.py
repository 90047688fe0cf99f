"""Companies, units, people and memberships come into being here. Each is one transaction and its own checks."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from crm.organization.models import Company, Membership, Unit, User
from crm.organization.signals import company_created


@transaction.atomic
def create_company(*, name: str, time_zone: str = "America/New_York", personal_leads: str = "visible") -> Company:
    """A company with its one unit of kind company (O2)."""
    company = Company(name=name, time_zone=time_zone, personal_leads=personal_leads)
    company.full_clean()
    company.save()
    Unit.objects.create(company=company, kind=Unit.Kind.COMPANY, name=name, time_zone=time_zone)
    company_created.send(sender=Company, company=company)
    return company


@transaction.atomic
def create_unit(*, parent: Unit, kind: str, name: str) -> Unit:
    """An office or a team under `parent`. Raises ValidationError where the tree forbids it."""
    unit = Unit(company_id=parent.company_id, parent=parent, kind=kind, name=name, time_zone=parent.time_zone)
    unit.full_clean()
    unit.save()
    return unit


@transaction.atomic
def update_unit(*, unit: Unit, **changes: Any) -> list[str]:
    """Write the changes that are any: their names. Raises ValidationError where the tree forbids them."""
    changed = [name for name, value in changes.items() if getattr(unit, name) != value]
    for name in changed:
        setattr(unit, name, changes[name])
    if "may_change_ownership" in changed and unit.kind != Unit.Kind.TEAM:
        raise ValidationError({"may_change_ownership": "Only a team can be on the whitelist."})
    unit.full_clean()
    unit.save(update_fields=changed)
    return changed


@transaction.atomic
def create_user(*, company: Company, email: str, name: str, password: str | None = None, time_zone: str = "") -> User:
    """A person of the company, signing in by `email` (unique over the installation). Without a password she cannot yet."""
    user = User(company=company, email=email.strip().lower(), name=name.strip())
    user.time_zone = time_zone or company.time_zone
    user.set_password(password)
    user.full_clean()
    user.save()
    return user


class LastOwnerError(Exception):
    """A company keeps an owner who can sign in: the last one can be neither removed nor demoted (O7)."""


@transaction.atomic
def add_member(*, unit: Unit, user: User, role: str = Membership.Role.MEMBER) -> Membership:
    """Make her a member of the unit, or give a current member another role. Raises LastOwnerError."""
    if role != Membership.Role.OWNER:
        _leave_an_owner(unit, user)
    membership, _ = Membership.objects.current().update_or_create(
        unit=unit, user=user, defaults={"role": role}, create_defaults={"role": role, "company_id": unit.company_id}
    )
    membership.validate_company()
    return membership


@transaction.atomic
def end_membership(*, unit: Unit, user: User) -> None:
    """She is no longer a member of the unit, from now on. Raises LastOwnerError."""
    _leave_an_owner(unit, user)
    Membership.objects.current().filter(unit=unit, user=user).update(ended_at=Now())


def _leave_an_owner(unit: Unit, user: User) -> None:
    """Refuse where she is the company's last owner; the company unit is held, so that two cannot leave at once."""
    if unit.kind != Unit.Kind.COMPANY:
        return
    Unit.objects.select_for_update(no_key=True).get(pk=unit.pk)
    owners = Membership.objects.current().filter(unit=unit, role=Membership.Role.OWNER)
    others = owners.filter(user__is_active=True).exclude(user=user)
    if owners.filter(user=user).exists() and not others.exists():
        raise LastOwnerError(f"{user.name} is the last owner of {unit.name}. Make somebody else an owner first.")
