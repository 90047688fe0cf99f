"""Why a lead cannot be dialed in a campaign now, and when it can (D15)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.people import signed_in
from dialer.services.why import campaigns_for, why
from dialer.views.calling import find_lead, opening
from permissions.keyring import load_keyring


@door()
@never_cache
def dialing(request: HttpRequest, public_id: str) -> HttpResponse:
    """For managers of the campaign as it stands; for an agent as it is for her."""
    user = signed_in(request)
    keyring = load_keyring(user)
    lead = find_lead(public_id, keyring)
    known, asked = campaigns_for(user, lead), request.GET.get("campaign", "")
    chosen = next((campaign for campaign in known if asked in ("", str(campaign.pk))), None)
    if asked and chosen is None:
        raise Http404
    context: dict[str, Any] = {"lead": lead, "campaigns": list(known), "campaign": chosen}
    if chosen:
        manages = known[chosen]
        found = why(lead, chosen, keyring, None if manages else user)
        context |= {
            "manages": manages,
            "why": found,
            "opens": opening(found.standing) if found.waits and found.standing else "",
        }
    return render_page(request, "dialer/why.html", context)
