"""Which leads a figure counts: one condition, by which the report counts and the list behind the figure filters."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from crm.organization.models import Unit
from crm.organization.querysets import within
from leads.models import Lead, Task
from permissions.access import Keyring, Level, Privacy
from permissions.door import seen_by
from permissions.keyring import policy_of
from routing.reports.reach import Reach

KINDS = ("open", "won", "lost", "archived")
STATES: dict[str, Q] = {
    "": Q(),
    **{kind: Q(stage__kind=kind) for kind in KINDS},
    "contacted": Q(last_contact_at__isnull=False),
    "untouched": Q(last_contact_at=None, stage__kind="open"),
    "personal": Q(owner_user__isnull=False),
}
WHATS = ("originated", "brought", "held", "overdue", "hidden", "kept")
NEVER = (None, None)  # as `touched`
REDACTED_TOO = ("hidden", "kept")  # by nothing but what redaction shows
# held.won.in7.to31-32.touched1761278400-.1761278400-1763870400: see Which
WRITTEN = re.compile(
    rf"(?P<what>{'|'.join(WHATS)})(?:\.(?P<state>{'|'.join(filter(None, STATES))}))?"
    r"(?:\.(?P<where>in|at)(?P<unit>\d{1,9}))?(?:\.(?P<whose>nobody|to(?P<people>\d{1,9}(?:-\d{1,9}){,4})))?"
    r"(?P<unsourced>\.unsourced)?"
    r"(?:\.touched(?P<touched_since>\d{,10})-(?P<touched_until>\d{,10}))?"
    r"(?:\.(?P<since>\d{1,10})-(?P<until>\d{1,10}))?"
)


@dataclass(frozen=True)
class Which:
    """Leads of company origin (`originated`) or that agents brought and own (`brought`), that came in these days; those
    a team has (`held`) or is late with (`overdue`); redacted ones, of anybody (`hidden`) or of the team (`kept`).

    `unit` is where they came from, of `held` and those after it whose members have them; alone, or with those `below`.
    `people` have or own them; with `nobody` they are general leads. `touched`: last contact since, until before; or NEVER.
    """

    what: str
    state: str = ""
    unit: int | None = None
    below: bool = True
    people: tuple[int, ...] = ()
    nobody: bool = False
    unsourced: bool = False
    touched: tuple[datetime | None, datetime | None] | None = None
    came: tuple[datetime, datetime] | None = None

    def __str__(self) -> str:
        parts = [self.what, self.state, f"{'in' if self.below else 'at'}{self.unit}" if self.unit else ""]
        parts.append("nobody" if self.nobody else f"to{'-'.join(map(str, self.people))}" if self.people else "")
        parts.append("unsourced" if self.unsourced else "")
        parts.append(f"touched{_stretch(self.touched)}" if self.touched else "")
        parts.append(_stretch(self.came) if self.came else "")
        return ".".join(part for part in parts if part)

    @classmethod
    def read(cls, text: str) -> Which | None:
        found = WRITTEN.fullmatch(text)
        if found is None:
            return None
        since, until = _moment(found["since"]), _moment(found["until"])
        touched = (_moment(found["touched_since"]), _moment(found["touched_until"]))
        return cls(
            found["what"],
            state=found["state"] or "",
            unit=int(found["unit"]) if found["unit"] else None,
            below=found["where"] != "at",
            people=tuple(sorted({int(number) for number in (found["people"] or "").split("-") if number})),
            nobody=found["whose"] == "nobody",
            unsourced=bool(found["unsourced"]),
            touched=touched if found["touched_since"] is not None else None,
            came=(since, until) if since and until else None,
        )

    @property
    def shows_redacted(self) -> bool:
        """Whether redacted leads may be among them: nothing is asked that redaction conceals."""
        concealed = self.unsourced or self.touched or self.came or self.nobody
        return self.what in REDACTED_TOO and self.state in ("", *KINDS) and not concealed

    def condition(self, reach: Reach, keyring: Keyring, unit: Unit | None) -> Q:
        """Of leads that the keyring opens: to read, or where it `shows_redacted`, to see. `unit` is that of `self.unit`."""
        condition = STATES[self.state] & self._of_what(reach, keyring, unit)
        if self.nobody:
            condition &= Q(holder_id=None)
        if self.unsourced:
            condition &= Q(source=None)
        if self.touched == NEVER:
            condition &= Q(last_contact_at=None)
        for name, stretch in (("last_contact_at", self.touched), ("created_at", self.came)):
            since, until = stretch or (None, None)
            condition &= Q(**{f"{name}__gte": since}) if since else Q()
            condition &= Q(**{f"{name}__lt": until}) if until else Q()
        return condition

    def _of_what(self, reach: Reach, keyring: Keyring, unit: Unit | None) -> Q:
        people = self.people or None
        match self.what:
            case "hidden" | "kept":
                of_anybody = self.what == "hidden" and not people
                owners = Q() if of_anybody else _of_team("owner_user", reach, unit, people)
                return Q(hidden=True) & ~seen_by(keyring, Level.VIEW) & owners
            case "overdue":
                return Q(pk__in=overdue(reach, keyring, unit, people).values("lead"))
            case "held":
                return Q(holder_id__in=people) if people else self._held(reach, unit)
        came = scope_of(reach) & (Q(holder_id__in=people) if people else Q()) & self._from(unit)
        if self.what == "originated":
            return came & Q(origin=Lead.Origin.COMPANY)
        if policy_of(reach.user.company) == Privacy.PRIVATE:
            return Q(pk__in=[])
        return came & Q(origin=Lead.Origin.AGENT, owner_user__isnull=False, privacy__gt=Privacy.PRIVATE)

    def _from(self, unit: Unit | None) -> Q:
        if unit is None:
            return Q()
        there = Unit.objects.filter(within([unit.pk])).order_by()
        return Q(origin_unit__in=there.values("pk")) if self.below else Q(origin_unit=unit)

    def _held(self, reach: Reach, unit: Unit | None) -> Q:
        """By the team, or by nobody though the team's."""
        if reach.is_whole and unit is None:
            return Q()
        general = Q(holder_id=None, owner_unit__in=reach.managed_in(unit).values("pk"))
        return general if self.nobody else general | _of_team("holder_id", reach, unit)


