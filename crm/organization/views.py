"""A person's own settings."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from crm.core.doors import door
from crm.organization.forms import MeForm
from crm.organization.people import signed_in

ZONES = ("New_York", "Chicago", "Denver", "Phoenix", "Los_Angeles", "Anchorage")


@door("GET", "HEAD", "POST")
def me(request: HttpRequest) -> HttpResponse:
    form = MeForm(request.POST if request.method == "POST" else None, instance=signed_in(request))
    if form.is_valid():
        form.instance.save(update_fields=list(form.fields))
        messages.success(request, "Your settings are saved.")
        return redirect("me")
    context = {"form": form, "zones": zones()}
    return render(request, "organization/me.html", context, status=422 if form.is_bound else 200)


def zones() -> list[str]:
    """The time zones that a field for one suggests."""
    return [*(f"America/{city}" for city in ZONES), "Pacific/Honolulu"]
