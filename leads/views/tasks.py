"""Tasks (L5): the list of what she has to do, one of them, planning one, and done or not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import is_fragment, render_page
from crm.core.pagination import capped_count, keyset_page
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.models import Lead, Task
from leads.once import once
from leads.querysets import TaskQuerySet
from leads.reading import local_time
from leads.services.tasks import NOT_HERS, add_task, change_task, may_change, open_on, set_done
from leads.task_forms import TaskForm
from leads.views.lead import find_lead
from permissions.access import Keyring, Level
from permissions.door import access_to, require
from permissions.keyring import load_keyring

WHEN = {"": "To do", "overdue": "Overdue", "today": "Today", "week": "The next seven days", "done": "Done"}
WHOSE = {"": "Mine", "anyone": "Anyone’s", "given": "Given to others"}


@door()
@never_cache
def tasks(request: HttpRequest) -> HttpResponse:
    """Hers, the next due first."""
    user = signed_in(request)
    keyring = load_keyring(user)
    asked = {name: request.GET.get(name, "") for name in ("when", "whose", "kind")}
    rows = chosen(user, keyring, asked)
    done = asked["when"] == "done"
    sort = "done_at" if done else "due_at"
    page = keyset_page(rows.with_names(), sort=sort, descending=done, cursor=request.GET.get("cursor", ""))
    number, more = capped_count(rows)
    context = {
        "page": page,
        "rows": [(task, clock_of(task), may_change(keyring, task)) for task in page.rows],
        "count": f"{number:,}{'+' if more else ''}",
        "asked": asked,
        "choices": {"when": WHEN, "whose": WHOSE, "kind": {"": "All kinds", **dict(Task.Kind.choices)}},
        "now": timezone.now(),
    }
    return render_page(request, "leads/tasks/index.html", context)


def chosen(user: User, keyring: Keyring, asked: dict[str, str]) -> TaskQuerySet:
    """Those she asks for, of those she may see; what is no choice asks for nothing."""
    rows = Task.objects.visible_to(user, keyring)
    if asked["whose"] == "anyone":
        rows = rows.for_anyone(keyring)
    elif asked["whose"] == "given":
        rows = rows.filter(created_by=user).exclude(user=user)
    else:
        rows = rows.filter(done_by=user) if asked["when"] == "done" else rows.filter(user=user)
    if asked["kind"] in Task.Kind.values:
        rows = rows.filter(kind=asked["kind"])
    if asked["when"] == "done":
        return rows.exclude(done_at=None)
    begin, end = window(asked["when"], timezone.localtime())
    rows = rows.open()
    rows = rows.filter(due_at__gte=begin) if begin else rows
    return rows.filter(due_at__lt=end) if end else rows


def window(when: str, here: datetime) -> tuple[datetime | None, datetime | None]:
    """From when to when, by the reader's clock."""
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    if when == "overdue":
        return None, here
    if when == "today":
        return midnight, midnight + timedelta(days=1)
    return (midnight, midnight + timedelta(days=8)) if when == "week" else (None, None)


def clock_of(task: Task) -> str:
    """What the clock says where the lead is, when it is due."""
    return local_time(task.lead.time_zone, task.due_at) if task.lead else ""


@door("GET", "HEAD", "POST")
@never_cache
def task(request: HttpRequest, task_id: int) -> HttpResponse:
    """One task, to be changed by whoever may."""
    user = signed_in(request)
    keyring = load_keyring(user)
    found = find_task(user, keyring, task_id)
    form = TaskForm(request.POST if request.method == "POST" else None, actor=user, lead=found.lead, task=found)
    if request.method == "POST":
        if not may_change(keyring, found):
            raise PermissionDenied(NOT_HERS)
        if form.is_valid():
            change_task(keyring=keyring, task=found, **form.values(user))
            messages.success(request, "Saved.")
            return redirect("tasks")
    context = {"task": found, "lead": found.lead, "form": form, "may_change": may_change(keyring, found)}
    return render_page(request, "leads/tasks/task.html", context, status=422 if form.errors else 200)


def find_task(user: User, keyring: Keyring, task_id: int) -> Task:
    found = Task.objects.visible_to(user, keyring).with_names().filter(pk=task_id).first()
    if found is None:
        raise Http404
    return found


@door("GET", "HEAD", "POST")
def add(request: HttpRequest) -> HttpResponse:
    """A task of her own, about no lead."""
    return _planned(request, None)


@door("GET", "HEAD", "POST")
def plan(request: HttpRequest, public_id: str) -> HttpResponse:
    """A task or an appointment with a lead: a dialog on its page, or a page of its own."""
    keyring = load_keyring(signed_in(request))
    lead = find_lead(request, public_id, keyring)
    require(keyring, lead, Level.WORK)
    return _planned(request, lead)


def _planned(request: HttpRequest, lead: Lead | None) -> HttpResponse:
    actor = signed_in(request)
    form = TaskForm(request.POST if request.method == "POST" else None, actor=actor, lead=lead)
    if request.method == "POST" and form.is_valid():
        kind = form.cleaned_data.get("kind", Task.Kind.TASK)
        with once(actor.pk, request.POST) as first:
            if first:
                add_task(keyring=load_keyring(actor), actor=actor, lead=lead, kind=kind, **form.values(actor))
        messages.success(request, "Planned.")
        return _to_lead(request, lead) if lead else redirect("tasks")
    context = {"task": None, "lead": lead, "form": form, "may_change": True}
    status = 422 if form.errors else 200
    return render_page(request, "leads/tasks/task.html", context, partial="dialog", status=status)


def _to_lead(request: HttpRequest, lead: Lead) -> HttpResponse:
    response = redirect("lead", lead.public_id)
    if not is_fragment(request):
        return response
    return HttpResponse(status=204, headers={"HX-Redirect": response.headers["Location"]})


@door("POST")
def done(request: HttpRequest, task_id: int) -> HttpResponse:
    """Done (`done=1`), or not after all. Back to the page on which it was said."""
    user = signed_in(request)
    keyring = load_keyring(user)
    found = find_task(user, keyring, task_id)
    is_done = request.POST.get("done") == "1"
    if set_done(keyring=keyring, actor=user, task=found, done=is_done):
        messages.success(request, f"{'Done' if is_done else 'To do again'}: {found.title}")
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, None) and back.startswith("/") else "tasks")


@door()
@never_cache
def of_lead(request: HttpRequest, public_id: str) -> HttpResponse:
    """What is planned with a lead: a part of its page."""
    keyring = load_keyring(signed_in(request))
    lead = find_lead(request, public_id, keyring)
    works = access_to(keyring, lead).level >= Level.WORK
    planned: Any = [(one, clock_of(one), may_change(keyring, one)) for one in open_on(lead)]
    context = {
        "lead": lead,
        "rows": planned,
        "works": works,
        "now": timezone.now(),
        "back": reverse("lead", args=[lead.public_id]),
    }
    return render_page(request, "leads/tasks/lead.html", context, partial="planned")
