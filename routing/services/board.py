"""What the team page shows: the roster with everybody's day, and the people of the unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from crm.core.moments import database_now
from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import within
from routing.models import Offer, RosterMember
from routing.services.roster import day_of, places_of

MOST_PEOPLE = 100


@dataclass
class Line:
    """A place on the roster with its day: counts of offers, and her share of today's beside a fair one (percent).

    `skip` says why she is not in turn at this moment, `stays_out` why not before somebody changes something.

    `key`, `above` and `below` are the ids of hers and of her neighbours' users as forms write them.
    """

    member: RosterMember
    skip: str
    stays_out: str = ""
    key: str = ""
    above: str = ""
    below: str = ""
    open: int = 0
    received: int = 0
    claimed: int = 0
    missed: int = 0
    passed: int = 0
    share: int = 0
    fair: int | None = None


@dataclass
class Board:
    """A unit's roster now."""

    lines: list[Line] = field(default_factory=list)
    received: int = 0

    @property
    def taking(self) -> list[Line]:
        return [line for line in self.lines if not line.skip]

    @property
    def number_one(self) -> RosterMember | None:
        """Who gets everything while round robin is off (R2)."""
        return self.taking[0].member if self.taking else None


def board_of(unit: Unit) -> Board:
    """The roster in order, as the rotation would see it at this moment."""
    now = database_now()
    found = list(RosterMember.objects.filter(unit=unit).select_related("user").in_order())
    places = places_of(unit, found, now)
    ids = ["", *(str(place.user_id) for place in found), ""]
    lines = [
        Line(member, place.why_not_now(), place.skip, ids[at + 1], ids[at], ids[at + 2])
        for at, (member, place) in enumerate(zip(found, places, strict=True))
    ]
    _count(unit, lines, now)
    board = Board(lines, sum(line.received for line in lines))
    _share(board)
    return board


def _count(unit: Unit, lines: Sequence[Line], now: datetime) -> None:
    """Open offers, and what became of today's; the day is the unit's own."""
    day = day_of(unit, now)
    offers = Offer.objects.filter(unit=unit, user__in=[line.member.user_id for line in lines])
    opened = _per_user(offers.filter(state=Offer.State.OPEN), open=Count("pk"))
    # an offer lasts a day at most, so that what ended today was offered since yesterday
    ended = {
        name: Count("pk", filter=Q(state=state, closed_at__gte=day))
        for name, state in (("claimed", "claimed"), ("missed", "expired"), ("passed", "declined"))
    }
    since = offers.filter(offered_at__gte=day - timedelta(days=1))
    today = _per_user(since, received=Count("pk", filter=Q(offered_at__gte=day)), **ended)
    for line in lines:
        vars(line).update(opened.get(line.member.user_id, {}) | today.get(line.member.user_id, {}))


def _per_user(offers: QuerySet[Offer], **counts: Count) -> dict[int, dict[str, int]]:
    return {row.pop("user"): row for row in offers.order_by().values("user").annotate(**counts)}


def _share(board: Board) -> None:
    """Her part of today's offers; the fair one is by weight among those who take leads or took some today."""
    counted = [line for line in board.lines if not line.skip or line.received]
    weights = sum(line.member.weight for line in counted)
    for line in counted:
        line.fair = round(100 * line.member.weight / weights)
        line.share = round(100 * line.received / board.received) if board.received else 0


@dataclass
class Person:
    """Somebody of the unit, and where she belongs: her role here, or the unit below that she is in."""

    user: User
    key: str
    role: str
    listed: bool


def people_of(viewer: User, unit: Unit, text: str = "") -> tuple[list[Person], int]:
    """The people of the unit and those below it whom the viewer can see, by name; the first MOST_PEOPLE of how many."""
    within_unit = Membership.objects.current().filter(within([unit.pk], "unit__"))
    found: QuerySet[User] = User.objects.can_be_seen_by(viewer).filter(pk__in=within_unit.values("user"))
    if text:
        found = found.filter(Q(name__icontains=text) | Q(email__icontains=text))
    on_roster = RosterMember.objects.filter(unit=unit, user=OuterRef("pk"))
    first: list[Any] = list(found.annotate(listed=Exists(on_roster)).order_by("name", "pk")[: MOST_PEOPLE + 1])
    total = len(first) if len(first) <= MOST_PEOPLE else found.count()
    shown = first[:MOST_PEOPLE]
    roles: dict[int, list[str]] = {}
    for membership in within_unit.filter(user__in=shown).select_related("unit").order_by("unit__name", "pk"):
        here = membership.unit_id == unit.pk
        words = membership.get_role_display()
        roles.setdefault(membership.user_id, []).append(words if here else f"{words} of {membership.unit.name}")
    return [Person(user, str(user.pk), ", ".join(roles.get(user.pk, [])), user.listed) for user in shown], total
