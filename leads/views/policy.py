"""The company's policy (O5): what each choice means, what it would change and for whom, and only then saving it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from crm.core.htmx import render_page
from crm.organization.models import PersonalLeads
from crm.organization.people import signed_in
from leads.services.foreseeing import Turn, turns_of
from permissions.admin.site import site
from permissions.keyring import POLICIES
from permissions.policy.effects import Effect, effects_of
from permissions.policy.forms import PolicyForm
from permissions.policy.services import change_policy
from permissions.profiles.services import ChangedMeanwhileError

ZONES = ("New_York", "Chicago", "Denver", "Phoenix", "Los_Angeles", "Anchorage")


@dataclass(frozen=True)
class Preview:
    """What the choice would change: by setting, and in whose sight of which leads. Saving says which one it has seen."""

    effects: list[Effect]
    turns: list[Turn]
    seen: str
    weighed: str


def policy(request: HttpRequest) -> HttpResponse:
    """The form; and, once it is sent, what it would change. It is saved by sending that back."""
    actor = signed_in(request)
    if request.method != "POST":
        return _page(request, PolicyForm(actor=actor))
    form = PolicyForm(request.POST, actor=actor)
    if not form.is_valid():
        return _page(request, form, status=422)
    if request.POST.get("step") == "save":
        return _save(request, form)
    return _page(request, form, preview=_preview(form))


def _save(request: HttpRequest, form: PolicyForm) -> HttpResponse:
    """Save what she has seen the consequences of, and nothing else."""
    if request.POST.get("weighed") != form.wanted.digest():
        return _again(request, form, "This is not what you looked at. Nothing was saved: see what it changes now.")
    try:
        changed = change_policy(actor=form.actor, wanted=form.wanted, seen=request.POST.get("seen", ""))
    except ChangedMeanwhileError:
        return _again(
            request, form, "Somebody changed the policy meanwhile. Nothing was saved; what you chose is kept."
        )
    except ValidationError as refused:
        form.add_error(None, refused)
        return _page(request, form, status=422)
    if changed:
        messages.success(request, "The policy is saved. It holds from everybody’s next click.")
    return redirect("admin:policy")


def _again(request: HttpRequest, form: PolicyForm, problem: str) -> HttpResponse:
    form.catch_up()
    return _page(request, form, preview=_preview(form), problem=problem, status=422)


def _preview(form: PolicyForm) -> Preview:
    now, wanted = form.now, form.wanted
    effects = effects_of(asker=form.actor, now=now, wanted=wanted)
    privacy = POLICIES[PersonalLeads(wanted.personal_leads)]
    same = privacy == POLICIES[PersonalLeads(now.personal_leads)]
    turns = [] if same else turns_of(asker=form.actor, policy=privacy)
    return Preview(effects, turns, seen=now.digest(), weighed=wanted.digest())


def _page(
    request: HttpRequest, form: PolicyForm, *, preview: Preview | None = None, problem: str = "", status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": "Policy",
        "form": form,
        "preview": preview,
        "problem": problem,
        "zones": [*(f"America/{city}" for city in ZONES), "Pacific/Honolulu"],
    }
    return render_page(request, "leads/policy.html", context, partial="consequences", status=status)
