"""A call from the desk (D9): dialing what is before her, ending it, and saying what came of it (D10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from crm.notifications.live import bump
from crm.organization.models import User
from dialer.models import (
    AgentSession,
    CallAttempt,
    Campaign,
    CampaignDisposition,
    CampaignLead,
    Disposition,
    HopperEntry,
)
from dialer.services.callbacks import at_their_clock, promise
from dialer.services.do_not_call import add_numbers
from dialer.services.gates import permit
from dialer.services.sessions import NotNowError, State, attempt_of, hold, settle
from dialer.signals import disposed
from leads.models import Activity, Lead
from leads.services.consenting import mark_do_not_call
from leads.services.working import log_activity
from permissions.keyring import load_keyring

UNSAID = timedelta(hours=1)  # a call of which nobody says what came of it is tried again then
HERS_ALONE = timedelta(days=1)  # a general lead is hers so long after the time at which she alone promised to call it
WHY_LISTED = "said so in a call"


@dataclass(frozen=True)
class Said:
    """What came of a call. `call_back`: when it is called again, by the lead's clock, by her or by `anyone` who works it;
    `pause`: why she goes on pause then.
    """

    disposition: Disposition
    note: str = ""
    call_back: datetime | None = None
    anyone: bool = False
    pause: str = ""


@transaction.atomic
def dial(*, session: AgentSession, number: str, about: int | None = None) -> CallAttempt:
    """Ask the gates for the lead before her, and begin the call. Where one is shut the record says which, and the lead goes
    back to the campaign: it is loaded again when it can be called. Raises NotNowError, also where another lead is before
    her than the one she saw (`about`).
    """
    held = hold(session, State.PREVIEW, about=about)
    if held is None:
        raise NotNowError
    lead = _lead_of(held)
    attempt = permit(lead=lead, user=held.user, campaign=held.campaign, number=number)
    if attempt.refused_by:
        HopperEntry.objects.filter(reserved_by=held).delete()
        settle(held, State.READY)
        return attempt
    _count(held)
    AgentSession.objects.filter(pk=held.pk).update(state=State.ON_CALL, state_at=Now())
    return attempt


def _lead_of(held: AgentSession) -> Lead:
    assert held.lead_id is not None  # the database has it so: agent_session_has_lead
    return Lead.objects.select_related("company").in_id_order().get(pk=held.lead_id)


def _count(held: AgentSession) -> None:
    known, _ = CampaignLead.objects.get_or_create(
        company_id=held.company_id, campaign=held.campaign, lead_id=held.lead_id
    )
    CampaignLead.objects.filter(pk=known.pk).update(attempts=F("attempts") + 1, last_at=Now(), next_at=Now() + UNSAID)


@transaction.atomic
def hang_up(session: AgentSession, *, about: int | None = None) -> None:
    """The call is over, and she writes down what came of it. Raises NotNowError."""
    held = hold(session, State.ON_CALL, about=about)
    if held is None:
        raise NotNowError
    _wrap_up(held, attempt_of(held))


def _wrap_up(held: AgentSession, attempt: CallAttempt | None) -> None:
    _record(attempt)
    AgentSession.objects.filter(pk=held.pk).update(state=State.WRAP_UP, state_at=Now())


@transaction.atomic
def was_hung_up(attempt: CallAttempt) -> None:
    """The provider says that the call is over: where an agent is in it, she writes down what came of it."""
    hers = AgentSession.objects.live().filter(user=attempt.user_id, campaign=attempt.campaign_id, lead=attempt.lead_id)
    session = hers.first()
    held = hold(session, State.ON_CALL) if session else None
    if held is not None and attempt_of(held) == attempt:
        _wrap_up(held, attempt)
        bump([held.user_id], "dialer")


def _record(attempt: CallAttempt | None, **fields: Any) -> None:
    """That the call is over, and what came of it."""
    if attempt is not None:
        CallAttempt.objects.filter(pk=attempt.pk).update(ended_at=Coalesce("ended_at", Now()), **fields)


def dispositions_of(campaign: Campaign) -> list[CampaignDisposition]:
    """Those that can be given in the campaign, by their keys."""
    rows = CampaignDisposition.objects.filter(campaign=campaign, disposition__archived=False)
    return list(
        rows.select_related("disposition").order_by(
            F("disposition__position").asc(nulls_last=True), "disposition__name", "pk"
        )
    )


@transaction.atomic
def dispose(*, session: AgentSession, said: Said, about: int | None = None) -> bool:
    """Write down what came of the call, and do what follows: whether it is on the lead's timeline, or the lead is gone.

    Raises NotNowError, also of a disposition not in use; NotThenError where nobody may call at the time of a callback.
    """
    held = hold(session, State.ON_CALL, State.WRAP_UP, about=about)
    rows = CampaignDisposition.objects.filter(campaign=session.campaign_id, disposition=said.disposition)
    given = rows.select_related("disposition").first()
    if held is None or given is None or given.disposition.archived:
        raise NotNowError
    lead = _lead_of(held)
    attempt = attempt_of(held)
    again = _promise(held, lead, attempt, said) if given.disposition.callback else None
    line = _log(held, lead, given.disposition, said.note, attempt) if lead.removed_at is None else None
    _record(attempt, disposition=given.disposition, activity_id=line)
    _come_back(held, given, again)
    if given.disposition.do_not_call:
        _forbid(held, lead, attempt)
    HopperEntry.objects.filter(reserved_by=held).delete()
    disposed.send(
        sender=Lead, campaign=held.campaign, lead=lead, actor=held.user, disposition=given.disposition, said=said
    )
    settle(held, State.PAUSED if said.pause else State.READY, pause_reason=said.pause)
    return line is not None


def was_said(user: User, lead: str) -> bool:
    """Whether she wrote down what came of her last call of the lead with this public id."""
    calls = CallAttempt.objects.filter(user=user, lead__public_id=lead, refused_by="", kind=CallAttempt.Kind.CALL)
    last = calls.order_by("-pk").first()
    return last is not None and last.disposition_id is not None


def _promise(held: AgentSession, lead: Lead, attempt: CallAttempt | None, said: Said) -> datetime | None:
    """Promise a callback (D11) by the number she called: when the campaign may give the lead to somebody again."""
    if attempt is None or said.call_back is None or lead.removed_at is not None:
        return None
    at = at_their_clock(lead, attempt.number, said.call_back)
    promise(
        actor=held.user,
        lead=lead,
        number=attempt.number,
        at=at,
        personal=not said.anyone,
        campaign=held.campaign,
    )
    return at if said.anyone or lead.holder_id is not None else at + HERS_ALONE


def _log(held: AgentSession, lead: Lead, disposition: Disposition, note: str, attempt: CallAttempt | None) -> int:
    """The call's line on the timeline: a provider has begun one already."""
    usual = Activity.Outcome.REACHED if disposition.contact_made else Activity.Outcome.NO_ANSWER
    told = {
        "outcome": disposition.outcome or usual,
        "body": f"{disposition.name}. {note}" if note else f"{disposition.name}.",
    }
    if attempt is not None and attempt.activity_id is not None:
        Activity.objects.filter(pk=attempt.activity_id).update(**told)
        return attempt.activity_id
    made = log_activity(
        keyring=load_keyring(held.user),
        actor=held.user,
        lead=lead,
        kind=Activity.Kind.CALL,
        direction=Activity.Direction.OUT,
        **told,
    )
    return int(made.pk)


def _come_back(held: AgentSession, given: CampaignDisposition, promised: datetime | None) -> None:
    """When the campaign calls the lead again, if it does."""
    minutes = given.recycle_after or given.disposition.recycle_after
    next_at = promised or (Now() + timedelta(minutes=minutes) if minutes else None)
    known = CampaignLead.objects.filter(campaign=held.campaign, lead=held.lead_id)
    known.update(closed=given.disposition.final, next_at=next_at)


def _forbid(held: AgentSession, lead: Lead, attempt: CallAttempt | None) -> None:
    """Nobody calls the lead, nor the number by whatever lead (D14)."""
    if lead.removed_at is None:
        mark_do_not_call(keyring=load_keyring(held.user), actor=held.user, lead=lead, on=True)
    if attempt is not None:
        add_numbers(company_id=held.company_id, user_id=held.user_id, numbers=[attempt.number], reason=WHY_LISTED)
