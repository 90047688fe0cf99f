"""Inviting people to a unit, and joining by an invitation."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from crm.core.doors import door, public
from crm.core.htmx import render_page
from crm.organization.models import Invitation, Unit, User
from crm.organization.people import signed_in
from permissions.joining import invitations as services
from permissions.joining.forms import InvitationForm, JoinForm


@door("GET", "HEAD", "POST")
@never_cache
def invitations(request: HttpRequest, unit_id: int) -> HttpResponse:
    """Invite to a unit she manages; who was invited and has not come yet."""
    actor = signed_in(request)
    unit = _unit(actor, unit_id)
    form = InvitationForm(request.POST if request.method == "POST" else None, actor=actor, unit=unit)
    if form.is_bound and form.is_valid() and form.save():
        messages.success(request, f"The invitation to {form.cleaned_data['email']} is on its way.")
        return redirect("invitations", unit.pk)
    rows = list(services.pending(unit)[:100])
    context: dict[str, Any] = {"unit": unit, "form": form, "rows": rows, "now": timezone.now()}
    return render_page(request, "permissions/invitations.html", context, status=422 if form.is_bound else 200)


@door("POST")
def resend_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    actor = signed_in(request)
    invitation = _invitation(actor, pk)
    try:
        services.resend(actor=actor, invitation=invitation)
    except services.RefusedError as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, f"Sent again to {invitation.email}. The link of the first mail no longer works.")
    return redirect("invitations", invitation.unit_id)


@door("POST")
def withdraw_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    actor = signed_in(request)
    invitation = _invitation(actor, pk)
    try:
        services.withdraw(actor=actor, invitation=invitation)
    except services.RefusedError as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, f"Withdrawn. The link sent to {invitation.email} no longer works.")
    return redirect("invitations", invitation.unit_id)


@public("GET", "HEAD", "POST")
@never_cache
@sensitive_post_parameters("password")
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Say who one is, choose a password, and be in. A link that does not work says no more than that."""
    invitation = services.invitation_for(token)
    lapse = invitation and services.lapse_of(invitation)
    if invitation is None or lapse:
        return _over(request, lapse or "")
    form = JoinForm(request.POST if request.method == "POST" else None, invitation=invitation)
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            user = services.accept(token=token, name=data["name"], password=data["password"])
        except services.RefusedError:
            return _over(request, services.lapse_of(invitation))
        get_adapter().login(request, user)
        messages.success(request, f"Welcome to {invitation.company.name}.")
        return redirect("today")
    context = {"invitation": invitation, "units": services.open_units(invitation), "form": form}
    return render(request, "permissions/join.html", context, status=422 if form.is_bound else 200)


def _over(request: HttpRequest, lapse: str) -> HttpResponse:
    """Why it lapsed, if it did; whatever else is wrong with a link is not told."""
    return render(request, "permissions/invitation_over.html", {"lapse": lapse}, status=410)


def _unit(actor: User, unit_id: int) -> Unit:
    """A unit she may see, else 404; and where she may not invite to it, 403."""
    unit = get_object_or_404(Unit.objects.can_be_seen_by(actor).select_related("parent__parent"), pk=unit_id)
    if not services.may_invite(actor, unit):
        raise PermissionDenied("You may not invite people to this unit.")
    return unit


def _invitation(actor: User, pk: int) -> Invitation:
    """An invitation to a unit she may see, else 404; and where she may not invite to it, 403."""
    seen = Invitation.objects.filter(unit__in=Unit.objects.can_be_seen_by(actor))
    invitation = get_object_or_404(seen, pk=pk, company=actor.company_id)
    _unit(actor, invitation.unit_id)
    return invitation
