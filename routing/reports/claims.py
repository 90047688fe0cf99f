"""Claims and misses, agent by agent (R11)."""

from __future__ import annotations

from collections.abc import Sequence

from routing.models import Offer
from routing.reports.asking import Question
from routing.reports.grouping import Group, grouped, names_of
from routing.reports.links import list_behind
from routing.reports.tables import MOST_BARS, Cell, Chart, Column, Rows, Section, counted, lasting, percent, seconds

ENDS = (  # state, tone, words
    (Offer.State.CLAIMED, "good", "Claimed"),
    (Offer.State.EXPIRED, "bad", "Missed"),
    (Offer.State.DECLINED, "warn", "Passed"),
    (Offer.State.WITHDRAWN, "neutral", "Withdrawn"),
    (Offer.State.OPEN, "info", "Open"),
)
COLUMNS = "offer.state, CASE WHEN offer.state = 'claimed' THEN offer.closed_at - offer.offered_at END AS taken"
FIGURES = ", ".join(
    [
        *(f"count(*) FILTER (WHERE state = '{state}')" for state, _, _ in ENDS),
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY taken)",
    ]
)


def claims(question: Question) -> list[Section]:
    offers = question.offers().values("user_id", "state", "offered_at", "closed_at")
    total, *groups = grouped(offers, "agent", columns=COLUMNS, figures=FIGURES)
    if not groups:
        return []
    name_of = names_of(question, "agent", [group[1] for group in groups])
    named = [(name_of(group[1]), group) for group in groups]
    names = [name for name, _ in named[:MOST_BARS]]
    ends = [Column(words) for _, _, words in ENDS]
    return [
        Section(
            key="claims",
            title="Claims and misses",
            columns=[
                Column("Agent", is_text=True),
                Column("Received"),
                *ends,
                Column("Claim rate"),
                Column("Median time to claim", ("Median time to claim (s)",)),
            ],
            rows=Rows(lambda one: _row(question, *one), named),
            total=_row(question, "All", total),
            chart=_chart(question, names, groups[:MOST_BARS]),
            foot="The claim rate leaves out offers that are open, and those that were withdrawn.",
        )
    ]


def _row(question: Question, name: str, group: Group) -> list[Cell]:
    _, _, received, *counts, median = group
    cells = [Cell(name), counted(received, list_behind(question, "offered", group, "agent"))]
    cells += [
        counted(count, list_behind(question, state, group, "agent"))
        for (state, _, _), count in zip(ENDS, counts, strict=True)
    ]
    claimed, missed, passed, *_ = counts
    ended = claimed + missed + passed
    rate = percent(claimed, ended)
    return [*cells, Cell(rate, plain=(rate if ended else "",)), Cell(lasting(median), plain=(seconds(median),))]


def _chart(question: Question, names: Sequence[str], groups: Sequence[Group]) -> Chart:
    return Chart(
        about="What became of each agent’s offers",
        unit="count",
        labels=list(names),
        series=[(tone, words, [group[3 + at] for group in groups]) for at, (_, tone, words) in enumerate(ENDS)],
        urls=[list_behind(question, "offered", group, "agent") for group in groups],
        stacked=True,
    )
