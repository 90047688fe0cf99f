"""The gates (D14): one set, asked of all leads at once when they are loaded, and of one again when it is dialed.

`open_leads`, `gate_by_gate` and `standing` say the same of a lead's first number; a test holds them together over random
worlds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import BooleanField, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format

from crm.organization.models import User
from dialer.hours import Rules, all_open, next_open
from dialer.models import (
    CallAttempt,
    CallingHours,
    Campaign,
    CampaignLead,
    Dialing,
    DoNotCall,
    DoNotCallList,
    Gate,
    ZoneSet,
)
from dialer.services.hours import compiled, rules_at
from leads.models import Activity, Consent, Lead
from leads.services.working import may_log
from permissions.door import access_to
from permissions.keyring import load_keyring

EVIDENCE = """
SELECT number, by_number.zones, by_place.zones, found.in_state
FROM (SELECT %s::text, %s::text, %s::text, %s::text[]) AS asked (postal_code, state, own_zone, numbers)
CROSS JOIN LATERAL unnest(numbers) AS number
CROSS JOIN LATERAL dial_evidence(number, postal_code, state, own_zone) AS found
JOIN dialer_zoneset AS by_number ON by_number.id = found.by_number
JOIN dialer_zoneset AS by_place ON by_place.id = found.by_place
"""
Kind = CallAttempt.Kind
ORDER = list(Gate)


# --- of all leads at once ---------------------------------------------------------------------------------------------


def open_leads(leads: QuerySet[Lead], campaign: Campaign, now: datetime) -> QuerySet[Lead]:
    """Those that may be called now by their first number: all gates of `gate_by_gate` are open, asked table by table."""
    rules = rules_at(campaign.company, now)
    dialable = Dialing.objects.filter(*_of_number(rules, campaign, now).values(), lead=OuterRef("pk"))
    shut = reduce(or_, _of_campaign(campaign, now).values())
    known = CampaignLead.objects.filter(shut, campaign=campaign, lead=OuterRef("pk"))
    return leads.filter(Exists(dialable), ~Exists(known), *_of_lead(rules).values())


def gate_by_gate(campaign: Campaign, now: datetime) -> dict[str, Q]:
    """The condition over Lead that each gate is open, the most lasting first."""
    rules = rules_at(campaign.company, now)
    known = CampaignLead.objects.filter(campaign=campaign, lead=OuterRef("pk"))
    found = {Gate.NUMBER: Q(dialing__isnull=False), **_of_lead(rules), **_of_number(rules, campaign, now, "dialing__")}
    found |= {gate: Q(~Exists(known.filter(shut))) for gate, shut in _of_campaign(campaign, now).items()}
    return {gate.value: found[gate] for gate in Gate if gate in found}


def _of_lead(rules: CallingHours) -> dict[Gate, Q]:
    """What the lead itself said and is: conditions over Lead that the gate is open."""
    words = Consent.objects.filter(lead=OuterRef("pk"), kind=Consent.Kind.CALL)
    agreed = Coalesce(Subquery(words.order_by("-pk").values("given")[:1]), Value(True), output_field=BooleanField())
    found = {Gate.DO_NOT_CALL: Q(do_not_call=False), Gate.OPTED_OUT: Q(agreed)}
    return found | ({Gate.CONSENT: Q(Exists(words))} if rules.consent_for_calls else {})


def _of_number(rules: CallingHours, campaign: Campaign, now: datetime, prefix: str = "") -> dict[Gate, Q]:
    """Conditions over Dialing (at `prefix`) that the gate is open."""
    listed = _listed(campaign.company_id, number=OuterRef(f"{prefix}number"))
    return {Gate.LISTED: Q(~Exists(listed)), Gate.HOURS: _in_hours(rules, campaign, now, prefix)}


def _of_campaign(campaign: Campaign, now: datetime) -> dict[Gate, Q]:
    """What the campaign knows of a lead that keeps it from calling it now: conditions over CampaignLead."""
    found = {Gate.FINISHED: Q(closed=True), Gate.LATER: Q(next_at__gt=now)}
    if campaign.attempt_limit is not None:
        found[Gate.ATTEMPTS] = Q(attempts__gte=campaign.attempt_limit)
    return found


def _in_hours(found: CallingHours, campaign: Campaign, now: datetime, prefix: str) -> Q:
    """It is open wherever the lead may be. What is open is reckoned once per set."""
    rules = compiled(found, narrowed_by(campaign))
    sets = {one.pk: one.zones or [campaign.unit.time_zone] for one in ZoneSet.objects.order_by("pk")}
    own, state = rules.own_states, f"{prefix}state"
    condition = ~Q(**{f"{state}__in": own}) & _both_in(_open_sets(rules, "", sets, now), prefix)
    for one in own:
        condition |= Q(**{state: one}) & _both_in(_open_sets(rules, one, sets, now), prefix)
    return condition


def _open_sets(rules: Rules, state: str, sets: dict[int, list[str]], now: datetime) -> list[int]:
    return [pk for pk, zones in sets.items() if all_open(rules, state, zones, now)]


def _both_in(sets: Collection[int], prefix: str) -> Q:
    return Q(**{f"{prefix}by_number__any_of": sets, f"{prefix}by_place__any_of": sets})


def _listed(company_id: int, **numbers: Any) -> QuerySet[DoNotCall]:
    return DoNotCall.objects.filter(company=company_id, removed_at=None, **numbers)


def narrowed_by(campaign: Campaign | None) -> tuple[int, int] | None:
    """The hours of the campaign, in minutes of the day."""
    if campaign is None or campaign.opens is None or campaign.closes is None:
        return None
    return (campaign.opens.hour * 60 + campaign.opens.minute, campaign.closes.hour * 60 + campaign.closes.minute)


# --- of one lead ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a lead may be: time zones, and what says so. `by_unit`: nothing does, and the unit's zone counts."""

    zones: list[str]
    state: str
    words: str
    by_unit: bool = False

    def clocks(self, now: datetime) -> list[datetime]:
        """What the clocks say there, each time once."""
        seen = {now.astimezone(ZoneInfo(zone)).replace(tzinfo=None): zone for zone in self.zones}
        return [now.astimezone(ZoneInfo(zone)) for zone in seen.values()]


