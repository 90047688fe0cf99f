"""What every page's frame shows: the verbs of the person who looks at it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from crm.organization.models import User
from permissions.backend import permissions_of
from permissions.catalog import Permission


def frame(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    held = permissions_of(user) if isinstance(user, User) else frozenset()
    return {"can": {permission.value: permission.value in held for permission in Permission}}
