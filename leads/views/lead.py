"""One lead: who it is, what was done, whose it is, who works it; and what is done right there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from crm.core.doors import door
from crm.core.htmx import is_fragment, render_page
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.forms import LOGGED, LogForm, StageForm
from leads.merging.doing import where_it_went
from leads.messaging.gates import RefusedError, why_word, word_of
from leads.messaging.merging import filled
from leads.messaging.writing import send_email, sender_of
from leads.models import Activity, Assignment, ContactPoint, CustomField, Lead, MessageTemplate, OwnershipRequest, Stage
from leads.once import new_token, once
from leads.reading import (
    OPTED_OUT,
    TONES,
    address_of,
    contacts_of,
    facts_of,
    local_time,
    origin_words,
    owner_label,
    slots_of,
    why,
)
from leads.services.asking import askable
from leads.services.ponding import may_take, taken_from, why_left, why_outside
from leads.services.sharing import with_sharers
from leads.services.staffing import roles_of
from leads.services.transferring import may_let_go
from leads.services.working import change_stage, log_activity, may_log
from leads.timeline import timeline_of
from permissions.access import Keyring, Level
from permissions.door import access_to, may, require
from permissions.keyring import load_keyring
from permissions.verbs import Verb


def find_lead(request: HttpRequest, public_id: str, keyring: Keyring) -> Lead:
    """The lead, where she may read it in full; else it does not exist for her (V3)."""
    leads = with_sharers(Lead.objects.visible_to(keyring, Level.VIEW).for_rows()).annotate(opted_out=OPTED_OUT)
    lead = leads.filter(public_id=public_id).first()
    if lead is None:
        raise Http404
    lead.access = access_to(keyring, lead)
    return lead


@door()
def lead(request: HttpRequest, public_id: str) -> HttpResponse:
    keyring = load_keyring(signed_in(request))
    try:
        found = find_lead(request, public_id, keyring)
    except Http404:
        return redirect("lead", went_to(public_id, keyring))
    earlier = request.GET.get("before", "")
    if is_fragment(request) and earlier:
        context = {"lead": found, "timeline": timeline_of(found, earlier), "log_kinds": _log_kinds(found)}
        return render_page(request, "leads/lead.html", context, partial="events")
    return render_page(request, "leads/lead.html", _whole(request, keyring, found, earlier=earlier))


def went_to(public_id: str, keyring: Keyring) -> str:
    """The one that a merged lead went into, where she may read that; else there is nothing (V3)."""
    there = Lead.objects.visible_to(keyring, Level.VIEW).filter(pk__any_of=where_it_went(public_id, keyring.company_id))
    found = there.only("public_id").order_by("pk").first()
    if found is None:
        raise Http404
    return found.public_id


@door("POST")
def log(request: HttpRequest, public_id: str) -> HttpResponse:
    """Put a note or a call on the timeline, or give back what was typed with what is wrong with it."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    form = LogForm(request.POST)
    try:
        found = find_lead(request, public_id, keyring)
        if "use" in request.POST:
            return _by_template(request, keyring, found)
        form = LogForm(request.POST, addresses=_addresses(found))
    except Http404:
        found = find_lead(request, went_to(public_id, keyring), keyring)
        form.full_clean()
        form.add_error("body", f"This was merged into {found.name} meanwhile. Save again to put it there.")
    if not _log_kinds(found):
        raise PermissionDenied("You may look at this lead, but not do this with it.")
    if not form.is_valid():
        return _composer(request, keyring, found, form)
    said = form.cleaned_data
    if said["kind"] == Activity.Kind.EMAIL:
        return _email(request, keyring, found, form)
    kind = Activity.Kind(said["kind"])
    words = {name: said[name] for name in ("body", "direction", "outcome")}
    with once(actor.pk, request.POST) as first:
        if first:
            log_activity(keyring=keyring, actor=actor, lead=found, kind=kind, **words)
    return _done(request, found, f"The {kind.label.lower()} is on the timeline.")


