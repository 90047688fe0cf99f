"""A mass action in four steps on one page: scope, preview, progress, result; and the list of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from crm.core.doors import door
from crm.core.downloads import download
from crm.core.htmx import render_page
from crm.core.pagination import capped_count, keyset_page
from crm.organization.people import signed_in
from leads.batches import drafting
from leads.batches.drafting import act_of
from leads.batches.listing import entries, titled
from leads.batches.reading import (
    examples_of,
    items_seen,
    left_alone,
    lines_of,
    never_found,
    page_of,
    shown,
    skipped_as_csv,
    tallies,
    undoings_of,
)
from leads.batches.running import carry_on
from leads.batches.scope import leads_of, matching, picked, said_of
from leads.batches.sight import named
from leads.batches.undoing import deadline_of, draft_undo, why_not_begin, why_not_undo
from leads.batches.verb import Act, NotNowError, VerbForm, find_verb, verb_of
from leads.batches.verbs.exporting import FETCHED_FOR, is_there
from leads.exporting import lines_of_file, still_in_file
from leads.models import Batch
from leads.tasks import set_to_work
from permissions.keyring import load_keyring

STEPS = ("Scope", "Preview", "Run", "Result")
State = Batch.State


@door("GET", "HEAD", "POST")
def batches(request: HttpRequest) -> HttpResponse:
    """The mass actions so far; a POST from the People list begins one."""
    if request.method == "POST":
        return _begin(request)
    actor = signed_in(request)
    rows = (
        Batch.objects.of(actor)
        .select_related("actor", "undoes__undoes__undoes")
        .exclude(Q(preview=None) | ~Q(actor=actor), state=State.DRAFT)
    )
    page = keyset_page(rows, sort="created_at", descending=True, cursor=request.GET.get("cursor", ""), size=20)
    going_on = any(batch.is_under_way for batch in page.rows)
    context = {"page": page, "entries": entries(page.rows, load_keyring(actor)), "going_on": going_on}
    return render_page(request, "leads/batches/index.html", context, partial="batches")


def _begin(request: HttpRequest) -> HttpResponse:
    """A draft of the ticked leads (`lead`), or with `all` of those that match `query`."""
    actor = signed_in(request)
    everybody = request.POST.get("all") == "1"
    scope = (
        matching(request.POST.get("query", "").replace("\x00", ""))
        if everybody
        else picked(request.POST.getlist("lead"))
    )
    if not everybody and not scope["leads"]:
        messages.error(request, "Nobody is selected. Tick some people first.")
        return redirect("people")
    wanted = find_verb(request.POST.get("verb", ""))
    if wanted is None:
        raise Http404
    if not wanted.offered:
        raise PermissionDenied("This has a page of its own.")
    batch = drafting.draft(actor=actor, verb=wanted.code, scope=scope)
    if not wanted.asks:
        try:
            drafting.preview(actor=actor, batch=batch, params={})
        except NotNowError as refusal:
            messages.error(request, str(refusal))
    return redirect("batch", batch.public_id)


@door("GET", "HEAD", "POST")
def batch(request: HttpRequest, public_id: str) -> HttpResponse:
    """One mass action, at whatever step it is. A POST says what is to be done, and asks for the preview."""
    found = find_batch(request, public_id)
    if found.state != State.DRAFT:
        return _run(request, found)
    if request.method == "POST":
        return _preview(request, found)
    if found.preview is None or "edit" in request.GET:
        form = verb_of(found).form(actor=signed_in(request), initial=found.params)
        return _scope(request, found, form)
    return _foreseen(request, found)


def find_batch(request: HttpRequest, public_id: str) -> Batch:
    """Hers, or for a manager of the company anybody's that has begun; a 404 for all others."""
    rows = Batch.objects.of(signed_in(request)).select_related("actor", "undoes__actor")
    return get_object_or_404(rows, public_id=public_id)


def _preview(request: HttpRequest, found: Batch) -> HttpResponse:
    actor = signed_in(request)
    form = verb_of(found).form(request.POST, actor=actor)
    if form.is_valid():
        try:
            drafting.preview(actor=actor, batch=found, params=form.params)
            return redirect("batch", found.public_id)
        except NotNowError as refusal:
            form.add_error(None, str(refusal))
    return _scope(request, found, form, status=422)


def _scope(request: HttpRequest, found: Batch, form: VerbForm, status: int = 200) -> HttpResponse:
    act = act_of(found, signed_in(request))
    context = {**_frame(act, 1), "form": form, "filters": said_of(act), **_chosen(act)}
    return render_page(request, "leads/batches/scope.html", context, status=status)


def _chosen(act: Act) -> dict[str, Any]:
    """How many leads the scope has now, and how many of the ids given are none she may read."""
    try:
        count, more = capped_count(leads_of(act))
    except NotNowError as problem:
        return {"count": "0", "unknown": 0, "problem": str(problem)}
    unknown = max(0, act.batch.scope.get("given", 0) - count)
    return {"count": f"{count:,}{'+' if more else ''}", "unknown": unknown, "problem": ""}


