"""Saved views of the People list (L6): all she has, saving one, changing, sharing and deleting it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.filters import LeadFilter
from leads.models import Lead, SavedView
from leads.once import once
from leads.services import saved_views as services
from leads.services.saved_views import NameTakenError, RefusedError
from leads.view_forms import SavedViewForm
from permissions.keyring import load_keyring

TAKEN = "You have a view of that name already."
MOST_SHOWN = 200


@door("GET", "HEAD", "POST")
@never_cache
def saved_views(request: HttpRequest) -> HttpResponse:
    """All she has, opened one by one; a POST saves the list of `query` as another."""
    user = signed_in(request)
    if request.method == "POST":
        return _save(request, user)
    chosen = LeadFilter(request.GET, Lead.objects.all(), keyring=load_keyring(user), actor=user)
    return _page(request, user, SavedViewForm(actor=user, query=chosen.query(view="")), chosen)


def _save(request: HttpRequest, user: User) -> HttpResponse:
    form = SavedViewForm(request.POST, actor=user)
    if form.is_valid():
        said = form.cleaned_data
        try:
            with once(user.pk, request.POST) as first:
                if first:
                    view = services.save_view(actor=user, name=said["name"], query=said["query"], unit=said["unit"])
                    messages.success(request, f"{view.name} is saved.")
                else:
                    view = get_object_or_404(SavedView.objects.of(user), created_by=user, name__iexact=said["name"])
        except NameTakenError:
            form.add_error("name", TAKEN)
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            return HttpResponseRedirect(address_of(view))
    return _page(request, user, form, None)


def _page(request: HttpRequest, user: User, form: SavedViewForm, chosen: LeadFilter | None) -> HttpResponse:
    """`chosen`: the list that would be saved; none where a form was refused, which has it."""
    views = list(SavedView.objects.of(user).with_names().by_name()[:MOST_SHOWN])
    context: dict[str, Any] = {
        "form": form,
        "lists": [
            (words, [(view, address_of(view)) for view in views if (view.created_by_id == user.pk) is hers])
            for words, hers in (("Your views", True), ("Shared with you", False))
        ],
        "any": bool(views),
        "more": len(views) == MOST_SHOWN,
        "chips": chosen.chips() if chosen else [],
        "open": next((view.pk for view in views if chosen and [str(view.pk)] == chosen.written("view")), None),
        "query": chosen.query() if chosen else "",
    }
    status = 422 if form.errors else 200
    return render_page(request, "leads/saved_views/index.html", context, partial="menu", status=status)


def address_of(view: SavedView) -> str:
    """The list as the view has it."""
    return f"{reverse('people')}?{view.query}{'&' if view.query else ''}view={view.pk}"


def _find(user: User, view_id: int) -> SavedView:
    return get_object_or_404(SavedView.objects.of(user).with_names(), pk=view_id)


@door("GET", "HEAD", "POST")
@never_cache
def saved_view(request: HttpRequest, view_id: int) -> HttpResponse:
    """One of them: its name, who has it, and the end of it."""
    user = signed_in(request)
    view = _find(user, view_id)
    is_hers = view.created_by_id == user.pk
    if request.method == "POST" and not is_hers:
        raise PermissionDenied(services.NOT_HERS)
    form = SavedViewForm(request.POST if request.method == "POST" else None, actor=user, view=view)
    if request.method == "POST" and form.is_valid():
        try:
            changed = services.change_view(actor=user, view=_find(user, view_id), **form.cleaned_data)
        except NameTakenError:
            form.add_error("name", TAKEN)
        else:
            messages.success(request, f"{changed.name} is saved.")
            return HttpResponseRedirect(address_of(changed))
    context = {
        "view": view,
        "there": address_of(view),
        "form": form,
        "is_hers": is_hers,
        "may_unshare": services.may_unshare(user, view),
    }
    return render_page(request, "leads/saved_views/view.html", context, status=422 if form.errors else 200)


@door("POST")
def overwrite(request: HttpRequest, view_id: int) -> HttpResponse:
    """Save the changes made to the list under the name it has."""
    user = signed_in(request)
    view = _find(user, view_id)
    query = request.POST.get("query", "")
    try:
        services.overwrite_view(actor=user, view=view, query=query)
    except RefusedError as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(
            f"{reverse('people')}?{query}" if len(query) < services.LONGEST_QUERY else address_of(view)
        )
    messages.success(request, f"{view.name} is saved.")
    return HttpResponseRedirect(address_of(_find(user, view_id)))


@door("POST")
def unshare(request: HttpRequest, view_id: int) -> HttpResponse:
    user = signed_in(request)
    view = _find(user, view_id)
    services.unshare_view(actor=user, view=view)
    messages.success(
        request, f"{view.name} is {'yours' if view.created_by_id == user.pk else 'its maker’s'} alone again."
    )
    return redirect("people-views")


@door("POST")
def delete(request: HttpRequest, view_id: int) -> HttpResponse:
    user = signed_in(request)
    view = _find(user, view_id)
    services.delete_view(actor=user, view=view)
    messages.success(request, f"{view.name} is deleted. The leads are where they were.")
    return redirect("people-views")
