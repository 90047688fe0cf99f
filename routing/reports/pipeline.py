"""What became of the leads that came to the company (A1): by where from, source, agent, stage and follow-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, IntegerField, Max, Q, QuerySet, Value, When

from leads.models import Lead, Stage
from permissions.access import Level
from routing.reports.asking import Question
from routing.reports.grouping import names_of
from routing.reports.links import leads_behind
from routing.reports.which import KINDS, NEVER, STATES, Which

BY = {
    "unit": "By origin",
    "source": "By source",
    "agent": "By agent",
    "stage": "By stage",
    "follow": "By follow-up",
}
KEYS = {"unit": "origin_unit_id", "source": "source_id", "agent": "holder_id", "stage": "stage_id", "follow": "silence"}
NONE = {"source": "No source", "agent": "Nobody"}
SILENCES = ("Never contacted", "Within 7 days", "Within 30 days", "Longer ago")
COUNTED = ("contacted", *KINDS, "untouched", "personal")  # of STATES
WEEK = timedelta(days=7)
MONTH = timedelta(days=30)

Group = Mapping[str, Any]  # its key, `all`, COUNTED, `week`, and `last`, when somebody was last in touch


@dataclass(frozen=True)
class Pipeline:
    """The leads of a question in groups, and the list behind each figure."""

    question: Question
    which: Which

    @property
    def rows(self) -> QuerySet[Lead]:
        """Those she may read: of others nothing is told by day, source or origin."""
        question = self.question
        rows = Lead.objects.visible_to(question.keyring, Level.VIEW)
        rows = rows.filter(self.which.condition(question.reach, question.keyring, question.unit))
        return rows if question.source is None else rows.filter(source=question.source)

    def groups(self) -> list[Group]:
        """The largest first; stages and silences in their order."""
        key = KEYS[self.question.by]
        rows: QuerySet[Lead, Any] = self.rows.annotate(silence=self._silence()) if key == "silence" else self.rows
        counts = {state: Count("pk", filter=STATES[state]) for state in COUNTED}
        week = Count("pk", filter=Q(last_contact_at__gte=self.question.now - WEEK))
        found = rows.order_by().values(key).annotate(**counts, all=Count("pk"), week=week, last=Max("last_contact_at"))
        groups: list[Group] = [{"key": group[key], **group} for group in found]
        return sorted(groups, key=self._place())

    def _place(self) -> Callable[[Group], Any]:
        if self.question.by == "follow":
            return lambda group: group["key"]
        if self.question.by == "stage":
            stages = Stage.objects.filter(company=self.question.reach.user.company_id).order_by("position", "pk")
            place = {pk: number for number, pk in enumerate(stages.values_list("pk", flat=True))}
            return lambda group: place[group["key"]]
        return lambda group: (-group["all"], group["key"] or 0)

    def _silence(self) -> Case:
        week, month = (Q(last_contact_at__gte=self.question.now - time) for time in (WEEK, MONTH))
        cases = [Q(last_contact_at=None), week, month]
        whens = [When(case, then=Value(number)) for number, case in enumerate(cases)]
        return Case(*whens, default=Value(3), output_field=IntegerField())

    def _stretches(self) -> list[tuple[datetime | None, datetime | None]]:
        """Those of SILENCES."""
        week, month = self.question.now - WEEK, self.question.now - MONTH
        return [NEVER, (week, None), (month, week), (None, month)]

    def namer(self, groups: Sequence[Group]) -> Callable[[Any], str]:
        by = self.question.by
        if by == "follow":
            return lambda key: SILENCES[key]
        return names_of(self.question, by, [group["key"] for group in groups], NONE.get(by, ""))

    @property
    def _source(self) -> int | None:
        return self.question.source.pk if self.question.source else None

    def list_of(self, group: Group, state: str = "", touched: Any = None) -> str:
        """The list of a group (or without a key of all of them), narrowed further."""
        which, source, stage = self.which, self._source, None
        match self.question.by if "key" in group else "", group.get("key"):
            case "unit", key:
                which = replace(which, unit=key, below=False)
            case "source", None:
                which = replace(which, unsourced=True)
            case "source", key:
                source = key
            case "agent", None:
                which = replace(which, nobody=True, people=())
            case "agent", int(key):
                which = replace(which, people=(key,))
            case "stage", key:
                stage = key
            case "follow", key:
                which = replace(which, touched=self._stretches()[key or 0])
        which = replace(which, state=state, touched=touched or which.touched)
        return leads_behind(which, source=source, stage=stage)


def total_of(groups: Sequence[Group]) -> Group:
    """All groups together, without a key."""
    counts = {name: sum(group[name] for group in groups) for name in ("all", *COUNTED, "week")}
    return {**counts, "last": max((group["last"] for group in groups if group["last"]), default=None)}
