"""Where all managers of a company stand, or some who manage nothing: what `standing_of` says of one, in a few queries.

And so the keyrings of many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crm.organization.managing import who_manages_whom
from crm.organization.models import Company, Membership, Unit, User
from crm.organization.querysets import MANAGES
from permissions.access import CompanyReach, Keyring, Standing, make_keyring
from permissions.backend import permissions_of
from permissions.catalog import Permission
from permissions.keyring import given_to, load_keyring, policy_of

Sets = defaultdict[int, set[int]]
WIDEST = (Unit.Kind.COMPANY, Unit.Kind.OFFICE, Unit.Kind.TEAM)


@dataclass(frozen=True)
class Manager:
    """`kind` is that of the widest unit she manages."""

    kind: Unit.Kind
    standing: Standing


@dataclass(frozen=True)
class _Company:
    """What is read of the company once. `shown` are those of the `managed` who do not hide from their team."""

    company: Company
    units: Mapping[int, tuple[Unit.Kind, tuple[int | None, ...]]]
    joined: Sets
    roles: Sets
    managed: Sets
    shown: Sets
    people: frozenset[int]
    given: Callable[[int], dict[str, Any]]


def managers_of(company: Company) -> list[Manager]:
    """Every active person who manages a unit of the company."""
    read = _read(company)
    found = User.objects.filter(pk__in=read.roles, is_active=True, company=company).order_by("pk")
    people = found.select_related("company", "holding__profile")
    return [_manager(user, read) for user in people]


def members_among(people: Iterable[int], company: Company) -> list[Standing]:
    """Of these people, who manage no unit, those who are active in the company."""
    active = User.objects.filter(pk__in=people, company=company, is_active=True).order_by("pk")
    users = list(active.select_related("company", "holding__profile"))
    joined, given = Sets(set), given_to(company.pk, [user.pk for user in users])
    for user, unit in Membership.objects.current().filter(user__in=users).order_by("pk").values_list("user", "unit"):
        joined[user].add(unit)
    return [_member(user, joined[user.pk], given(user.pk)) for user in users]


def keyrings_of(people: Collection[User]) -> dict[int, Keyring]:
    """The keyring of each as the database says now, by her id; of all who manage nothing in a few queries."""
    keyrings = {one.pk: Keyring(user_id=one.pk, company_id=one.company_id) for one in people}
    managing = Membership.objects.current().filter(user__in=keyrings, role__in=MANAGES).order_by("user")
    single = {*managing.values_list("user", flat=True), *(one.pk for one in people if one.seen_through is not None)}
    for company in {one.company for one in people if one.pk not in single}:
        keyrings |= {one.user_id: make_keyring(one) for one in members_among(keyrings.keys() - single, company)}
    return keyrings | {one.pk: load_keyring(one) for one in people if one.pk in single}


def _member(user: User, joined: Collection[int], given: Mapping[str, Any]) -> Standing:
    sees_unit_leads = user.has_perm(Permission.VIEW_UNIT_LEAD)
    return Standing(
        user_id=user.pk,
        company_id=user.company_id,
        policy=policy_of(user.company),
        held=permissions_of(user),
        joined_units=frozenset(joined) if sees_unit_leads else frozenset(),
        view_unit_lead=sees_unit_leads,
        view_originated_lead=user.has_perm(Permission.VIEW_ORIGINATED_LEAD),
        **given,
    )


def _read(company: Company) -> _Company:
    joined, roles, managed, shown = (Sets(set) for _ in range(4))
    units = Unit.objects.filter(company=company).values_list("pk", "kind", "parent", "parent__parent")
    tree = {pk: (Unit.Kind(kind), (pk, *above)) for pk, kind, *above in units}
    current = Membership.objects.current().filter(unit__in=tree, user__company=company)
    for user, unit, role in current.values_list("user", "unit", "role"):
        joined[user].add(unit)
        if role in MANAGES:
            roles[user].add(unit)
    for manager, user, hides in who_manages_whom(company.pk):
        managed[manager].add(user)
        if not hides:
            shown[manager].add(user)
    people = frozenset(User.objects.filter(company=company).values_list("pk", flat=True))
    return _Company(company, tree, joined, roles, managed, shown, people, given_to(company.pk, list(roles)))


def _manager(user: User, read: _Company) -> Manager:
    units = {pk: kind for pk, (kind, line) in read.units.items() if not read.roles[user.pk].isdisjoint(line)}
    kind = min(units.values(), key=WIDEST.index)
    sees_unit_leads = user.has_perm(Permission.VIEW_UNIT_LEAD)
    originated = user.has_perm(Permission.VIEW_ORIGINATED_LEAD)
    policy = policy_of(read.company)
    whole = kind == Unit.Kind.COMPANY
    standing = Standing(
        user_id=user.pk,
        company_id=user.company_id,
        policy=policy,
        held=permissions_of(user),
        joined_units=frozenset(read.joined[user.pk]) if sees_unit_leads else frozenset(),
        managed_units=frozenset(units),
        managed_people=frozenset() if whole else frozenset(read.shown[user.pk]),
        view_unit_lead=sees_unit_leads,
        view_originated_lead=originated,
        company=CompanyReach(policy, read.people - read.managed[user.pk], originated) if whole else None,
        **read.given(user.pk),
    )
    return Manager(kind, standing)
