"""Answers `user.has_perm(permission)` from her profile, and fetches her with what every page needs."""

from __future__ import annotations

from functools import cache
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import Combinable

from crm.organization.models import User


@cache
def _owing() -> Combinable:
    """People who must have a second factor and have none. Recovery codes only stand in for one."""
    factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return Q(company__two_factor_required=True) & ~Exists(factors)


class ProfileBackend(AuthenticationBackend):
    def get_user(self, user_id: Any) -> User | None:
        found = User.objects.select_related("company", "holding__profile").annotate(owes_second_factor=_owing())
        user = found.filter(pk=user_id, is_active=True).first()
        return user if isinstance(user, User) else None

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return isinstance(user_obj, User) and user_obj.is_active and perm in permissions_of(user_obj)


def permissions_of(user: User) -> frozenset[str]:
    """The permissions of her profile; none without one. Of somebody viewed as, those that her viewer has as well (V7)."""
    holding = getattr(user, "holding", None)
    held = frozenset(holding.profile.permissions) if holding else frozenset()
    return held if user.seen_through is None else held & permissions_of(user.seen_through)
