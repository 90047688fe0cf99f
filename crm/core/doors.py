"""Every address says who may knock: `@public`, or `@door(...)` for signed-in people with a verb where one is needed.

A view without a mark is refused by the middleware, so that a forgotten mark is a closed door and never an open one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.views.generic import View

V = TypeVar("V", bound=Callable[..., HttpResponseBase])
OPEN_PREFIXES = ("allauth.", "django.views.static", "django.views.generic.base")


@dataclass(frozen=True)
class Door:
    """Who may pass: anyone (`public`), or signed-in people; with `verb`, those whose profile has it.

    `machines`: programs knock, and are refused in JSON.
    """

    public: bool = False
    verb: str = ""
    staff: bool = False
    machines: bool = False
    methods: tuple[str, ...] = ("GET", "HEAD")


def public(*methods: str, machines: bool = False) -> Callable[[V], V]:
    return _mark(Door(public=True, machines=machines, methods=_with_head(methods)))


def door(*methods: str, verb: str = "", staff: bool = False) -> Callable[[V], V]:
    """Signed-in people only, by the given methods (default GET), with the permission `verb` if one is named."""
    return _mark(Door(verb=verb, staff=staff, methods=_with_head(methods)))


def _with_head(methods: tuple[str, ...]) -> tuple[str, ...]:
    """What answers a GET answers a HEAD."""
    given = dict.fromkeys(methods or ("GET",))
    return (*given, "HEAD") if "GET" in given and "HEAD" not in given else tuple(given)


def _mark(mark: Door) -> Callable[[V], V]:
    def decorate(view: V) -> V:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in mark.methods:
                return _no_page(request, mark)
            if mark.verb and not request.user.has_perm(mark.verb):
                raise PermissionDenied("Your profile does not include this.")
            if mark.staff and not request.user.is_staff:
                raise PermissionDenied("This page is for the people who run the installation.")
            return view(request, *args, **kwargs)

        guarded.door = mark  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def _no_page(request: HttpRequest, mark: Door) -> HttpResponse:
    if mark.machines:
        allowed = ", ".join(mark.methods)
        said = {"status": 405, "detail": f"This address takes {allowed} only."}
        return JsonResponse(said, status=405, headers={"Allow": allowed})
    return HttpResponseNotAllowed(mark.methods, render_to_string("405.html", request=request))


def _page_for(request: HttpRequest, mark: Door) -> str:
    """Where signing in leads back to: the page asked for; or, of what only takes a form, the page that the form was on."""
    if "GET" in mark.methods:
        return request.get_full_path()
    before = urlsplit(request.headers.get("Referer", ""))
    try:
        found = mark_of(resolve(before.path).func) if before.netloc == request.get_host() else None
    except Resolver404:
        found = None
    return urlunsplit(("", "", *before[2:4], "")) if found and "GET" in found.methods else "/"


def mark_of(view: Any) -> Door | None:
    """The mark of a resolved view; pages of the sign-in library carry their own checks and count as public."""
    found = getattr(view, "door", None)
    if isinstance(found, Door):
        return found
    owner = getattr(view, "view_class", None)
    module = (
        owner.__module__ if isinstance(owner, type) and issubclass(owner, View) else getattr(view, "__module__", "")
    )
    return Door(public=True) if module.startswith(OPEN_PREFIXES) else None


def is_let_in(request: HttpRequest) -> bool:
    """Whether somebody is signed in, with a second factor where her company asks for one."""
    return request.user.is_authenticated and not request.user.owes_second_factor


class SignedInMiddleware:
    """Sends strangers to sign-in, people who were deactivated out, and who owes a second factor to its set-up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(None):
            return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if "\x00" in request.path:
            raise Http404  # no address of ours, and PostgreSQL would refuse it
        mark = mark_of(view)
        if mark is None:
            raise PermissionDenied("This address has no door mark.")
        if mark.public:
            return None
        if request.user.is_authenticated and is_let_in(request):
            timezone.activate(request.user.time_zone)
            return None
        if request.headers.get("HX-Request"):
            return HttpResponse(status=401)  # the page stays, with what was typed: static/js/session.js
        if request.user.is_authenticated:
            return redirect("mfa_activate_totp")
        return redirect_to_login(_page_for(request, mark))
