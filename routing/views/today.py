"""Today: what waits for her, the most urgent first."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.organization.people import signed_in
from leads.services.covering import covers_of
from permissions.keyring import load_keyring
from routing.services import desk


@door()
@never_cache
def today(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    keyring = load_keyring(user)
    here = timezone.localtime()
    callbacks, tasks = desk.due(user, keyring)
    context = {
        "greeting": greeting(here.hour),
        "first_name": user.name.split()[0],
        "date": date_format(here, "l, F j"),
        **desk.offers_context(user, keyring),
        "callbacks": callbacks,
        "tasks": tasks,
        "now": timezone.now(),
        "untouched": desk.untouched(user, keyring),
        "cold": desk.going_cold(user, keyring),
        "in_people": desk.in_people(user),
        "covers": covers_of(user),
        "units": desk.units_to_watch(user),
    }
    return render(request, "routing/today.html", context)


def greeting(hour: int) -> str:
    """What one says at this hour of the reader's day."""
    if 5 <= hour < 12:
        return "Good morning"
    return "Good afternoon" if 12 <= hour < 18 else "Good evening"
