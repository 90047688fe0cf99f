"""The grid of profiles, and who has which."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.core.pagination import keyset_page
from crm.organization.models import User
from crm.organization.people import signed_in
from permissions.admin.site import Entry, site
from permissions.catalog import Permission
from permissions.models import Profile
from permissions.profiles import services
from permissions.profiles.forms import AddProfileForm, GridForm, RenameForm
from permissions.viewing.services import viewable_by


@door("GET", "HEAD", "POST", verb=Permission.MANAGE_PROFILES)
def profiles(request: HttpRequest) -> HttpResponse:
    """What each profile allows, ticked in one grid and saved at once."""
    actor = _manager(request)
    grid = GridForm(request.POST if request.method == "POST" else None, actor=actor, page=request.GET.get("page", ""))
    if grid.is_bound and grid.is_valid():
        changed = grid.save()
        if grid.is_valid():
            said = f"Saved: {', '.join(changed)}. It holds from now on." if changed else "Nothing was changed."
            messages.success(request, said)
            return _to(grid.page.number)
    return _page(request, actor, grid=grid)


@door("POST", verb=Permission.MANAGE_PROFILES)
def add_profile(request: HttpRequest) -> HttpResponse:
    actor = _manager(request)
    form = AddProfileForm(request.POST, actor=actor)
    if form.is_valid() and form.save():
        messages.success(request, f"{form.cleaned_data['name']} is there. Nobody has it yet.")
        return _to("last")
    return _page(request, actor, add=form)


@door("POST", verb=Permission.MANAGE_PROFILES)
def rename_profile(request: HttpRequest, pk: int) -> HttpResponse:
    actor = _manager(request)
    form = RenameForm(request.POST, actor=actor, profile=_profile(actor, pk))
    if form.is_valid() and form.save():
        messages.success(request, f"It is named {form.cleaned_data['name']} now.")
        return redirect("profiles")
    return _page(request, actor, rename=form)


@door("POST", verb=Permission.MANAGE_PROFILES)
def delete_profile(request: HttpRequest, pk: int) -> HttpResponse:
    actor = _manager(request)
    profile = _profile(actor, pk)
    try:
        services.delete_profile(actor=actor, profile=profile)
    except services.RefusedError as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, f"{profile.name} is deleted.")
    return redirect("profiles")


@door("GET", "HEAD", verb=Permission.MANAGE_USERS)
def profile_people(request: HttpRequest) -> HttpResponse:
    """Everybody whose profile she may choose, by name."""
    actor = signed_in(request)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:120]
    people = services.people_for(actor)
    if text:
        people = people.filter(name__icontains=text)
    page = keyset_page(people, sort="name", descending=False, cursor=request.GET.get("cursor", ""))
    given = list(services.choices_for(actor))
    viewable = set(viewable_by(actor).filter(pk__in=[user.pk for user in page.rows]).values_list("pk", flat=True))
    context = {
        "page": page,
        "rows": [_row(user, given) | {"viewable": user.pk in viewable} for user in page.rows],
        "text": text,
        "query": urlencode({"q": text}),
        "may_edit": services.may_edit(actor),
        "entries": _tabs(request),
    }
    return render_page(request, "permissions/profiles_people.html", context)


@door("POST", verb=Permission.MANAGE_USERS)
def give_profile(request: HttpRequest, user_id: int) -> HttpResponse:
    actor = signed_in(request)
    user = get_object_or_404(services.people_for(actor), pk=user_id)
    code, seen = request.POST.get("profile", ""), request.POST.get("seen", "")
    try:
        if services.change_profile(actor=actor, user=user, code=code, seen=seen):
            messages.success(request, f"{user.name} has another profile from now on.")
    except services.ChangedMeanwhileError as changed:
        messages.warning(request, f"Somebody changed this meanwhile: the profile of {user.name} is {changed} now.")
    except services.RefusedError as refused:
        messages.warning(request, str(refused))
    if user == actor:  # the list may be closed to her now
        return redirect("today")
    return redirect(f"{reverse('profile-people')}?{urlencode({'q': request.POST.get('q', '')[:120]})}")


def _to(page: int | str) -> HttpResponse:
    return redirect(f"{reverse('profiles')}?page={page}")


def _manager(request: HttpRequest) -> User:
    """Who asks, a manager of the company; else 403."""
    actor = signed_in(request)
    if not services.may_edit(actor):
        raise PermissionDenied("Profiles are for managers of the company.")
    return actor


def _tabs(request: HttpRequest) -> list[Entry]:
    """The admin's pages, for those who enter it: profiles are one of them."""
    return site.entries(request) if site.has_permission(request) else []


def _profile(actor: User, pk: int) -> Profile:
    return get_object_or_404(Profile, pk=pk, company=actor.company_id)


def _page(
    request: HttpRequest,
    actor: User,
    *,
    grid: GridForm | None = None,
    add: AddProfileForm | None = None,
    rename: RenameForm | None = None,
) -> HttpResponse:
    """The page, with the one form that was refused, if any."""
    grid = grid or GridForm(actor=actor)
    custom = [profile for profile in grid.listed if services.is_custom(profile)]
    context: dict[str, Any] = {
        "entries": _tabs(request),
        "grid": grid,
        "add": add or AddProfileForm(actor=actor),
        "most": services.MOST_CUSTOM,
        "names": [
            rename if rename and rename.profile.pk == profile.pk else RenameForm(actor=actor, profile=profile)
            for profile in custom
        ],
    }
    refused = any(form is not None and form.is_bound for form in (grid, add, rename))
    return render_page(request, "permissions/profiles.html", context, status=422 if refused else 200)


def _row(user: User, given: list[Profile]) -> dict[str, Any]:
    """A person of the list; `profiles` to choose from is empty where hers allows more than the reader's."""
    holding = getattr(user, "holding", None)
    mine = holding.profile if holding else None
    return {
        "user": user,
        "code": mine.code if mine else "",
        "name": mine.name if mine else "",
        "profiles": given if mine is None or mine in given else [],
    }
