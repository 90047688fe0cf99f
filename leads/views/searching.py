"""The search on top of every page: who it may be, while she still writes (L6)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import is_fragment
from crm.organization.people import signed_in
from leads.filters import LeadFilter
from leads.models import Lead
from leads.reading import rows_of, with_names
from permissions.keyring import load_keyring

SHORTEST, LONGEST = 2, 200  # characters
SHOWN = 8
AMONG = 50  # the latest active of those that match; whose name begins with the text come first


@door()
@never_cache
def search(request: HttpRequest) -> HttpResponse:
    """A few leads as she writes; without scripts the People page has them."""
    actor = signed_in(request)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST]
    chosen = LeadFilter(_asking(q=text), Lead.objects.all(), keyring=load_keyring(actor), actor=actor)
    if not is_fragment(request):
        return HttpResponseRedirect(f"{reverse('people')}?{chosen.query()}" if text else reverse("people"))
    found = _best(chosen, text) if len(text) >= SHORTEST else []
    is_exact = bool(found)
    if not found and len(text) >= SHORTEST:
        chosen = LeadFilter(_asking(like=text), Lead.objects.all(), keyring=chosen.keyring, actor=actor)
        found = _best(chosen, text)
    rows = rows_of(found, chosen.keyring)
    context = {"rows": rows, "text": text, "is_exact": is_exact, "query": chosen.query(), "shortest": SHORTEST}
    return render(request, "leads/found.html", context)


def _asking(**what: str) -> QueryDict:
    return QueryDict(urlencode(what))


def _best(chosen: LeadFilter, text: str) -> list[Lead]:
    latest = list(with_names(chosen.qs).order_by("-last_activity_at", "-pk")[:AMONG])
    begins = text.lower()
    return sorted(latest, key=lambda lead: not lead.name.lower().startswith(begins))[:SHOWN]
