"""Bringing a file of leads: upload it, check its columns, try it, watch it go in, fetch what did not, undo it (I1)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.text import slugify

from crm.core.doors import door
from crm.core.downloads import download
from crm.core.htmx import is_fragment, render_page
from crm.core.pagination import keyset_page
from crm.organization.models import Unit
from crm.organization.people import signed_in
from leads.batches.drafting import draft, preview
from leads.batches.verb import NotNowError
from leads.filters import LeadFilter
from leads.imports.forms import StartForm, TemplateForm, UploadForm
from leads.imports.reading import UnreadableFileError
from leads.imports.receiving import receive
from leads.imports.report import report_lines
from leads.imports.services import NotDraftError, Options, cancel_run, discard_run, start_run
from leads.imports.templates import may_share, save_template, template_for, templates_for
from leads.imports.uploading import doubts_of, samples_of
from leads.merging.keys import counting
from leads.models import Batch, ImportChange, ImportRow, ImportRun, ImportTemplate, Lead
from leads.owner_form import CHOSEN
from leads.tasks import run_import
from permissions.catalog import Permission
from permissions.keyring import load_keyring
from permissions.policy.wording import DUPLICATE_KEYS

SHOWN = 10  # refused rows on the result's page; the rest is in the report
STEPS = ("Upload", "Columns and choices", "Check", "Import", "Result")
State, Outcome = ImportRun.State, ImportRow.Outcome


@door("GET", "HEAD", "POST", verb=Permission.IMPORT_LEAD)
def imports(request: HttpRequest) -> HttpResponse:
    """Her imports so far, and the way to begin another."""
    actor = signed_in(request)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            run = receive(actor=actor, file=upload.file, name=upload.name)
            if run.state == State.READING:
                run_import.queue(run.pk)
            return redirect("import-run", run.public_id)
        except UnreadableFileError as error:
            form.add_error("file", str(error))
    runs = ImportRun.objects.of(actor).select_related("owner_unit", "owner_user")
    page = keyset_page(runs, sort="created_at", descending=True, cursor=request.GET.get("cursor", ""), size=20)
    context = {
        "form": form,
        "page": page,
        "going_on": any(run.is_under_way for run in page.rows),
        "templates": ImportTemplate.objects.of(actor).order_by("name", "pk"),
        "may_share": may_share(actor),
    }
    return render_page(request, "leads/imports/index.html", context, partial="runs", status=422 if form.errors else 200)


@door("GET", "HEAD", "POST", verb=Permission.IMPORT_LEAD)
def import_run(request: HttpRequest, public_id: str) -> HttpResponse:
    """One import, at whatever step it is."""
    run = find_run(request, public_id)
    if request.method == "POST":
        return act_on(request, run)
    if run.state != State.DRAFT:
        at = 1 if run.state == State.READING else 3 if run.trial else 4
        context = {"run": run, "steps": STEPS, "at": at, **outcome_of(run)}
        return render_page(request, "leads/imports/run.html", context, partial="run")
    if request.headers.get("HX-Target") == "run":  # what was read or tried is ready
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("import-run", args=[run.public_id])})
    if run.is_tried and not {"edit", "template", *CHOSEN} & set(request.GET):
        return render_page(request, "leads/imports/tried.html", {"run": run, "steps": STEPS, **outcome_of(run)})
    chosen = {name: request.GET[name] for name in CHOSEN if name in request.GET}
    template = chosen_template(request, run)
    form = StartForm(actor=signed_in(request), run=run, chosen=chosen, live=is_fragment(request), template=template)
    return show_draft(request, run, form, template=template)


def chosen_template(request: HttpRequest, run: ImportRun) -> ImportTemplate | None:
    """The template she picked; else the one for such a file, as long as nothing else was chosen."""
    templates = templates_for(signed_in(request))
    if "template" in request.GET:
        return next((one for one in templates if str(one.pk) == request.GET["template"]), None)
    return None if run.trial else template_for(run, templates)


def act_on(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Start the draft, or only try it; start it as it was tried; or save what is chosen as a template."""
    act = request.POST.get("act", "")
    actor = signed_in(request)
    if run.state == State.READING:
        messages.info(request, "The file is still being read.")
        return redirect("import-run", run.public_id)
    if act == "go":
        return start_tried(request, run)
    form = StartForm(request.POST, actor=actor, run=run)
    if run.state == State.DRAFT and not form.is_valid():
        return show_draft(request, run, form, status=422)
    if act == "save" and run.state == State.DRAFT:
        return save(request, run, form)
    try:
        if run.state != State.DRAFT:
            raise NotDraftError
        start_run(
            actor=actor,
            run=run,
            mapping=form.cleaned_data["mapping"],
            owner=form.chosen_owner,
            options=form.options(trial=act == "try"),
        )
        run_import.queue(run.pk)
    except NotDraftError:
        messages.info(request, "This import has started already.")
    return redirect("import-run", run.public_id)


def start_tried(request: HttpRequest, run: ImportRun) -> HttpResponse:
    try:
        if not run.is_tried or run.owner is None:
            raise NotDraftError
        options = Options(
            route=run.route,
            hidden=run.hidden,
            source_name=run.source_name,
            tags=run.tags,
            duplicates=run.duplicates,
            kinds={key: (kind, choices) for key, (kind, choices) in run.kinds.items()},
        )
        start_run(actor=signed_in(request), run=run, mapping=run.mapping, owner=run.owner, options=options)
        run_import.queue(run.pk)
    except NotDraftError:
        messages.info(request, "This import has started already.")
    return redirect("import-run", run.public_id)


