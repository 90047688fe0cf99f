"""The bell, the poll behind every live page, and the switch that says whether she is taking leads."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from crm.core.doors import door, is_let_in, public
from crm.core.htmx import is_fragment
from crm.core.leading import back
from crm.notifications.forms import PauseForm
from crm.notifications.live import bump, counts_for, state_of
from crm.notifications.models import Notification
from crm.notifications.subjects import notices_for
from crm.organization.people import signed_in
from crm.organization.viewing import page_key, person_in

SHOWN = 20


@public("GET")
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """204 while nothing is new since `token`, else the topics with news and the badges' counts.

    409 for the page (`key`) of another person: viewing as one began, or ended, in another tab. The usual answer reads the
    session and the cache, never the database.
    """
    user_id = person_in(request.session)
    if user_id is None:
        return HttpResponse(status=401)
    if request.GET.get("key", page_key(request.session)) != page_key(request.session):
        return HttpResponse(status=409)
    now = state_of(user_id)
    token = ".".join(str(count) for count in now.values())
    known = request.GET.get("token", "")
    if known == token:
        return HttpResponse(status=204)
    if not is_let_in(request):
        return HttpResponse(status=401)
    if signed_in(request).pk != user_id:  # viewing has just ended by itself
        return HttpResponse(status=409)
    before = dict(zip(now, known.split("."), strict=False)) if known else {}
    fresh = [topic for topic, count in now.items() if before and before.get(topic) != str(count)]
    return JsonResponse({"token": token, "topics": fresh, "counts": counts_for(signed_in(request))})


@door("GET")
def notifications(request: HttpRequest) -> HttpResponse:
    """What she was told lately, newest first; the bell's menu is this page's own fragment."""
    user = signed_in(request)
    notices = notices_for(user, Notification.objects.filter(user=user).order_by("-pk")[:SHOWN])
    context = {"notices": notices, "unseen": sum(notice.is_new for notice in notices)}
    name = "notifications/menu.html" if is_fragment(request) else "notifications/list.html"
    return render(request, name, context)


@door("POST")
def mark_seen(request: HttpRequest) -> HttpResponse:
    """She has looked at the bell."""
    user = signed_in(request)
    Notification.objects.filter(user=user, seen_at=None).update(seen_at=Now())
    bump([user.pk], "notifications")
    return HttpResponse(status=204) if is_fragment(request) else redirect("notifications")


@door("POST")
def availability(request: HttpRequest) -> HttpResponse:
    """Taking leads again, or paused: for an hour, until tomorrow, until a time of her own, or until she says so."""
    user = signed_in(request)
    choice = request.POST.get("pause", "")
    form = PauseForm(request.POST)
    if choice == "until" and not form.is_valid():
        context = {"form": form, "next": request.POST.get("next", "")}
        return render(request, "notifications/pause.html", context, status=422)
    until = form.cleaned_data["until"] if choice == "until" else pause_end(choice, user.time_zone)
    user.available, user.out_of_office_until = choice != "open", until
    user.save(update_fields=["available", "out_of_office_until"])
    messages.success(request, "Paused. New leads go to your colleagues." if choice else "You are taking leads.")
    return back(request)


def pause_end(choice: str, time_zone: str) -> datetime | None:
    """When the chosen pause ends; None for no pause, or one without an end."""
    here = timezone.now().astimezone(ZoneInfo(time_zone))
    if choice == "hour":
        return here + timedelta(hours=1)
    if choice == "day":
        return (here + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
    return None
