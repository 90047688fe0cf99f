"""The company's calling rules (D14): what holds, what is to hold, what held; and a new version of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from crm.core.htmx import render_page
from crm.organization.people import signed_in
from dialer.hours import EVERYWHERE, Row, minutes
from dialer.hours_form import HoursForm, StateForm
from dialer.models import CallingHours
from dialer.services.hours import add_version, history_of, rules_in_force, today_of
from dialer.states import STATES
from permissions.admin.site import site
from permissions.profiles.services import ChangedMeanwhileError
from routing.weekly import DAYS, days_in_words

MEANWHILE = (
    "Somebody saved other calling rules meanwhile. What you typed is kept; save again to put it on top of theirs."
)


@dataclass(frozen=True)
class Line:
    """The hours of a state in words."""

    state: str
    name: str
    times: list[str]


def hours(request: HttpRequest) -> HttpResponse:
    """The rules of today; with `state`, the form for its hours."""
    actor = signed_in(request)
    today = today_of(actor.company, timezone.now())
    found, history = rules_in_force(actor.company, today), history_of(actor.company_id)
    latest = history[0].version if history else 0
    asked = request.POST.get("state", "") if request.method == "POST" else request.GET.get("state")
    if asked and asked not in STATES:
        raise Http404
    form = None
    if asked is not None:
        data = request.POST if request.method == "POST" else None
        form = HoursForm(data, found=found, latest=latest, today=today, state=asked)
    if form and request.method == "POST" and form.is_valid() and _save(request, form, latest):
        return redirect("admin:calling_hours")
    context = site.each_context(request) | _context(found, history, today, form, asked or "")
    return render_page(request, "dialer/hours.html", context, status=422 if form and form.errors else 200)


def _save(request: HttpRequest, form: HoursForm, latest: int) -> bool:
    data = form.cleaned_data
    try:
        made = add_version(
            actor=signed_in(request),
            seen=data["seen"],
            as_of=data["as_of"],
            states=form.states(),
            consent=form.consent(),
        )
    except ChangedMeanwhileError:
        form.again(latest)
        form.add_error(None, MEANWHILE)
        return False
    since = f"{made.as_of:%B} {made.as_of.day}"
    if made.version == latest:
        messages.info(request, "This is what holds already. Nothing was changed.")
    else:
        messages.success(request, f"Saved as version {made.version} of the calling rules, from {since}.")
    return True


def _context(
    found: CallingHours, history: Sequence[CallingHours], today: date, form: HoursForm | None, state: str
) -> dict[str, Any]:
    return {
        "title": "Calling rules",
        "found": found,
        "lines": lines_of(found),
        "history": [(one, lines_of(one), one.as_of > today) for one in history if one.pk != found.pk],
        "form": form,
        "state_name": STATES.get(state, "everywhere else"),
        "states": StateForm(),
    }


def lines_of(found: CallingHours) -> list[Line]:
    """The default first, then the states by name."""
    named = sorted(found.states, key=lambda state: (state != EVERYWHERE, STATES.get(state, state)))
    everywhere = "Everywhere" if len(named) == 1 else "Everywhere else"
    return [Line(state, STATES.get(state, everywhere), times_of(found.states[state])) for state in named]


def times_of(rows: Sequence[Row]) -> list[str]:
    """`Mon to Sat 08:00 to 21:00`, in the order of the day; and the days without any."""
    ordered = sorted(rows, key=lambda row: (min(row[0]), minutes(row[1])))
    closed = tuple(day for day in range(len(DAYS)) if not any(day in row[0] for row in rows))
    said = [f"{days_in_words(tuple(days))} {start} to {end}" for days, start, end in ordered]
    return [*said, f"{days_in_words(closed)} closed"] if closed else said
