"""Erasing a person's data on request (M9): whose, what goes with it, and only then for good."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from crm.core.htmx import render_page
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.contact import UnreadableContactError, read_email, read_phone
from leads.models import Lead
from leads.services.erasing import erase, seen_of
from permissions.access import Level
from permissions.admin.site import site
from permissions.door import access_to
from permissions.keyring import load_keyring


class PersonForm(forms.Form):
    contact = forms.CharField(label="E-mail or phone", max_length=254, help_text="By which the person is known here.")
    sure = forms.BooleanField(label="I know that this cannot be undone", required=False)

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.region = region

    def clean_contact(self) -> tuple[str, str]:
        text: str = self.cleaned_data["contact"]
        try:
            return ("email", read_email(text)) if "@" in text else ("phone", read_phone(text, self.region))
        except UnreadableContactError as error:
            raise ValidationError(str(error)) from error


def erasure(request: HttpRequest) -> HttpResponse:
    """The form; what would be erased; and, once that is sent back with the tick, its end."""
    actor = signed_in(request)
    if request.method != "POST":
        return _page(request, actor, PersonForm(region=actor.company.phone_region))
    form = PersonForm(request.POST, region=actor.company.phone_region)
    if not form.is_valid():
        return _page(request, actor, form, status=422)
    kind, value = form.cleaned_data["contact"]
    if request.POST.get("step") != "erase":
        return _page(request, actor, form, foreseen=seen_of(actor, kind, value))
    if not form.cleaned_data["sure"]:
        form.add_error("sure", "Tick this to go on. Nothing was erased.")
        return _page(request, actor, form, foreseen=seen_of(actor, kind, value), status=422)
    erase(actor=actor, kind=kind, value=value)
    messages.success(request, "All that was kept of this person is erased.")
    return redirect("admin:erasure")


def _page(
    request: HttpRequest, actor: User, form: PersonForm, *, foreseen: list[Lead] | None = None, status: int = 200
) -> HttpResponse:
    keyring = load_keyring(actor)
    named = [
        (lead.name if access_to(keyring, lead).level >= Level.VIEW else lead.first_name or "Unnamed")
        for lead in foreseen or ()
    ]
    context = {**site.each_context(request), "form": form, "asked": foreseen is not None, "named": named}
    return render_page(request, "leads/erasure.html", context, status=status)
