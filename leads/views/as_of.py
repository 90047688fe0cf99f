"""Whose leads were on a day (M7): of one lead on its page, of all of the company in the admin, and as a file."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from crm.core.doors import door
from crm.core.downloads import download
from crm.core.htmx import render_page
from crm.core.moments import DayField
from crm.organization.models import Unit, User
from crm.organization.people import signed_in
from leads.ledger.as_of import Standing, Stretch, all_at, end_of, how_many_at, standings_at, stretch_at
from leads.ledger.export import record_export
from leads.spreadsheet import csv_lines
from leads.views.lead import find_lead
from permissions.admin.site import site
from permissions.keyring import load_keyring

HEADER = ("Name", "Owned by", "Held by", "Lead")


class PastDay(DayField):
    """Today, or a day before it where the reader is."""

    def clean(self, value: Any) -> Any:
        day: date | None = super().clean(value)
        if day and day > timezone.localdate():
            raise ValidationError("That day is still to come. Choose today or an earlier one.")
        return day


class DayForm(forms.Form):
    day = PastDay(label="On")


class OwnershipForm(DayForm):
    owner = forms.ChoiceField(label="Owned by", required=False)

    def __init__(self, *args: Any, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units = Unit.objects.filter(company=actor.company_id).order_by("name", "pk").values_list("pk", "name")
        people = User.objects.filter(company=actor.company_id).order_by("name", "pk").values_list("pk", "name")
        self.fields["owner"].choices = [  # type: ignore[attr-defined]
            ("", "Anybody"),
            ("Units", [(f"unit-{pk}", name) for pk, name in units]),
            ("People", [(f"person-{pk}", name) for pk, name in people]),
        ]

    @property
    def wanted(self) -> Q:
        kind, _, pk = self.cleaned_data["owner"].partition("-")
        return Q(**{"to_unit_id" if kind == "unit" else "to_user_id": pk}) if pk else Q()


@door()
def lead_on(request: HttpRequest, public_id: str) -> HttpResponse:
    """Who owned and who held the lead at the end of a day."""
    lead = find_lead(request, public_id, load_keyring(signed_in(request)))
    form = DayForm(request.GET or None)
    then = None
    if form.is_valid():
        then = standings_at([lead], end_of(form.cleaned_data["day"]), lead.company_id)[0]
    status = 422 if form.is_bound and then is None else 200
    context = {"lead": lead, "form": form, "then": then}
    return render_page(request, "leads/lead_on.html", context, partial="answer", status=status)


def ownership(request: HttpRequest) -> HttpResponse:
    """Every lead she may read and its owner on a day."""
    actor = signed_in(request)
    form = OwnershipForm(request.GET or {"day": timezone.localdate()}, actor=actor)
    page = Stretch([], "")
    if valid := form.is_valid():
        moment = end_of(form.cleaned_data["day"])
        page = stretch_at(load_keyring(actor), moment, form.wanted, request.GET.get("cursor", ""))
    chosen = {name: str(value) for name, value in form.data.items() if value and name in form.fields}
    shown = {"title": "Ownership as of …", "form": form, "page": page, "chosen": chosen, "query": urlencode(chosen)}
    context = {**site.each_context(request), **shown}
    return render_page(request, "leads/ownership.html", context, status=200 if valid else 422)


def ownership_file(request: HttpRequest) -> HttpResponseBase:
    """The same as a file, which is itself a fact."""
    actor = signed_in(request)
    form = OwnershipForm(request.POST, actor=actor)
    if not form.is_valid():
        return redirect("admin:ownership")
    asked = load_keyring(actor), end_of(form.cleaned_data["day"]), form.wanted
    record_export(actor, form, how_many_at(*asked))
    rows = all_at(*asked)
    name = f"ownership-{form.cleaned_data['day']:%Y-%m-%d}.csv"
    return download(csv_lines(HEADER, map(_cells, rows)), name)


def _cells(then: Standing) -> list[str]:
    held = "; ".join(f"{role}: {name}" for role, name in then.held)
    return [then.lead.name, then.owner, held, reverse("lead", args=[then.lead.public_id])]
