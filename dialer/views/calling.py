"""Calling a lead: what the gates say of each of its numbers now, why one is shut and when it opens (D14, D15).

The call, the text, and the promise to call again, each by the same gates (D11, D16, L4).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.formats import date_format

from crm.core.doors import door
from crm.core.htmx import is_fragment, render_page
from crm.organization.models import User
from crm.organization.people import signed_in
from dialer.calling_forms import CallbackForm, ConsentForm, LoggedForm, NumberForm, TextForm
from dialer.models import CallAttempt
from dialer.providers import account_of
from dialer.providers.port import ProviderError
from dialer.services.callbacks import NotThenError, at_their_clock, promise
from dialer.services.calling import Made, RefusedError, log_call, make_call, send_again, send_text
from dialer.services.gates import Standing, standings
from leads.contact import show_phone
from leads.merging.doing import absorbed_by
from leads.messaging.merging import filled
from leads.models import Lead, MessageTemplate
from leads.reading import consents_of
from leads.services.consenting import mark_do_not_call, record_consent
from leads.services.working import may_log
from permissions.access import Keyring, Level
from permissions.door import access_to
from permissions.keyring import load_keyring

MOST_NUMBERS = 20
KEPT = "Your text is kept on the timeline: send it again from there."
Kind = CallAttempt.Kind


def find_lead(public_id: str, keyring: Keyring) -> Lead:
    """The lead, where she may read it in full."""
    leads = Lead.objects.visible_to(keyring, Level.VIEW).select_related("company", "owner_unit", "owner_user")
    lead = leads.filter(public_id=public_id).first()
    if lead is None:
        raise Http404
    lead.access = access_to(keyring, lead)
    return lead


@door()
def calling(request: HttpRequest, public_id: str) -> HttpResponse:
    lead = find_lead(public_id, load_keyring(signed_in(request)))
    return show(request, lead)


def show(request: HttpRequest, lead: Lead, *, status: int = 200, **more: Any) -> HttpResponse:
    """The lead's numbers as they stand now, with forms that were not taken, or a call that is on its way."""
    text_form = TextForm(lead=lead, actor=signed_in(request))
    forms = {"consent_form": ConsentForm(), "text_form": text_form, "callback_form": CallbackForm()}
    context = {"made": None, "writing": False, **forms, **_context(request, lead), **more}
    return render_page(request, "dialer/calling.html", context, partial="fragment", status=status)


def _context(request: HttpRequest, lead: Lead) -> dict[str, Any]:
    actor = signed_in(request)
    points = lead.contact_points.filter(kind="phone").order_by("position", "pk")
    numbers = list(points.values_list("value", flat=True)[:MOST_NUMBERS])
    found = standings(lead=lead, numbers=numbers, campaign=None, now=timezone.now()) if numbers else []
    region = actor.company.phone_region
    return {
        "lead": lead,
        "works": lead.access.level >= Level.WORK,
        "may_call": may_log(lead.access, Kind.CALL),  # type: ignore[arg-type]
        "templates": _templates(actor),
        "numbers": [(one, show_phone(one.number, region), opening(one)) for one in found],
        "consents": consents_of(lead),
        "by_provider": bool(numbers) and account_of(actor.company_id) is not None,
    }


def _templates(actor: User) -> list[tuple[int, str]]:
    """What a text may begin from."""
    texts = MessageTemplate.objects.usable_by(actor).filter(kind=Kind.TEXT)
    return list(texts.by_name().values_list("pk", "name"))


def opening(found: Standing) -> str:
    """When the number can be called, by the lead's clock, where waiting is all it takes."""
    return there(found, found.opens) if found.opens else ""


def there(found: Standing, moment: datetime) -> str:
    clock = found.place.clocks(moment)[0]
    return date_format(clock, "l g:i A (T)")


# --- calls and texts --------------------------------------------------------------------------------------------------


def callable_lead(request: HttpRequest, public_id: str) -> Lead:
    """The lead, if it is hers to call: by work, or because she manages its owner (V2)."""
    lead = find_lead(public_id, load_keyring(signed_in(request)))
    if not may_log(lead.access, Kind.CALL):  # type: ignore[arg-type]
        raise PermissionDenied("You may look at this lead, but not do this with it.")
    return lead


@door("POST")
def call(request: HttpRequest, public_id: str) -> HttpResponse:
    lead = callable_lead(request, public_id)
    form = NumberForm(request.POST, lead=lead)
    if not form.is_valid():
        return show(request, lead, status=422, problem="The lead does not have this number any more.")
    try:
        made = make_call(actor=signed_in(request), lead=lead, number=form.chosen())
    except RefusedError as refusal:
        return show(request, lead, status=409, problem=f"Not called: {str(refusal).lower()}.")
    except ProviderError as error:
        return show(request, lead, status=409, problem=str(error))
    return _made(request, lead, made)


@door("POST")
def text(request: HttpRequest, public_id: str) -> HttpResponse:
    """What was typed stays until it is sent."""
    lead = callable_lead(request, public_id)
    if "use" in request.POST:
        return _by_template(request, lead)
    form = TextForm(request.POST, lead=lead, actor=signed_in(request))
    if not form.is_valid():
        return show(request, lead, status=422, text_form=form)
    body = form.cleaned_data["body"]
    try:
        made = send_text(actor=signed_in(request), lead=lead, number=form.chosen(), body=body)
    except RefusedError as refusal:
        return show(request, lead, status=409, text_form=form, problem=f"Not sent: {str(refusal).lower()}.")
    except ProviderError as error:
        return show(request, lead, status=409, problem=f"{error} {KEPT}")
    return _made(request, lead, made, body)


