"""Duplicates (I6): those in sight, those of one lead, one to merge it with, and two leads side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.models import DuplicateKey, User
from crm.organization.people import signed_in
from leads.batches import drafting
from leads.batches.running import carry_on
from leads.batches.sight import named
from leads.merging.fields import CHOICES, Difference, differences
from leads.merging.finding import Found, Group, groups_in_sight, same_as, share_nothing, twins_of
from leads.merging.foreseeing import sight_of_merging
from leads.merging.keys import counting
from leads.models import Batch, Lead
from leads.reading import contacts_of, owner_label
from leads.search import matches
from leads.views.lead import find_lead, went_to
from permissions.access import Keyring
from permissions.door import may, require_verb
from permissions.keyring import load_keyring
from permissions.policy.wording import DUPLICATE_KEYS
from permissions.verbs import Verb

MOST_FOUND = 20
KEPT, OTHER = "kept", "other"  # what a field is taken from


@door()
def duplicates(request: HttpRequest) -> HttpResponse:
    """All there are among the leads she may read, by one of the keys that count."""
    actor = signed_in(request)
    keyring, keys = load_keyring(actor), counting(actor.company)
    asked = request.GET.get("by", "")
    if asked not in ["", *DuplicateKey.values]:
        raise Http404
    by = asked if asked in keys else next(iter(keys), "")
    found = groups_in_sight(keyring, by, request.GET.get("cursor", "")) if by else Found([], "")
    context = {
        "by": by,
        "keys": [(key, DUPLICATE_KEYS[key]) for key in keys],
        "groups": [_beside_the_first(group, keyring) for group in found.groups],
        "next_cursor": found.next_cursor,
    }
    return render_page(request, "leads/duplicates.html", context)


def _beside_the_first(group: Group, keyring: Keyring) -> tuple[Group, Lead, list[tuple[Lead, Any, bool]]]:
    """The group, the first of it that she may merge, and its leads, each to be compared with that one."""
    kept = next((lead for lead in group.leads if may(keyring, lead, Verb.MERGE)), group.leads[0])
    return group, kept, _lines(group.leads, kept, keyring)


def _lines(leads: list[Lead], kept: Lead, keyring: Keyring) -> list[tuple[Lead, Any, bool]]:
    """Each with its owner, and whether she may merge it with the one that stays."""
    hers = may(keyring, kept, Verb.MERGE)
    return [(lead, owner_label(lead), lead != kept and hers and may(keyring, lead, Verb.MERGE)) for lead in leads]


@door()
def alike(request: HttpRequest, public_id: str) -> HttpResponse:
    """What else may be this person: a part of the lead's page."""
    keyring = load_keyring(signed_in(request))
    lead = find_lead(request, public_id, keyring)
    twins = _lines(twins_of(lead, keyring), lead, keyring)
    return render_page(request, "leads/alike.html", {"lead": lead, "twins": twins})


@door()
def merge_with(request: HttpRequest, public_id: str) -> HttpResponse:
    """Another lead to merge this one with: what may be the same person, or what a search finds."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = find_lead(request, public_id, keyring)
    require_verb(keyring, lead, Verb.MERGE)
    text = request.GET.get("find", "").replace("\x00", "").strip()[:120]
    others = Lead.objects.filter(matches(text, actor.company.phone_region)) if text else same_as(lead)
    hers = others.doable_by(keyring, Verb.MERGE).exclude(pk=lead.pk).for_rows()
    found = list(hers.order_by("-last_activity_at", "-pk")[: MOST_FOUND + 1])
    context = {
        "lead": lead,
        "text": text,
        "found": [(one, owner_label(one)) for one in found[:MOST_FOUND]],
        "there_are_more": len(found) > MOST_FOUND,
    }
    return render_page(request, "leads/merge_with.html", context)


@door("GET", "POST")
def merging(request: HttpRequest, public_id: str, other_id: str) -> HttpResponse:
    """The lead beside the other one, which goes into it; what differs is chosen field by field."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    try:
        kept, other = find_lead(request, public_id, keyring), find_lead(request, other_id, keyring)
    except Http404:
        return _merged_meanwhile(request, went_to(public_id, keyring), went_to(other_id, keyring))
    if kept == other:
        raise Http404
    for lead in (kept, other):
        require_verb(keyring, lead, Verb.MERGE)
    chosen = differences(kept, other)
    if request.method != "POST":
        return render_page(request, "leads/merge.html", _side_by_side(actor, kept, other, chosen))
    if unclear := _unclear(request.POST, chosen):
        chosen = [replace(one, take=request.POST.get(one.code) == OTHER) for one in chosen]
        problem = f"Nothing was merged. Choose one of the two for: {', '.join(unclear)}."
        context = {**_side_by_side(actor, kept, other, chosen), "problem": problem}
        return render_page(request, "leads/merge.html", context, status=422)
    take = [field.code for field in chosen if request.POST.get(field.code) == OTHER]
    return redirect("batch", _merge(actor, kept, other, take).public_id)


def _merged_meanwhile(request: HttpRequest, kept_id: str, other_id: str) -> HttpResponse:
    """Where a form leads that was sent again, or too late: to the one lead that is left of two, or to those two."""
    if kept_id == other_id:
        messages.info(request, "They are merged already: this is the lead that stays.")
        return redirect("lead", kept_id)
    messages.info(request, "One of them was merged into another lead meanwhile. Nothing was changed.")
    return redirect("lead-merge", kept_id, other_id)


def _unclear(posted: QueryDict, chosen: Sequence[Difference]) -> list[str]:
    """What the fields are called whose choice is neither of the two; one that is not sent stays as it is."""
    labels = {code: label for code, (label, _) in CHOICES.items()} | {one.code: one.label for one in chosen}
    return [label for code, label in labels.items() if not {*posted.getlist(code)} <= {KEPT, OTHER}]


def _side_by_side(actor: User, kept: Lead, other: Lead, chosen: list[Difference]) -> dict[str, Any]:
    region = actor.company.phone_region
    alike_owned = (kept.owner_unit_id, kept.owner_user_id) == (other.owner_unit_id, other.owner_user_id)
    return {
        "kept": kept,
        "other": other,
        "sides": [(one, owner_label(one), _reached_at(one, region)) for one in (kept, other)],
        "fields": chosen,
        "share_nothing": share_nothing(kept, other),
        "sight": named(map(asdict, sight_of_merging({other.pk: kept.pk}, actor.company)), actor),
        "alike_owned": alike_owned,
    }


def _reached_at(lead: Lead, region: str) -> list[str]:
    found = contacts_of(lead.contact_points.order_by("position", "pk"), region)
    return [contact.words for contact in (*found["phones"], *found["emails"])]


def _merge(actor: User, kept: Lead, other: Lead, take: list[str]) -> Batch:
    """Done at once: the page this leads to has the way back."""
    params = {"into": {str(other.pk): kept.pk}, "take": take}
    scope = {"leads": [kept.public_id, other.public_id], "given": 2, "of_one": True}
    with transaction.atomic():
        batch = drafting.draft(actor=actor, verb="merge", scope=scope)
        drafting.preview(actor=actor, batch=batch, params=params)
        drafting.confirm(actor=actor, batch=batch)
    carry_on(batch.pk)
    return batch
