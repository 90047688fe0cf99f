"""The team's pages: who is on the roster, how leads are handed out, and the managers' changes to both."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.models import Unit, User
from crm.organization.people import signed_in
from permissions.catalog import Permission
from routing.clock import in_words
from routing.forms import PlaceForm
from routing.models import RosterMember, RuleBook
from routing.services import team as services
from routing.services.board import board_of, people_of
from routing.services.teams import teams_of
from routing.views.offers import leave


@door()
def team(request: HttpRequest) -> HttpResponse:
    """Her units, her own first. Where there is only one, it is the page."""
    units = teams_of(signed_in(request))
    if len(units) == 1:
        return redirect("team-unit", units[0].unit.pk)
    return render_page(request, "routing/team.html", {"units": units})


@door()
@never_cache
def unit(request: HttpRequest, unit_id: int) -> HttpResponse:
    return unit_page(request, unit_or_404(signed_in(request), unit_id))


@door("POST")
def add(request: HttpRequest, unit_id: int) -> HttpResponse:
    user = signed_in(request)
    found, added = unit_or_404(user, unit_id), person_id(request.POST.get("user"))
    try:
        if services.add_to_roster(actor=user, unit=found, user_id=added):
            messages.success(request, f"{name_of(user, added)} is on the roster, at the end. Her turns start now.")
    except services.NotEligibleError:
        messages.error(request, f"Only active members of {found.name} can be on its roster.")
    return redirect("team-unit", found.pk)


@door("GET", "HEAD", "POST")
@never_cache
def place(request: HttpRequest, unit_id: int, user_id: int) -> HttpResponse:
    """Weight, enrolment and pause of one place: a dialog on the team's page, or a page of its own."""
    user = signed_in(request)
    found = unit_or_404(user, unit_id)
    may_or_403(user, found, Permission.MANAGE_ROSTER)
    member = get_object_or_404(RosterMember.objects.select_related("user"), unit=found, user=user_id)
    form = PlaceForm(request.POST if request.method == "POST" else None, actor=user, unit=found, member=member)
    if form.is_bound and form.is_valid() and form.save():
        messages.success(request, f"Saved for {member.user.name}.")
        return leave(request, unit_url(found))
    context = {"unit": found, "member": member, "form": form}
    return render_page(request, "routing/place.html", context, partial="dialog", status=422 if form.is_bound else 200)


@door("POST")
def pause(request: HttpRequest, unit_id: int, user_id: int) -> HttpResponse:
    user = signed_in(request)
    found, paused = unit_or_404(user, unit_id), request.POST.get("paused") == "1"
    try:
        changed = services.pause_place(actor=user, unit=found, user_id=user_id, paused=paused)
    except services.NotEligibleError as error:
        raise Http404 from error
    if changed:
        words = "is paused, and keeps her place. Offers she has stay hers" if paused else "takes leads again"
        messages.success(request, f"{name_of(user, user_id)} {words}.")
    return redirect("team-unit", found.pk)


@door("POST")
def move(request: HttpRequest, unit_id: int, user_id: int) -> HttpResponse:
    """Let the person go before `before`, or after `after`, her neighbour on the roster."""
    user = signed_in(request)
    found = unit_or_404(user, unit_id)
    before, after = person_id(request.POST.get("before")), person_id(request.POST.get("after"))
    upper, lower = (before, user_id) if before else (user_id, after)
    services.swap_places(actor=user, unit=found, upper_id=upper, lower_id=lower)
    return redirect("team-unit", found.pk)


@door("POST")
def remove(request: HttpRequest, unit_id: int, user_id: int) -> HttpResponse:
    user = signed_in(request)
    found = unit_or_404(user, unit_id)
    if services.remove_from_roster(actor=user, unit=found, user_id=user_id):
        messages.success(request, f"{name_of(user, user_id)} is off the roster. Offers she has stay hers.")
    return leave(request, unit_url(found))


def unit_page(request: HttpRequest, found: Unit) -> HttpResponse:
    """The unit as she may see it: its roster only from within or above, its controls only with the right to them."""
    user = signed_in(request)
    manages = Unit.objects.managed_by(user).filter(pk=found.pk).exists()
    inside = manages or Unit.objects.joined_by(user).filter(pk=found.pk).exists()
    text = request.GET.get("q", "").replace("\x00", "").strip()[:80]
    policy = services.policy_of(found)
    people, total = people_of(user, found, text)
    context: dict[str, Any] = {
        "unit": found,
        "board": board_of(found) if inside else None,
        "policy": policy,
        "window": in_words(policy.claim_window),
        "people": people,
        "people_total": total,
        "q": text,
        "may_roster": manages and user.has_perm(Permission.MANAGE_ROSTER),
        "may_invite": manages and user.has_perm(Permission.MANAGE_USERS),
        "may_report": manages and user.has_perm(Permission.VIEW_REPORTS),
        "may_route": manages and user.has_perm(Permission.MANAGE_ROUTING),
        "has_rules": RuleBook.objects.filter(unit=found, state=RuleBook.State.LIVE).exists(),
    }
    return render_page(request, "routing/unit.html", context, partial="unit")


def unit_or_404(user: User, unit_id: int) -> Unit:
    return get_object_or_404(Unit.objects.can_be_seen_by(user).select_related("parent__parent"), pk=unit_id)


def may_or_403(user: User, found: Unit, verb: Permission) -> None:
    if not services.may(user, found, verb):
        raise PermissionDenied("This is for the managers of the unit.")


def unit_url(found: Unit) -> str:
    return reverse("team-unit", args=[found.pk])


def person_id(text: str | None) -> int:
    """An id as sent; zero where it is none, which is nobody's."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else 0


def name_of(user: User, user_id: int) -> str:
    return User.objects.of(user).filter(pk=user_id).values_list("name", flat=True).first() or "The person"
