"""Why a lead cannot be dialed in a campaign now, and when it can (D15): every condition of the load, asked of one lead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Value, When
from django.utils import timezone

from crm.organization.models import User
from dialer.models import AgentSession, AgentSkill, Campaign, Gate, HopperEntry
from dialer.services.campaigns import scope_of
from dialer.services.falling import Fall, Place, Steps, fell, steps_of
from dialer.services.gates import Shut, Standing, standings
from dialer.services.reach import Reach, agents_in
from leads.models import Lead
from leads.reading import owner_label
from permissions.access import Keyring, Level

SCOPE = "scope"
ASKED: dict[str, str] = {
    SCOPE: "Among the campaign’s leads",
    Fall.FILTER: "What the lead filter asks for",
    Fall.STAGE: "Stage is open",
    Gate.NUMBER: "A number to call",
    Gate.DO_NOT_CALL: "May be called",
    Gate.LISTED: "Not on the do-not-call list",
    Gate.OPTED_OUT: "Has not opted out of calls",
    Gate.CONSENT: "Agreed to calls",
    Gate.FINISHED: "The campaign is not done with it",
    Gate.ATTEMPTS: "Tries left",
    Gate.LATER: "Its next try is due",
    Gate.HOURS: "Within calling hours",
    Fall.HOLDER: "Somebody to give it to",
    Fall.SKILL: "Skills for it",
    Fall.ELSEWHERE: "In no other campaign’s hopper",
}
HERE: dict[str, str] = {
    Place.BEFORE: "It is before an agent of the campaign now.",
    Place.WAITING: "It waits in the hopper for its turn.",
    Place.FREE: "The next load takes it into the hopper as soon as there is room. Hoppers are loaded every minute.",
}


@dataclass(frozen=True)
class Answer:
    """Whether one condition is fulfilled; if not, why in a sentence, and when it will be by itself, if it will."""

    asked: str
    fulfilled: bool
    words: str = ""
    opens: datetime | None = None


@dataclass(frozen=True)
class Why:
    """`here`: where the lead is, if it can be dialed now. `standing`: what the gates say of its number, if it has one."""

    answers: list[Answer]
    here: str
    standing: Standing | None

    @property
    def shut(self) -> list[Answer]:
        return [answer for answer in self.answers if not answer.fulfilled]

    @property
    def dialable(self) -> bool:
        return not self.shut

    @property
    def waits(self) -> bool:
        """Waiting is all it takes: for the moment that `standing` says."""
        return bool(self.shut) and all(answer.opens for answer in self.shut)

    @property
    def lasting(self) -> list[str]:
        """What does not pass by itself."""
        return [answer.words for answer in self.shut if not answer.opens]


def why(lead: Lead, campaign: Campaign, keyring: Keyring, person: User | None) -> Why:
    """As it is for the campaign's agents; or only for `person`, who asks for herself, logged in or not."""
    now = timezone.now()
    reach = Reach.of(campaign, [person.pk] if person else agents_in(campaign), now)
    number = list(
        lead.contact_points.filter(kind="phone").order_by("position", "pk").values_list("value", flat=True)[:1]
    )
    steps = _steps(lead, reach, bool(number))
    told = _told(lead, steps, campaign, keyring)
    (found,) = standings(lead=lead, numbers=number or [""], campaign=campaign, now=now)
    said, sentences = {one.gate.value: one for one in found.shut}, Sentences(lead, campaign, person)
    answers = [_answer(name, bool(told[name]), said.get(name), sentences) for name in map(str, steps)]
    return Why(answers, HERE[told["here"]], found if number else None)


def _answer(name: str, fulfilled: bool, shut: Shut | None, sentences: Sentences) -> Answer:
    if fulfilled:
        return Answer(ASKED[name], True)
    if name == Gate.NUMBER:
        return Answer(ASKED[name], False, "It has no phone yet.")
    return (
        Answer(ASKED[name], False, shut.words, shut.opens) if shut else Answer(ASKED[name], False, sentences.of(name))
    )


