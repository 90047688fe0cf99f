"""What every page's frame shows: whether somebody is inside, her verbs, and which pages of managers are open to her."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.functional import SimpleLazyObject

from crm.core.doors import is_let_in
from crm.organization.models import User
from crm.organization.viewing import page_key
from permissions.admin.site import site
from permissions.backend import permissions_of
from permissions.catalog import Permission
from permissions.profiles.services import manages_company, may_edit


def frame(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    held = permissions_of(user) if isinstance(user, User) else frozenset()
    viewing = isinstance(user, User) and user.seen_through is not None
    return {
        "inside": user is not None and is_let_in(request),
        "page_key": page_key(request.session) if user is not None else "",
        "can": {permission.value: permission.value in held for permission in Permission},
        "may_administer": SimpleLazyObject(lambda: bool(held) and not viewing and site.has_permission(request)),
        "access_page": SimpleLazyObject(partial(access_page, request)),
        "may_view_as": SimpleLazyObject(partial(offers_viewing, request)),
        "viewing": viewing,
        **(without_form_token(request) if viewing else {}),
    }


def without_form_token(request: HttpRequest) -> dict[str, str]:
    """What one sees as another person writes nothing, not even from a tab left open: its forms carry no valid token.

    `own_token` is for the two that are the viewer's own: to stop, and to sign out.
    """
    return {"csrf_token": "read-only", "own_token": get_token(request)}


def offers_viewing(request: HttpRequest) -> bool:
    """Whether she may view the product as somebody else. Who enters the admin costs no query beside."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or user.seen_through or not user.has_perm(Permission.MANAGE_USERS):
        return False
    return site.has_permission(request) or manages_company(user)


def access_page(request: HttpRequest) -> str:
    """The name of the page that Access opens; empty where it would be closed to her, or is a tab of the admin.

    Agents cost no query.
    """
    user = getattr(request, "user", None)
    if not isinstance(user, User) or site.has_permission(request):
        return ""
    if user.has_perm(Permission.MANAGE_PROFILES) and may_edit(user):
        return "profiles"
    return "profile-people" if user.has_perm(Permission.MANAGE_USERS) else ""
