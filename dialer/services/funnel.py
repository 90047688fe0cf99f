"""The figures of a campaign (D15): where its leads fell out, and what they are. Of leads that the viewer may read, since
each figure tells something of them; a hopper is counted whole elsewhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from dialer.models import Campaign
from dialer.services.campaigns import scope_of
from dialer.services.falling import WORDS, Fall, Place, fell, steps_of
from dialer.services.reach import Reach, agents_in
from leads.models import Activity, Lead, Stage, Task
from leads.models.task import OPEN
from permissions.access import Keyring, Level
from permissions.door import seen_by
from routing.reports.tables import Cell, Chart, Column, Section, percent

FILTER = "campaign"  # of the People page
FIGURES = """
SELECT grouping(fell, stage_id, last_outcome, tried), fell, stage_id, last_outcome, tried, count(*)
FROM (SELECT fell, stage_id, last_outcome, width_bucket(attempts, ARRAY{bounds}) AS tried FROM ({leads}) AS lead) AS lead
GROUP BY GROUPING SETS ((fell), (stage_id), (last_outcome), (tried))
"""
BY = {0b0111: "fell", 0b1011: "stage", 0b1101: "outcome", 0b1110: "tried"}  # the columns that a row is not grouped by
BOUNDS = [1, 2, 4, 7]
TRIED = (  # in words, and the filters of the list behind it
    ("Never called", {"attempts_max": "0"}),
    ("Called once", {"attempts_min": "1", "attempts_max": "1"}),
    ("2 or 3 times", {"attempts_min": "2", "attempts_max": "3"}),
    ("4 to 6 times", {"attempts_min": "4", "attempts_max": "6"}),
    ("7 times or more", {"attempts_min": "7"}),
)
UNSAID = "None yet"
Counts = Mapping[str, Counter[Any]]


@dataclass(frozen=True)
class Figures:
    """How many leads by what they lack or where they are, by stage, by last outcome, by attempts."""

    campaign: Campaign
    steps: list[str]
    counts: Counts
    callbacks: tuple[int, int]  # due by now, and later ones

    @property
    def scope(self) -> int:
        return self.counts["fell"].total()

    @property
    def dialable(self) -> int:
        return sum(self.counts["fell"][place] for place in Place)


def figures_of(campaign: Campaign, keyring: Keyring) -> Figures:
    reach = Reach.of(campaign, agents_in(campaign), timezone.now())
    steps = steps_of(reach)
    leads = Lead.objects.visible_to(keyring, Level.VIEW).filter(scope_of(campaign)).order_by()
    rows = leads.annotate(fell=fell(steps, campaign)).values("fell", "stage_id", "last_outcome", "attempts")
    return Figures(campaign, [str(name) for name in steps], _counted(rows), _callbacks(campaign, keyring))


@transaction.atomic
def _counted(rows: QuerySet[Lead, Any]) -> Counts:
    found: defaultdict[str, Counter[Any]] = defaultdict(Counter)
    try:
        leads, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return found
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")  # what is looked up for each lead is read once, into memory
        cursor.execute(FIGURES.format(leads=leads, bounds=BOUNDS), params)
        for grouping, *keys, count in cursor.fetchall():
            by = BY[grouping]
            found[by][keys[list(BY).index(grouping)]] = count
    return found


def _callbacks(campaign: Campaign, keyring: Keyring) -> tuple[int, int]:
    """Those promised in the campaign, of leads she may read."""
    readable = seen_by(keyring, Level.VIEW, "lead__")
    tasks = Task.objects.filter(OPEN, readable, kind=Task.Kind.CALLBACK, campaign_id=campaign.pk)
    found = tasks.aggregate(due=Count("pk", filter=Q(due_at__lte=Now())), all=Count("pk"))
    return found["due"], found["all"] - found["due"]


# --- as tables --------------------------------------------------------------------------------------------------------


def list_of(campaign: Campaign, name: str = "", **filters: str) -> str:
    """Where the leads of a figure are listed."""
    query = QueryDict(mutable=True)
    query.update({FILTER: f"{campaign.pk}.{name}" if name else str(campaign.pk), **filters})
    return f"{reverse('people')}?{query.urlencode()}"


def funnel_of(found: Figures) -> Section:
    """From all leads of the scope to those that can be dialed."""
    lines = list(_falls(found))
    names = [name for name, fallen, _ in lines if fallen]
    left = {name: rest for name, _, rest in lines}
    all_of_them = Cell("In scope"), Cell("", plain=("",)), _count(found.scope, list_of(found.campaign))
    return Section(
        key="funnel",
        title="Funnel",
        columns=[Column("What", is_text=True), Column("Fell out"), Column("Left")],
        rows=[all_of_them, *(_fall(found, *line) for line in lines)],
        total=(Cell("Can be dialed now"), Cell(""), _count(found.dialable, "")),
        chart=Chart(
            about="Leads left after each step",
            unit="count",
            labels=["In scope", *(WORDS[name] for name in names)],
            series=[
                ("info", "Left", [found.scope, *(left[name] for name in names)]),
                ("neutral", "Fell out here", [0, *(found.counts["fell"][name] for name in names)]),
            ],
            urls=[list_of(found.campaign), *(list_of(found.campaign, name) for name in names)],
            stacked=True,
        ),
    )


def _falls(found: Figures) -> Iterator[tuple[str, int, int]]:
    left = found.scope
    for name in found.steps:
        fallen = found.counts["fell"][name]
        left -= fallen
        yield name, fallen, left


def _fall(found: Figures, name: str, fallen: int, left: int) -> tuple[Cell, ...]:
    words = found.campaign.lead_filter.name if name == Fall.FILTER and found.campaign.lead_filter else ""
    return Cell(WORDS[name], note=words), _count(fallen, list_of(found.campaign, name), "−"), _count(left, "")


def _count(number: int, url: str, sign: str = "") -> Cell:
    return Cell(f"{sign if number else ''}{number:,}", url if number else "", plain=(str(number),))


def dialable_of(found: Figures) -> list[tuple[str, int, str]]:
    """Where those are that can be dialed: in words, how many, their list."""
    return [(WORDS[place], found.counts["fell"][place], list_of(found.campaign, place)) for place in Place]


def summary_of(found: Figures) -> list[Section]:
    """What the leads of the scope are."""
    stages = Stage.objects.filter(pk__in=found.counts["stage"]).order_by("position", "pk").values_list("pk", "name")
    outcomes = [("", UNSAID), *((code, str(label)) for code, label in Activity.Outcome.choices)]
    by_stage = [(name, found.counts["stage"][pk], {"stage": str(pk)}) for pk, name in stages]
    by_outcome = [(words, found.counts["outcome"][code], {"outcome": code} if code else {}) for code, words in outcomes]
    by_tries = [(words, found.counts["tried"][at], asked) for at, (words, asked) in enumerate(TRIED)]
    return [
        _section(found, "stages", "Stage", by_stage),
        _section(found, "outcomes", "Last disposition", [line for line in by_outcome if line[1]]),
        _section(found, "attempts", "Attempts", by_tries),
    ]


def _section(found: Figures, key: str, title: str, lines: list[tuple[str, int, dict[str, str]]]) -> Section:
    def row(words: str, count: int, asked: dict[str, str]) -> tuple[Cell, ...]:
        there = list_of(found.campaign, **asked) if asked else ""
        return Cell(words), _count(count, there), Cell(percent(count, found.scope))

    return Section(
        key=key,
        title=title,
        columns=[Column(title, is_text=True), Column("Leads"), Column("Share")],
        rows=[row(*line) for line in lines],
    )
