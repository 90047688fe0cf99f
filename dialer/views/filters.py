"""Lead filters: the list of them, and the page on which one is built with the number of leads it matches."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.models import Unit, User
from crm.organization.people import signed_in
from dialer.filter_form import Builder, NameForm
from dialer.filtering import Filter, FilterError
from dialer.models import LeadFilter
from dialer.querysets import OfUnitQuerySet
from dialer.services import filters as services
from dialer.services.lists import Lists
from permissions.catalog import Permission
from permissions.keyring import load_keyring
from routing.services.team import ChangedMeanwhileError

VERB = Permission.MANAGE_CAMPAIGN
MEANWHILE = "Somebody changed this filter while you had it open. What you made is kept; save again to replace theirs."


def units_of(user: User) -> Any:
    """The open units whose campaigns she runs."""
    return Unit.objects.managed_by(user).open().order_by("name", "pk")


@door(verb=VERB)
@never_cache
def lead_filters(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    found = list(LeadFilter.objects.managed_by(user).select_related("unit").order_by("name", "pk"))
    lists = Lists(user, load_keyring(user))
    words = services.said(lists, found)
    rows = [(one, words[one.pk]) for one in found]
    return render_page(request, "dialer/filters/index.html", {"rows": rows, "may_add": units_of(user).exists()})


@door("GET", "HEAD", "POST", verb=VERB)
@never_cache
def lead_filter(request: HttpRequest, filter_id: int | None = None) -> HttpResponse:
    """One filter, or a new one. Each press of a button sends the page; only Save saves."""
    user = signed_in(request)
    one = get_object_or_404(managed(user), pk=filter_id) if filter_id is not None else None
    lists, step = Lists(user, load_keyring(user)), request.POST.get("step", "")
    builder = Builder(lists, one.sets if one else [])
    form = NameForm(units=units_of(user), lead_filter=one)
    if one:
        lists.learn([services.read_saved(one)])
    if request.method == "POST":
        builder = Builder.of(lists, request.POST)
        builder.do(step)
        if step == "save":
            form = NameForm(request.POST, units=units_of(user), lead_filter=one)
            saved = _save(form, builder, one)
            if saved:
                messages.success(request, f"The filter {saved.name} is saved.")
                return redirect("lead-filters")
        else:
            form = NameForm(units=units_of(user), lead_filter=one)
            form.initial.update((name, request.POST[name]) for name in form.fields if name in request.POST)
            builder.mend()
    partial = "matches" if step == "count" else "builder"
    status = 422 if form.is_bound else 200
    context = _context(
        user, lists, builder, one, form, problems=step == "save" or (request.method == "GET" and one is not None)
    )
    return render_page(request, "dialer/filters/filter.html", context, partial=partial, status=status)


def _context(
    user: User, lists: Lists, builder: Builder, one: LeadFilter | None, form: NameForm, *, problems: bool
) -> dict[str, Any]:
    """The number of leads is told of what can be read; what is wrong with the rest, once it is to be saved."""
    found = builder.read
    if not problems:
        builder.problems = {}
    return {
        "lead_filter": one,
        "form": form,
        "sets": builder.controls(),
        "fields": builder.fields,
        "problem": builder.problems.get((), ""),
        "count": _count(lists, found) if found else "",
        "uses": services.uses_of(user, one) if one else "",
    }


def _count(lists: Lists, found: Filter) -> str:
    try:
        return services.count(lists.keyring, lists, found)
    except services.TooLongError:
        return "?"


def _save(form: NameForm, builder: Builder, one: LeadFilter | None) -> LeadFilter | None:
    """What was saved; where nothing was, the form and the rows say why."""
    found = builder.read
    if not form.is_valid() or not found:
        return None
    builder.settle()
    data = form.cleaned_data
    unit, version = one.unit if one else data["unit"], data["version"]
    try:
        return services.save_filter(
            lists=builder.lists, unit=unit, lead_filter=one, name=data["name"], found=found, version=version
        )
    except ChangedMeanwhileError:
        now = LeadFilter.objects.filter(pk=one.pk if one else 0).first()
        form.show_version(now.version if now else 0)
        form.add_error(None, MEANWHILE)
    except FilterError as error:
        builder.problems = dict(error.problems)
    except ValidationError as error:
        form.add_error(None, error)
    return None


@door("POST", verb=VERB)
def delete(request: HttpRequest, filter_id: int) -> HttpResponse:
    user = signed_in(request)
    one = get_object_or_404(managed(user), pk=filter_id)
    try:
        services.delete_filter(actor=user, lead_filter=one)
    except services.InUseError:
        messages.error(request, f"{one.name} is used {services.uses_of(user, one)}. Take it out there first.")
        return redirect("lead-filter", one.pk)
    messages.success(request, f"The filter {one.name} is deleted.")
    return redirect("lead-filters")


def managed(user: User) -> OfUnitQuerySet[LeadFilter]:
    return LeadFilter.objects.managed_by(user).select_related("unit__parent__parent")