def _composer(request: HttpRequest, keyring: Keyring, lead: Lead, form: LogForm, status: int = 422) -> HttpResponse:
    """What was typed, with what is wrong with it."""
    context = {**_whole(request, keyring, lead, form), "again": True}
    return render_page(request, "leads/lead.html", context, partial="composer", status=status)


def _by_template(request: HttpRequest, keyring: Keyring, lead: Lead) -> HttpResponse:
    """The composer with a template filled in for the lead, below what was typed already. Nothing is sent."""
    actor, typed = signed_in(request), request.POST.dict()
    found = MessageTemplate.objects.chosen(actor, Activity.Kind.EMAIL, request.POST.get("template", ""))
    if found is not None:
        subject, body = filled(found.subject, found.body, lead, sender_of(lead, actor))
        typed["subject"] = typed.get("subject") or subject
        typed["message"] = "\n\n".join(filter(None, [typed.get("message", "").strip(), body]))
    form = LogForm(initial=typed | {"kind": Activity.Kind.EMAIL, "token": new_token()}, addresses=_addresses(lead))
    return _composer(request, keyring, lead, form, status=200)


def _email(request: HttpRequest, keyring: Keyring, lead: Lead, form: LogForm) -> HttpResponse:
    """Onto the timeline and on its way, or why it may not go."""
    actor, said = signed_in(request), form.cleaned_data
    subject, body = filled(said["subject"], said["message"], lead, sender_of(lead, actor))
    written = {"to": said["to"], "subject": subject, "body": body}
    try:
        with once(actor.pk, request.POST) as first:
            if first:
                send_email(keyring=keyring, actor=actor, lead=lead, **written)
    except RefusedError as refusal:
        form.add_error(None, f"Not sent. {refusal}")
        return _composer(request, keyring, lead, form)
    return _done(request, lead, "The e-mail is on its way.")


def _addresses(lead: Lead) -> list[str]:
    """Where it may be e-mailed to by whoever may do that with it."""
    if not may_log(lead.access, Activity.Kind.EMAIL):
        return []
    points = lead.contact_points.filter(kind="email").order_by("position", "pk")
    return list(points.values_list("value", flat=True))


@door("POST")
def stage(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = signed_in(request)
    keyring = load_keyring(actor)
    try:
        found = find_lead(request, public_id, keyring)
    except Http404:
        return _moved_on(request, went_to(public_id, keyring))
    require(keyring, found, Level.WORK)
    form = StageForm(request.POST, company_id=found.company_id)
    if not form.is_valid():
        messages.error(request, "This stage is not in the list any more. Nothing was changed.")
        return render_page(request, "leads/lead.html", _whole(request, keyring, found), partial="changed", status=422)
    change_stage(keyring=keyring, actor=actor, lead=found, stage=form.cleaned_data["stage"])
    return _done(request, found, f"Stage: {form.cleaned_data['stage']}.")


def _moved_on(request: HttpRequest, public_id: str) -> HttpResponse:
    """To the lead that this one was merged into."""
    messages.info(request, "The lead was merged into this one meanwhile. Nothing was changed.")
    response = redirect("lead", public_id)
    if not is_fragment(request):
        return response
    return HttpResponse(status=204, headers={"HX-Redirect": response.headers["Location"]})


def _done(request: HttpRequest, worked: Lead, words: str) -> HttpResponse:
    """Back to the lead; where htmx asked, the parts of it that an act can change. Claiming may have ended an offer."""
    actor = signed_in(request)
    taken = taken_from(actor, worked)
    messages.success(request, f"{words} {taken or why_left(actor, worked)}".strip())
    if not is_fragment(request):
        return redirect("lead", worked.public_id)
    if taken:  # the page says in many places whose it is
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("lead", args=[worked.public_id])})
    keyring = load_keyring(actor)
    found = find_lead(request, worked.public_id, keyring)
    context = {**_whole(request, keyring, found), "again": True}
    response = render_page(request, "leads/lead.html", context, partial="changed")
    response["HX-Trigger"] = "live:offers"
    return response


def _log_kinds(lead: Lead) -> list[Activity.Kind]:
    return [kind for kind in LOGGED if may_log(lead.access, kind)]


