"""Message templates (L7): the list of them, and one of them with what it looks like for a lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.messaging.fields import FIELDS, fill
from leads.messaging.templates import NameTakenError, delete_template, may_change, save_template
from leads.models import MessageTemplate
from leads.template_forms import TemplateForm


@door()
@never_cache
def templates(request: HttpRequest) -> HttpResponse:
    """Hers and the company's."""
    user = signed_in(request)
    rows = MessageTemplate.objects.usable_by(user).by_name()
    context = {"rows": [(one, may_change(user, one)) for one in rows]}
    return render_page(request, "leads/templates/index.html", context)


@door("GET", "HEAD", "POST")
def add(request: HttpRequest) -> HttpResponse:
    return _page(request, signed_in(request), None)


@door("GET", "HEAD", "POST")
@never_cache
def template(request: HttpRequest, template_id: int) -> HttpResponse:
    user = signed_in(request)
    return _page(request, user, _find(user, template_id))


def _find(user: User, template_id: int) -> MessageTemplate:
    return get_object_or_404(MessageTemplate.objects.usable_by(user), pk=template_id)


def _page(request: HttpRequest, user: User, found: MessageTemplate | None) -> HttpResponse:
    """The form; a POST saves it, or with `look` shows what it looks like."""
    form = TemplateForm(request.POST if request.method == "POST" else None, actor=user, template=found)
    looked = "look" in request.POST
    status = 200
    if request.method == "POST" and form.is_valid() and not looked:
        try:
            saved = save_template(actor=user, template=found, **form.values())
        except NameTakenError:
            form.add_error("name", "There is a template of this name already.")
        else:
            messages.success(request, f"{saved.name} is saved.")
            return redirect("templates")
    if form.errors:
        status = 422
    context = {"template": found, "form": form, "preview": _preview(form), "may": not found or may_change(user, found)}
    return render_page(request, "leads/templates/template.html", context, status=status)


def _preview(form: TemplateForm) -> dict[str, str]:
    """What somebody made up would get."""
    values: Mapping[str, Any] = {} if form.is_bound else form.initial
    if form.is_bound and form.is_valid():
        values = form.cleaned_data
    return {name: fill(values.get(name) or "", FIELDS) for name in ("subject", "body")}


@door("POST")
def delete(request: HttpRequest, template_id: int) -> HttpResponse:
    user = signed_in(request)
    found = _find(user, template_id)
    delete_template(actor=user, template=found)
    messages.success(request, f"{found.name} is deleted. What was written by it stays.")
    return redirect("templates")
