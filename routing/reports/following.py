"""Who follows up (A2): of each person of a team, what she has, what is untouched and late, and how fast she is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, Q, QuerySet

from leads.models import Lead, Stage, Task
from permissions.access import Level
from routing.reports.asking import Question
from routing.reports.grouping import grouped
from routing.reports.links import leads_behind, list_of
from routing.reports.speed import timed
from routing.reports.which import STATES, Which, overdue

SPEED = timedelta(days=30)

NOBODY = 0
UNKNOWN = ("Somebody else", True)


@dataclass(frozen=True)
class Line:
    """What one person has; NOBODY’s leads are general ones of the team’s units. Without a key: all."""

    key: int | None
    name: str
    counts: Mapping[str, int]
    hidden: int = 0
    late: int = 0
    speed: timedelta | None = None

    def count(self, name: str) -> int:
        return self.counts.get(name, 0)


@dataclass(frozen=True)
class Following:
    question: Question

    @property
    def which(self) -> Which:
        unit = self.question.unit.pk if self.question.unit else None
        return Which("held", unit=unit, people=self.question.people)

    @property
    def week(self) -> datetime:
        """When it began, on a Monday."""
        return self.question.day - timedelta(days=self.question.day.weekday())

    @cached_property
    def team(self) -> dict[int, tuple[str, bool]]:
        """Names, and whether they are here."""
        people = self.question.reach.team(self.question.unit)
        if self.question.people:
            people = people.filter(pk__in=self.question.people)
        return {pk: (name, is_here) for pk, name, is_here in people.values_list("pk", "name", "is_active")}

    @cached_property
    def stages(self) -> list[Stage]:
        found = Stage.objects.filter(company=self.question.reach.user.company_id)
        return list(found.order_by("position", "pk"))

    def rows(self, which: Which, level: Level = Level.VIEW) -> QuerySet[Lead]:
        question = self.question
        rows = Lead.objects.visible_to(question.keyring, level)
        return rows.filter(which.condition(question.reach, question.keyring, question.unit))

    @cached_property
    def lines(self) -> list[Line]:
        """Who has most untouched leads comes first; those of nobody last. Who left only with leads."""
        held = self._held()
        hidden = self._by_person(self.rows(replace(self.which, what="kept"), Level.REDACTED), "owner_user_id")
        late = self._by_person(self._overdue(), "user_id", "lead")
        speed = self._speed[1]
        lines = [
            Line(pk, name, held.get(pk, {}), hidden.get(pk, 0), late.get(pk, 0), speed.get(pk))
            for pk, (name, is_here) in (dict.fromkeys(held, UNKNOWN) | self.team).items()
            if pk != NOBODY and (is_here or pk in held or pk in hidden)
        ]
        lines.sort(key=lambda line: (-line.count("untouched"), -line.count("all"), line.name, line.key or 0))
        return [*lines, Line(NOBODY, "Nobody", held[NOBODY])] if NOBODY in held else lines

    def _held(self) -> dict[int, Mapping[str, int]]:
        touched = {"today": self.question.day, "week": self.week}
        since = {name: Q(last_contact_at__gte=at) for name, at in touched.items()}
        wanted = {"untouched": STATES["untouched"], "open": STATES["open"], **since}
        wanted["open_week"] = STATES["open"] & since["week"]
        wanted |= {f"stage_{stage.pk}": Q(stage=stage) for stage in self.stages}
        counts = {name: Count("pk", filter=condition) for name, condition in wanted.items()}
        found = self.rows(self.which).order_by().values("holder_id").annotate(all=Count("pk"), **counts)
        return {group.pop("holder_id") or NOBODY: group for group in found}

    def _by_person(self, rows: QuerySet[Any, Any], person: str, count: str = "pk") -> dict[int, int]:
        return dict(rows.order_by().values_list(person).annotate(count=Count(count, distinct=count != "pk")))

    def _overdue(self) -> QuerySet[Task]:
        question = self.question
        return overdue(question.reach, question.keyring, question.unit, question.people)

    @cached_property
    def speed_question(self) -> Question:
        return replace(self.question, since=self.question.now - SPEED, until=self.question.now, by="agent")

    @cached_property
    def _speed(self) -> tuple[timedelta | None, dict[int, timedelta]]:
        """From offer to first contact: the median of all, and of each."""
        figures = "percentile_cont(0.5) WITHIN GROUP (ORDER BY taken)"
        columns = "offer.called_at - offer.offered_at AS taken"
        total, *groups = grouped(timed(self.speed_question), "agent", columns=columns, figures=figures)
        return total[3], {key: median for _, key, _, median in groups if key and median is not None}

    @property
    def total(self) -> Line:
        names = {name for line in self.lines for name in line.counts}
        counts = {name: sum(line.count(name) for line in self.lines) for name in names}
        late = self._overdue().values("lead").distinct().count()
        return Line(None, "All", counts, sum(line.hidden for line in self.lines), late, self._speed[0])

    def list_of(self, line: Line, what: str = "held", stage: int | None = None, **narrowed: Any) -> str:
        which = replace(self.which, what=what, **narrowed)
        if line.key:
            which = replace(which, people=(line.key,))
        return leads_behind(replace(which, nobody=line.key == NOBODY), stage=stage)

    def speed_of(self, line: Line) -> str:
        """The list of those contacted."""
        return list_of(self.speed_question, "contacted", agent=line.key or None)
