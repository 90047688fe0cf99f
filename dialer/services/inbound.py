"""Calls and texts that come in (D12): whose lead it is, whom it rings, and what becomes of those nobody answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from crm.notifications.services import Message, notify
from crm.organization.models import User
from dialer.models import InboundCall, PhoneNumber
from dialer.services.calling import phone_of
from leads.models import Activity, Consent, ContactPoint, Lead, Task
from leads.services.working import touch

STOP = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit"}
START = {"start", "unstop", "yes"}
State = InboundCall.State
LONGEST_REF = 80


@dataclass(frozen=True)
class Way:
    """Whom a call rings, all at once; nobody: it goes to voicemail."""

    people: Sequence[User]


def find_caller(company_id: int, number: str) -> int | None:
    """The lead that calls: of several with the number one that somebody holds, then the one last in touch."""
    points = _points_of(company_id, number)
    in_touch = F("lead__last_contact_at").desc(nulls_last=True)
    found = points.annotate(held=Q(lead__holder_id__isnull=False)).order_by("-held", in_touch, "-lead")
    return found.values_list("lead", flat=True).first()


def _points_of(company_id: int, number: str) -> QuerySet[ContactPoint]:
    return ContactPoint.objects.filter(company=company_id, kind="phone", value=number, lead__removed_at=None)


@transaction.atomic
def ring_in(*, number: PhoneNumber, caller: str, ref: str) -> tuple[InboundCall, Way]:
    """A call came in. Said twice by the provider, it is one call."""
    lead_id = find_caller(number.company_id, caller)
    lead = Lead.objects.filter(pk=lead_id).in_id_order().first() if lead_id else None
    holder = User.objects.filter(pk=lead.holder_id).first() if lead and lead.holder_id else None
    values = {"number": number, "caller": caller[:40], "lead": lead, "holder": holder}
    call, _ = InboundCall.objects.get_or_create(
        company_id=number.company_id, provider_ref=ref[:LONGEST_REF], defaults=values
    )
    return call, way_of(number, holder)


def way_of(number: PhoneNumber, holder: User | None) -> Way:
    """For a lead that somebody holds nobody else is rung, unless the number says so."""
    if holder is not None:
        if can_answer(holder):
            return Way([holder])
        other = number.away_person if number.route_unavailable and number.when_away == "person" else None
        return Way([other] if other and can_answer(other) else [])
    if number.when_unknown == PhoneNumber.Goes.PERSON and number.unknown_person:
        return Way([number.unknown_person] if can_answer(number.unknown_person) else [])
    if number.when_unknown == PhoneNumber.Goes.QUEUE:
        return Way([user for user in _members(number) if can_answer(user)])
    return Way([])


def _members(number: PhoneNumber) -> Sequence[User]:
    rows = User.objects.active().filter(memberships__unit=number.unit, memberships__ended_at=None)
    return list(rows.select_related("company").distinct().order_by("pk")[:10])  # as many as Twilio rings at once


def can_answer(user: User) -> bool:
    away = user.out_of_office_until is not None and user.out_of_office_until > timezone.now()
    return user.is_active and user.available and not away and bool(phone_of(user))


@transaction.atomic
def answered(call: InboundCall, by: User | None) -> None:
    """Somebody took it; the first word counts."""
    if _ended(call, State.ANSWERED):
        InboundCall.objects.filter(pk=call.pk).update(answered_by=by)
        _log(call, by, Activity.Outcome.REACHED)


@transaction.atomic
def missed(call: InboundCall) -> None:
    """Nobody took it: the holder is told, and has a callback to make."""
    if not _ended(call, State.MISSED):
        return
    made = _log(call, None, Activity.Outcome.NO_ANSWER)
    InboundCall.objects.filter(pk=call.pk).update(activity_id=made.pk if made else None)
    if call.lead is None or call.holder is None or not call.holder.is_active:
        return
    Task.objects.create(
        company_id=call.company_id,
        lead=call.lead,
        user=call.holder,
        kind=Task.Kind.CALLBACK,
        title="Call back: they called and nobody answered",
        due_at=timezone.now(),
        time_zone=call.holder.time_zone,
        created_by=call.holder,
    )
    told = Message(user_id=call.holder.pk, kind="call", title="{lead} called and nobody answered", lead_id=call.lead.pk)
    notify(call.company_id, [told])


@transaction.atomic
def left_message(call: InboundCall, recording: str) -> None:
    """They left a message: where to hear it stands on the timeline."""
    known = InboundCall.objects.filter(pk=call.pk, state=State.MISSED)
    if known.update(state=State.VOICEMAIL, recording=recording[:300]) and call.activity_id:
        words = f"Message: {recording}" if recording else ""
        Activity.objects.filter(pk=call.activity_id).update(outcome=Activity.Outcome.VOICEMAIL, body=words)


def _ended(call: InboundCall, state: str) -> bool:
    return bool(InboundCall.objects.filter(pk=call.pk, state=State.RINGING).update(state=state))


def _log(call: InboundCall, actor: User | None, outcome: str) -> Activity | None:
    if call.lead_id is None:
        return None
    lead = Lead.objects.filter(pk=call.lead_id).in_id_order().get()
    made = Activity.objects.create(
        company_id=call.company_id,
        lead=lead,
        kind=Activity.Kind.CALL,
        direction=Activity.Direction.IN,
        outcome=outcome,
        actor=actor,
        automatic=actor is None,
    )
    touch(lead, contact=actor is not None)
    return made


@transaction.atomic
def text_in(*, number: PhoneNumber, sender: str, body: str) -> None:
    """A text came in: onto the timeline. STOP is an opt-out for whoever has the number, START takes it back."""
    lead_id = find_caller(number.company_id, sender)
    lead = Lead.objects.filter(pk=lead_id).in_id_order().first() if lead_id else None
    if lead is None:
        return
    kind, direction = Activity.Kind.TEXT, Activity.Direction.IN
    Activity.objects.create(company_id=lead.company_id, lead=lead, kind=kind, direction=direction, body=body[:10_000])
    touch(lead, contact=True)
    word = body.strip().strip(".!").lower()
    if word in STOP | START:
        said = {"company_id": lead.company_id, "given": word in START, "words": body.strip()[:500]}
        having = _points_of(lead.company_id, sender).order_by("lead").values_list("lead", flat=True).distinct()
        Consent.objects.bulk_create(Consent(lead_id=pk, kind=Consent.Kind.TEXT, **said) for pk in having)
    if lead.holder_id:
        told = Message(user_id=lead.holder_id, kind="text", title="{lead} sent a text", lead_id=lead.pk)
        notify(lead.company_id, [told])
