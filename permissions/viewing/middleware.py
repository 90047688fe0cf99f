"""Puts another person in the place of the one who is signed in, while she views the product as that person (V7)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject

from crm.core.doors import mark_of
from crm.core.problems import problem
from crm.core.readonly import SAFE_METHODS
from crm.organization.models import User
from crm.organization.viewing import KEY, Viewing, end_viewing, page_key, viewing_in
from permissions.viewing.services import person_seen

READ_ONLY = "You are viewing Fairlead as somebody else. Nothing was changed: stop viewing first."
OTHER_PAGE = "You are somebody else in this browser by now. Reload this page to go on."
OVER = "Viewing as somebody else has ended. This is your own Fairlead again."
AS_HERSELF = {("POST", "view-as-end"), ("POST", "account_logout")}
FOR_PROGRAMS = "api"  # the namespace of addresses that do not answer with pages
SHOWN_THOUGH_PUBLIC = {"live", "healthz"}


class ViewingMiddleware:
    """Stands before the check of form tokens, which pages shown to a viewer do not carry: so the refusal is its own.

    Pages of one's own account and the admin are refused altogether, all others to whatever would write.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        viewing = viewing_in(request.session)
        if viewing is None:
            return self.get_response(request)
        viewer = request.user
        request.viewer = viewer  # type: ignore[attr-defined]
        request.user = SimpleLazyObject(partial(shown_to, viewer, viewing, request))  # type: ignore[assignment]
        response = self.get_response(request)
        add_never_cache_headers(response)  # nothing to come back to with the back button afterwards
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if is_of_another(request):
            return HttpResponse(status=403, headers={"X-Refusal": OTHER_PAGE})
        if not hasattr(request, "viewer"):
            if KEY in request.session:  # its time is up
                end_for(request, request.user)
            return None
        match = request.resolver_match
        assert match is not None
        if (request.method, match.view_name) in AS_HERSELF:
            request.user = request.viewer
            return None
        if request.method in SAFE_METHODS and is_shown(view, match.view_name, match.app_names):
            return None
        if not getattr(request.user, "seen_through", None):
            return None
        return refusal(request, for_program=FOR_PROGRAMS in match.namespaces)


def is_of_another(request: HttpRequest) -> bool:
    """Whether a part is asked for by a page of another person: viewing, or a session, began or ended in another tab."""
    key = page_key(request.session)
    return bool(key) and request.headers.get("X-Page", key) != key


def is_shown(view: Any, name: str, apps: list[str]) -> bool:
    """Whether a viewer reads this page as the other person."""
    mark = mark_of(view)
    return name in SHOWN_THOUGH_PUBLIC or (mark is not None and not mark.public and "admin" not in apps)


def shown_to(viewer: User | AnonymousUser, viewing: Viewing, request: HttpRequest) -> User | AnonymousUser:
    """The person in the viewer's place; the viewer herself where she may not look any longer."""
    person = None
    if isinstance(viewer, User) and not viewer.owes_second_factor:
        person = person_seen(viewer, viewing)
    if person is None:
        end_for(request, viewer)
    return person or viewer


def end_for(request: HttpRequest, viewer: User | AnonymousUser) -> None:
    """Viewing ended by itself; who is still signed in is told."""
    end_viewing(request.session)
    if viewer.is_authenticated:
        messages.info(request, OVER)


def refusal(request: HttpRequest, *, for_program: bool) -> HttpResponse:
    page = "permissions/viewing_refused.html"
    response = problem(403, READ_ONLY) if for_program else render(request, page, status=403)
    response["X-Refusal"] = READ_ONLY
    return response
