"""Adding a lead by hand, and editing one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from crm.core.doors import door
from crm.core.htmx import is_fragment, render_page
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.forms import LeadForm, NewLeadForm
from leads.merging.keys import same_person
from leads.models import ContactPoint, Lead
from leads.once import once
from leads.owner_form import CHOSEN
from leads.querysets import sources_in_sight
from leads.services.creating import create_lead, source_named
from leads.services.working import edit_lead
from leads.views.lead import find_lead
from permissions.access import Level
from permissions.catalog import Permission
from permissions.door import access_to, require
from permissions.keyring import load_keyring

COMMON_ZONES = ("New_York", "Chicago", "Denver", "Phoenix", "Los_Angeles", "Anchorage")
MOST_ALIKE = 5


@door("GET", "HEAD", "POST", verb=Permission.ADD_LEAD)
def add(request: HttpRequest) -> HttpResponse:
    actor = signed_in(request)
    chosen = {name: request.GET[name] for name in CHOSEN if name in request.GET}
    data = request.POST if request.method == "POST" else None
    form = NewLeadForm(data, actor=actor, chosen=chosen, live=is_fragment(request))
    alike: list[Lead] = []
    if form.is_valid():
        alike = [] if request.POST.get("anyway") else look_alikes(actor, form.values())
        if not alike:
            return _create(request, actor, form)
    context = {"form": form, "lead": None, "alike": alike, **_suggestions(actor)}
    status = 422 if form.is_bound else 200
    return render_page(request, "leads/lead_form.html", context, partial="choices", status=status)


def _create(request: HttpRequest, actor: User, form: NewLeadForm) -> HttpResponse:
    with once(actor.pk, request.POST) as first:
        if not first:
            messages.info(request, "This lead was saved already.")
            return redirect("people")
        data = form.cleaned_data
        lead = create_lead(
            actor=actor, owner=form.chosen_owner, new=form.new_lead(), route=data["route"], hidden=data["hidden"]
        )
    messages.success(request, f"{lead.name} is added.")
    readable = access_to(load_keyring(actor), lead).level >= Level.VIEW
    return redirect("lead", lead.public_id) if readable else redirect("people")


def look_alikes(actor: User, values: set[tuple[str, str]]) -> list[Lead]:
    """Leads she may read that have one of these contact points (kind, value), whatever their name."""
    found = same_person(actor.company, sorted(values), None).visible_to(load_keyring(actor), Level.VIEW)
    return list(found.order_by("-last_activity_at", "-pk")[:MOST_ALIKE])


@door("GET", "HEAD", "POST")
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = find_lead(request, public_id, keyring)
    name = lead.name  # the form writes what was typed into its lead, valid or not
    require(keyring, lead, Level.WORK)
    form = LeadForm(
        request.POST if request.method == "POST" else None,
        instance=lead,
        initial=_as_typed(lead),
        region=actor.company.phone_region,
        company_id=lead.company_id,
    )
    if form.is_valid():
        data = form.cleaned_data
        fields = {**form.facts(), "source": source_named(lead.company_id, data["source"])}
        edit_lead(keyring=keyring, lead=lead, fields=fields, phones=data["phones"], emails=data["emails"])
        messages.success(request, "Saved.")
        return redirect("lead", public_id)
    context = {"form": form, "lead": lead, "name": name, "alike": [], **_suggestions(actor)}
    return render_page(request, "leads/lead_form.html", context, status=422 if form.is_bound else 200)


def _as_typed(lead: Lead) -> dict[str, Any]:
    points = list(lead.contact_points.order_by("position", "pk"))
    return {
        "phones": [point.raw or point.value for point in points if point.kind == ContactPoint.Kind.PHONE],
        "emails": [point.value for point in points if point.kind == ContactPoint.Kind.EMAIL],
        "source": lead.source.name if lead.source else "",
        "tags": lead.tags,
    }


def _suggestions(actor: User) -> dict[str, Any]:
    """What the fields with a list to pick from suggest."""
    return {
        "sources": list(sources_in_sight(load_keyring(actor)).values_list("name", flat=True)),
        "zones": [*(f"America/{city}" for city in COMMON_ZONES), "Pacific/Honolulu"],
    }
