"""A lead's way through the rotation, for its Assigned-to card and as a page of its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.people import signed_in
from leads.models import Lead
from permissions.access import Level
from permissions.keyring import load_keyring
from routing.models import Offer
from routing.services.claiming import ways_to_claim
from routing.services.explaining import current_offer, steps_of


@door()
@never_cache
def lead_routing(request: HttpRequest, public_id: str) -> HttpResponse:
    """To whom it is offered now, and how it came there."""
    user = signed_in(request)
    lead = get_object_or_404(Lead.objects.visible_to(load_keyring(user), Level.VIEW), public_id=public_id)
    offer = current_offer(lead)
    hers = offer is not None and Offer.objects.open_for(user).filter(pk=offer.pk).exists()
    context = {"lead": lead, "offer": offer, "hers": hers, "steps": steps_of(lead), "claims_too": ways_to_claim(user)}
    return render_page(request, "routing/lead.html", context, partial="routing")
