"""Who works a lead while its Agent is away, and until when (M10)."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.batches import drafting
from leads.batches.judging import words_for
from leads.batches.running import carry_on
from leads.batches.verb import NotNowError, verb_of
from leads.batches.verbs.covering import CoverForm
from leads.models import Assignment, Lead
from leads.services.covering import return_leads
from leads.services.ponding import in_a_pond
from leads.services.staffing import assignable
from leads.views.hands import go
from leads.views.lead import find_lead
from permissions.door import require_verb
from permissions.keyring import load_keyring
from permissions.verbs import Verb


@door("GET", "POST")
def covering(request: HttpRequest, public_id: str) -> HttpResponse:
    """A dialog on the lead's page, or a page of its own; with `end` the lead returns at once."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = find_lead(request, public_id, keyring)
    require_verb(keyring, lead, Verb.ASSIGN)
    if request.POST.get("end"):
        return_leads(actor, lead)
        messages.success(request, "The cover is over.")
        return go(request, "lead", public_id)
    form = CoverForm(request.POST or None, actor=actor)
    form.fields["user"].queryset = assignable(actor, lead).order_by("name", "pk")  # type: ignore[attr-defined]
    if form.is_valid():
        try:
            _cover(actor, lead, form)
        except NotNowError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"{form.cleaned_data['user']} covers.")
            return go(request, "lead", public_id)
    away = lead.assignments.filter(role=Assignment.Role.COVERED).select_related("user").first()
    context = {"lead": lead, "form": form, "away": away, "vacant": lead.holder_id is None or in_a_pond(lead)}
    return render_page(request, "leads/cover.html", context, partial="dialog", status=422 if form.is_bound else 200)


@transaction.atomic
def _cover(actor: User, lead: Lead, form: CoverForm) -> None:
    batch = drafting.of_one(actor=actor, verb="cover", lead=lead, params=form.params)
    item = batch.items.get()
    if item.reason:
        transaction.set_rollback(True)
        raise NotNowError(f"{words_for(verb_of(batch))[item.reason]}.")
    drafting.confirm(actor=actor, batch=batch)
    carry_on(batch.pk)
