"""What the desk shows: her state, the lead before her with its numbers, and what she can say of the call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from crm.organization.models import User
from dialer.models import AgentSession, CallAttempt, Campaign, CampaignDisposition
from dialer.services.gates import Standing, standings
from dialer.services.on_call import dispositions_of
from dialer.services.sessions import LOST_AFTER, State, attempt_of, session_of
from leads.contact import show_phone
from leads.messaging.fields import fill
from leads.messaging.merging import merged
from leads.models import CustomField, Lead
from leads.reading import OwnerLabel, address_of, facts_of, owner_label
from leads.timeline import Timeline, timeline_of
from permissions.access import Keyring, Level

TOLD_FOR = timedelta(days=7)
TONES = {
    State.READY: "info",
    State.PREVIEW: "info",
    State.ON_CALL: "good",
    State.WRAP_UP: "warn",
    State.PAUSED: "neutral",
}
MOST_NUMBERS = 5
EVENTS = 8


@dataclass(frozen=True)
class Number:
    """A phone of the lead. `shut`: why it cannot be called now, in a sentence."""

    value: str
    words: str
    local_time: str
    shut: str

    @classmethod
    def of(cls, found: Standing, region: str) -> Number:
        shut = found.shut[0].words if found.shut else ""
        return cls(found.number, show_phone(found.number, region), " or ".join(found.local_times), shut)


@dataclass(frozen=True)
class Before:
    """The lead that is before her. `dialed`: the number of her call, where she dials it herself."""

    lead: Lead
    owner: OwnerLabel
    numbers: list[Number]
    facts: list[tuple[str, str]]
    address: list[str]
    timeline: Timeline
    script: str
    dialed: str

    @property
    def first(self) -> Number | None:
        """The number to call: the first that may be called."""
        return next((one for one in self.numbers if not one.shut), None)


@dataclass(frozen=True)
class Lost:
    """That she was logged out because her page was not heard of. `lead`: whom she was calling, if she may read it."""

    at: datetime
    lead: Lead | None


@dataclass(frozen=True)
class Desk:
    """`joinable`, `lost`: where she is in no campaign. `before`: nothing, too, of a lead that she may not read any more."""

    session: AgentSession | None = None
    joinable: list[Campaign] = field(default_factory=list)
    before: Before | None = None
    given: list[CampaignDisposition] = field(default_factory=list)
    lost: Lost | None = None

    @property
    def seen(self) -> str:
        return f"{self.session.state} {self.session.state_at.isoformat()}" if self.session else ""

    @property
    def preview_ends(self) -> datetime | None:
        """When the number is called by itself, where the campaign has it so."""
        session = self.session
        if session is None or session.state != State.PREVIEW or not session.campaign.preview_seconds:
            return None
        return session.state_at + timedelta(seconds=session.campaign.preview_seconds)

    @property
    def tone(self) -> str:
        return TONES[State(self.session.state)] if self.session else ""


def desk_of(user: User, keyring: Keyring) -> Desk:
    session = session_of(user)
    if session is None:
        joinable = Campaign.objects.joinable_by(user).select_related("unit").order_by("name", "pk")
        return Desk(joinable=list(joinable), lost=_lost(user, keyring))
    before = _before(session, session.lead_id, user, keyring) if session.lead_id is not None else None
    if session.state not in (State.ON_CALL, State.WRAP_UP):
        return Desk(session, before=before)
    return Desk(session, before=before, given=dispositions_of(session.campaign))


def _lost(user: User, keyring: Keyring) -> Lost | None:
    """How her last session ended, if it is of these days and ended for want of her page."""
    lately = AgentSession.objects.of(user).filter(started_at__gte=timezone.now() - TOLD_FOR)
    last = lately.order_by("-started_at", "-pk").first()
    if last is None or last.ended_at is None or last.ended_at - last.heartbeat_at < LOST_AFTER:
        return None
    calls = CallAttempt.objects.filter(company=user.company_id, user=user, campaign=last.campaign_id, refused_by="")
    call = calls.filter(at__gte=last.started_at).order_by("-at", "-pk").first()
    unsaid = call.lead_id if call and call.disposition_id is None else 0
    lead = Lead.objects.visible_to(keyring, Level.VIEW).filter(pk=unsaid).first()
    return Lost(last.ended_at, lead)


def _before(session: AgentSession, lead_id: int, user: User, keyring: Keyring) -> Before | None:
    found = Lead.objects.visible_to(keyring, Level.VIEW).for_rows().select_related("company").filter(pk=lead_id)
    lead = found.first()
    if lead is None:
        return None
    points = lead.contact_points.filter(kind="phone").order_by("position", "pk")
    numbers = list(points.values_list("value", flat=True)[:MOST_NUMBERS])
    said = standings(lead=lead, numbers=numbers, campaign=_asked(session), now=timezone.now()) if numbers else []
    custom = CustomField.objects.filter(company=lead.company_id, key__in=lead.custom).order_by("label", "pk")
    return Before(
        lead=lead,
        owner=owner_label(lead),
        numbers=[Number.of(one, user.company.phone_region) for one in said],
        facts=facts_of(lead, custom),
        address=address_of(lead),
        timeline=timeline_of(lead, size=EVENTS),
        script=fill(session.campaign.script, merged(lead, user)),
        dialed=attempt.number if (attempt := attempt_of(session)) and not attempt.provider_ref else "",
    )


def _asked(session: AgentSession) -> Campaign | None:
    """Once she has called, the campaign's own rule that it was tried lately is no news."""
    return session.campaign if session.state == State.PREVIEW else None
