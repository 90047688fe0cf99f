"""E-mails of a lead: how one fares, once more what did not go; and the way out, for whoever gets them (L4, L7)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from crm.core.doors import door, public
from crm.core.htmx import is_fragment, render_page
from crm.organization.people import signed_in
from leads.merging.doing import absorbed_by
from leads.messaging.gates import RefusedError, word_of
from leads.messaging.way_out import lead_of, opt_out
from leads.messaging.writing import send_again
from leads.models import Activity, Lead, Mail
from leads.services.working import may_log
from leads.timeline import Timeline, event, names_in
from leads.views.lead import find_lead
from permissions.keyring import load_keyring


def _find(lead: Lead, mail_id: int) -> Mail:
    """An e-mail of the lead's timeline, on which those of its duplicates stand, too."""
    theirs = Mail.objects.filter(activity__lead__in=[lead.pk, *absorbed_by(lead.pk)])
    return get_object_or_404(theirs.select_related("activity"), pk=mail_id)


@door()
@never_cache
def mail(request: HttpRequest, public_id: str, mail_id: int) -> HttpResponse:
    """Its line of the timeline as it stands now."""
    lead = find_lead(request, public_id, load_keyring(signed_in(request)))
    found = _find(lead, mail_id)
    if not is_fragment(request):
        return redirect("lead", public_id)
    found.activity.mail = found
    line = event(found.activity, names_in([found.activity]))
    context = {
        "lead": lead,
        "timeline": Timeline([line], "", [], []),
        "log_kinds": may_log(lead.access, Activity.Kind.EMAIL),
    }
    return render_page(request, "leads/parts/events.html", context)


@door("POST")
def mail_again(request: HttpRequest, public_id: str, mail_id: int) -> HttpResponse:
    """An e-mail that did not go, once more."""
    keyring = load_keyring(signed_in(request))
    lead = find_lead(request, public_id, keyring)
    if not may_log(lead.access, Activity.Kind.EMAIL):
        raise PermissionDenied("You may look at this lead, but not do this with it.")
    try:
        sent = send_again(keyring=keyring, lead=lead, mail=_find(lead, mail_id))
        messages.info(request, "The e-mail is on its way." if sent else "It was sent again already.")
    except RefusedError as refusal:
        messages.error(request, f"Not sent. {refusal} It is kept on the timeline.")
    return redirect("lead", lead.public_id)


@csrf_exempt  # mail programs send this without a cookie (RFC 8058); the signed address is the key
@public("GET", "POST")
@never_cache
def way_out(request: HttpRequest, token: str) -> HttpResponse:
    """No more e-mails: asked by a GET, which machines follow, done by a POST."""
    lead = lead_of(token)
    if lead is None:
        raise Http404
    if request.method == "POST":
        opt_out(lead)
    out = request.method == "POST" or word_of(lead) is False
    return render(request, "leads/way_out.html", {"company": lead.company, "out": out})