@dataclass(frozen=True)
class Shut:
    """A gate that is shut, in a sentence, and when it opens by itself, if it does."""

    gate: Gate
    words: str
    opens: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """All that the gates say of a number of a lead, at `now`. Where nothing is `shut` it may be called."""

    number: str
    now: datetime
    place: Place
    rules: CallingHours
    hours: Rules
    list_version: int
    shut: list[Shut] = field(default_factory=list)

    @property
    def opens(self) -> datetime | None:
        """When it can be called, if waiting is all it takes."""
        moments = [one.opens for one in self.shut if one.opens]
        if not moments or len(moments) < len(self.shut):
            return None
        return next_open(self.hours, self.place.state, self.place.zones, max(moments))

    @property
    def local_times(self) -> list[str]:
        return [date_format(clock, "g:i A (T)") for clock in self.place.clocks(self.now)]


def standings(
    *, lead: Lead, numbers: Sequence[str], campaign: Campaign | None, now: datetime, kind: str = Kind.CALL
) -> list[Standing]:
    """What the gates say of each of these numbers of the lead, in seven queries whatever there are."""
    company = lead.company
    rules = rules_at(company, now)
    hours = compiled(rules, narrowed_by(campaign))
    version = DoNotCallList.objects.filter(company=company).values_list("version", flat=True).first() or 0
    listed = set(_listed(company.pk, number__in=numbers).order_by("pk").values_list("number", flat=True))
    own = set(
        lead.contact_points.filter(kind="phone", value__in=numbers).order_by("pk").values_list("value", flat=True)
    )
    said = [*_said_shut(lead, rules, kind), *_tried_shut(lead, campaign, now)]
    places = places_of(lead, numbers, campaign.unit.time_zone if campaign else company.time_zone)
    found = [Standing(number, now, places[number], rules, hours, version) for number in numbers]
    for one in found:
        if one.number not in own:
            one.shut.append(Shut(Gate.NUMBER, "The lead has no such number."))
        if one.number in listed:
            one.shut.append(Shut(Gate.LISTED, "The number is on the company’s do-not-call list."))
        one.shut.extend([*said, *_hours_shut(one)])
        one.shut.sort(key=lambda shut: ORDER.index(shut.gate))
    return found


