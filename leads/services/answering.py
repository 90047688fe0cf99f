"""Answering an ownership request (P4): accepting one does what it asks for, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse

from crm.notifications.services import Message, bump, notify
from crm.organization.models import Membership, PersonalLeads, Unit, User
from leads.models import Lead, OwnershipRequest
from leads.models.request import Kind, State
from leads.services.asking import Askable, ground
from leads.services.deciding import verb_of, watchers
from leads.services.transferring import Cause, change_owner, clear, targets_for
from permissions.door import locked
from permissions.keyring import load_keyring
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.verbs import why_not

TOLD = {
    State.ACCEPTED: "{} accepted your request for {{lead}}",
    State.REFUSED: "{} refused your request for {{lead}}",
    State.LAPSED: "Your request for {{lead}} has lapsed",
}


class AnsweredError(Exception):
    """The request is not open any more; the text says what became of it."""


def pools_for(decider: User, leads: Iterable[Lead]) -> dict[int, list[Unit]]:
    """By lead, the units a personal one may be released to: its origin first, or else the first unit she joined."""
    personal = [lead for lead in leads if lead.is_personal]
    if not personal:
        return {}
    seen = set(targets_for(decider)[1].values_list("pk", flat=True))
    whole = decider.company.personal_leads == PersonalLeads.COMPANY_ONLY
    origins = set() if whole else {lead.origin_unit_id for lead in personal}
    units = list(Unit.objects.of(decider).open().filter(pk__in=seen | origins).order_by("name", "pk"))
    joined = Membership.objects.current().filter(user=decider).order_by("pk").values_list("unit", flat=True).first()
    return {lead.pk: _pools(lead, units, seen, lead.origin_unit_id or joined) for lead in personal}


def _pools(lead: Lead, units: list[Unit], seen: set[int], first: int | None) -> list[Unit]:
    allowed = [unit for unit in units if unit.pk in seen or unit.pk == lead.origin_unit_id]
    return sorted(allowed, key=lambda unit: unit.pk != first)


@transaction.atomic
def accept(*, decider: User, request: OwnershipRequest, words: str = "", pool: Unit | None = None) -> OwnershipRequest:
    """Do what it asks for; where its ground is gone it lapses instead, as the `state` of what is returned says.

    Raises AnsweredError, PermissionDenied, ValidationError (to release a personal lead needs the `pool` it goes to).
    """
    request = _hold(decider, request)
    asked = ground(request.asked_by, request.lead, request.kind)
    if isinstance(asked, str):
        return _close(request, State.LAPSED, None, asked)
    closed = _close(request, State.ACCEPTED, decider, words)
    _carry_out(closed, asked, pool)
    return closed


@transaction.atomic
def refuse(*, decider: User, request: OwnershipRequest, words: str = "") -> OwnershipRequest:
    """Say no. Raises AnsweredError, PermissionDenied."""
    request = _close(_hold(decider, request), State.REFUSED, decider, words)
    record(
        Fact(
            company_id=request.company_id,
            kind=LedgerEntry.Kind.REFUSED,
            lead_id=request.lead_id,
            actor_id=decider.pk,
            to_user_id=request.asked_by_id,
            why="request",
            detail={"request": request.pk, "asks": request.kind},
        )
    )
    return request


def _carry_out(request: OwnershipRequest, asked: Askable, pool: Unit | None) -> None:
    decider, lead = request.answered_by, request.lead
    assert decider is not None
    cause = Cause(decider, "request", told=request.asked_by_id)
    to = asked.to
    if asked.kind == Kind.RELEASE and lead.is_personal:
        if pool not in pools_for(decider, [lead])[lead.pk]:
            raise ValidationError("Choose the team, office or company it goes to.")
        to = pool
    if to is not None:
        change_owner([lead.pk], to, cause)
    if asked.kind == Kind.RELEASE:
        clear(Lead.objects.filter(pk=lead.pk), cause)


def _hold(decider: User, request: OwnershipRequest) -> OwnershipRequest:
    """The request as it is now, its lead locked, if it is open and hers to decide."""
    Lead.objects.filter(pk=request.lead_id).in_id_order().first()
    people = ("asked_by__company", "asked_by__holding__profile", "answered_by")
    whole = OwnershipRequest.objects.select_related("lead__owner_unit", "lead__owner_user", "lead__agent", *people)
    request = whole.get(pk=request.pk)
    if request.state != State.OPEN:
        raise AnsweredError(outcome_of(request))
    if reason := why_not(load_keyring(decider), locked(request.lead), verb_of(request.lead, request.kind)):
        raise PermissionDenied(reason)
    return request


def _close(request: OwnershipRequest, state: State, by: User | None, words: str) -> OwnershipRequest:
    """End it as `state`, if nobody else did at this moment, and tell whoever asked."""
    same = OwnershipRequest.objects.filter(pk=request.pk)
    if not same.open().update(state=state, answered_by=by, answered_at=Now(), answer=words.strip()):
        raise AnsweredError(outcome_of(same.select_related("asked_by", "answered_by").get()))
    request.state, request.answered_by, request.answer = state, by, words.strip()
    title, url = TOLD[state].format(by), reverse("requests")
    said = words if by is None else ""  # what people write stays on the page of requests
    notify(request.company_id, [Message(request.asked_by_id, "request", title, said, url, request.lead_id)])
    bump({request.asked_by_id} | watchers(request.lead), "requests")
    return request


def outcome_of(request: OwnershipRequest) -> str:
    """What became of a request that is not open any more."""
    if request.state == State.WITHDRAWN:
        return f"{request.asked_by} has withdrawn this request."
    if request.state == State.LAPSED:
        return f"This request has lapsed. {request.answer}"
    return f"{request.answered_by} {request.get_state_display().lower()} this request already."
