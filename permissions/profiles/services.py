"""Profiles (P1): what each allows, and who has which. Each change holds the company's unit and stands in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils.text import slugify

from crm.organization.models import Company, Invitation, Membership, Unit, User
from crm.organization.querysets import MANAGES
from permissions.backend import permissions_of
from permissions.catalog import BUILT_IN, Permission
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry, Profile, ProfileHolder

MOST_CUSTOM = 20
ABOVE_HERS = "You can neither give nor take a profile that allows more than yours."
KNOWN = frozenset(permission.value for permission in Permission)
Ticks = Mapping[int, frozenset[str]]  # permissions by the id of their profile


class RefusedError(Exception):
    """The change cannot be made; the text says why."""


class ChangedMeanwhileError(RefusedError):
    """Somebody else changed the profiles that the text names after they were shown."""


def create_built_in(company: Company) -> None:
    """The four built-in profiles of a new company."""
    Profile.objects.bulk_create(
        [
            Profile(company=company, code=code, name=name, permissions=sorted(permissions))
            for code, (name, permissions) in BUILT_IN.items()
        ],
        ignore_conflicts=True,
    )


def give_profile(user: User, code: str) -> None:
    """Make `code` (a profile of her company) her one profile. Raises Profile.DoesNotExist."""
    profile = Profile.objects.get(company=user.company_id, code=code)
    ProfileHolder.objects.update_or_create(user=user, defaults={"profile": profile})


# --- Who may ----------------------------------------------------------------------------------------------------------


def manages_company(user: User) -> bool:
    top = Membership.objects.current().filter(user=user, role__in=MANAGES, unit__kind=Unit.Kind.COMPANY)
    return top.filter(unit__company=user.company_id).exists()


def may_edit(actor: User) -> bool:
    """Whether she has both the verb and the reach, which is the company."""
    return actor.has_perm(Permission.MANAGE_PROFILES) and manages_company(actor)


def profiles_for(actor: User) -> QuerySet[Profile]:
    """The profiles that hold nothing she has not herself."""
    own = sorted(permissions_of(actor))
    return Profile.objects.filter(company=actor.company_id, permissions__contained_by=own).order_by("pk")


def choices_for(actor: User) -> QuerySet[Profile]:
    """The profiles she may give and take away: who may edit them all of them, others what they have themselves."""
    return Profile.objects.filter(company=actor.company_id).order_by("pk") if may_edit(actor) else profiles_for(actor)


def people_for(actor: User) -> QuerySet[User]:
    """Whose profile she may choose, those who left among them: a company manager everybody's."""
    people: QuerySet[User] = User.objects.of(actor) if manages_company(actor) else User.objects.managed_by(actor)
    return people.select_related("holding__profile")


# --- Reading ----------------------------------------------------------------------------------------------------------


def listed(company_id: int) -> list[Profile]:
    """The company's profiles, built-in ones first, each with `people`: how many active people have it."""
    active = Count("holders", filter=Q(holders__user__is_active=True))
    profiles = list(Profile.objects.filter(company=company_id).annotate(people=active).order_by("pk"))
    order = [*reversed(BUILT_IN)]
    return sorted(profiles, key=lambda profile: order.index(profile.code) if profile.code in order else len(order))


def is_custom(profile: Profile) -> bool:
    return profile.code not in BUILT_IN


def held(profile: Profile) -> frozenset[str]:
    return KNOWN.intersection(profile.permissions)


# --- Changing ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def save_ticks(*, actor: User, ticks: Ticks, seen: Ticks) -> list[str]:
    """Make `ticks` the permissions of the profiles where they differ from `seen`: the names of those that changed.

    Raises PermissionDenied, ChangedMeanwhileError, RefusedError.
    """
    with _company_held(actor):
        touched = {pk: mine for pk, mine in ticks.items() if pk in seen and mine != seen[pk]}
        if not KNOWN.issuperset(frozenset().union(*touched.values())):
            raise RefusedError("There is no such permission.")
        changing = [p for p in listed(actor.company_id) if p.pk in touched and held(p) != touched[p.pk]]
        stale = [profile.name for profile in changing if held(profile) != seen[profile.pk]]
        if stale:
            raise ChangedMeanwhileError(", ".join(stale))
        for profile in changing:
            before, profile.permissions = sorted(held(profile)), sorted(touched[profile.pk])
            profile.save(update_fields=["permissions"])
            _record(actor, "profile", profile=profile.code, before=before, after=profile.permissions)
    return [profile.name for profile in changing]


@transaction.atomic
def add_profile(*, actor: User, name: str, copied_from: Profile) -> Profile:
    """A custom profile that allows what another one does. Raises PermissionDenied, RefusedError."""
    with _company_held(actor):
        profiles = listed(actor.company_id)
        if sum(map(is_custom, profiles)) >= MOST_CUSTOM:
            raise RefusedError(f"A company has at most {MOST_CUSTOM} profiles of its own. Delete one first.")
        source = Profile.objects.get(pk=copied_from.pk, company=actor.company_id)
        profile = Profile(company_id=actor.company_id, permissions=sorted(held(source)))
        profile.name, profile.code = _free_name(name, profiles), _free_code(name, profiles)
        profile.save()
        after = {"name": profile.name, "permissions": profile.permissions}
        _record(actor, "profile", profile=profile.code, before=None, after=after)
    return profile


