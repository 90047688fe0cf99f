"""A company's policy (O5): what it is, and changing it. A change holds the company's unit and stands in the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q

from crm.organization.models import Company, Unit, User
from crm.organization.querysets import UnitQuerySet
from permissions.catalog import Permission
from permissions.ledger import Fact, record_all
from permissions.models import LedgerEntry
from permissions.profiles.services import ChangedMeanwhileError, manages_company

WHY = "policy"


@dataclass(frozen=True)
class Policy:
    """What a company decides for all its people. `whitelist`: units whose managers may change ownership in mass (M3)."""

    name: str
    time_zone: str
    phone_region: str
    personal_leads: str
    reregistration: str
    duplicate_keys: list[str]
    owner_notifications: str
    claiming: str
    bulk_claims: bool
    consent_for_emails: bool
    replies_to: str
    mail_footer: str
    two_factor_required: bool
    whitelist: frozenset[int]

    def values(self) -> dict[str, Any]:
        """Each setting as JSON keeps it."""
        return asdict(self) | {"whitelist": sorted(self.whitelist)}

    def digest(self) -> str:
        """By what a page knows again what it showed."""
        return sha256(json.dumps(self.values(), sort_keys=True).encode()).hexdigest()

    def changed_to(self, other: Policy) -> list[str]:
        """The settings in which the other one differs."""
        return [name for name, value in vars(self).items() if getattr(other, name) != value]


def listed_units(company_id: int) -> UnitQuerySet:
    """What the whitelist chooses from: managers of the company need no list."""
    return Unit.objects.filter(company=company_id).exclude(kind=Unit.Kind.COMPANY).open()


def read_policy(company_id: int) -> Policy:
    """The policy as it stands."""
    company = Company.objects.get(pk=company_id)
    listed = listed_units(company_id).filter(may_change_ownership=True)
    values = {name: getattr(company, name) for name in Policy.__dataclass_fields__ if name != "whitelist"}
    return Policy(**values, whitelist=frozenset(listed.values_list("pk", flat=True)))


@transaction.atomic
def change_policy(*, actor: User, wanted: Policy, seen: str) -> list[str]:
    """Make `wanted` the policy, if `seen` is still the digest of the one that stands: the settings that changed.

    It holds from everybody's next request. Raises PermissionDenied, ChangedMeanwhileError, ValidationError.
    """
    if not (actor.has_perm(Permission.MANAGE_POLICY) and manages_company(actor)):
        raise PermissionDenied("The policy is for managers of the company.")
    _hold_units(actor.company_id, wanted.whitelist)
    now = read_policy(actor.company_id)
    if now.digest() != seen:
        raise ChangedMeanwhileError("the policy")
    changed = now.changed_to(wanted)
    _save_company(actor.company_id, {name: getattr(wanted, name) for name in changed if name != "whitelist"})
    for unit_id in now.whitelist ^ wanted.whitelist:
        listed_units(actor.company_id).filter(pk=unit_id).update(may_change_ownership=unit_id in wanted.whitelist)
    record_all(_facts(actor, now, wanted))
    return changed


def _hold_units(company_id: int, wanted: frozenset[int]) -> None:
    """The company's unit, by which changes wait for each other, and all whose place on the list changes, in id order."""
    concerned = Q(kind=Unit.Kind.COMPANY) | Q(pk__in=wanted) | Q(may_change_ownership=True)
    units = Unit.objects.filter(concerned, company=company_id).order_by("pk").select_for_update(no_key=True)
    list(units.values_list("pk", flat=True))


def _save_company(company_id: int, values: Mapping[str, Any]) -> None:
    """The company's unit is called as the company is."""
    company = Company.objects.get(pk=company_id)
    unit = Unit.objects.get(company=company, kind=Unit.Kind.COMPANY)
    if "name" in values and unit.name == company.name:
        unit.name = values["name"]
        _clean(unit, "name")
        unit.save(update_fields=["name"])
    for name, value in values.items():
        setattr(company, name, value)
    company.full_clean()
    company.save(update_fields=list(values))


def _clean(unit: Unit, field: str) -> None:
    try:
        unit.full_clean()
    except ValidationError as error:
        raise ValidationError({field: f"There is a unit named {unit.name} already."}) from error


def _facts(actor: User, now: Policy, wanted: Policy) -> Iterator[Fact]:
    """A fact for each setting, and for each unit that came on the list or left it."""
    for name in now.changed_to(wanted):
        if name != "whitelist":
            yield _fact(actor, setting=name, before=getattr(now, name), after=getattr(wanted, name))
    for unit_id in sorted(now.whitelist ^ wanted.whitelist):
        listed = unit_id in wanted.whitelist
        yield _fact(actor, unit_id, setting="may_change_ownership", before=not listed, after=listed)


def _fact(actor: User, unit_id: int | None = None, **detail: object) -> Fact:
    kind = LedgerEntry.Kind.POLICY_CHANGED
    return Fact(company_id=actor.company_id, kind=kind, actor_id=actor.pk, to_unit_id=unit_id, why=WHY, detail=detail)