def scope_of(reach: Reach) -> Q:
    """Leads whose figures are hers to see: that units she manages generated or own, or that people of theirs have (P2)."""
    if reach.is_whole:
        return Q()
    mine = Q(owner_user=reach.user) | Q(holder_id=reach.user.pk)
    if not reach.managed:
        return mine
    units = Q(origin_unit__in=reach.managed) | Q(owner_unit__in=reach.managed)
    return mine | units | _of_team("holder_id", reach, None)


def overdue(reach: Reach, keyring: Keyring, unit: Unit | None, people: Collection[int] | None) -> QuerySet[Task]:
    """Open tasks of these people or else of the team, due before now, on leads she may read."""
    tasks = Task.objects.visible_to(reach.user, keyring).open().filter(lead__isnull=False, due_at__lt=Now())
    return tasks.filter(_of_team("user", reach, unit, people), user__isnull=False).order_by()


def _of_team(column: str, reach: Reach, unit: Unit | None, people: Collection[int] | None = None) -> Q:
    """`column` is one of these people, or else of the team."""
    if people:
        return Q(**{f"{column}__in": people})
    if reach.is_whole and unit is None:
        return Q()  # the reads of her company’s
    return Q(**{f"{column}__in": reach.team(unit).order_by().values("pk")})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(text), UTC) if text else None


def _stretch(stretch: tuple[datetime | None, datetime | None]) -> str:
    return "-".join(f"{at.timestamp():.0f}" if at else "" for at in stretch)