@transaction.atomic
def rename_profile(*, actor: User, profile: Profile, name: str) -> bool:
    """Whether the custom profile had another name before. Raises PermissionDenied, RefusedError."""
    with _company_held(actor):
        others = [other for other in listed(actor.company_id) if other.pk != profile.pk]
        found = _custom(actor, profile)
        before, found.name = found.name, _free_name(name, others)
        if before == found.name:
            return False
        found.save(update_fields=["name"])
        _record(actor, "profile", profile=found.code, before={"name": before}, after={"name": found.name})
    return True


@transaction.atomic
def delete_profile(*, actor: User, profile: Profile) -> None:
    """Only a custom one that nobody has or is promised. Raises PermissionDenied, RefusedError."""
    with _company_held(actor):
        found = _custom(actor, profile)
        if found.holders.exists():
            raise RefusedError(f"{found.name} is still somebody's profile. Give them another one first.")
        promised = Invitation.objects.filter(company=actor.company_id, accepted_at=None, withdrawn_at=None)
        if promised.filter(profile=found.code).exists():
            raise RefusedError(f"Somebody is invited with {found.name}. Withdraw that invitation first.")
        before = {"name": found.name, "permissions": sorted(held(found))}
        found.delete()
        _record(actor, "profile", profile=found.code, before=before, after=None)


@transaction.atomic
def change_profile(*, actor: User, user: User, code: str, seen: str) -> bool:
    """Give her the profile `code`, if `seen` (a code, or empty) is still hers: whether that was a change.

    Raises PermissionDenied, ChangedMeanwhileError, RefusedError.
    """
    if not actor.has_perm(Permission.MANAGE_USERS) or not people_for(actor).filter(pk=user.pk).exists():
        raise PermissionDenied("This is for those who manage her.")
    with kept_open(actor.company_id):
        holding = ProfileHolder.objects.select_related("profile").filter(user=user).first()
        before = holding.profile.code if holding else ""
        if before == code:
            return False
        if before != seen:
            raise ChangedMeanwhileError(holding.profile.name if holding else "none")
        given = set(choices_for(actor).filter(code__in=[code, before]).values_list("code", flat=True))
        if code not in given or (before and before not in given):
            known = Profile.objects.filter(company=actor.company_id, code=code).exists()
            raise RefusedError(ABOVE_HERS if known else "There is no such profile.")
        give_profile(user, code)
        _record(actor, "profile given", user.pk, before=before or None, after=code)
    return True


@contextmanager
def _company_held(actor: User) -> Iterator[None]:
    if not may_edit(actor):
        raise PermissionDenied("Profiles are for managers of the company.")
    with kept_open(actor.company_id):
        yield


@contextmanager
def kept_open(company_id: int) -> Iterator[None]:
    """Holds the company's unit, and refuses what would leave no manager of the company to change profiles."""
    whole = Unit.objects.select_for_update(no_key=True).get(company=company_id, kind=Unit.Kind.COMPANY)
    managers = Membership.objects.current().filter(unit=whole, role__in=MANAGES, user__is_active=True)
    keepers = managers.filter(user__holding__profile__permissions__contains=[Permission.MANAGE_PROFILES.value])
    before = keepers.exists()
    yield
    if before and not keepers.exists():
        raise RefusedError("Then no manager of the company could change profiles any more. One must keep that.")


def _custom(actor: User, profile: Profile) -> Profile:
    """The profile as it stands, which must be one of the company's own."""
    found = Profile.objects.filter(company=actor.company_id, pk=profile.pk).first()
    if found is None:
        raise RefusedError("This profile is gone.")
    if not is_custom(found):
        raise RefusedError(f"{found.name} is built in: it keeps its name and its place.")
    return found


def _free_name(name: str, others: list[Profile]) -> str:
    name = " ".join(name.split())
    if name.casefold() in {other.name.casefold() for other in others}:
        raise RefusedError(f"There is a profile named {name} already.")
    return name


def _free_code(name: str, others: list[Profile]) -> str:
    """Of the name; a number follows where another profile had it first, such as one that was renamed."""
    taken = {other.code for other in others}
    stem = slugify(name).replace("-", "_")[:30] or "profile"
    numbered = (f"{stem}_{number}" for number in range(2, len(taken) + 3))
    return next(code for code in (stem, *numbered) if code not in taken)


def _record(actor: User, why: str, user_id: int | None = None, **detail: object) -> None:
    kind = LedgerEntry.Kind.POLICY_CHANGED
    fact = Fact(company_id=actor.company_id, kind=kind, actor_id=actor.pk, to_user_id=user_id, why=why, detail=detail)
    record(fact)
