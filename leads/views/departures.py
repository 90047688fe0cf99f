"""The departure kit's first step: what a person or a unit holds, and where it goes. The batch's own page goes on."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.models import Membership, Unit, User
from crm.organization.people import signed_in
from leads.batches import drafting
from leads.batches.verb import NotNowError
from leads.batches.verbs.exporting import ExportForm
from leads.departure_form import ClosingForm, DepartureForm
from leads.exporting import columns_for
from leads.models import Batch, Lead
from leads.services import holdings
from leads.services.departing import Leaving
from leads.services.taking_along import ask_to_take, is_asked
from leads.tasks import set_to_work
from permissions.catalog import Permission
from permissions.joining.closing import why_not_close
from permissions.keyring import load_keyring
from permissions.profiles.services import manages_company
from permissions.verbs import Verb


@door("GET", "POST", verb=Permission.MANAGE_USERS)
def departure(request: HttpRequest, user_id: int) -> HttpResponse:
    """She leaves the company, or with `unit` only that."""
    actor = signed_in(request)
    person = _person(actor, user_id)
    places = list(
        Membership.objects.current().filter(user=person).select_related("unit__parent__parent").order_by("pk")
    )
    leaving = Leaving(person, _chosen(request, places))
    form = DepartureForm(request.POST if request.method == "POST" else None, actor=actor, leaving=leaving)
    if form.is_valid():
        scope = {"person": person.pk, "unit": leaving.unit.pk if leaving.unit else None}
        if begun := _foreseen(actor, form, "depart", scope, {"to": form.chosen}):
            return redirect("batch", begun.public_id)
    context = {
        **_of_hers(actor, person),
        "person": person,
        "unit": leaving.unit,
        "places": places,
        "form": form,
        "holdings": holdings.of_person(load_keyring(actor), leaving),
    }
    return render_page(request, "leads/departure.html", context, status=422 if form.is_bound else 200)


def _person(actor: User, user_id: int) -> User:
    if not manages_company(actor):
        raise PermissionDenied("This is for managers of the company.")
    person: User = get_object_or_404(User.objects.of(actor).active().select_related("company"), pk=user_id)
    return person


def _chosen(request: HttpRequest, places: list[Membership]) -> Unit | None:
    """The unit she is to leave; a 404 for one she is not in."""
    asked = request.GET.get("unit", "")
    if not asked:
        return None
    found = [place.unit for place in places if str(place.unit_id) == asked]
    if not found:
        raise Http404
    return found[0]


def _of_hers(actor: User, person: User) -> dict[str, Any]:
    """Her own leads, as far as the actor sees them and may take them out (O5); when she last took a copy."""
    keyring = load_keyring(actor)
    hers = Lead.objects.filter(owner_user=person)
    taken = Batch.objects.filter(company=actor.company_id, actor=person, verb="take", changed__gt=0)
    return {
        "personal": hers.visible_to(keyring).count(),
        "exportable": hers.doable_by(keyring, Verb.EXPORT).count() if person != actor else 0,
        "owned": urlencode({"owner": f"person-{person.pk}"}),
        "taken": taken.order_by("-pk").first(),
    }


@transaction.atomic
def _foreseen(actor: User, form: Any, verb: str, scope: dict[str, Any], params: dict[str, Any]) -> Batch | None:
    """The previewed batch; none where the form says why not."""
    try:
        with transaction.atomic():
            batch = drafting.draft(actor=actor, verb=verb, scope=scope)
            return drafting.preview(actor=actor, batch=batch, params=params)
    except NotNowError as refusal:
        form.add_error(None, str(refusal))
    return None


@door("GET", "POST", verb=Permission.MANAGE_USERS)
def closing(request: HttpRequest, unit_id: int) -> HttpResponse:
    actor = signed_in(request)
    unit = get_object_or_404(Unit.objects.of(actor).open().select_related("parent__parent"), pk=unit_id)
    if refusal := why_not_close(actor, unit):
        raise PermissionDenied(refusal)
    form = ClosingForm(request.POST if request.method == "POST" else None, actor=actor, unit=unit)
    if form.is_valid():
        params = {"to": f"unit-{form.cleaned_data['to'].pk}", "keep_assistants": False}
        if begun := _foreseen(actor, form, "close", {"unit": unit.pk}, params):
            return redirect("batch", begun.public_id)
    context = {"unit": unit, "form": form, "holdings": holdings.of_unit(load_keyring(actor), unit)}
    return render_page(request, "leads/closing.html", context, status=422 if form.is_bound else 200)


@door("POST", verb=Permission.MANAGE_USERS)
def ask(request: HttpRequest, user_id: int) -> HttpResponse:
    """Ask her to take a copy of her own leads along."""
    actor = signed_in(request)
    person = _person(actor, user_id)
    ask_to_take(actor=actor, person=person)
    messages.success(request, f"{person.name} is asked, in Fairlead and by e-mail.")
    return redirect("departure", user_id)


@door("GET", "POST")
def copy(request: HttpRequest, token: str) -> HttpResponse:
    """For her who was asked: a copy of her own leads, as a file."""
    actor = signed_in(request)
    if actor.seen_through or not is_asked(actor, token):
        raise Http404
    own = Lead.objects.filter(owner_user=actor).doable_by(load_keyring(actor), Verb.EXPORT)
    data = {"format": request.POST.get("format"), "columns": list(columns_for(actor.company_id))}
    form = ExportForm(data if request.method == "POST" else None, actor=actor)
    if form.is_valid():
        begun = _foreseen(actor, form, "take", {}, form.params)
        if begun:
            drafting.confirm(actor=actor, batch=begun)
            set_to_work(begun)
            return redirect("batch", begun.public_id)
    context = {"form": form, "count": own.count()}
    return render_page(request, "leads/copy.html", context, status=422 if form.is_bound else 200)
