"""The company's do-not-call list (D14): look one up, add one, take one off, bring a file of many."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.text import slugify

from crm.core.downloads import download
from crm.core.htmx import render_page
from crm.core.pagination import capped_count, keyset_page
from crm.organization.people import signed_in
from dialer.do_not_call_forms import FileForm, NumberForm, RemoveForm
from dialer.models import DoNotCall, DoNotCallFile, DoNotCallReject
from dialer.services.do_not_call import add_numbers, listed_numbers, remove_number
from dialer.services.do_not_call_files import take_in
from dialer.tasks import read_numbers
from leads.contact import show_phone
from leads.imports.reading import UnreadableFileError
from leads.spreadsheet import csv_lines
from permissions.admin.site import site

FILES = 5
State = DoNotCallFile.State


def do_not_call(request: HttpRequest) -> HttpResponse:
    """The list, and the forms to put something on it."""
    step = request.POST.get("step", "")
    region = signed_in(request).company.phone_region
    number = NumberForm(request.POST if step == "add" else None, region=region)
    file = FileForm(*((request.POST, request.FILES) if step == "file" else ()))
    if (step == "add" and _added(request, number)) or (step == "file" and _brought(request, file)):
        return redirect("admin:do_not_call")
    context = {**site.each_context(request), **_list(request), "number_form": number, "file_form": file}
    status = 422 if number.errors or file.errors else 200
    return render_page(request, "dialer/do_not_call.html", context, partial="files", status=status)


def _added(request: HttpRequest, form: NumberForm) -> bool:
    if not form.is_valid():
        return False
    actor, data = signed_in(request), form.cleaned_data
    new = add_numbers(company_id=actor.company_id, user_id=actor.pk, numbers=[data["number"]], reason=data["reason"])
    shown = show_phone(data["number"], actor.company.phone_region)
    messages.success(request, f"{shown} is on the list." if new else f"{shown} was on the list already.")
    return True


def _brought(request: HttpRequest, form: FileForm) -> bool:
    if not form.is_valid():
        return False
    upload = form.cleaned_data["file"]
    try:
        file = take_in(actor=signed_in(request), file=upload.file, name=upload.name, reason=form.cleaned_data["reason"])
    except UnreadableFileError as error:
        form.add_error("file", str(error))
        return False
    read_numbers.queue(file.pk)
    return True


def _list(request: HttpRequest) -> dict[str, Any]:
    company = signed_in(request).company
    search = request.GET.get("q", "").strip()[:40]
    rows = listed_numbers(company.pk, search)
    page = keyset_page(rows, sort="added_at", descending=True, cursor=request.GET.get("cursor", ""))
    files = DoNotCallFile.objects.filter(company=company).defer("data").select_related("created_by")
    shown = list(files.order_by("-pk")[:FILES])
    number, more = capped_count(rows)
    return {
        "title": "Do not call",
        "page": page,
        "rows": [(one, show_phone(one.number, company.phone_region)) for one in page.rows],
        "count": f"{number:,}{'+' if more else ''}",
        "search": search,
        "files": shown,
        "going_on": any(file.state == State.RUNNING for file in shown),
    }


def remove(request: HttpRequest, number_id: int) -> HttpResponse:
    """One number, what is known of its being there, and the way off the list."""
    actor = signed_in(request)
    rows = DoNotCall.objects.filter(company=actor.company_id, removed_at=None).select_related("added_by")
    one = get_object_or_404(rows, pk=number_id)
    form = RemoveForm(request.POST if request.method == "POST" else None)
    shown = show_phone(one.number, actor.company.phone_region)
    if request.method == "POST" and form.is_valid():
        remove_number(actor=actor, one=one, reason=form.cleaned_data["reason"])
        messages.success(request, f"{shown} is off the list, and can be called again.")
        return redirect("admin:do_not_call")
    context = {**site.each_context(request), "title": "Do not call", "one": one, "shown": shown, "form": form}
    return render_page(request, "dialer/do_not_call_one.html", context, status=422 if form.errors else 200)


def rejects(request: HttpRequest, file_id: int) -> HttpResponseBase:
    """The rows of a file that hold no number, as CSV."""
    file = get_object_or_404(DoNotCallFile, pk=file_id, company=signed_in(request).company_id)
    rows = DoNotCallReject.objects.filter(file=file).order_by("line").iterator(chunk_size=1000)
    name = f"{slugify(file.name.rpartition('.')[0] or file.name) or 'numbers'}-rejected.csv"
    return download(csv_lines(("Line", "Row"), ((str(row.line), ", ".join(row.cells)) for row in rows)), name)
