"""Why can, or cannot, somebody see this lead (V6): for managers about their people, for everybody about herself."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from crm.core.doors import door
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.services.asking import askable
from leads.services.explaining import askable_by, facts_of
from leads.views.lead import find_lead
from permissions.explaining import explain, verbs_explained
from permissions.keyring import load_keyring
from permissions.viewing.services import viewable_by


@door()
def why(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = find_lead(request, public_id, keyring)
    manages = keyring.manages_units
    person = _person(request, actor, manages=manages)
    people = askable_by(actor).order_by("name", "pk").values_list("pk", "name") if manages else ()
    facts = facts_of(person, lead)
    context = {
        "lead": lead,
        "person": person,
        "people": people,
        "why": explain(facts),
        "verbs": verbs_explained(facts),
        "viewable": viewable_by(actor).filter(pk=person.pk).exists(),
        "asks": askable(actor, keyring, lead) if person == actor else (),
    }
    return render(request, "leads/why.html", context)


def _person(request: HttpRequest, actor: User, *, manages: bool) -> User:
    """About whom is asked: the asker, unless `person` (an id) names somebody. 404 where she may not know of her."""
    wanted = request.GET.get("person") or str(actor.pk)
    if wanted == str(actor.pk):
        return actor
    if not manages:
        raise PermissionDenied("Only managers may ask what their people can see.")
    people = askable_by(actor).select_related("company", "holding__profile")
    person = people.filter(pk=wanted).first() if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10 else None
    if person is None:
        raise Http404
    return person
