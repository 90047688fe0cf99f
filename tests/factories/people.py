"""Companies, units, people and memberships for tests: by the services where they exist."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.db.models.functions import Now

from crm.organization.models import Company, Membership, Unit, User
from crm.organization.services import add_member, create_company, create_unit
from permissions.profiles.services import give_profile

PASSWORD = "correct horse battery"
numbers = count(1)


def make_company(name: str = "", policy: str = "visible") -> Company:
    """A company with its company unit, profiles and stages."""
    return create_company(name=name or f"Company {next(numbers)}", personal_leads=policy)


def company_unit(company: Company) -> Unit:
    return Unit.objects.get(company=company, kind=Unit.Kind.COMPANY)


def make_office(company: Company, name: str = "") -> Unit:
    return create_unit(parent=company_unit(company), kind=Unit.Kind.OFFICE, name=name or f"Office {next(numbers)}")


def make_team(parent: Unit, name: str = "") -> Unit:
    return create_unit(parent=parent, kind=Unit.Kind.TEAM, name=name or f"Team {next(numbers)}")


def make_user(company: Company, name: str = "", profile: str = "agent", **fields: Any) -> User:
    """A person who can sign in with PASSWORD. `profile` is a code, empty for none."""
    number = next(numbers)
    name = name or f"Person {number}"
    email = f"{name.lower().replace(' ', '.')}.{number}@example.com"
    user = User.objects.create_user(company=company, email=email, name=name, password=PASSWORD, **fields)
    if profile:
        give_profile(user, profile)
    return user


def make_member(unit: Unit, name: str = "", profile: str = "agent", **fields: Any) -> User:
    """A person with role member in the unit."""
    return join(make_user(unit.company, name, profile, **fields), unit)


def make_manager(unit: Unit, name: str = "", profile: str = "", role: str = "admin", **fields: Any) -> User:
    """A manager of the unit, with the built-in profile of its kind unless another is named."""
    usual = {"company": "company_admin", "office": "office_admin", "team": "team_lead"}[unit.kind]
    return join(make_user(unit.company, name, profile or usual, **fields), unit, role)


def join(user: User, unit: Unit, role: str = "member") -> User:
    add_member(unit=unit, user=user, role=role)
    return user


def leave_unit(user: User, unit: Unit) -> None:
    """End her membership in the unit; she stays with the company."""
    Membership.objects.current().filter(user=user, unit=unit).update(ended_at=Now())


def leave_company(user: User) -> User:
    """What becomes of a person who leaves: deactivated, her memberships ended at that moment."""
    User.objects.filter(pk=user.pk).update(is_active=False, left_at=Now())
    Membership.objects.current().filter(user=user).update(ended_at=Now())
    return fresh(user)


def fresh(user: User) -> User:
    """The person as the next request reads her."""
    found: User = User.objects.select_related("company", "holding__profile").get(pk=user.pk)
    return found