def _foreseen(request: HttpRequest, found: Batch) -> HttpResponse:
    act = act_of(found, signed_in(request))
    foreseen: dict[str, Any] = found.preview or {}
    refusal = why_not_begin(found)
    context = {
        **_frame(act, 2),
        "will_change": foreseen["reasons"].get("", 0),
        "skipped": [tally for tally in tallies(found, found.items.all()) if tally.key != "waiting"],
        "unknown": foreseen["unknown"],
        "sight": named(foreseen["sight"], act.actor),
        "examples": examples_of(act),
        "filters": said_of(act),
        "left_alone": left_alone(act) if found.undoes else (),
        "newer": found.undoes and "newer" in foreseen["reasons"],
        "loss": "" if refusal or found.takes_back else verb_of(found).loss(act),
        "refusal": refusal,
        "back": _back(found),
        "way_back": verb_of(found).way_back(found),
    }
    return render_page(request, "leads/batches/preview.html", context)


def _back(found: Batch) -> str:
    """Where what is to be done was said; nowhere for what asks nothing, and for an undo."""
    scope = found.scope
    if found.undoes_id:
        return ""
    if found.verb == "depart":
        unit = f"?unit={scope['unit']}" if scope["unit"] else ""
        return f"{reverse('departure', args=[scope['person']])}{unit}"
    if found.verb == "close":
        return reverse("closing", args=[scope["unit"]])
    return f"{reverse('batch', args=[found.public_id])}?edit" if verb_of(found).asks else ""


def _run(request: HttpRequest, found: Batch) -> HttpResponse:
    """Progress, and in the end what became of each lead."""
    actor = signed_in(request)
    act = act_of(found, actor)
    context = {**_frame(act, 3 if found.is_under_way else 4), "is_hers": found.actor_id == actor.pk}
    if found.never_began:
        context["never_began"] = True
    elif found.has_ended:
        items = items_seen(found, actor, act.keyring)
        key = request.GET.get("show", "").replace("\x00", "")
        page = page_of(shown(items, key), request.GET.get("cursor", ""))
        counts, unknown = tallies(found, items), never_found(found, actor)
        context |= {
            "tallies": counts,
            "any_skipped": unknown or any(tally.tone == "warn" for tally in counts),
            "unknown": unknown,
            "show": key,
            "page": page,
            "lines": lines_of(found, page.rows, act.keyring),
            "undo_refusal": why_not_undo(actor, found),
            **_file(act),
            "file_until": found.ended_at + FETCHED_FOR if found.ended_at else None,
            "undo_until": deadline_of(found),
            "undoings": undoings_of(found),
            "came_to_nothing": found.actor_id == actor.pk and not found.changed and not verb_of(found).whole,
        }
    return render_page(request, "leads/batches/run.html", context, partial="run")


def _file(act: Act) -> dict[str, Any]:
    """Where the file she asked for is fetched, and how many of its leads she may no longer export."""
    there = verb_of(act.batch).file(act) if act.batch.actor_id == act.actor.pk else ""
    missing = act.batch.changed - still_in_file(act.batch, act.keyring).count() if there else 0
    return {"file": there, "file_missing": missing, "file_empty": missing == act.batch.changed}


def _frame(act: Act, at: int) -> dict[str, Any]:
    verb = verb_of(act.batch)
    said = verb.words(act) if act.batch.preview is not None else verb.label
    return {"batch": act.batch, "verb": verb, "title": titled(act.batch, said), "steps": STEPS, "at": at}


@door("POST")
def confirm(request: HttpRequest, public_id: str) -> HttpResponse:
    found = find_batch(request, public_id)
    try:
        if refusal := why_not_begin(found):
            raise NotNowError(refusal)
        drafting.confirm(actor=signed_in(request), batch=found)
        if found.is_of_one:
            carry_on(found.pk)
        else:
            set_to_work(found)
    except NotNowError as refusal:
        messages.info(request, str(refusal))
    return redirect("batch", public_id)


@door("POST")
def cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    drafting.cancel(actor=signed_in(request), batch=find_batch(request, public_id))
    return redirect("batch", public_id)


@door("POST")
def discard(request: HttpRequest, public_id: str) -> HttpResponse:
    found = find_batch(request, public_id)
    if not drafting.discard(actor=signed_in(request), batch=found):
        messages.info(request, "This has begun already.")
        return redirect("batch", public_id)
    messages.info(request, "Nothing was changed.")
    return redirect("lead", *found.scope["leads"]) if "leads" in found.scope and found.is_of_one else redirect("people")


@door("POST")
def undo(request: HttpRequest, public_id: str) -> HttpResponse:
    try:
        undoing = draft_undo(actor=signed_in(request), batch=find_batch(request, public_id))
    except NotNowError as refusal:
        messages.info(request, str(refusal))
        return redirect("batch", public_id)
    return redirect("batch", undoing.public_id)


@door()
def skipped(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The skipped leads as CSV."""
    found = find_batch(request, public_id)
    return download(skipped_as_csv(found, signed_in(request)), f"{found.verb}-{found.public_id}-skipped.csv")


@door()
def file(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The leads of her own export, those that she may still export."""
    actor = signed_in(request)
    found = find_batch(request, public_id)
    if found.actor_id != actor.pk or not is_there(found):
        raise Http404
    if not still_in_file(found, act_of(found, actor).keyring).exists():
        raise PermissionDenied("You may no longer export any of these leads, so there is no file.")
    return download(lines_of_file(found, actor), f"leads-{timezone.localdate():%Y-%m-%d}.{found.params['format']}")
