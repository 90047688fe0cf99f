"""Bringing a file of leads: upload it, check its columns, watch it go in, fetch what did not (I1)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.text import slugify

from crm.core.doors import door
from crm.core.downloads import download
from crm.core.htmx import is_fragment, render_page
from crm.core.pagination import keyset_page
from crm.organization.models import Unit
from crm.organization.people import signed_in
from leads.imports.forms import StartForm, UploadForm
from leads.imports.reading import UnreadableFileError
from leads.imports.report import report_lines
from leads.imports.services import NotDraftError, create_run, discard_run, samples_of, start_run
from leads.merging.keys import counting
from leads.models import ImportRow, ImportRun, Source
from leads.owner_form import CHOSEN
from leads.tasks import run_import
from permissions.catalog import Permission
from permissions.policy.wording import DUPLICATE_KEYS

SHOWN = 10  # refused rows on the result's page; the rest is in the report
State = ImportRun.State


@door("GET", "HEAD", "POST", verb=Permission.IMPORT_LEAD)
def imports(request: HttpRequest) -> HttpResponse:
    """Her imports so far, and the way to begin another."""
    actor = signed_in(request)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            return redirect("import-run", create_run(actor=actor, file=upload.file, name=upload.name).public_id)
        except UnreadableFileError as error:
            form.add_error("file", str(error))
    runs = ImportRun.objects.of(actor).select_related("owner_unit", "owner_user")
    page = keyset_page(runs, sort="created_at", descending=True, cursor=request.GET.get("cursor", ""), size=20)
    context = {"form": form, "page": page, "going_on": any(run.is_under_way for run in page.rows)}
    return render_page(request, "leads/imports/index.html", context, partial="runs", status=422 if form.errors else 200)


@door("GET", "HEAD", "POST", verb=Permission.IMPORT_LEAD)
def import_run(request: HttpRequest, public_id: str) -> HttpResponse:
    """One import, at whatever step it is."""
    run = find_run(request, public_id)
    if request.method == "POST":
        return start(request, run)
    if run.state == State.DRAFT:
        chosen = {name: request.GET[name] for name in CHOSEN if name in request.GET}
        form = StartForm(actor=signed_in(request), run=run, chosen=chosen, live=is_fragment(request))
        return show_draft(request, run, form)
    return render_page(request, "leads/imports/run.html", {"run": run, **outcome_of(run)}, partial="run")


def start(request: HttpRequest, run: ImportRun) -> HttpResponse:
    form = StartForm(request.POST, actor=signed_in(request), run=run)
    if run.state == State.DRAFT and not form.is_valid():
        return show_draft(request, run, form, status=422)
    try:
        _start(request, run, form)
    except NotDraftError:
        messages.info(request, "This import has started already.")
    return redirect("import-run", run.public_id)


def _start(request: HttpRequest, run: ImportRun, form: StartForm) -> None:
    if run.state != State.DRAFT:
        raise NotDraftError
    data = form.cleaned_data
    start_run(
        actor=signed_in(request),
        run=run,
        mapping=data["mapping"],
        owner=form.chosen_owner,
        route=data["route"],
        hidden=data["hidden"],
        source_name=data["source_name"],
    )
    run_import.queue(run.pk)


def show_draft(request: HttpRequest, run: ImportRun, form: StartForm, status: int = 200) -> HttpResponse:
    columns = list(zip(run.header, samples_of(run), form.columns(), strict=True))
    counted = [DUPLICATE_KEYS[key].lower().partition(",")[0] for key in counting(run.company)]
    context = {"run": run, "form": form, "columns": columns, "duplicate_keys": counted}
    return render_page(request, "leads/imports/draft.html", context, partial="choices", status=status)


def outcome_of(run: ImportRun) -> dict[str, Any]:
    """What the page of a run tells beside the run itself."""
    refused = ImportRow.objects.filter(run=run, outcome=ImportRow.Outcome.REJECTED).order_by("number")
    source = Source.objects.filter(company=run.company_id, name__iexact=run.source_name).first()
    return {
        "refused": list(refused.only("number", "reason")[:SHOWN]) if run.rejected else [],
        "more_refused": max(0, run.rejected - SHOWN),
        "unread": run.total - run.handled,
        "source": source,
        "owner_kind": run.owner_unit.kind if isinstance(run.owner, Unit) and run.owner_unit else "person",
    }


@door("POST", verb=Permission.IMPORT_LEAD)
def discard(request: HttpRequest, public_id: str) -> HttpResponse:
    run = find_run(request, public_id)
    try:
        discard_run(actor=signed_in(request), run=run)
        messages.success(request, f"{run.file_name} is thrown away. Nothing was imported.")
    except NotDraftError:
        messages.info(request, "This import has started already.")
    return redirect("import")


@door(verb=Permission.IMPORT_LEAD)
def import_rows(request: HttpRequest, public_id: str, outcome: str) -> HttpResponseBase:
    """The skipped or the rejected rows as CSV, with their lines and reasons."""
    run = find_run(request, public_id)
    if outcome not in (ImportRow.Outcome.SKIPPED, ImportRow.Outcome.REJECTED):
        raise Http404
    name = f"{slugify(run.file_name.rpartition('.')[0] or run.file_name) or 'import'}-{outcome}.csv"
    return download(report_lines(run, outcome), name)


def find_run(request: HttpRequest, public_id: str) -> ImportRun:
    """Her own run; a 404 for everybody else's."""
    runs = ImportRun.objects.of(signed_in(request)).select_related("owner_unit", "owner_user")
    return get_object_or_404(runs, public_id=public_id)
