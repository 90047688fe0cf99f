"""A person's keyring, read from where she stands now: memberships, profile, policy, switches, open offers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from crm.organization.models import Company, PersonalLeads, Unit, User
from crm.organization.people import herself
from permissions.access import CompanyReach, Key, Keyring, Privacy, Standing, make_keyring
from permissions.backend import permissions_of
from permissions.catalog import Permission

# what opens, by its code: a lead with this key, or a pond and whether she may claim from it
Gives = Mapping[str, Key | bool]
# of people of one company: rows of three columns, a person, a lead or pond (ids), and the code of what that gives her
Source = Callable[[int, Collection[int]], Sequence[QuerySet[Any, Any]]]
_sources: list[Source] = []
_gives: dict[str, Key | bool] = {}
POLICIES = {
    PersonalLeads.COMPANY_ONLY: Privacy.VISIBLE,  # for what was personal before it (O5)
    PersonalLeads.PRIVATE: Privacy.PRIVATE,
    PersonalLeads.VISIBLE: Privacy.VISIBLE,
    PersonalLeads.MANAGED: Privacy.MANAGED,
}


def register_source(source: Source, gives: Gives) -> None:
    """Declared by higher rooms, for rules d (offers), e (ponds) and f (shares): all of them are asked in one query."""
    _sources.append(source)
    _gives.update(gives)


def given_to(company_id: int, people: Collection[int]) -> Callable[[int], dict[str, Any]]:
    """What a person among `people` is given now by all sources, as her Standing has it."""
    first, *others = [rows for source in _sources for rows in source(company_id, people)]
    leads: defaultdict[int, list[tuple[int, Key]]] = defaultdict(list)
    ponds: defaultdict[tuple[int, bool], set[int]] = defaultdict(set)
    for user, pk, code in first.union(*others, all=True):
        gives = _gives[code]
        if isinstance(gives, Key):
            leads[user].append((pk, gives))
        else:
            ponds[user, gives].add(pk)

    def of(user_id: int) -> dict[str, Any]:
        return {
            "leads": tuple(leads[user_id]),
            "ponds": frozenset(ponds[user_id, True]),
            "ponds_looked_at": frozenset(ponds[user_id, False]),
        }

    return of


def policy_of(company: Company) -> Privacy:
    """What the company's policy of today grants to managers."""
    return POLICIES[PersonalLeads(company.personal_leads)]


def load_keyring(user: User) -> Keyring:
    """Her keyring as the database says now. Take one per request and pass it on.

    Where somebody views the product as her, it is limited to that person's own (V7).
    """
    if user.seen_through is not None:
        return load_keyring(herself(user)).limited_to(load_keyring(user.seen_through))
    if not user.is_active:
        return Keyring(user_id=user.pk, company_id=user.company_id)
    return make_keyring(standing_of(user))


def standing_of(user: User) -> Standing:
    """Where she stands now. Units she joined count only where her profile makes something of them."""
    found = Unit.objects.concerning(user)
    units = [(pk, kind) for pk, kind, managed, _ in found if managed]
    policy = policy_of(user.company)
    whole_company = any(kind == Unit.Kind.COMPANY for _, kind in units)
    sees_unit_leads = user.has_perm(Permission.VIEW_UNIT_LEAD)
    originated = user.has_perm(Permission.VIEW_ORIGINATED_LEAD)
    managed = User.objects.managed_by(user).filter(hide_from_team=False) if units and not whole_company else None
    return Standing(
        user_id=user.pk,
        company_id=user.company_id,
        policy=policy,
        held=permissions_of(user),
        joined_units=frozenset(pk for pk, _, _, joined in found if joined) if sees_unit_leads else frozenset(),
        managed_units=frozenset(pk for pk, _ in units),
        managed_people=frozenset(managed.values_list("pk", flat=True)) if managed is not None else frozenset(),
        view_unit_lead=sees_unit_leads,
        view_originated_lead=originated,
        company=CompanyReach(policy, _unmanaged(user), originated) if whole_company else None,
        **given_to(user.company_id, [user.pk])(user.pk),
    )


def units_joined_by(user: User) -> frozenset[int]:
    return frozenset(Unit.objects.joined_by(user).values_list("pk", flat=True))


def _unmanaged(user: User) -> frozenset[int]:
    """People of her company whom she does not manage, so that their personal leads stay theirs."""
    return frozenset(User.objects.not_managed_by(user).values_list("pk", flat=True))
