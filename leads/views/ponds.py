"""Ponds: what is in those of hers and what she may take today; and running them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.core.pagination import capped_count, keyset_page
from crm.organization.models import Unit, User
from crm.organization.people import signed_in
from leads.models import Lead, Pond, PondMember
from leads.pond_forms import CloseForm, MemberForm, NewPondForm, PondForm
from leads.querysets import LeadQuerySet, PondQuerySet
from leads.reading import rows_of, with_names
from leads.services.assigning import units_to_work_for
from leads.services.ponding import OutsideError, TakenError, UsedUpError, left_today, take, taker_of
from leads.services.running_ponds import (
    change_pond,
    close_pond,
    create_pond,
    guests_of,
    remove_member,
    set_member,
    units_for,
    uses_of,
)
from permissions.access import Keyring, Level, Lock
from permissions.catalog import Permission
from permissions.keyring import load_keyring


@dataclass(frozen=True)
class Row:
    """A pond as the list shows it: how many leads she may see in it, what she may do there."""

    pond: Pond
    leads: str
    members: int
    is_member: bool
    may_claim: bool
    left: int | None
    is_run_by_her: bool


def reached_by(user: User) -> PondQuerySet:
    """The ponds she is in or runs."""
    hers, run = (ponds.values("pk") for ponds in (Pond.objects.joined_by(user), Pond.objects.managed_by(user)))
    return Pond.objects.of(user).filter(Q(pk__in=hers) | Q(pk__in=run))


def inside(keyring: Keyring, pond: Pond) -> LeadQuerySet:
    return Lead.objects.visible_to(keyring, Level.VIEW).filter(locks__overlap=[Lock.POND.of(pond.pk)])


@door()
def ponds(request: HttpRequest) -> HttpResponse:
    actor = signed_in(request)
    keyring = load_keyring(actor)
    found = reached_by(actor).select_related("unit").annotate(people=Count("members")).order_by("name", "pk")
    rights = dict(PondMember.objects.filter(user=actor).values_list("pond", "may_claim"))
    run = set(Pond.objects.managed_by(actor).values_list("pk", flat=True))
    rows = [_row(actor, keyring, pond, rights, run) for pond in found]
    context = {"rows": rows, "may_add": units_for(actor).exists()}
    return render_page(request, "leads/ponds/index.html", context)


def _row(actor: User, keyring: Keyring, pond: Any, rights: dict[int, bool], run: set[int]) -> Row:
    count, more = capped_count(inside(keyring, pond))
    may_claim = rights.get(pond.pk, False)
    left = left_today(actor, pond) if may_claim else None
    leads = f"{count:,}{'+' if more else ''}"
    return Row(pond, leads, pond.people, pond.pk in rights, may_claim, left, pond.pk in run)


@door()
def pond(request: HttpRequest, pk: int) -> HttpResponse:
    """The leads in one pond, those that wait longest first."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    found = get_object_or_404(reached_by(actor).select_related("unit"), pk=pk)
    leads = inside(keyring, found)
    count, more = capped_count(leads)
    page = keyset_page(
        with_names(leads),
        sort="last_activity_at",
        descending=False,
        cursor=request.GET.get("cursor", ""),
        count=count,
    )
    hers = found.members.filter(user=actor).first()
    left = left_today(actor, found)
    may_take = hers is not None and hers.may_claim and left != 0
    units = {None, *units_to_work_for(actor)} if may_take else set()
    context = {
        "pond": found,
        "page": page,
        "rows": rows_of(page.rows, keyring),
        "count": f"{count:,}{'+' if more else ''}",
        "member": hers,
        "left": left,
        "may_take": may_take,
        "takes": {lead.public_id for lead in page.rows if lead.owner_unit_id in units},
        "may_run": Pond.objects.managed_by(actor).filter(pk=pk).exists(),
    }
    return render_page(request, "leads/ponds/pond.html", context)


@door("POST")
def take_one(request: HttpRequest) -> HttpResponse:
    """Take one lead (`lead`) out of its pond. Whoever comes too late is told who has it, and no more of the lead."""
    actor, public_id = signed_in(request), request.POST.get("lead", "").replace("\x00", "")
    found = Lead.objects.visible_to(actor, Level.VIEW).filter(public_id=public_id).first()
    if found is None:
        taker = taker_of(actor, public_id)
        if taker is None:
            raise Http404
        messages.info(request, f"{taker} was quicker: the lead is taken.")
        return redirect("ponds")
    try:
        take(actor=actor, lead=found)
    except (TakenError, OutsideError, UsedUpError) as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, f"{found.name} is yours to work.")
    return redirect("lead", public_id) if access_now(actor, found) else redirect("ponds")


