"""Replaying the leads of the last days through a book of rules: what it would have done, beside what happened (R12).

Rosters are taken as they stand now; working hours and daily caps count as they would have at each lead's moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from crm.organization.models import Unit, User
from leads.models import Lead
from permissions.access import Keyring, Level
from routing.models import Decision, RosterMember, Rotation, Rule, RuleBook
from routing.rules import Subject, first_match
from routing.services.choosing import Placement, Step, place
from routing.services.following import roster_of, subjects_of
from routing.services.handing_out import database_now
from routing.services.roster import Roster, day_of, places_of
from routing.services.team import policy_of
from routing.weekly import Span, read_weekly, spans

MOST_LEADS = 2000
SHOWN = 50
NOBODY, EVERYBODY = "Nobody", "Everybody on the roster"


@dataclass(frozen=True)
class Replayed:
    """A lead with who got it first, and who would have by which rule."""

    lead: Lead
    at: datetime
    was: str
    would: str
    rule: Rule

    @property
    def is_same(self) -> bool:
        return self.was == self.would


@dataclass
class Rehearsal:
    """`unseen`: leads that are not the reader's to see, which are left out; `cut`: there were more than are replayed."""

    rows: list[Replayed] = field(default_factory=list)
    unseen: int = 0
    cut: bool = False

    @property
    def shares(self) -> list[tuple[str, int, int]]:
        """By receiver, how many leads went there first, and how many would have."""
        was, would = Counter(row.was for row in self.rows), Counter(row.would for row in self.rows)
        return [(name, was[name], would[name]) for name in sorted({*was, *would}, key=lambda one: (-would[one], one))]

    @property
    def by_rule(self) -> dict[int, int]:
        """By rule id, how many leads it would have caught."""
        return Counter(row.rule.pk for row in self.rows)

    @property
    def changed(self) -> list[Replayed]:
        """Those that would have gone elsewhere, newest first."""
        return [row for row in reversed(self.rows) if not row.is_same]


def rehearse(*, keyring: Keyring, book: RuleBook, days: int) -> Rehearsal:
    """The leads that the unit of the book routed in the last days, oldest first."""
    since = database_now() - timedelta(days=days)
    routed = Q(rule__book__unit=book.unit) | Q(rule=None, unit=book.unit)
    newest = Rotation.objects.filter(routed, started_at__gte=since).order_by("-started_at", "-pk")
    rotations = list(newest[: MOST_LEADS + 1])
    cut, rotations = len(rotations) > MOST_LEADS, rotations[:MOST_LEADS][::-1]
    hers = Lead.objects.visible_to(keyring, Level.VIEW).filter(pk__in={rotation.lead_id for rotation in rotations})
    leads, subjects = {lead.pk: lead for lead in hers.order_by("pk")}, subjects_of(hers)
    stage = _Stage(book, since)
    was = _first_receivers(rotations)
    found = Rehearsal(unseen=sum(rotation.lead_id not in leads for rotation in rotations), cut=cut)
    for rotation in rotations:
        if rotation.lead_id in leads:
            subject, at = subjects[rotation.lead_id], rotation.started_at
            rule = stage.rule_for(subject, at)
            would = stage.play(rule, rotation.lead_id, subject.state, at)
            found.rows.append(Replayed(leads[rotation.lead_id], at, was.get(rotation.pk, NOBODY), would, rule))
    return found


def _first_receivers(rotations: Sequence[Rotation]) -> dict[int, str]:
    """By rotation, who got the lead in its first step."""
    decisions = Decision.objects.filter(rotation__in=rotations).select_related("chosen", "pond")
    first: dict[int, str] = {}
    for decision in decisions.order_by("rotation", "pk"):
        everybody = EVERYBODY if decision.method == Rule.Method.FIRST_TO_CLAIM else NOBODY
        first.setdefault(decision.rotation_id, str(decision.chosen or decision.pond or everybody))
    return first


class _Stage:
    """The rosters that the rules mean, as they stand, on which leads are played without anybody learning of it."""

    def __init__(self, book: RuleBook, since: datetime) -> None:
        named = book.rules.select_related("roster", "user", "pond")
        self.unit, self.rules, self.since = book.unit, list(named.order_by("position")), since
        self.rosters: dict[int, Roster] = {}
        self.hours: dict[int, list[Span]] = {}
        self.pauses: dict[int, list[Span]] = {}
        self.days: dict[int, datetime] = {}
        self.names = dict(User.objects.filter(company=book.company_id).order_by("pk").values_list("pk", "name"))

    def rule_for(self, subject: Subject, at: datetime) -> Rule:
        found = first_match(self.rules, replace(subject, at=at), ZoneInfo(self.unit.time_zone))
        assert found is not None  # the last rule catches all
        return found

    def play(self, rule: Rule, lead_id: int, state: str, at: datetime) -> str:
        """Who would get the lead."""
        roster = self._roster(roster_of(rule, self.unit.pk), at)
        rotation = Rotation(lead_id=lead_id, unit=roster.unit, rule=rule)
        return self._receiver(place(roster, Step(rotation, state)))

    def _receiver(self, placement: Placement) -> str:
        if placement.several:
            return EVERYBODY
        return str(placement.pond or self.names.get(placement.user_id or 0, NOBODY))

    def _roster(self, unit_id: int, at: datetime) -> Roster:
        """The roster with the hours and the daily caps of that moment."""
        roster = self.rosters.get(unit_id) or self._enter(unit_id)
        day, paused = day_of(roster.unit, at), _covers(self.pauses[unit_id], at)
        for member, seat in zip(roster.members, roster.places, strict=True):
            seat.off_hours = bool(member.hours) and not paused and not _covers(self.hours[member.pk], at)
            if self.days.get(unit_id) != day:
                seat.room = member.daily_cap
        self.days[unit_id] = day
        return roster

    def _enter(self, unit_id: int) -> Roster:
        unit, now = Unit.objects.get(pk=unit_id), database_now()
        policy = policy_of(unit)
        members = list(RosterMember.objects.filter(unit=unit).select_related("user").in_order())
        self.rosters[unit_id] = Roster(unit, policy, members, places_of(unit, members, now), now)
        self.pauses[unit_id] = list(spans(read_weekly(policy.pauses), ZoneInfo(unit.time_zone), self.since))
        for member in members:
            self.hours[member.pk] = list(spans(read_weekly(member.hours), ZoneInfo(member.user.time_zone), self.since))
        return self.rosters[unit_id]


def _covers(ordered: Sequence[Span], at: datetime) -> bool:
    before = bisect_right(ordered, at, key=lambda span: span[0])
    return before > 0 and at < ordered[before - 1][1]
