"""What a draft would do, before it is turned on: with the leads that came, or with those that come (R12)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.people import signed_in
from permissions.keyring import load_keyring
from routing.models import RuleBook
from routing.rule_forms import RehearsalForm, ShadowForm
from routing.services.comparing import Comparison
from routing.services.rehearsing import rehearse as rehearse_book
from routing.services.rules import draft_rules, live_rules
from routing.services.shadowing import shadowed, waiting
from routing.services.wording import book_said, rule_said
from routing.views.rules import managed_or_404

SHOWN = 50


@door()
@never_cache
def rehearse(request: HttpRequest, unit_id: int) -> HttpResponse:
    """What the draft would have done with the leads of the last days, beside what happened."""
    user = signed_in(request)
    unit = managed_or_404(user, unit_id)
    book = draft_rules(unit) or live_rules(unit)
    if book is None:
        messages.error(request, "There are no rules to rehearse. Begin a draft.")
        return redirect("routing-unit", unit.pk)
    form = RehearsalForm(request.GET or None)
    played = rehearse_book(keyring=load_keyring(user), book=book, days=days_of(form))
    return _page(request, "rehearsal", form, book, played)


@door()
@never_cache
def shadow(request: HttpRequest, unit_id: int) -> HttpResponse:
    """What the draft decided in shadow of the leads that came, beside what happened."""
    user = signed_in(request)
    unit = managed_or_404(user, unit_id)
    book = draft_rules(unit)
    if book is None:
        messages.error(request, "There is no draft to run in shadow. Begin one.")
        return redirect("routing-unit", unit.pk)
    form = ShadowForm(request.GET or None)
    as_it_stands = form.is_valid() and form.cleaned_data["rules"] == "now"
    played = shadowed(keyring=load_keyring(user), book=book, days=days_of(form), as_it_stands=as_it_stands)
    return _page(request, "shadow", form, book, played, waiting=waiting(book))


def days_of(form: RehearsalForm) -> int:
    chosen = form.cleaned_data["days"] if form.is_valid() else ""
    return int(chosen or form.fields["days"].initial)


def _page(
    request: HttpRequest, name: str, form: RehearsalForm, book: RuleBook, played: Comparison, **more: Any
) -> HttpResponse:
    caught = played.by_rule
    said = [(one, caught.get(rule_said(one.rule, number), 0)) for number, one in enumerate(book_said(book), 1)]
    rows = played.changed[:SHOWN]
    context = {"unit": book.unit, "book": book, "form": form, "played": played, "said": said, "rows": rows, **more}
    return render_page(request, f"routing/rules/{name}.html", context, status=422 if form.errors else 200)
