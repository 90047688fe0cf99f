"""Speed to lead (R11): how long each step takes, as median and 90th percentile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Case, DateTimeField, F, QuerySet, When

from permissions.access import Level
from permissions.door import seen_by
from routing.models import Offer
from routing.reports.asking import BY, Question
from routing.reports.grouping import Group, grouped, names_of
from routing.reports.links import list_behind
from routing.reports.tables import MOST_BARS, Cell, Chart, Column, Rows, Section, in_minutes, lasting, seconds

STEPS = (  # name, words, and the list behind it
    ("offered", "Received to offered", "offered"),
    ("notified", "Offered to e-mailed", "offered"),
    ("seen", "Offered to seen", "seen"),
    ("contacted", "Offered to first contact", "contacted"),
    ("claimed", "Offered to claimed", "claimed"),
    ("whole", "Received to first contact", "contacted"),
)
COLUMNS = """
CASE WHEN offer.is_first THEN offer.offered_at - offer.came_at END AS offered,
offer.notified_at - offer.offered_at AS notified,
offer.seen_at - offer.offered_at AS seen,
offer.called_at - offer.offered_at AS contacted,
CASE WHEN offer.state = 'claimed' THEN offer.closed_at - offer.offered_at END AS claimed,
offer.called_at - offer.came_at AS whole
"""
FIGURES = ", ".join(
    f"count({name}), percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY {name})" for name, _, _ in STEPS
)


def timed(question: Question) -> QuerySet[Offer, Any]:
    """The offers with their moments; those of the lead itself only where she may read it.

    A lead is received once: on a later way through a rotation no time since then is counted. Who got several leads at once
    was told of all in one message, which names none: no step of theirs.
    """
    readable = seen_by(question.keyring, Level.VIEW, "lead__")
    of_the_lead = {
        "came_at": Case(When(readable, then=F("received_at")), output_field=DateTimeField()),
        "called_at": Case(When(readable, then=F("contacted_at")), output_field=DateTimeField()),
        "source": Case(When(readable, then=F("lead__source"))),
    }
    columns = ("unit_id", "user_id", "offered_at", "is_first", "notified_at", "seen_at", "closed_at", "state")
    offers: QuerySet[Offer, Any] = question.offers().annotate(**of_the_lead).values(*columns, *of_the_lead)
    return offers


def speed(question: Question) -> list[Section]:
    total, *groups = grouped(timed(question), question.by, columns=COLUMNS, figures=FIGURES)
    if not groups:
        return []
    name_of = names_of(question, question.by, [group[1] for group in groups])
    named = [(name_of(group[1]), group) for group in groups]
    names = [name for name, _ in named[:MOST_BARS]]
    figures = [Column(f"{words}", _heads(words)) for _, words, _ in STEPS]
    return [
        Section(
            key="speed",
            title="Speed to lead",
            columns=[
                Column(BY[question.by].removeprefix("By ").capitalize(), is_text=True),
                Column("Offers"),
                *figures,
            ],
            rows=Rows(lambda one: _row(question, *one), named),
            total=_row(question, "All", total),
            chart=_chart(question, names, groups[:MOST_BARS]),
            foot="Each figure is a median; below it, within what time nine of ten were done, and how many that were.",
        )
    ]


def _heads(words: str) -> tuple[str, str, str]:
    return f"{words}: offers", f"{words}: median (s)", f"{words}: 90th percentile (s)"


def _steps(group: Group) -> list[tuple[int, timedelta | None, timedelta | None]]:
    """How many, median and 90th percentile of each step."""
    figures = group[3:]
    pairs = zip(figures[::2], figures[1::2], strict=True)
    return [(count, *(quantiles or (None, None))) for count, quantiles in pairs]


def _row(question: Question, name: str, group: Group) -> list[Cell]:
    cells = [
        Cell(name),
        Cell(f"{group[2]:,}", list_behind(question, "offered", group, question.by), plain=(str(group[2]),)),
    ]
    for (_, _, what), (count, median, ninth) in zip(STEPS, _steps(group), strict=True):
        plain = (str(count), seconds(median), seconds(ninth))
        note = f"{lasting(ninth)} · {count:,}" if count else ""
        cells.append(
            Cell(lasting(median), list_behind(question, what, group, question.by) if count else "", note, plain)
        )
    return cells


def _chart(question: Question, names: Sequence[str], groups: Sequence[Group]) -> Chart | None:
    """The whole way; where no lead was contacted yet, or none she may read, the way to the claim."""
    steps = [_steps(group) for group in groups]
    shown = next((at for at in (-1, -2) if any(step[at][0] for step in steps)), None)
    if shown is None:
        return None
    words = STEPS[shown][1]
    return Chart(
        about=f"{words}, {BY[question.by].lower()}",
        unit="minutes",
        labels=list(names),
        series=[
            ("info", "Median", [in_minutes(step[shown][1]) for step in steps]),
            ("neutral", "Nine of ten", [in_minutes(step[shown][2]) for step in steps]),
        ],
        urls=[list_behind(question, STEPS[shown][2], group, question.by) for group in groups],
    )