def _by_template(request: HttpRequest, lead: Lead) -> HttpResponse:
    """The text with a template filled in for the lead, after what was typed already. Nothing is sent."""
    actor, typed = signed_in(request), request.POST.dict()
    found = MessageTemplate.objects.chosen(actor, Kind.TEXT, request.POST.get("template", ""))
    if found is not None:
        _, body = filled("", found.body, lead, actor)
        typed["body"] = " ".join(filter(None, [typed.get("body", "").strip(), body]))
    return show(request, lead, text_form=TextForm(initial=typed, lead=lead, actor=actor), writing=True)


@door("POST")
def text_again(request: HttpRequest, public_id: str, activity_id: int) -> HttpResponse:
    """A text that did not arrive, once more."""
    lead = callable_lead(request, public_id)
    texts = CallAttempt.objects.filter(kind=Kind.TEXT, lead__in=[lead.pk, *absorbed_by(lead.pk)])
    failed = get_object_or_404(texts, activity_id=activity_id)
    try:
        made = send_again(actor=signed_in(request), lead=lead, failed=failed)
    except RefusedError as refusal:
        return show(request, lead, status=409, problem=f"Not sent: {str(refusal).lower()}.")
    except ProviderError as error:
        return show(request, lead, status=409, problem=f"{error} {KEPT}")
    if made is not None and made.placed.link:
        return _made(request, lead, made, made.body)
    messages.info(request, "The text is sent." if made else "It was sent again already.")
    return _to_lead(request, lead)


def _made(request: HttpRequest, lead: Lead, made: Made, body: str = "") -> HttpResponse:
    """By a link she goes on herself, and says how it went; by the provider it is under way."""
    if not made.placed.link:
        words = "The text is sent." if body else "Your phone rings. Answer it, and the lead is called."
        messages.success(request, words)
        return again(request, lead)
    is_text = made.attempt.kind == Kind.TEXT
    logged = LoggedForm(is_text=is_text, initial={"body": body})
    return show(request, lead, made=made, shown=_shown(request, made.attempt), logged_form=logged)


def _shown(request: HttpRequest, attempt: CallAttempt) -> str:
    return show_phone(attempt.number, signed_in(request).company.phone_region)


@door("POST")
def logged(request: HttpRequest, public_id: str, attempt_id: int) -> HttpResponse:
    """How it went on her own phone."""
    actor = signed_in(request)
    lead = callable_lead(request, public_id)
    attempt = get_object_or_404(CallAttempt, pk=attempt_id, lead=lead, user=actor)
    form = LoggedForm(request.POST, is_text=attempt.kind == Kind.TEXT)
    if not form.is_valid():
        made = {"attempt": attempt, "placed": None}
        return show(request, lead, status=422, made=made, shown=_shown(request, attempt), logged_form=form)
    data = form.cleaned_data
    log_call(actor=actor, attempt=attempt, outcome=data.get("outcome", ""), body=data["body"])
    messages.success(request, "It is on the timeline.")
    return _to_lead(request, lead)


def _to_lead(request: HttpRequest, lead: Lead) -> HttpResponse:
    response = redirect("lead", lead.public_id)
    if not is_fragment(request):
        return response
    return HttpResponse(status=204, headers={"HX-Redirect": response.headers["Location"]})


@door("POST")
def callback(request: HttpRequest, public_id: str) -> HttpResponse:
    """Promise to call again, at a time when it may be."""
    actor = signed_in(request)
    lead = workable(public_id, load_keyring(actor))
    form, number = (
        CallbackForm(request.POST),
        lead.contact_points.filter(kind="phone").order_by("position", "pk").first(),
    )
    if not form.is_valid() or number is None:
        return show(request, lead, status=422, callback_form=form)
    data = form.cleaned_data
    try:
        at = at_their_clock(lead, number.value, data["at"]) if data["clock"] == "theirs" else data["at"]
        promise(actor=actor, lead=lead, number=number.value, at=at, personal=data["who"] == "me")
    except NotThenError as refusal:
        (found,) = standings(lead=lead, numbers=[number.value], campaign=None, now=timezone.now())
        opens = f" It may be from {there(found, refusal.opens)} there." if refusal.opens else ""
        form.add_error("at", f"{refusal}{opens}")
        return show(request, lead, status=422, callback_form=form)
    messages.success(request, "The callback is planned.")
    return _to_lead(request, lead)


# --- what the lead said -----------------------------------------------------------------------------------------------


@door("POST")
def consent(request: HttpRequest, public_id: str) -> HttpResponse:
    """Record what the lead said, in her own words where there are any."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = workable(public_id, keyring)
    form = ConsentForm(request.POST)
    if not form.is_valid():
        return show(request, lead, status=422, consent_form=form)
    data = form.cleaned_data
    kind, given = data["said"].split("-")
    record_consent(keyring=keyring, actor=actor, lead=lead, kind=kind, given=given == "yes", words=data["words"])
    messages.success(request, "Recorded.")
    return again(request, lead)


@door("POST")
def do_not_call(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = workable(public_id, keyring)
    mark_do_not_call(keyring=keyring, actor=actor, lead=lead, on=request.POST.get("on") == "1")
    return again(request, find_lead(public_id, keyring))


def workable(public_id: str, keyring: Keyring) -> Lead:
    lead = find_lead(public_id, keyring)
    if lead.access.level < Level.WORK:
        raise PermissionDenied("You may look at this lead, but not do this with it.")
    return lead


def again(request: HttpRequest, lead: Lead) -> HttpResponse:
    """The numbers as they stand now; without scripts, the page."""
    return show(request, lead) if is_fragment(request) else redirect("lead-calling", lead.public_id)
