"""What every page's frame shows: the verbs of the person who looks at it, and whether the admin is open to her."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from crm.organization.models import User
from permissions.admin.site import site
from permissions.backend import permissions_of
from permissions.catalog import Permission


def frame(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    held = permissions_of(user) if isinstance(user, User) else frozenset()
    return {
        "can": {permission.value: permission.value in held for permission in Permission},
        "may_administer": SimpleLazyObject(lambda: bool(held) and site.has_permission(request)),
    }
