"""Why a lead cannot be dialed in a campaign now, and when it can (D15); and what was asked before each call (D14)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.people import signed_in
from dialer.models import CallAttempt
from dialer.services.why import campaigns_for, why
from dialer.views.calling import find_lead, opening
from leads.contact import show_phone
from leads.models import Lead
from permissions.keyring import load_keyring

MOST_RECORDS = 50


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
    context: dict[str, Any] = {
        "lead": lead,
        "campaigns": list(known),
        "campaign": chosen,
        "records": [(one, show_phone(one.number, user.company.phone_region)) for one in _records_of(lead)],
        "most": MOST_RECORDS,
    }
    if chosen:
        manages = known[chosen]
        found = why(lead, chosen, keyring, None if manages else user)
        context |= {
            "manages": manages,
            "why": found,
            "opens": opening(found.standing) if found.waits and found.standing else "",
        }
    return render_page(request, "dialer/why.html", context)


def _records_of(lead: Lead) -> QuerySet[CallAttempt]:
    """What was known before each call and text, the newest first."""
    return CallAttempt.objects.filter(lead=lead).select_related("user", "campaign").order_by("-pk")[:MOST_RECORDS]
