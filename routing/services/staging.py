"""What a book of rules would decide of leads that came, without anybody learning of it (R12).

Availability is taken as it stands; working hours and daily caps count as at each lead's moment. Offers open at once are
not known: nobody claims here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from crm.core.moments import database_now
from crm.organization.models import Unit
from leads.models import Lead
from routing.models import Decision, RosterMember, Rotation, Rule, RuleBook, ShadowDecision
from routing.rules import Subject, first_match
from routing.services.choosing import Step, place
from routing.services.following import roster_of, subjects_of
from routing.services.roster import FROM_ROSTER, Roster, day_of, places_of
from routing.services.team import policy_of
from routing.services.wording import rule_said
from routing.weekly import Span, read_weekly, spans


def routed_by(unit: Unit) -> QuerySet[Rotation]:
    """The leads that the unit's rules, or its roster where it has none, sent on their way as they came."""
    cold = Decision.objects.filter(lead=OuterRef("lead"), rotation=OuterRef("pk"), cause="cold")
    by_it = Q(rule__book__unit=unit) | Q(rule=None, unit=unit)
    return Rotation.objects.filter(by_it, ~Exists(cold), company=unit.company_id)


def play(book: RuleBook, rotations: Sequence[Rotation], *, shadow: bool) -> list[ShadowDecision]:
    """What the book would decide of each, in this order: rows that are not saved.

    In `shadow` standings and daily caps go on from what the book decided before, and it keeps the standings.
    """
    if not rotations:
        return []
    leads = Lead.objects.filter(company=book.company_id, pk__in={rotation.lead_id for rotation in rotations})
    subjects = subjects_of(leads)
    stage = _Stage(book, min(rotation.started_at for rotation in rotations), shadow)
    made = [stage.decide(rotation, subjects[rotation.lead_id]) for rotation in rotations]
    if shadow:
        book.shadow_credits |= stage.credits()
    return made


class _Stage:
    """The rosters that the rules mean, as they stand."""

    def __init__(self, book: RuleBook, since: datetime, shadow: bool) -> None:
        self.book, self.since, self.shadow = book, since, shadow
        self.rules = list(book.rules.select_related("roster", "user", "pond").order_by("position"))
        self.said = {rule.pk: rule_said(rule, number) for number, rule in enumerate(self.rules, 1)}
        self.zone = ZoneInfo(book.unit.time_zone)
        self.rosters: dict[int, Roster] = {}
        self.hours: dict[int, list[Span]] = {}
        self.pauses: dict[int, list[Span]] = {}
        self.days: dict[int, datetime] = {}

    def decide(self, rotation: Rotation, subject: Subject) -> ShadowDecision:
        at = rotation.started_at
        rule = self._rule_for(subject, at)
        roster = self._roster(roster_of(rule, self.book.unit_id), at)
        imagined = Rotation(lead_id=rotation.lead_id, unit=roster.unit, rule=rule)
        placement = place(roster, Step(imagined, subject.state))
        return ShadowDecision(
            company_id=self.book.company_id,
            book=self.book,
            version=self.book.version,
            rotation=rotation,
            at=at,
            unit=roster.unit,
            rule=self.said[rule.pk],
            method=placement.method,
            chosen_id=placement.user_id,
            pond=placement.pond,
            skipped=[list(pair) for pair in placement.skipped],
        )

    def credits(self) -> dict[str, dict[str, int]]:
        """By unit and user, as JSON keeps them."""
        return {
            str(unit_id): {str(seat.user_id): seat.credit for seat in roster.places}
            for unit_id, roster in self.rosters.items()
        }

    def _rule_for(self, subject: Subject, at: datetime) -> Rule:
        found = first_match(self.rules, replace(subject, at=at), self.zone)
        assert found is not None  # the last rule catches all
        return found

    def _roster(self, unit_id: int, at: datetime) -> Roster:
        """The roster with the hours and the daily caps of that moment."""
        roster = self.rosters.get(unit_id) or self._enter(unit_id)
        day, paused = day_of(roster.unit, at), _covers(self.pauses[unit_id], at)
        if self.days.get(unit_id) != day:
            self._begin_day(roster, day)
        for member, seat in zip(roster.members, roster.places, strict=True):
            seat.off_hours = bool(member.hours) and not paused and not _covers(self.hours[member.pk], at)
        return roster

    def _enter(self, unit_id: int) -> Roster:
        unit, now = Unit.objects.get(pk=unit_id), database_now()
        policy = policy_of(unit)
        members = list(RosterMember.objects.filter(unit=unit).select_related("user").in_order())
        roster = self.rosters[unit_id] = Roster(unit, policy, members, places_of(unit, members, now), now)
        self.pauses[unit_id] = list(spans(read_weekly(policy.pauses), ZoneInfo(unit.time_zone), self.since))
        for member in members:
            self.hours[member.pk] = list(spans(read_weekly(member.hours), ZoneInfo(member.user.time_zone), self.since))
        kept = self.book.shadow_credits.get(str(unit_id)) if self.shadow else None
        if kept is not None:  # before its first lead a roster stands as it really does
            for seat in roster.places:
                seat.credit = kept.get(str(seat.user_id), 0)
        return roster

    def _begin_day(self, roster: Roster, day: datetime) -> None:
        had = self._had_since(roster.unit, day) if self.shadow else {}
        for member, seat in zip(roster.members, roster.places, strict=True):
            seat.room = None if member.daily_cap is None else member.daily_cap - had.get(member.user_id, 0)
            if member.open_cap == 0:
                seat.room = 0
        self.days[roster.unit.pk] = day

    def _had_since(self, unit: Unit, day: datetime) -> Mapping[int, int]:
        """By user, how many leads the book gave her from this roster since."""
        given = ShadowDecision.objects.filter(
            book=self.book, unit=unit, at__gte=day, method__in=FROM_ROSTER, chosen__isnull=False
        )
        return dict(given.order_by().values_list("chosen").annotate(Count("pk")))


def _covers(ordered: Sequence[Span], at: datetime) -> bool:
    before = bisect_right(ordered, at, key=lambda span: span[0])
    return before > 0 and at < ordered[before - 1][1]
