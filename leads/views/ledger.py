"""The company's ledger: reading it, taking it out as a CSV, and having its chain checked (M7)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from crm.core.downloads import download
from crm.core.htmx import is_fragment, render_page
from crm.organization.people import signed_in
from leads.ledger.export import ledger_lines, record_export
from leads.ledger.forms import LedgerForm
from leads.ledger.reading import Stretch, how_many, stretch
from permissions.admin.site import site
from permissions.checking import ask_for_check, latest_check
from permissions.keyring import load_keyring
from permissions.tasks import check_ledger

PAGE = "leads/ledger.html"


def ledger(request: HttpRequest) -> HttpResponse:
    """The facts, newest first. Where a filter cannot be read nothing is shown, and it is said why."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    form = LedgerForm(request.GET, actor=actor, keyring=keyring)
    valid = form.is_valid()
    page = stretch(keyring, form.question, request.GET.get("cursor", "")) if valid else Stretch([], "")
    context = {
        **site.each_context(request),
        "title": "Ledger",
        "form": form,
        "page": page,
        "chosen": form.chosen(),
        "query": urlencode(form.chosen()),
        "is_first": not request.GET.get("cursor"),
        "check": latest_check(actor.company_id),
    }
    return render_page(request, PAGE, context, status=200 if valid else 422)


def export(request: HttpRequest) -> HttpResponseBase:
    """The same facts as a file, which is itself a fact."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    form = LedgerForm(request.POST, actor=actor, keyring=keyring)
    if not form.is_valid():
        return redirect(f"{reverse('admin:ledger')}?{urlencode(form.chosen())}")
    now = timezone.now()
    question = replace(form.question, until=min(form.question.until or now, now))  # without the fact that this is one
    record_export(actor, form, how_many(keyring, question))
    name = f"ledger-{timezone.localdate():%Y-%m-%d}.csv"
    return download(ledger_lines(keyring, question), name)


def check(request: HttpRequest) -> HttpResponse:
    """Ask for a check; and how far it is."""
    actor = signed_in(request)
    if request.method == "POST":
        check_ledger.queue(ask_for_check(actor).pk)
    if not is_fragment(request):
        return redirect("admin:ledger")
    return render_page(request, PAGE, {"check": latest_check(actor.company_id)}, partial="check")