def standing(
    *, lead: Lead, number: str, campaign: Campaign | None, now: datetime, user: User, kind: str = Kind.CALL
) -> Standing:
    """What the gates say of one number, whether it is hers to call among them."""
    (found,) = standings(lead=lead, numbers=[number], campaign=campaign, now=now, kind=kind)
    if not _hers(lead, campaign, user):
        found.shut.insert(0, Shut(Gate.OWNERSHIP, "It is not yours to call."))
    return found


def _hers(lead: Lead, campaign: Campaign | None, user: User) -> bool:
    """Where a campaign enforces ownership, a lead that somebody holds is dialed by nobody else."""
    if campaign is not None and campaign.enforce_lead_ownership and lead.holder_id not in (None, user.pk):
        return False
    return may_log(access_to(load_keyring(user), lead), Activity.Kind.CALL)


def places_of(lead: Lead, numbers: Sequence[str], fallback: str) -> dict[str, Place]:
    """Where the lead may be by each number. `fallback`: the zone that counts where nothing says so."""
    with connection.cursor() as cursor:
        cursor.execute(EVIDENCE, [lead.postal_code, lead.state, lead.time_zone, list(numbers)])
        found = cursor.fetchall()
    return {number: _place(lead, by_number, by_place, state, fallback) for number, by_number, by_place, state in found}


def _place(lead: Lead, by_number: list[str], by_place: list[str], state: str, fallback: str) -> Place:
    zones = sorted({*by_number, *by_place})
    if not zones:
        return Place([fallback], state, "nothing says where, so your own time zone counts", by_unit=True)
    if zones == [lead.time_zone]:
        return Place(zones, state, "by the zone set on the lead")
    if by_number != by_place:
        return Place(zones, state, "number and postal code disagree, so both count")
    return Place(zones, state, "by number and postal code")


def _said_shut(lead: Lead, rules: CallingHours, kind: str) -> Iterator[Shut]:
    """What the lead said of calls at all."""
    if lead.do_not_call:
        yield Shut(Gate.DO_NOT_CALL, "The lead is marked do not call.")
    said = Consent.objects.filter(lead=lead, kind=kind).order_by("-pk").values_list("given", flat=True).first()
    what = "texts" if kind == Kind.TEXT else "calls"
    if said is False:
        yield Shut(Gate.OPTED_OUT, f"The lead opted out of {what}.")
    elif said is None and getattr(rules, f"consent_for_{what}"):
        yield Shut(Gate.CONSENT, f"Your company’s rules ask for consent to {what}, and none is recorded.")


def _tried_shut(lead: Lead, campaign: Campaign | None, now: datetime) -> Iterator[Shut]:
    """What the campaign knows of the lead."""
    known = CampaignLead.objects.filter(campaign=campaign, lead=lead).first() if campaign else None
    if campaign is None or known is None:
        return
    if known.closed:
        yield Shut(Gate.FINISHED, "The campaign is done with it.")
    if campaign.attempt_limit is not None and known.attempts >= campaign.attempt_limit:
        words = f"It was tried {known.attempts} times in this campaign, as often as the campaign does."
        yield Shut(Gate.ATTEMPTS, words)
    if known.next_at is not None and known.next_at > now:
        yield Shut(Gate.LATER, "It was tried lately, or is to be called at a time that was agreed.", known.next_at)


def _hours_shut(found: Standing) -> Iterator[Shut]:
    rules, place = found.hours, found.place
    if all_open(rules, place.state, place.zones, found.now):
        return
    opens = next_open(rules, place.state, place.zones, found.now)
    yield Shut(Gate.HOURS, f"It is {' or '.join(found.local_times)} there, outside calling hours.", opens)


def permit(
    *,
    lead: Lead,
    user: User,
    campaign: Campaign | None,
    number: str,
    now: datetime | None = None,
    kind: str = Kind.CALL,
) -> CallAttempt:
    """Ask the gates once more, as the number is about to be dialed, and record what they said: `refused_by` says no."""
    found = standing(lead=lead, number=number, campaign=campaign, now=now or timezone.now(), user=user, kind=kind)
    return CallAttempt.objects.create(
        company_id=lead.company_id,
        campaign=campaign,
        lead=lead,
        user=user,
        kind=kind,
        number=number,
        at=found.now,
        refused_by=found.shut[0].gate if found.shut else "",
        local_times=found.local_times,
        zones=found.place.zones,
        by_unit=found.place.by_unit,
        state=found.place.state,
        hours_version=found.rules.version,
        list_version=found.list_version,
    )
