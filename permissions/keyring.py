"""A person's keyring, read from where she stands now: memberships, profile, policy, switches, open offers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from crm.organization.models import Company, PersonalLeads, Unit, User
from crm.organization.people import herself
from permissions.access import CompanyReach, Key, Keyring, Privacy, Standing, make_keyring
from permissions.backend import permissions_of
from permissions.catalog import Permission


@dataclass(frozen=True)
class Given:
    """What a higher room gives a person now: keys to single leads, and her ponds with whether she may claim from them."""

    leads: dict[int, Key] = field(default_factory=dict)
    ponds: dict[int, bool] = field(default_factory=dict)


Source = Callable[[int, Collection[int]], Mapping[int, Given]]
_sources: list[Source] = []
POLICIES = {
    PersonalLeads.COMPANY_ONLY: Privacy.VISIBLE,  # for what was personal before it (O5)
    PersonalLeads.PRIVATE: Privacy.PRIVATE,
    PersonalLeads.VISIBLE: Privacy.VISIBLE,
    PersonalLeads.MANAGED: Privacy.MANAGED,
}


def register_source(source: Source) -> None:
    """Declared by higher rooms, for rules d (offers), e (ponds) and f (shares): asked of people of one company at once."""
    _sources.append(source)


def given_to(company_id: int, people: Collection[int]) -> Callable[[int], dict[str, Any]]:
    """What a person among `people` is given now by all sources, as her Standing has it."""
    answers = [source(company_id, people) for source in _sources]

    def of(user_id: int) -> dict[str, Any]:
        given = [answer[user_id] for answer in answers if user_id in answer]
        ponds = [pond for one in given for pond in one.ponds.items()]
        return {
            "leads": tuple(pair for one in given for pair in one.leads.items()),
            "ponds": frozenset(pond for pond, may_claim in ponds if may_claim),
            "ponds_looked_at": frozenset(pond for pond, may_claim in ponds if not may_claim),
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
