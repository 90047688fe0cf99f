"""Calling a lead: what the gates say of each of its numbers now, why one is shut and when it opens (D14, D15)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from crm.core.doors import door
from crm.core.htmx import is_fragment, render_page
from crm.organization.people import signed_in
from dialer.calling_forms import ConsentForm
from dialer.services.gates import Standing, standings
from leads.contact import show_phone
from leads.models import Consent, Lead
from leads.services.consenting import mark_do_not_call, record_consent
from permissions.access import Keyring, Level
from permissions.door import access_to
from permissions.keyring import load_keyring

MOST_NUMBERS = 20


def find_lead(public_id: str, keyring: Keyring) -> Lead:
    """The lead, where she may read it in full."""
    leads = Lead.objects.visible_to(keyring, Level.VIEW).select_related("company", "owner_unit", "owner_user")
    lead = leads.filter(public_id=public_id).first()
    if lead is None:
        raise Http404
    lead.access = access_to(keyring, lead)
    return lead


@door()
def calling(request: HttpRequest, public_id: str) -> HttpResponse:
    lead = find_lead(public_id, load_keyring(signed_in(request)))
    return show(request, lead)


def show(request: HttpRequest, lead: Lead, *, form: ConsentForm | None = None, **more: Any) -> HttpResponse:
    context = {**_context(request, lead), "form": form or ConsentForm(), **more}
    status = 422 if form and form.errors else 200
    return render_page(request, "dialer/calling.html", context, partial="calling", status=status)


def _context(request: HttpRequest, lead: Lead) -> dict[str, Any]:
    region = signed_in(request).company.phone_region
    points = lead.contact_points.filter(kind="phone").order_by("position", "pk")
    numbers = list(points.values_list("value", flat=True)[:MOST_NUMBERS])
    found = standings(lead=lead, numbers=numbers, campaign=None, now=timezone.now()) if numbers else []
    return {
        "lead": lead,
        "works": lead.access.level >= Level.WORK,
        "numbers": [(one, show_phone(one.number, region), opening(one)) for one in found],
        "consents": list(_consents(lead)),
    }


def opening(found: Standing) -> str:
    """When the number can be called, by the lead's clock, where waiting is all it takes."""
    if found.opens is None:
        return ""
    there = found.place.clocks(found.opens)[0]
    return f"{there:%A} {there.strftime('%I:%M %p').lstrip('0')}"


def _consents(lead: Lead) -> Any:
    """The latest word of each kind."""
    said = Consent.objects.filter(lead=lead).order_by("kind", "-pk").distinct("kind")
    return said.select_related("recorded_by")


@door("POST")
def consent(request: HttpRequest, public_id: str) -> HttpResponse:
    """Record what the lead said, in her own words where there are any."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = workable(public_id, keyring)
    form = ConsentForm(request.POST)
    if not form.is_valid():
        return show(request, lead, form=form)
    data = form.cleaned_data
    kind, given = data["said"].split("-")
    record_consent(keyring=keyring, actor=actor, lead=lead, kind=kind, given=given == "yes", words=data["words"])
    messages.success(request, "Recorded.")
    return again(request, lead)


@door("POST")
def do_not_call(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = workable(public_id, keyring)
    mark_do_not_call(keyring=keyring, actor=actor, lead=lead, on=request.POST.get("on") == "1")
    return again(request, find_lead(public_id, keyring))


def workable(public_id: str, keyring: Keyring) -> Lead:
    lead = find_lead(public_id, keyring)
    if lead.access.level < Level.WORK:
        raise PermissionDenied("You may look at this lead, but not do this with it.")
    return lead


def again(request: HttpRequest, lead: Lead) -> HttpResponse:
    """The numbers as they stand now; without scripts, the page."""
    return show(request, lead) if is_fragment(request) else redirect("lead-calling", lead.public_id)
