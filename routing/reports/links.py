"""From a figure to the list behind it: the People page, narrowed by the filters that listing.py and counting.py offer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from routing.reports.asking import Question
from routing.reports.which import Which

FILTER = "offers"
FIGURE = "figure"
# claimed.at7.to31-32.1761278400-1763870400: by unit 7 itself (`in`: or below), to people, since when until before when
WRITTEN = re.compile(
    r"(?P<what>[a-z]+)(?:\.(?P<where>in|at)(?P<unit>\d{1,9}))?(?:\.to(?P<people>\d{1,9}(?:-\d{1,9}){,4}))?"
    r"\.(?P<since>\d{1,10})-(?P<until>\d{1,10})"
)


def list_behind(question: Question, what: str, group: Sequence[Any], by: str) -> str:
    """The list of a group's row, or of all; nowhere for those without a source or a single agent: no list is of those."""
    is_total, key = group[:2]
    if is_total:
        return list_of(question, what)
    return list_of(question, what, **{by: key}) if key else ""


def list_of(
    question: Question, what: str, *, unit: int | None = None, agent: int | None = None, source: int | None = None
) -> str:
    """Where the leads of these offers are listed: as many of them as the reader may read."""
    where = f"at{unit}" if unit else f"in{question.unit.pk}" if question.unit else ""
    people = [agent] if agent else question.people
    to = f"to{'-'.join(map(str, people))}" if people else ""
    period = f"{question.since.timestamp():.0f}-{question.until.timestamp():.0f}"
    query = QueryDict(mutable=True)
    query[FILTER] = ".".join(part for part in (what, where, to, period) if part)
    if source or question.source:
        query["source"] = str(source or (question.source and question.source.pk))
    return f"{reverse('people')}?{query.urlencode()}"


def leads_behind(which: Which, *, source: int | None = None, stage: int | None = None) -> str:
    """Where these leads are listed."""
    query = QueryDict(mutable=True)
    query[FIGURE] = str(which)
    query.update({name: str(pk) for name, pk in (("source", source), ("stage", stage)) if pk})
    return f"{reverse('people')}?{query.urlencode()}"
