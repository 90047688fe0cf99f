"""Logging in to a campaign and out of it, pausing, and what becomes of a session nobody hears of any more (D9)."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models.functions import Coalesce, Now

from crm.notifications.live import bump
from crm.organization.models import User
from dialer.models import AgentSession, CallAttempt, Campaign, HopperEntry
from leads.models import Activity, Lead
from leads.services.working import touch

HEARTBEAT = timedelta(seconds=10)
UNSAID = "What came of it was not written down."
LOST_AFTER = timedelta(seconds=40)
State = AgentSession.State


class NotNowError(Exception):
    """What was asked does not fit the state the session is in by now."""


def session_of(user: User) -> AgentSession | None:
    return AgentSession.objects.live().of(user).whole().first()


@transaction.atomic
def log_in(*, user: User, campaign: Campaign) -> AgentSession:
    """Begin to work in the campaign, and end where she worked before. Raises NotNowError where she may not join it."""
    if not Campaign.objects.joinable_by(user).filter(pk=campaign.pk).exists():
        raise NotNowError
    end_sessions(user)
    try:
        with transaction.atomic():
            made = AgentSession.objects.create(company_id=user.company_id, user=user, campaign=campaign)
    except IntegrityError as error:  # the same in another window, just now
        raise NotNowError from error
    return AgentSession.objects.whole().get(pk=made.pk)


@transaction.atomic
def end_sessions(user: User) -> None:
    for session in AgentSession.objects.live().of(user).order_by("pk"):
        end(session)


def end(session: AgentSession) -> None:
    """Log her out. What she only looked at waits for its turn again; what she has called has had its turn."""
    held = hold(session)
    if held is None:
        return
    entries = HopperEntry.objects.filter(reserved_by=held)
    if held.state == State.PREVIEW:
        entries.update(reserved_by=None)
    else:
        entries.delete()
        _unsaid(held)
    settle(held, State.READY, ended_at=Now())


def attempt_of(session: AgentSession) -> CallAttempt | None:
    """The permission record of the call she is in, or writes about."""
    if session.state not in (State.ON_CALL, State.WRAP_UP):
        return None
    hers = CallAttempt.objects.filter(lead=session.lead_id, user=session.user_id, campaign=session.campaign_id)
    return hers.filter(refused_by="").order_by("-pk").first()


def _unsaid(held: AgentSession) -> None:
    """A call whose outcome nobody wrote down is on the timeline all the same; a provider has begun its line already."""
    attempt = attempt_of(held)
    if attempt is None or attempt.activity_id is not None or attempt.lead.removed_at is not None:
        return
    made = Activity.objects.create(
        company_id=held.company_id,
        lead=attempt.lead,
        kind=Activity.Kind.CALL,
        direction=Activity.Direction.OUT,
        actor=held.user,
        body=UNSAID,
    )
    CallAttempt.objects.filter(pk=attempt.pk).update(activity_id=made.pk, ended_at=Coalesce("ended_at", Now()))
    touch(attempt.lead, contact=True)


def hold(session: AgentSession, *states: State, about: int | None = None) -> AgentSession | None:
    """Her live session, locked behind the lead before her; None where it ended, is in none of these states, or has another
    lead than the one it is `about`.
    """
    while True:
        lead_id = AgentSession.objects.filter(pk=session.pk).values_list("lead", flat=True).first()
        if lead_id is not None:
            list(Lead.objects.filter(pk=lead_id).in_id_order().values_list("pk"))
        live = AgentSession.objects.live().select_for_update(of=("self",), no_key=True).filter(pk=session.pk)
        held = live.select_related("campaign__unit", "user__company").first()
        if held is None or (states and held.state not in states) or about not in (None, held.lead_id):
            return None
        if held.lead_id == lead_id:
            return held


def settle(held: AgentSession, state: State, **fields: object) -> None:
    """She has no lead before her any more, and is in this state from now on."""
    values = {"lead": None, "pause_reason": ""} | fields
    AgentSession.objects.filter(pk=held.pk).update(state=state, state_at=Now(), **values)
    bump([held.user_id], "dialer")


@transaction.atomic
def pause(*, session: AgentSession, reason: str) -> None:
    """Raises NotNowError while she has a lead before her."""
    held = hold(session, State.READY, State.PAUSED)
    if held is None or reason not in AgentSession.Pause.values:
        raise NotNowError
    settle(held, State.PAUSED, pause_reason=reason)


@transaction.atomic
def resume(*, session: AgentSession) -> None:
    held = hold(session, State.PAUSED)
    if held is None:
        raise NotNowError
    settle(held, State.READY)


def beat(session: AgentSession) -> None:
    """Her browser is there."""
    AgentSession.objects.live().filter(pk=session.pk).update(heartbeat_at=Now())


def recover() -> int:
    """End the sessions that nobody has heard of for a while: how many."""
    lost = AgentSession.objects.live().filter(heartbeat_at__lt=Now() - LOST_AFTER).order_by("pk")
    found = list(lost)
    for session in found:
        with transaction.atomic():
            if lost.filter(pk=session.pk).exists():
                end(session)
    return len(found)