def access_now(actor: User, lead: Lead) -> bool:
    """Whether she may still open it."""
    return Lead.objects.visible_to(actor, Level.VIEW).filter(pk=lead.pk).exists()


@door("GET", "POST", verb=Permission.MANAGE_POND)
def add(request: HttpRequest) -> HttpResponse:
    actor = signed_in(request)
    form = NewPondForm(request.POST or None, actor=actor)
    if form.is_valid():
        try:
            made = create_pond(actor=actor, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{made} is there. Now choose who is in it.")
            return redirect("pond-settings", made.pk)
    status = 422 if form.is_bound else 200
    return render_page(request, "leads/ponds/add.html", {"form": form}, status=status)


@door("GET", "POST", verb=Permission.MANAGE_POND)
def settings(request: HttpRequest, pk: int) -> HttpResponse:
    """Name, limit, members, closing. A POST changes name and limit."""
    actor, found = signed_in(request), _run(request, pk)
    form = PondForm(request.POST or None, initial={"name": found.name, "daily_limit": found.daily_limit})
    if form.is_valid():
        try:
            change_pond(actor=actor, pond=found, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "Saved.")
            return redirect("pond-settings", pk)
    return _settings(request, found, form=form)


@door("POST", verb=Permission.MANAGE_POND)
def member(request: HttpRequest, pk: int) -> HttpResponse:
    """Add somebody (`user`)."""
    actor, found = signed_in(request), _run(request, pk)
    form = MemberForm(request.POST, actor=actor, pond=found)
    if not form.is_valid():
        return _settings(request, found, member_form=form)
    set_member(actor=actor, pond=found, user=form.cleaned_data["user"], may_claim=True)
    messages.success(request, f"{form.cleaned_data['user']} is in {found}.")
    return redirect("pond-settings", pk)


@door("POST", verb=Permission.MANAGE_POND)
def change_member(request: HttpRequest, pk: int, user_id: int) -> HttpResponse:
    """Let her claim, or only look, or take her out (`right`: claims, looks, out)."""
    actor, found = signed_in(request), _run(request, pk)
    place = get_object_or_404(found.members.select_related("user"), user=user_id)
    if request.POST.get("right") == "out":
        remove_member(actor=actor, pond=found, user=place.user)
        messages.success(request, f"{place.user} is no longer in {found}. What she took stays with her.")
    else:
        may_claim = request.POST.get("right") == "claims"
        set_member(actor=actor, pond=found, user=place.user, may_claim=may_claim)
        messages.success(request, f"{place.user} {'may take leads' if may_claim else 'only looks'}.")
    return redirect("pond-settings", pk)


@door("GET", "HEAD", "POST", verb=Permission.MANAGE_POND)
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """What lies in it and what sends leads into it, and where its leads are to go; a POST closes it."""
    actor, found = signed_in(request), _run(request, pk)
    form = CloseForm(request.POST if request.method == "POST" else None, actor=actor, pond=found)
    if form.is_valid():
        try:
            count = close_pond(actor=actor, pond=found, to=form.chosen)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(
                request, f"{found} is closed; {count:,} {'lead has' if count == 1 else 'leads have'} moved."
            )
            return redirect("ponds")
    uses, seen = uses_of(found), set(Unit.objects.can_be_seen_by(actor).values_list("pk", flat=True))
    context = {
        "pond": found,
        "form": form,
        "leads": Lead.objects.filter(assignments__pond=found, removed_at=None).count(),
        "members": found.members.count(),
        "uses": [use for use in uses if use.unit.pk in seen],
        "unseen": sum(use.unit.pk not in seen for use in uses),
    }
    return render_page(request, "leads/ponds/close.html", context, status=422 if form.is_bound else 200)


def _run(request: HttpRequest, pk: int) -> Pond:
    """A pond she runs; of one she is only in she may not, of others she does not know."""
    actor = signed_in(request)
    found: Pond = get_object_or_404(Pond.objects.managed_by(actor).select_related("unit"), pk=pk)
    return found


def _settings(request: HttpRequest, found: Pond, **forms: Any) -> HttpResponse:
    actor = signed_in(request)
    own = {
        "form": PondForm(initial={"name": found.name, "daily_limit": found.daily_limit}),
        "member_form": MemberForm(actor=actor, pond=found),
    }
    status = 422 if any(form.is_bound for form in forms.values()) else 200
    members = found.members.select_related("user").order_by("user__name", "pk")
    context = {**own, **forms, "pond": found, "members": members, "guests": guests_of(found)}
    return render_page(request, "leads/ponds/settings.html", context, status=status)
