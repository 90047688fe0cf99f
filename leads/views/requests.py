"""Asking for another owner, and answering (P4): the inbox, and the dialog on the lead's page."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import is_fragment, render_page
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.forms import RequestForm
from leads.inbox import inbox_of
from leads.models import Lead, OwnershipRequest
from leads.models.request import State
from leads.services.answering import AnsweredError, accept, outcome_of, pools_for, refuse
from leads.services.asking import ask, askable, withdraw
from leads.services.deciding import deciders
from leads.services.transferring import may_let_go, release_leads
from leads.views.lead import find_lead
from permissions.access import Keyring, Level
from permissions.keyring import load_keyring


@door()
@never_cache
def requests(request: HttpRequest) -> HttpResponse:
    return _inbox(request)


@door("POST")
def accept_request(request: HttpRequest, pk: int) -> HttpResponse:
    decider = signed_in(request)
    found, wanted = _find(decider, pk), request.POST.get("pool", "")
    pools = pools_for(decider, [found.lead]).get(found.lead_id, [])
    pool = next((unit for unit in pools if str(unit.pk) == wanted), None)
    return _answer(request, lambda: accept(decider=decider, request=found, words=_words(request), pool=pool))


@door("POST")
def refuse_request(request: HttpRequest, pk: int) -> HttpResponse:
    decider = signed_in(request)
    found = _find(decider, pk)
    return _answer(request, lambda: refuse(decider=decider, request=found, words=_words(request)))


@door("POST")
def withdraw_request(request: HttpRequest, pk: int) -> HttpResponse:
    asker = signed_in(request)
    found = get_object_or_404(OwnershipRequest.objects.of(asker).select_related("lead"), pk=pk)
    if withdraw(asker=asker, request=found):
        messages.success(request, "Withdrawn.")
    else:
        found.refresh_from_db()
        messages.info(request, outcome_of(found))
    return _inbox(request) if is_fragment(request) else redirect("requests")


@door("GET", "HEAD", "POST")
@never_cache
def ask_for(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask whoever decides about the lead: a dialog on its page, or a page of its own."""
    asker = signed_in(request)
    keyring = load_keyring(asker)
    lead, seen = _asked_about(request, public_id, keyring)
    options = [(one, deciders(lead, one.kind)) for one in askable(asker, keyring, lead)]
    choices = [(one.kind.value, _choice(one.words, people)) for one, people in options if people]
    form = RequestForm(request.POST if request.method == "POST" else None, choices=choices)
    if form.is_valid():
        try:
            ask(asker=asker, lead=lead, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Asked. You are told as soon as it is answered.")
            return _leave(request, "lead", public_id) if seen else _leave(request, "requests")
    context = {
        "lead": lead,
        "name": lead.name if seen else "a lead you gave away",
        "seen": seen,
        "form": form,
        "choices": choices,
        "owner": lead.owner,
        "hers": may_let_go(keyring, lead),
    }
    return render_page(request, "leads/request.html", context, partial="dialog", status=422 if form.is_bound else 200)


def _asked_about(request: HttpRequest, public_id: str, keyring: Keyring) -> tuple[Lead, bool]:
    """One she reads; or one that she gave away, and sees no more: whether she does."""
    try:
        return find_lead(request, public_id, keyring), True
    except Http404:
        given = Lead.objects.handed_over_by(signed_in(request)).for_rows()
        return get_object_or_404(given, public_id=public_id), False


@door("POST")
def release(request: HttpRequest, public_id: str) -> HttpResponse:
    """She lets go of a unit's lead that she works: her Agent slot becomes empty."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = find_lead(request, public_id, keyring)
    if not may_let_go(keyring, lead):
        raise PermissionDenied("Only its Agent lets go of a lead; one on offer is passed on.")
    release_leads(actor=actor, lead_ids=[lead.pk], why="by hand")
    messages.success(request, f"{lead.name} is free for somebody else of {lead.owner}.")
    return _leave(request, "people")


def _choice(words: str, people: list[User]) -> str:
    names = [person.name for person in people]
    who = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
    return f"{words}. {who} decides."


def _find(decider: User, pk: int) -> OwnershipRequest:
    """A request for her to decide; one that was answered where she did it, or may read its lead. Else there is none."""
    keyring = load_keyring(decider)
    company = OwnershipRequest.objects.filter(company=decider.company_id).select_related("lead")
    found = company.for_decision_by(keyring).filter(pk=pk).first()
    if found is not None:
        return found
    closed = get_object_or_404(company.exclude(state=State.OPEN), pk=pk)
    if closed.answered_by_id == decider.pk or Lead.objects.visible_to(keyring, Level.VIEW).filter(pk=closed.lead_id):
        return closed
    raise Http404


def _words(request: HttpRequest) -> str:
    return request.POST.get("answer", "")[:500]


def _answer(request: HttpRequest, act: Callable[[], OwnershipRequest]) -> HttpResponse:
    """Carry the answer out, and go back to the inbox with what came of it."""
    status = 200
    try:
        done = act()
    except AnsweredError as error:
        status = 409
        messages.error(request, str(error))
    except ValidationError as error:
        status = 422
        messages.error(request, " ".join(error.messages))
    else:
        if done.state == State.LAPSED:
            messages.info(request, f"Nothing was changed: the request has lapsed. {done.answer}")
        else:
            messages.success(request, f"{done.get_state_display()}. {done.asked_by} is told.")
    return _inbox(request, status=status) if is_fragment(request) else redirect("requests")


def _inbox(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    user = signed_in(request)
    context = {"inbox": inbox_of(user, load_keyring(user)), "acted": request.method == "POST"}
    return render_page(request, "leads/requests.html", context, partial="inbox", status=status)


def _leave(request: HttpRequest, name: str, *args: str) -> HttpResponse:
    response = redirect(name, *args)
    if not is_fragment(request):
        return response
    return HttpResponse(status=204, headers={"HX-Redirect": response.headers["Location"]})
