"""Automations: the list of them, one with its settings, and the log of what they did."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.core.pagination import keyset_page
from crm.organization.models import Unit, User
from crm.organization.people import signed_in
from dialer.automation_form import AutomationForm, LogForm
from dialer.models import Automation, AutomationRun
from dialer.views.filters import VERB, units_of
from leads.batches.reading import named
from permissions.door import seen_by
from permissions.keyring import load_keyring

QUIET = (AutomationRun.Outcome.DONE, AutomationRun.Outcome.NOT_ASKED)
TONES: dict[str, str] = {
    AutomationRun.Outcome.DONE: "good",
    AutomationRun.Outcome.REFUSED: "warning",
    AutomationRun.Outcome.CUT: "warning",
    AutomationRun.Outcome.FAILED: "danger",
}


@door(verb=VERB)
@never_cache
def automations(request: HttpRequest) -> HttpResponse:
    """Those she runs, with what they did in the last week to leads that she may see."""
    user = signed_in(request)
    lately = Q(runs__at__gt=Now() - timedelta(days=7)) & seen_by(load_keyring(user), prefix="runs__lead__")
    counts = {
        "done": Count("runs", filter=lately & Q(runs__outcome=AutomationRun.Outcome.DONE)),
        "trouble": Count("runs", filter=lately & ~Q(runs__outcome__in=QUIET)),
    }
    found = Automation.objects.managed_by(user).select_related("unit", "author", "disposition", "stage")
    rows = found.annotate(**counts).order_by("-active", "name", "pk")
    context = {"rows": list(rows), "may_add": units_of(user).exists()}
    return render_page(request, "dialer/automations/index.html", context)


@door(verb=VERB)
def begin(request: HttpRequest) -> HttpResponse:
    """For which unit. Where she runs only one, that is it."""
    units = list(units_of(signed_in(request)).select_related("parent"))
    if len(units) == 1:
        return redirect("automation-add", units[0].pk)
    return render_page(request, "dialer/automations/begin.html", {"units": units})


@door("GET", "HEAD", "POST", verb=VERB)
@never_cache
def add(request: HttpRequest, unit_id: int) -> HttpResponse:
    user = signed_in(request)
    units = units_of(user).select_related("parent__parent")
    return _page(request, user, get_object_or_404(units, pk=unit_id), None)


@door("GET", "HEAD", "POST", verb=VERB)
@never_cache
def automation(request: HttpRequest, automation_id: int) -> HttpResponse:
    user = signed_in(request)
    found = Automation.objects.managed_by(user).select_related("unit__parent__parent", "lead_filter", "author")
    one = get_object_or_404(found, pk=automation_id)
    return _page(request, user, one.unit, one)


def _page(request: HttpRequest, user: User, unit: Unit, one: Automation | None) -> HttpResponse:
    sent = request.method == "POST"
    name, author = (one.name, one.author) if one else ("", user)  # before the form writes upon it
    form = AutomationForm(request.POST if sent else None, actor=user, unit=unit, automation=one)
    if sent and form.is_valid() and (saved := form.save()):
        messages.success(request, f"{saved.name} is saved. It acts with your rights.")
        return redirect("automations")
    context = {"unit": unit, "automation": one, "name": name, "author": author, "form": form}
    return render_page(request, "dialer/automations/automation.html", context, status=422 if sent else 200)


@door(verb=VERB)
@never_cache
def log(request: HttpRequest) -> HttpResponse:
    """What they did, newest first: of leads that she may see."""
    user = signed_in(request)
    keyring = load_keyring(user)
    hers = Automation.objects.managed_by(user)
    runs = AutomationRun.objects.filter(seen_by(keyring, prefix="lead__"), automation__in=hers.values("pk"))
    form = LogForm(request.GET, automations=hers)
    asked = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {"pk": 0}
    related = runs.filter(**asked).select_related("automation", "lead__owner_unit", "lead__owner_user")
    page = keyset_page(related, sort="at", descending=True, cursor=request.GET.get("cursor", ""))
    lines = [(run, *named(run.lead, keyring), TONES.get(run.outcome, "")) for run in page.rows]
    context = {"page": page, "lines": lines, "form": form, "query": form.query}
    return render_page(request, "dialer/automations/log.html", context)
