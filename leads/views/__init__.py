"""The pages of people and of one lead."""

from __future__ import annotations

from django.http import HttpRequest

from crm.organization.models import User


def asker(request: HttpRequest) -> User:
    """Who asks; the door has made sure that somebody is signed in."""
    assert isinstance(request.user, User)
    return request.user
