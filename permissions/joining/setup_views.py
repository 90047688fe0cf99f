"""Setting up an empty installation, and the first steps after that."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from crm.core.doors import door, public
from crm.organization.beginning import has_begun, is_code
from crm.organization.models import Unit
from crm.organization.people import signed_in
from crm.organization.views import zones
from permissions.catalog import Permission
from permissions.joining.forms import SetupForm
from permissions.joining.invitations import units_for
from permissions.joining.setup import BegunError, set_up


@public("GET", "HEAD", "POST")
@never_cache
@sensitive_post_parameters("code", "password")
def setup(request: HttpRequest) -> HttpResponse:
    """For whoever has the code. Once there is a company it is gone; who sent it a moment too late is told."""
    given = request.POST if request.method == "POST" else request.GET
    known = is_code(given.get("code", ""))
    if has_begun():
        if request.method == "POST" and known:
            return render(request, "permissions/setup_over.html", status=409)
        raise Http404
    if not known:
        wrong = "code" in given
        return render(request, "permissions/setup_code.html", {"wrong": wrong}, status=403 if wrong else 200)
    form = SetupForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _begin(request, form)
    context = {"form": form, "code": given["code"].strip(), "zones": zones()}
    return render(request, "permissions/setup.html", context, status=422 if form.is_bound else 200)


def _begin(request: HttpRequest, form: SetupForm) -> HttpResponse:
    try:
        owner = set_up(**form.cleaned_data)
    except BegunError:
        return render(request, "permissions/setup_over.html", status=409)
    get_adapter().login(request, owner)
    return redirect("first-steps")


@door(verb=Permission.MANAGE_USERS)
def first_steps(request: HttpRequest) -> HttpResponse:
    """What to do next with a company that is there and empty."""
    whole = get_object_or_404(units_for(signed_in(request)), kind=Unit.Kind.COMPANY)
    return render(request, "permissions/first_steps.html", {"whole": whole})
