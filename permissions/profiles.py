"""Giving profiles to people."""

from __future__ import annotations

from crm.organization.models import Company, User
from permissions.catalog import BUILT_IN
from permissions.models import Profile, ProfileHolder


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
