"""Verbs that never share a button (M1): Assign changes who works a lead, Transfer who owns it; then Export and Delete."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from crm.core.doors import door
from crm.core.htmx import is_fragment, render_page
from crm.organization.people import signed_in
from leads.batches import drafting
from leads.batches.running import carry_on
from leads.batches.scope import one
from leads.batches.verb import NotNowError
from leads.batches.verbs.owner import OwnerForm
from leads.forms import AssignForm
from leads.pond_forms import PoolForm
from leads.services.ponding import ponds_for, pool
from leads.services.staffing import assign, assignable, roles_of
from leads.views.lead import find_lead
from permissions.door import require_verb
from permissions.keyring import load_keyring
from permissions.verbs import Verb


@door("GET", "POST")
def assigning(request: HttpRequest, public_id: str) -> HttpResponse:
    """Who works the lead: a dialog on its page, or a page of its own."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = find_lead(request, public_id, keyring)
    require_verb(keyring, lead, Verb.ASSIGN)
    people, roles = assignable(actor, lead), roles_of(lead.company_id)
    form = AssignForm(request.POST or None, people=people, roles=roles, initial={"user": lead.agent_id})
    if form.is_valid():
        try:
            assign(keyring=keyring, actor=actor, lead=lead, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{roles[form.cleaned_data['role']]}: {form.cleaned_data['user'] or 'nobody'}.")
            return go(request, "lead", public_id)
    context = {"lead": lead, "form": form}
    return render_page(request, "leads/assign.html", context, partial="dialog", status=422 if form.is_bound else 200)


@door("GET", "POST")
def transferring(request: HttpRequest, public_id: str) -> HttpResponse:
    """To whom the lead is given; what is lost by it is said before it is done, on the page this leads to."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = find_lead(request, public_id, keyring)
    require_verb(keyring, lead, Verb.TRANSFER)
    form = OwnerForm(request.POST or None, actor=actor)
    if form.is_valid():
        try:
            batch = drafting.of_one(actor=actor, verb="owner", lead=lead, params=form.params)
            return go(request, "batch", batch.public_id)
        except NotNowError as refusal:
            form.add_error(None, str(refusal))
    context = {"lead": lead, "form": form}
    return render_page(request, "leads/transfer.html", context, partial="dialog", status=422 if form.is_bound else 200)


@door("POST")
def exporting(request: HttpRequest, public_id: str) -> HttpResponse:
    """Begin to take the lead out as a file: the page this leads to asks for its columns."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = find_lead(request, public_id, keyring)
    require_verb(keyring, lead, Verb.EXPORT)
    return redirect("batch", drafting.draft(actor=actor, verb="export", scope=one(lead)).public_id)


@door("POST")
def deleting(request: HttpRequest, public_id: str) -> HttpResponse:
    """Delete the lead at once: the page this leads to has the way back."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = find_lead(request, public_id, keyring)
    require_verb(keyring, lead, Verb.DELETE)
    with transaction.atomic():
        batch = drafting.of_one(actor=actor, verb="delete", lead=lead)
        drafting.confirm(actor=actor, batch=batch)
    carry_on(batch.pk)
    return redirect("batch", batch.public_id)


@door("GET", "POST")
def pooling(request: HttpRequest, public_id: str) -> HttpResponse:
    """Into which pond the lead goes: a dialog on its page, or a page of its own."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = find_lead(request, public_id, keyring)
    require_verb(keyring, lead, Verb.ASSIGN)
    form = PoolForm(request.POST or None, ponds=ponds_for(actor, lead))
    if form.is_valid():
        try:
            pool(keyring=keyring, actor=actor, lead=lead, pond=form.cleaned_data["pond"])
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{lead.name} is in {form.cleaned_data['pond']}.")
            return go(request, "lead", public_id)
    context = {"lead": lead, "form": form}
    return render_page(request, "leads/pool.html", context, partial="dialog", status=422 if form.is_bound else 200)


def go(request: HttpRequest, name: str, public_id: str) -> HttpResponse:
    response = redirect(name, public_id)
    if not is_fragment(request):
        return response
    return HttpResponse(status=204, headers={"HX-Redirect": response.headers["Location"]})
