"""The only read door of leads: querysets filtered by the same keys that `Keyring.access` reads."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q

from crm.organization.models import User
from permissions import lookups  # noqa: F401  # `fits` and `any_of`
from permissions.access import Access, Keyring, Level, LockedLead, Privacy
from permissions.keyring import load_keyring
from permissions.verbs import WAYS, Verb, Way, why_not

M = TypeVar("M", bound=models.Model)
KEYS_AT_ONCE = 16  # the index compares every key with every lead it finds: many keys cost less in several scans


def seen_by(keyring: Keyring, at_least: Level = Level.REDACTED, prefix: str = "", *, removed: bool = False) -> Q:
    """The condition that the lead (at `prefix`, such as `lead__`) is open to her on `at_least` that level.

    `removed`: or would be, had it not been removed. The ledger outlives the lead.
    """
    return _within(keyring, at_least, prefix, _opened_by(keyring, at_least, prefix, removed=removed))


def _within(keyring: Keyring, at_least: Level, prefix: str, condition: Q) -> Q:
    """The condition, and that whoever sees through her eyes may see the lead so herself (V7)."""
    return condition if keyring.within is None else condition & seen_by(keyring.within, at_least, prefix)


def _opened_by(keyring: Keyring, at_least: Level, prefix: str, *, removed: bool = False) -> Q:
    condition = _locked_by(keyring.locks_at(at_least), prefix)
    single = keyring.leads_at(at_least)
    if single:
        condition |= Q(**{f"{prefix}pk__any_of": single})
    if keyring.company is not None:
        condition |= _in_company(keyring, at_least, prefix)
    there = Q(**{f"{prefix}company": keyring.company_id}) if removed else _there(keyring, prefix)
    return there & condition


def _there(keyring: Keyring, prefix: str) -> Q:
    """A lead of her company that was not removed."""
    return Q(**{f"{prefix}company": keyring.company_id, f"{prefix}removed_at": None})


def _locked_by(locks: list[int], prefix: str) -> Q:
    """The lead has one of these locks; no lead has one of none."""
    groups = [locks[start : start + KEYS_AT_ONCE] for start in range(0, len(locks), KEYS_AT_ONCE)] or [[]]
    return Q(*((f"{prefix}locks__fits", group) for group in groups), _connector=Q.OR)


def _in_company(keyring: Keyring, at_least: Level, prefix: str) -> Q:
    """`CompanyReach.keys` as a condition on plain columns."""
    reach = keyring.company
    assert reach is not None
    condition = Q(**{f"{prefix}owner_unit__isnull": False})
    shown = Q() if at_least <= Level.REDACTED else Q(**{f"{prefix}hidden": False})
    needed = Privacy.MANAGED if at_least > Level.VIEW else Privacy.VISIBLE
    if reach.privacy >= needed:
        unmanaged = Q(**{f"{prefix}owner_user__pk__any_of": sorted(reach.unmanaged)})
        condition |= Q(**{f"{prefix}privacy__gte": needed}) & ~unmanaged & shown
    if reach.originated and at_least <= Level.VIEW:
        condition |= Q(**{f"{prefix}origin_unit__isnull": False}) & shown
    return condition


def doable(keyring: Keyring, verb: Verb, prefix: str = "") -> Q:
    """The condition that she may do this with the lead: `verbs.why_not` for all leads at once."""
    condition = Q(pk__in=[])
    for way in WAYS[verb]:
        if way.is_held(keyring):
            condition |= _by(way, keyring, prefix)
    return condition


def _by(way: Way, keyring: Keyring, prefix: str) -> Q:
    if isinstance(way.standing, Level):
        condition = seen_by(keyring, way.standing, prefix)
    else:
        condition = _there(keyring, prefix) & _locked_by(keyring.locks_because(way.standing), prefix)
        condition = _within(keyring, Level.REDACTED, prefix, condition)
    return condition if way.personal is None else condition & Q(**{f"{prefix}owner_user__isnull": not way.personal})


def as_keyring(actor: User | Keyring) -> Keyring:
    return actor if isinstance(actor, Keyring) else load_keyring(actor)


class AccessQuerySet(models.QuerySet[M]):
    """For the lead model: what a person may see, work, manage. Give the keyring where one is at hand."""

    def visible_to(self, actor: User | Keyring, at_least: Level = Level.REDACTED) -> Self:
        """Leads she may see, redacted ones among them unless `at_least` asks for more."""
        return self.filter(seen_by(as_keyring(actor), at_least))

    def workable_by(self, actor: User | Keyring) -> Self:
        return self.visible_to(actor, Level.WORK)

    def manageable_by(self, actor: User | Keyring) -> Self:
        return self.visible_to(actor, Level.MANAGE)

    def doable_by(self, actor: User | Keyring, verb: Verb) -> Self:
        """Leads she may do this with: level and permission together (P3)."""
        return self.filter(doable(as_keyring(actor), verb))


LOCKED = ("company", "owner_unit", "owner_user", "origin_unit", "hidden", "privacy", "locks", "removed_at")


def locked(lead: Any) -> LockedLead:
    """What access to a lead instance is decided on."""
    return LockedLead(
        id=lead.pk,
        company_id=lead.company_id,
        owner_unit_id=lead.owner_unit_id,
        owner_user_id=lead.owner_user_id,
        origin_unit_id=lead.origin_unit_id,
        hidden=lead.hidden,
        privacy=lead.privacy,
        locks=tuple(lead.locks),
        removed=lead.removed_at is not None,
    )


def access_to(keyring: Keyring, lead: Any) -> Access:
    """Her access to a lead instance, by the one function."""
    return keyring.access(locked(lead))


def may(keyring: Keyring, lead: Any, verb: Verb) -> bool:
    return not why_not(keyring, locked(lead), verb)


def require_verb(keyring: Keyring, lead: Any, verb: Verb) -> None:
    """Raise PermissionDenied, with the reason, where she may not do this with the lead (P3)."""
    if reason := why_not(keyring, locked(lead), verb):
        raise PermissionDenied(reason)


def require(keyring: Keyring, lead: Any, level: Level) -> None:
    """Raise PermissionDenied where her access to the lead is below `level`."""
    if access_to(keyring, lead).level < level:
        raise PermissionDenied("You may look at this lead, but not do this with it.")
