"""Answers `user.has_perm(permission)` from her profile, and fetches her with what every page needs."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from crm.organization.models import User


class ProfileBackend(AuthenticationBackend):
    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("company", "holding__profile").filter(pk=user_id, is_active=True).first()
        return user if isinstance(user, User) else None

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return isinstance(user_obj, User) and user_obj.is_active and perm in permissions_of(user_obj)


def permissions_of(user: User) -> frozenset[str]:
    """The permissions of her profile; none without one."""
    holding = getattr(user, "holding", None)
    return frozenset(holding.profile.permissions) if holding else frozenset()
