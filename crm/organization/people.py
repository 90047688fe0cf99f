"""The person behind a request, typed."""

from __future__ import annotations

from django.http import HttpRequest

from crm.organization.models import User


def signed_in(request: HttpRequest) -> User:
    """The signed-in person; the door has made sure that there is one."""
    user = request.user
    assert isinstance(user, User)
    return user