def _steps(lead: Lead, reach: Reach, has_number: bool) -> Steps:
    """What is asked of this lead: what was put into the hopper by hand need be none of the campaign's leads."""
    entries = HopperEntry.objects.filter(campaign=reach.campaign, lead=lead)
    by_hand = entries.exclude(source=HopperEntry.Source.LOAD).exists()
    unasked: set[str] = {SCOPE, Fall.FILTER} if by_hand else set()
    unasked |= set() if has_number else {Gate.LISTED, Gate.HOURS}
    steps = {SCOPE: scope_of(reach.campaign), **steps_of(reach)}
    return {name: condition for name, condition in steps.items() if name not in unasked}


def _told(lead: Lead, steps: Steps, campaign: Campaign, keyring: Keyring) -> dict[str, Any]:
    """Of each step whether the lead fulfils it; and where it is."""
    columns: dict[str, Any] = {
        f"is_{name}": Case(When(condition, then=Value(True)), default=Value(False)) for name, condition in steps.items()
    }
    there = Lead.objects.visible_to(keyring, Level.VIEW).filter(pk=lead.pk)
    row = there.annotate(**columns, here=fell({}, campaign)).values(*columns, "here").get()
    return {name.removeprefix("is_"): value for name, value in row.items()}


@dataclass(frozen=True)
class Sentences:
    """Why a lead lacks what no gate is about."""

    lead: Lead
    campaign: Campaign
    person: User | None

    def of(self, name: str) -> str:
        sentences: dict[str, Callable[[], str]] = {
            SCOPE: self._scope,
            Fall.FILTER: self._filter,
            Fall.STAGE: lambda: f"Its stage, {self.lead.stage.name}, is closed.",
            Fall.HOLDER: self._holder,
            Fall.SKILL: self._skill,
            Fall.ELSEWHERE: lambda: "It waits in another campaign’s hopper, or is before somebody there.",
        }
        return sentences[name]()

    def _scope(self) -> str:
        owner, whose = owner_label(self.lead).name, self.campaign.get_scope_display().lower()
        return f"{owner} owns it, and the campaign of {self.campaign.unit} calls others: {whose}."

    def _filter(self) -> str:
        return (
            "It is none of those." if self.person else f"It is none of those that “{self.campaign.lead_filter}” means."
        )

    def _holder(self) -> str:
        if not self.campaign.active:
            return "The campaign is stopped."
        if self.person is None and not AgentSession.objects.live().filter(campaign=self.campaign).exists():
            return "Nobody is logged in to the campaign."
        if not self.campaign.enforce_lead_ownership:
            return "It is not yours to work." if self.person else "Nobody logged in may work it."
        holder = User.objects.filter(pk=self.lead.holder_id).values_list("name", flat=True).first()
        if self.person is not None:
            return f"{holder} holds it, and leads go to their holder alone."
        return f"{holder} holds it, and is not logged in to the campaign."

    def _skill(self) -> str:
        if self.person is None:
            return "Nobody logged in has the skills for it."
        has_some = AgentSkill.objects.filter(user=self.person).exists() or self.campaign.default_skill_id
        return "Your skills leave it out." if has_some else "You have no skills set, and so no general leads."


def campaigns_for(user: User, lead: Lead) -> dict[Campaign, bool]:
    """The campaigns she may ask about, the likeliest first; and whether as one who watches it."""
    watched = set(Campaign.objects.watched_by(user).values_list("pk", flat=True))
    joinable = set(Campaign.objects.joinable_by(user).values_list("pk", flat=True))
    known = Campaign.objects.filter(pk__in=watched | joinable).select_related("company", "unit", "lead_filter")
    hers = AgentSession.objects.live().filter(user=user).values("campaign")
    waiting = HopperEntry.objects.filter(lead=lead).values("campaign")
    first = Case(When(pk__in=hers, then=0), When(pk__in=waiting, then=1), When(active=True, then=2), default=3)
    return {campaign: campaign.pk in watched for campaign in known.order_by(first, "name", "pk")}
