"""The person behind a request, typed."""

from __future__ import annotations

from copy import copy

from django.http import HttpRequest

from crm.organization.models import User


def signed_in(request: HttpRequest) -> User:
    """The signed-in person; the door has made sure that there is one."""
    user = request.user
    assert isinstance(user, User)
    return user


def herself(user: User) -> User:
    """The person as she is without anybody viewing the product as her (V7)."""
    alone = copy(user)
    alone.seen_through = None
    return alone
