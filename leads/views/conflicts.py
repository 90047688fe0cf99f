"""The conflict inbox (C8): for managers of the company, and one conflict with the evidence of both sides."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.core.pagination import keyset_page
from crm.organization.people import signed_in
from leads.evidence import TONES, evidence_of, rows_of
from leads.models import Conflict
from leads.models.conflict import Verdict
from leads.querysets import manages_all
from leads.services.disputing import DecidedError, Option, decide, options
from permissions.keyring import load_keyring

SIZE = 25
ASKED = "Asked. You are told as soon as it is answered."


class DecisionForm(forms.Form):
    """One of the options that are open, and why."""

    code = forms.ChoiceField(error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose one of these."))
    note = forms.CharField(
        label="Why",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the conflict. Whoever is asked to release a lead reads it too.",
    )

    def __init__(self, data: Any = None, *, options: list[Option]) -> None:
        super().__init__(data)
        self.fields["code"].choices = [(one.code, one.label) for one in options if one.is_open]  # type: ignore[attr-defined]


@door()
@never_cache
def conflicts(request: HttpRequest) -> HttpResponse:
    """Those to decide; with `show=decided` those that are."""
    keyring = load_keyring(signed_in(request))
    if not manages_all(keyring):
        raise PermissionDenied("Conflicts are for managers of the company to decide.")
    decided = request.GET.get("show") == "decided"
    every = Conflict.objects.for_decision_by(keyring)
    found = every.exclude(verdict=Verdict.OPEN) if decided else every.open()
    cursor = request.GET.get("cursor", "")
    page = keyset_page(found.with_leads(), sort="opened_at", descending=True, cursor=cursor, size=SIZE)
    waiting = every.open().count()
    context = {"page": page, "rows": rows_of(page.rows, keyring), "decided": decided, "waiting": waiting}
    return render_page(request, "leads/conflicts/index.html", context)


@door("GET", "HEAD", "POST")
@never_cache
def conflict(request: HttpRequest, pk: int) -> HttpResponse:
    """Both sides beside each other; a POST decides."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    found: Conflict = get_object_or_404(Conflict.objects.for_decision_by(keyring).with_leads(), pk=pk)
    ways = options(actor, found) if found.verdict == Verdict.OPEN else []
    form = DecisionForm(request.POST if request.method == "POST" else None, options=ways)
    if request.method == "POST" and not ways:
        messages.error(request, "This conflict is not open any more. Nothing was changed.")
        return redirect("conflict", pk)
    if form.is_valid() and _decide(request, found, form):
        return redirect("conflict", pk)
    context = {
        "conflict": found,
        "evidence": evidence_of(found, keyring, actor.company.phone_region),
        "tone": TONES.get(Verdict(found.verdict), "neutral"),
        "options": ways,
        "form": form,
        "chosen": form.data.get("code", ""),
    }
    return render_page(request, "leads/conflicts/conflict.html", context, status=422 if form.is_bound else 200)


def _decide(request: HttpRequest, found: Conflict, form: DecisionForm) -> bool:
    """Whether there is nothing left to mend in the form."""
    try:
        done = decide(actor=signed_in(request), conflict=found, **form.cleaned_data)
    except DecidedError as error:
        messages.error(request, str(error))
    except ValidationError as error:
        form.add_error(None, error)
        return False
    else:
        messages.success(request, ASKED if done.verdict == Verdict.OPEN else "Decided. Both sides are told.")
    return True
