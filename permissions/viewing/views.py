"""Whom a company admin may view the product as, and beginning and ending it (V7)."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.core.leading import back
from crm.core.pagination import keyset_page
from crm.organization.models import User
from crm.organization.people import signed_in
from permissions.catalog import Permission
from permissions.viewing import services


@door(verb=Permission.MANAGE_USERS)
def view_as(request: HttpRequest) -> HttpResponse:
    """Her colleagues, by name."""
    viewer = _viewer(request)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:120]
    people = services.viewable_by(viewer).filter(name__icontains=text)
    page = keyset_page(people, sort="name", descending=False, cursor=request.GET.get("cursor", ""))
    return render_page(
        request, "permissions/view_as.html", {"page": page, "text": text, "query": urlencode({"q": text})}
    )


@door("POST", verb=Permission.MANAGE_USERS)
def begin(request: HttpRequest, user_id: int) -> HttpResponse:
    viewer = _viewer(request)
    person = get_object_or_404(services.viewable_by(viewer), pk=user_id)
    services.begin(viewer=viewer, person=person, session=request.session)
    return back(request)


@door("POST")
def end(request: HttpRequest) -> HttpResponse:
    services.end(viewer=signed_in(request), session=request.session)
    messages.success(request, "This is your own Fairlead again.")
    return back(request)


def _viewer(request: HttpRequest) -> User:
    """Who asks, a manager of the company; else 403."""
    viewer = signed_in(request)
    if not services.may_view_as(viewer):
        raise PermissionDenied("Viewing as somebody else is for managers of the company.")
    return viewer
