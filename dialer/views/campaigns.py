"""Campaigns: the list of them, and one with its settings, people, dispositions and script."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.core.pagination import capped_count
from crm.organization.models import Unit, User
from crm.organization.people import signed_in
from dialer.campaign_forms import CampaignForm
from dialer.models import Campaign
from dialer.services.campaigns import has_members, leads_of
from dialer.views.filters import VERB, units_of
from leads.messaging.fields import FIELDS, fill, problem_of
from leads.models import Lead
from permissions.access import Level
from permissions.keyring import load_keyring


@door(verb=VERB)
@never_cache
def campaigns(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    found = Campaign.objects.managed_by(user).select_related("unit", "lead_filter")
    context = {"rows": list(found.order_by("-active", "name", "pk")), "may_add": units_of(user).exists()}
    return render_page(request, "dialer/campaigns/index.html", context)


@door(verb=VERB)
def begin(request: HttpRequest) -> HttpResponse:
    """For which unit. Where she runs only one, that is it."""
    units = list(units_of(signed_in(request)).select_related("parent"))
    if len(units) == 1:
        return redirect("campaign-add", units[0].pk)
    return render_page(request, "dialer/campaigns/begin.html", {"units": units})


@door("GET", "HEAD", "POST", verb=VERB)
@never_cache
def add(request: HttpRequest, unit_id: int) -> HttpResponse:
    user = signed_in(request)
    units = units_of(user).select_related("parent__parent")
    return _page(request, user, get_object_or_404(units, pk=unit_id), None)


@door("GET", "HEAD", "POST", verb=VERB)
@never_cache
def campaign(request: HttpRequest, campaign_id: int) -> HttpResponse:
    user = signed_in(request)
    found = Campaign.objects.managed_by(user).select_related("unit__parent__parent", "lead_filter", "default_skill")
    one = get_object_or_404(found, pk=campaign_id)
    return _page(request, user, one.unit, one)


def _page(request: HttpRequest, user: User, unit: Unit, one: Campaign | None) -> HttpResponse:
    sent, step = request.method == "POST", request.POST.get("step", "save")
    count = _count(user, one) if one else ""  # before the form writes upon it
    name = one.name if one else ""
    form = CampaignForm(request.POST if sent else None, actor=user, unit=unit, campaign=one)
    if sent and step == "save" and form.is_valid() and (saved := form.save()):
        messages.success(request, f"{saved.name} is saved.")
        if saved.active and saved.open_to_members and not has_members(unit):
            messages.warning(request, f"Nobody can join {saved.name} yet: {unit.name} has no members.")
        return redirect("campaigns")
    context: dict[str, Any] = {"unit": unit, "campaign": one, "name": name, "form": form, "count": count}
    context["preview"] = _preview(user, str(form["script"].value() or "")) if step == "look" else ""
    status = 422 if sent and step == "save" else 200
    return render_page(request, "dialer/campaigns/campaign.html", context, partial="preview", status=status)


def _count(user: User, one: Campaign) -> str:
    """How many leads of it there are, of those she may read."""
    number, more = capped_count(Lead.objects.visible_to(load_keyring(user), Level.VIEW).filter(leads_of(one)))
    return f"{number:,}{'+' if more else ''}"


def _preview(user: User, text: str) -> str:
    """The script as it would be read to somebody made up, or what is wrong with it."""
    there = {"agent": user.name, "company": user.company.name}
    return problem_of(text) or fill(text, FIELDS | there) or "There is nothing to read out."