def save(request: HttpRequest, run: ImportRun, form: StartForm) -> HttpResponse:
    actor = signed_in(request)
    naming = TemplateForm(request.POST, prefix="saved")
    if not naming.is_valid():
        return show_draft(request, run, form, naming=naming, status=422)
    data = naming.cleaned_data
    template = save_template(actor=actor, name=data["name"], shared=data["shared"], kept=form.template())
    return show_draft(request, run, form, template=template, said=f"Saved as “{template}”.")


def show_draft(
    request: HttpRequest,
    run: ImportRun,
    form: StartForm,
    *,
    status: int = 200,
    template: ImportTemplate | None = None,
    naming: TemplateForm | None = None,
    said: str = "",
) -> HttpResponse:
    actor = signed_in(request)
    context = {
        "run": run,
        "steps": STEPS,
        "form": form,
        "columns": list(zip(run.header, samples_of(run), form.columns(), doubts_of(run), strict=True)),
        "duplicate_keys": [DUPLICATE_KEYS[key].lower().partition(",")[0] for key in counting(run.company)],
        "templates": templates_for(actor),
        "template": template,
        "naming": naming or TemplateForm(prefix="saved", initial={"name": template.name if template else ""}),
        "may_share": may_share(actor),
        "said": said,
    }
    return render_page(request, "leads/imports/draft.html", context, partial="choices", status=status)


def outcome_of(run: ImportRun) -> dict[str, Any]:
    """What the page of a run tells beside the run itself."""
    outcomes = (Outcome.REJECTED, Outcome.SKIPPED) if run.is_tried else (Outcome.REJECTED,)
    refused = ImportRow.objects.filter(run=run, outcome__in=outcomes).order_by("outcome", "number")
    count = run.rejected + (run.skipped if run.is_tried else 0)
    back = Batch.objects.filter(
        company=run.company_id, actor=run.created_by_id, verb="import", scope={"import": run.pk}
    )
    taken_back = back.filter(confirmed_at__isnull=False).order_by("-pk").first()
    marked = ImportChange.objects.filter(run=run).count() if run.has_ended and not run.updated else 0
    return {
        "refused": list(refused.only("number", "reason", "outcome")[:SHOWN]) if count else [],
        "more_refused": max(0, count - SHOWN),
        "unread": run.total - run.handled,
        "shown": _query_of(run),
        "owner_kind": run.owner_unit.kind if isinstance(run.owner, Unit) and run.owner_unit else "person",
        "seconds_left": run.seconds_left,
        "taken_back": taken_back,
        "may_take_back": run.has_ended and bool(run.imported or run.updated or marked) and not taken_back,
        "marked": marked,
    }


def _query_of(run: ImportRun) -> str:
    """Of the People list with its leads; empty where she sees none of them any more."""
    if not run.has_ended or not (run.imported or run.updated):
        return ""
    actor, query = run.created_by, QueryDict(f"imported={run.pk}")
    chosen = LeadFilter(query, Lead.objects.all(), keyring=load_keyring(actor), actor=actor)
    return chosen.query() if chosen.qs.exists() else ""


@door("POST", verb=Permission.IMPORT_LEAD)
def discard(request: HttpRequest, public_id: str) -> HttpResponse:
    run = find_run(request, public_id)
    try:
        discard_run(actor=signed_in(request), run=run)
        messages.success(request, f"{run.file_name} is thrown away. Nothing was imported.")
    except NotDraftError:
        messages.info(request, "This import has started already.")
    return redirect("import")


@door("POST", verb=Permission.IMPORT_LEAD)
def cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    run = find_run(request, public_id)
    cancel_run(actor=signed_in(request), run=run)
    return redirect("import-run", run.public_id)


@door("POST", verb=Permission.IMPORT_LEAD)
def take_back(request: HttpRequest, public_id: str) -> HttpResponse:
    """The preview of taking it back: a mass action."""
    actor, run = signed_in(request), find_run(request, public_id)
    try:
        batch = preview(actor=actor, batch=draft(actor=actor, verb="import", scope={"import": run.pk}), params={})
    except (NotNowError, PermissionDenied) as refusal:
        messages.info(request, str(refusal))
        return redirect("import-run", run.public_id)
    return redirect("batch", batch.public_id)


@door(verb=Permission.IMPORT_LEAD)
def import_rows(request: HttpRequest, public_id: str, outcome: str) -> HttpResponseBase:
    """The skipped or the rejected rows as CSV, with their lines and reasons."""
    run = find_run(request, public_id)
    if outcome not in (Outcome.SKIPPED, Outcome.REJECTED):
        raise Http404
    name = f"{slugify(run.file_name.rpartition('.')[0] or run.file_name) or 'import'}-{outcome}.csv"
    return download(report_lines(run, outcome), name)


@door("POST", verb=Permission.IMPORT_LEAD)
def import_template(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename a saved template of hers, share it or not, or throw it away."""
    actor = signed_in(request)
    template = get_object_or_404(ImportTemplate.objects.of(actor), pk=pk)
    if request.POST.get("act") == "delete":
        template.delete()
        messages.success(request, f"“{template}” is thrown away.")
        return redirect("import")
    form = TemplateForm(request.POST, instance=template)
    if form.is_valid():
        form.instance.shared = form.cleaned_data["shared"] and may_share(actor)
        form.save()
        messages.success(request, f"Saved as “{template}”.")
    else:
        messages.error(request, " ".join(str(problem) for problems in form.errors.values() for problem in problems))
    return redirect("import")


def find_run(request: HttpRequest, public_id: str) -> ImportRun:
    """Her own run; a 404 for everybody else's."""
    runs = ImportRun.objects.of(signed_in(request)).select_related(
        "owner_unit", "owner_user", "company", "created_by__company", "created_by__holding__profile"
    )
    return get_object_or_404(runs, public_id=public_id)
