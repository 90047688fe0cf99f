"""The page on which a person says in which browsers she is told by web push, and what those browsers ask."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.contrib import messages
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from crm.core.doors import door, public
from crm.notifications.devices import device_in, devices_of, tell_on
from crm.notifications.forms import DeviceForm
from crm.notifications.pushing import public_key
from crm.notifications.services import Message, notify
from crm.organization.people import signed_in

TEST = "This is how Fairlead tells you"


@door("GET", "POST")
def devices(request: HttpRequest) -> HttpResponse:
    """Her devices. The POST is the browser's own: 204, or 422 with what is wrong with what it says."""
    user = signed_in(request)
    if request.method == "POST":
        return _told_on(request)
    hers = devices_of(user).none() if user.seen_through else devices_of(user)
    return render(request, "notifications/devices.html", {"devices": hers, "key": public_key()})


@csrf_exempt
@door("POST")
def renew(request: HttpRequest) -> HttpResponse:
    """A browser that she is told on already is back, or has a new address. 404 where she has stopped it since.

    Its worker has no form token; the address until now, which nobody else knows, stands for it.
    """
    if not devices_of(signed_in(request)).filter(endpoint=request.POST.get("was", "")).exists():
        return HttpResponse(status=404)
    return _told_on(request)


def _told_on(request: HttpRequest) -> HttpResponse:
    form = DeviceForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422)
    key, device = request.session.session_key or "", device_in(request.headers.get("User-Agent", ""))
    tell_on(user=signed_in(request), session_key=key, device=device, **form.cleaned_data)
    return HttpResponse(status=204)


@door("POST")
def stop(request: HttpRequest, device_id: int) -> HttpResponse:
    """One of her devices is not told any more."""
    device = get_object_or_404(devices_of(signed_in(request)), pk=device_id)
    device.delete()
    messages.success(request, f"{device} is not told any more.")
    return redirect("devices")


@door("POST")
def send_test(request: HttpRequest) -> HttpResponse:
    """Something to look at, on all her devices."""
    user = signed_in(request)
    if devices_of(user).exists():
        body = "An offer would come like this, and one tap would open its lead."
        notify(user.company_id, [Message(user.pk, "test", TEST, body, reverse("devices"))], by_mail=False)
        messages.success(request, "A test is on its way to your devices.")
    else:
        messages.error(request, "Nothing was sent: none of your devices is told yet.")
    return redirect("devices")


@public("GET")
def worker(request: HttpRequest) -> HttpResponse:
    """The script that shows what is pushed. At the root, since it opens pages anywhere below its own address only."""
    return HttpResponse(_script(), content_type="text/javascript", headers={"Cache-Control": "no-cache"})


@cache
def _script() -> str:
    found = finders.find("js/worker.js")
    assert isinstance(found, str)
    return Path(found).read_text()
