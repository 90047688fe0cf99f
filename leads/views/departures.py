"""The departure kit's first step: what a person holds, and where it goes. The batch's own page goes on from there."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.models import Membership, User
from crm.organization.people import signed_in
from leads.batches import drafting
from leads.batches.verb import NotNowError
from leads.departure_form import DepartureForm
from leads.models import Assignment, Batch, Lead, Pond
from leads.services.departing import worked_by
from permissions.catalog import Permission
from permissions.profiles.services import manages_company


@door("GET", "POST", verb=Permission.MANAGE_USERS)
def departure(request: HttpRequest, user_id: int) -> HttpResponse:
    actor = signed_in(request)
    if not manages_company(actor):
        raise PermissionDenied("This is for managers of the company.")
    person: User = get_object_or_404(User.objects.of(actor).active().select_related("company"), pk=user_id)
    form = DepartureForm(request.POST if request.method == "POST" else None, actor=actor, person=person)
    if form.is_valid():
        try:
            return redirect("batch", _foreseen(actor, person, form).public_id)
        except NotNowError as refusal:
            form.add_error(None, str(refusal))
    slots = Assignment.objects.filter(user=person, lead__in=worked_by(person))
    context = {
        "person": person,
        "form": form,
        "personal": Lead.objects.visible_to(actor).filter(owner_user=person).count(),
        "covers": slots.filter(role=Assignment.Role.AGENT, until__isnull=False).count(),
        "ponds": Pond.objects.joined_by(person).order_by("name", "pk"),
        "memberships": Membership.objects.current().filter(user=person).select_related("unit").order_by("pk"),
    }
    return render_page(request, "leads/departure.html", context, status=422 if form.is_bound else 200)


@transaction.atomic
def _foreseen(actor: User, person: User, form: DepartureForm) -> Batch:
    batch = drafting.draft(actor=actor, verb="depart", scope={"person": person.pk})
    return drafting.preview(actor=actor, batch=batch, params={"to": form.chosen})