def _mailing(actor: User, lead: Lead) -> dict[str, Any]:
    """In whose name an e-mail goes, where answers go, and why it may not go at all."""
    sender, company = sender_of(lead, actor), actor.company
    templates = MessageTemplate.objects.usable_by(actor).filter(kind=Activity.Kind.EMAIL).by_name()
    return {
        "sender": sender,
        "replies": company.replies_to or sender.email,
        "refusal": why_word(company, word_of(lead)),
        "templates": list(templates.values_list("pk", "name")),
    }


def _composing(
    request: HttpRequest, lead: Lead, points: Sequence[ContactPoint], form: LogForm | None
) -> dict[str, Any]:
    """The composer: what may be logged or written, and what was chosen or typed."""
    may_mail = may_log(lead.access, Activity.Kind.EMAIL)
    addresses = [point.value for point in points if point.kind == "email" and may_mail]
    log_kinds, wanted = _log_kinds(lead), request.GET.get("log")
    kinds = [*log_kinds, *([Activity.Kind.EMAIL] if addresses else [])]
    log_form = form or LogForm(initial={"kind": wanted} if wanted in kinds else None, addresses=addresses)
    return {
        "log_kinds": log_kinds,
        "log_form": log_form,
        "log_kind": log_form["kind"].value() or next(iter(log_kinds), None),
        "mail": _mailing(signed_in(request), lead) if addresses else None,
    }


def _asking(actor: User, keyring: Keyring, lead: Lead) -> dict[str, Any]:
    """What she asked of whoever decides about the lead, or that she may; whoever may transfer it has no need to."""
    if may(keyring, lead, Verb.TRANSFER):
        return {"asked": None, "may_ask": False}
    asked = OwnershipRequest.objects.of(actor).open().filter(lead=lead).first()
    return {"asked": asked, "may_ask": may_let_go(keyring, lead) or bool(askable(actor, keyring, lead))}


def _taking(actor: User, keyring: Keyring, lead: Lead) -> dict[str, Any]:
    """Whether she may take it out of its pond, or why not though she is in that."""
    outside = why_outside(actor, lead) if may_take(keyring, lead) else ""
    return {"may_take": may_take(keyring, lead) and not outside, "outside": outside}


def _whole(
    request: HttpRequest, keyring: Keyring, lead: Lead, form: LogForm | None = None, *, earlier: str = ""
) -> dict[str, Any]:
    """All the page shows."""
    actor = signed_in(request)
    taken = list(lead.assignments.select_related("user", "pond").order_by("pk"))
    own = any(slot.role not in Assignment.Role.values for slot in taken)
    role_names = roles_of(lead.company_id) if own else {}
    roles = [role_names.get(slot.role, slot.get_role_display()) for slot in taken if slot.user_id == actor.pk]
    custom = CustomField.objects.filter(company=lead.company_id, key__in=lead.custom).order_by("label", "pk")
    timeline = timeline_of(lead, earlier)
    points, works = list(lead.contact_points.order_by("position", "pk")), lead.access.level >= Level.WORK
    return {
        "lead": lead,
        "again": False,  # the composer came back, and takes the focus it had
        **_composing(request, lead, points, form),
        "works": works,
        "shared_with": lead.shared_with if lead.access.level == Level.MANAGE else (),
        **_taking(actor, keyring, lead),
        **{f"may_{verb}": may(keyring, lead, verb) for verb in Verb},
        "is_owner": lead.owner_user_id == actor.pk,
        **_asking(actor, keyring, lead),
        "owner": owner_label(lead),
        "origin": origin_words(lead.origin_unit.name, lead.origin_unit.kind) if lead.origin_unit else "Agent",
        "contacts": contacts_of(points, actor.company.phone_region),
        "address": address_of(lead),
        "local_time": local_time(lead.time_zone),
        "facts": facts_of(lead, custom if lead.custom else (), timeline.sources),
        "slots": slots_of(taken, lead, role_names),
        "reasons": why(lead, lead.access, roles),
        "history": timeline.owners,
        "timeline": timeline,
        "stages": Stage.objects.filter(company=lead.company_id).order_by("position", "pk") if works else (),
        "tone": TONES[lead.stage.kind],
    }
