"""The routing page of a unit: its rules, live and as a draft, its claim clock and its pauses."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.models import Unit, User
from crm.organization.people import signed_in
from leads.models import Pond
from permissions.catalog import Permission
from permissions.keyring import load_keyring
from routing.clock import in_words
from routing.forms import ColdForm, PolicyForm
from routing.models import Rule, RuleBook
from routing.rule_forms import RuleForm
from routing.services import rules as services
from routing.services.cold import ColdValues, foresee, open_pond
from routing.services.shadowing import start_shadow, stop_shadow
from routing.services.team import ChangedMeanwhileError, NotEligibleError, policy_of
from routing.services.teams import teams_of
from routing.services.wording import book_said, pond_notes, roster_notes
from routing.views.team import may_or_403, person_id, unit_or_404
from routing.weekly import DAYS, read_weekly

MEANWHILE = "Somebody changed the draft while you had it open. Look at it as it stands now."


@door()
def routing(request: HttpRequest) -> HttpResponse:
    """The units whose routing she may change. Where there is only one, it is the page."""
    user = signed_in(request)
    managed = set(Unit.objects.managed_by(user).open().values_list("pk", flat=True))
    if not user.has_perm(Permission.MANAGE_ROUTING):
        raise PermissionDenied("Routing is for those whose profile includes it.")
    units = [team for team in teams_of(user) if team.unit.pk in managed]
    if len(units) == 1:
        return redirect("routing-unit", units[0].unit.pk)
    books = RuleBook.objects.filter(unit__in=managed, state__in=["live", "draft"]).order_by("pk")
    states = {(book.unit_id, book.state) for book in books}
    rows = [(team, (team.unit.pk, "live") in states, (team.unit.pk, "draft") in states) for team in units]
    return render_page(request, "routing/rules/index.html", {"rows": rows})


@door()
@never_cache
def unit(request: HttpRequest, unit_id: int) -> HttpResponse:
    return routing_page(request, managed_or_404(signed_in(request), unit_id))


def routing_page(request: HttpRequest, found: Unit, form: PolicyForm | None = None) -> HttpResponse:
    live, draft = services.live_rules(found), services.draft_rules(found)
    policy = policy_of(found)
    context: dict[str, Any] = {
        "unit": found,
        "live": book_said(live) if live else [],
        "draft": draft,
        "drafted": book_said(draft) if draft else [],
        "policy": policy,
        "cold_pond": open_pond(policy),
        "cold_notes": pond_notes(open_pond(policy)) if policy.cold_days else [],
        "fallback_notes": pond_notes(policy.fallback_pond),
        "window": in_words(policy.claim_window),
        "week": week_of(policy.pauses),
        "notes": [] if live else roster_notes(found),
        "form": form or PolicyForm(actor=signed_in(request), unit=found),
    }
    return render_page(request, "routing/rules/unit.html", context, partial="unit", status=422 if form else 200)


@door("POST")
def policy(request: HttpRequest, unit_id: int) -> HttpResponse:
    user = signed_in(request)
    found = managed_or_404(user, unit_id)
    form = PolicyForm(request.POST, actor=user, unit=found)
    if not form.is_valid() or not form.save():
        return routing_page(request, found, form)
    messages.success(request, f"Saved. New leads of {found.name} follow this from now on.")
    return redirect("routing-unit", found.pk)


def week_of(pauses: list[Any]) -> list[tuple[str, list[tuple[int, int]]]]:
    """For each day of the week the minutes of it that are paused, as from and how many."""
    minutes = {minute for one in read_weekly(pauses) for minute in one.minutes()}
    days = []
    for day, name in enumerate(DAYS):
        runs: list[tuple[int, int]] = []
        for minute in range(1440):
            if day * 1440 + minute not in minutes:
                continue
            if runs and sum(runs[-1]) == minute:
                runs[-1] = (runs[-1][0], runs[-1][1] + 1)
            else:
                runs.append((minute, 1))
        days.append((name, runs))
    return days


@door("POST")
def act(request: HttpRequest, unit_id: int) -> HttpResponse:
    """What is done to the draft as a whole, or to the order of its rules."""
    user = signed_in(request)
    found = managed_or_404(user, unit_id)
    version = person_id(request.POST.get("version"))
    try:
        name, _, other = request.POST.get("act", "").partition("-")
        said = ACTS[name](user, found, version, (person_id(request.POST.get("rule")), person_id(other)))
        messages.success(request, said)
    except KeyError as error:
        raise Http404 from error
    except ChangedMeanwhileError:
        messages.error(request, MEANWHILE)
    return redirect("routing-unit", found.pk)


def _begin(user: User, unit: Unit, version: int, rules: tuple[int, int]) -> str:
    services.begin_draft(actor=user, unit=unit)
    return "This is a draft. New leads follow the rules as they were until you turn it on."


def _discard(user: User, unit: Unit, version: int, rules: tuple[int, int]) -> str:
    services.discard_draft(actor=user, unit=unit)
    return "The draft is thrown away."


def _turn_on(user: User, unit: Unit, version: int, rules: tuple[int, int]) -> str:
    services.turn_on(actor=user, unit=unit, version=version)
    return f"New leads of {unit.name} follow these rules from now on."


def _up(user: User, unit: Unit, version: int, rules: tuple[int, int]) -> str:
    services.move_rule(actor=user, unit=unit, upper=rules[1], lower=rules[0], version=version)
    return "Moved up."


def _down(user: User, unit: Unit, version: int, rules: tuple[int, int]) -> str:
    services.move_rule(actor=user, unit=unit, upper=rules[0], lower=rules[1], version=version)
    return "Moved down."


def _remove(user: User, unit: Unit, version: int, rules: tuple[int, int]) -> str:
    services.remove_rule(actor=user, unit=unit, rule_id=rules[0], version=version)
    return "The rule is out of the draft."


def _shadow(user: User, unit: Unit, version: int, rules: tuple[int, int]) -> str:
    start_shadow(actor=user, unit=unit)
    return "The draft runs in shadow: it notes what it would do with each lead that comes, and nothing comes of it."


def _stop(user: User, unit: Unit, version: int, rules: tuple[int, int]) -> str:
    stop_shadow(actor=user, unit=unit)
    return "The shadow is stopped. What it noted stays until you turn the draft on or throw it away."


ACTS = {
    "begin": _begin,
    "discard": _discard,
    "turn_on": _turn_on,
    "up": _up,
    "down": _down,
    "remove": _remove,
    "shadow": _shadow,
    "stop": _stop,
}


@door("GET", "HEAD", "POST")
@never_cache
def cold(request: HttpRequest, unit_id: int) -> HttpResponse:
    """What becomes of cold leads: looked at first, then turned on (R13)."""
    user = signed_in(request)
    found = managed_or_404(user, unit_id)
    form = ColdForm(request.POST if request.method == "POST" else None, actor=user, unit=found)
    valid = form.is_bound and form.is_valid()
    values, looked = (form.values(), form.looked_at()) if valid else (ColdValues(None), "")
    saving = valid and request.POST.get("step") == "save"
    other = saving and not form.was_looked_at()
    if saving and not other and form.save():
        messages.success(request, f"Saved. Leads of {found.name} follow this from now on.")
        return redirect("routing-unit", found.pk)
    context = {
        "unit": found,
        "form": form,
        "looked": looked,
        "other": other,
        "foreseen": foresee(keyring=load_keyring(user), unit=found, days=values.days) if values.days else None,
        "notes": _cold_notes(found, values),
        "policy": policy_of(found),
    }
    status = 422 if form.is_bound and form.errors else 200
    return render_page(request, "routing/rules/cold.html", context, status=status)


def _cold_notes(found: Unit, values: ColdValues) -> list[str]:
    """Where they would go and find nobody."""
    if values.pond_id:
        return pond_notes(Pond.objects.filter(company=found.company_id, pk=values.pond_id).first())
    return roster_notes(found) if values.days else []


@door("GET", "HEAD", "POST")
@never_cache
def rule(request: HttpRequest, unit_id: int, rule_id: int = 0) -> HttpResponse:
    """A rule of the draft, or a new one."""
    user = signed_in(request)
    found = managed_or_404(user, unit_id)
    draft = services.draft_rules(found)
    if draft is None:
        messages.error(request, "There is no draft any more. Begin a new one.")
        return redirect("routing-unit", found.pk)
    one = get_object_or_404(Rule.objects.select_related("book"), book=draft, pk=rule_id) if rule_id else None
    data = request.POST if request.method == "POST" else None
    form = RuleForm(data, actor=user, unit=found, rule=one, version=draft.version)
    if form.is_bound and form.is_valid() and _save(user, found, one, form, draft):
        return redirect("routing-unit", found.pk)
    context = {"unit": found, "rule": one, "form": form}
    return render_page(request, "routing/rules/rule.html", context, status=422 if form.is_bound else 200)


def _save(user: User, found: Unit, one: Rule | None, form: RuleForm, draft: RuleBook) -> bool:
    """Whether it was saved; where not, the form says why and keeps what was typed."""
    try:
        version = form.cleaned_data["version"]
        services.save_rule(actor=user, unit=found, rule=one, values=form.values(), version=version)
    except ChangedMeanwhileError:
        form.show_version(draft.version)
        form.add_error(None, "Somebody changed the draft meanwhile. What you typed is kept; save again to add it.")
    except NotEligibleError:
        form.add_error(None, "What you chose can no longer be chosen, or there are too many rules.")
    return form.is_valid()


def managed_or_404(user: User, unit_id: int) -> Unit:
    found = unit_or_404(user, unit_id)
    may_or_403(user, found, Permission.MANAGE_ROUTING)
    return found
