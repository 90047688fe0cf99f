"""Calling and texting leads (L4, D16): by the gates, by the provider, and onto the timeline."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models.functions import Coalesce, Now

from crm.notifications.services import Message, notify
from crm.organization.models import Membership, User
from dialer.models import CallAttempt, Campaign, PhoneNumber
from dialer.providers import account_of, provider_for
from dialer.providers.port import Outgoing, Placed, ProviderError
from dialer.services.gates import permit
from leads.contact import UnreadableContactError, read_phone
from leads.models import Activity, Lead
from leads.services.working import log_activity
from permissions.keyring import load_keyring

Kind, Outcome, Delivery = CallAttempt.Kind, Activity.Outcome, Activity.Delivery
WAY_OUT = "Reply STOP to opt out."
OUTCOMES = {
    "completed": Outcome.REACHED,
    "busy": Outcome.BUSY,
    "no-answer": Outcome.NO_ANSWER,
    "failed": Outcome.NO_ANSWER,
}
UNDELIVERED = {"failed", "undelivered"}
NOT_RUNG = "not-rung"


class RefusedError(Exception):
    """A gate is shut; the attempt is recorded."""

    def __init__(self, attempt: CallAttempt) -> None:
        super().__init__(attempt.get_refused_by_display())
        self.attempt = attempt


@dataclass(frozen=True)
class Made:
    """An attempt that went out, and how: by a link that she follows herself, or by the provider."""

    attempt: CallAttempt
    placed: Placed
    body: str = ""


def make_call(*, actor: User, lead: Lead, number: str, campaign: Campaign | None = None) -> Made:
    """Call this number of the lead. Call it outside of a transaction. Raises RefusedError, ProviderError."""
    return _make(actor, lead, number, campaign, Kind.CALL, "")


def send_text(*, actor: User, lead: Lead, number: str, body: str, campaign: Campaign | None = None) -> Made:
    """Text this number of the lead; the first one says how to opt out. Raises as `make_call`."""
    before = Activity.objects.filter(lead=lead, kind=Activity.Kind.TEXT, direction="out")
    if not before.exclude(outcome__in=Delivery.values).exists() and WAY_OUT not in body:
        body = f"{body}\n{WAY_OUT}"
    return _make(actor, lead, number, campaign, Kind.TEXT, body)


def send_again(*, actor: User, lead: Lead, failed: CallAttempt) -> Made | None:
    """Text once more what did not arrive: once; None where somebody has done so. Raises as `make_call`."""
    line = Activity.objects.filter(pk=failed.activity_id or 0)
    if not line.filter(outcome=Delivery.FAILED).update(outcome=Delivery.RESENT):
        return None
    try:
        return send_text(actor=actor, lead=lead, number=failed.number, body=line.values_list("body", flat=True).get())
    except RefusedError:
        line.update(outcome=Delivery.FAILED)
        raise


def _make(actor: User, lead: Lead, number: str, campaign: Campaign | None, kind: str, body: str) -> Made:
    attempt = permit(lead=lead, user=actor, campaign=campaign, number=number, kind=kind)
    if not attempt.allowed:
        raise RefusedError(attempt)
    return place(actor=actor, attempt=attempt, body=body)


def place(*, actor: User, attempt: CallAttempt, body: str = "") -> Made:
    """Have the provider make an attempt that the gates allowed. Call it outside of a transaction. Raises ProviderError."""
    provider = provider_for(account_of(actor.company_id))
    out = Outgoing(attempt.pk, attempt.number, number_of(actor), phone_of(actor), body)
    CallAttempt.objects.filter(pk=attempt.pk).update(provider=provider.code)
    try:
        placed = provider.text(out) if attempt.kind == Kind.TEXT else provider.call(out)
    except ProviderError:
        if attempt.kind == Kind.TEXT:
            _did_not_go(attempt, body)
        raise
    if placed.ref:
        _went_out(attempt, placed, body)
    return Made(attempt, placed, body)


@transaction.atomic
def _went_out(attempt: CallAttempt, placed: Placed, body: str) -> None:
    """The provider has it: it is on the timeline, and claims. How a call went is known when it is over."""
    assert attempt.user is not None
    made = log_activity(
        keyring=load_keyring(attempt.user),
        actor=attempt.user,
        lead=attempt.lead,
        kind=Activity.Kind(attempt.kind),
        direction=Activity.Direction.OUT,
        body=body,
    )
    CallAttempt.objects.filter(pk=attempt.pk).update(provider_ref=placed.ref, activity_id=made.pk, status="placed")


@transaction.atomic
def _did_not_go(attempt: CallAttempt, body: str) -> None:
    """The provider did not take the text: it is on the timeline, to be sent again, and claims nothing."""
    made = Activity.objects.create(
        company_id=attempt.company_id,
        lead=attempt.lead,
        kind=Activity.Kind.TEXT,
        direction=Activity.Direction.OUT,
        actor=attempt.user,
        outcome=Delivery.FAILED,
        body=body,
    )
    CallAttempt.objects.filter(pk=attempt.pk).update(activity_id=made.pk, status="failed")


@transaction.atomic
def log_call(*, actor: User, attempt: CallAttempt, outcome: str, body: str) -> Activity:
    """How a call that she made on her own phone went: once. Raises PermissionDenied."""
    held = CallAttempt.objects.select_for_update(of=("self",), no_key=True).select_related("lead").get(pk=attempt.pk)
    if held.user_id != actor.pk or not held.allowed or held.activity_id is not None:
        raise PermissionDenied("This call is logged already.")
    made = log_activity(
        keyring=load_keyring(actor),
        actor=actor,
        lead=held.lead,
        kind=Activity.Kind(held.kind),
        direction=Activity.Direction.OUT,
        outcome=outcome,
        body=body,
    )
    CallAttempt.objects.filter(pk=held.pk).update(activity_id=made.pk, status="logged", ended_at=Now())
    return made


@transaction.atomic
def call_ended(attempt: CallAttempt, status: str) -> None:
    """How the provider says the call went; the first word counts, and a second one changes nothing."""
    list(Lead.objects.filter(pk=attempt.lead_id).in_id_order().values_list("pk", flat=True))
    open_ones = CallAttempt.objects.filter(pk=attempt.pk, ended_at=None)
    if not open_ones.update(status=status[:16], ended_at=Now()):
        return
    if status == "completed":
        CallAttempt.objects.filter(pk=attempt.pk).update(answered_at=Coalesce("answered_at", Now()))
    line = Activity.objects.filter(pk=attempt.activity_id or 0, outcome="")
    if status in OUTCOMES:
        line.update(outcome=OUTCOMES[status])
    elif status == NOT_RUNG:
        line.update(body="The lead was not rung: the agent’s own phone did not answer.")


@transaction.atomic
def text_ended(attempt: CallAttempt, status: str) -> None:
    """Whether a text arrived; of one that did not its line on the timeline says so, and whoever sent it is told."""
    known = CallAttempt.objects.filter(pk=attempt.pk).exclude(status=status[:16])
    if known.update(status=status[:16]) and status in UNDELIVERED:
        Activity.objects.filter(pk=attempt.activity_id or 0, outcome="").update(outcome=Delivery.FAILED)
        words = "A text to {lead} was not delivered"
        told = [Message(attempt.user_id, "text", words, lead_id=attempt.lead_id)] if attempt.user_id else []
        notify(attempt.company_id, told)


def number_of(actor: User) -> str:
    """The number she calls with: of a unit of hers, else any of the company."""
    numbers = PhoneNumber.objects.filter(company=actor.company_id, active=True)
    units = Membership.objects.current().filter(user=actor).values("unit")
    found = numbers.filter(unit__in=units).order_by("pk").first() or numbers.order_by("pk").first()
    return found.number if found else ""


def phone_of(user: User) -> str:
    """Her own phone in E.164, if it can be read."""
    try:
        return read_phone(user.phone, user.company.phone_region) if user.phone else ""
    except UnreadableContactError:
        return ""
