"""The board of a team as a report (A2): a row for each person, and below it the leads, untouched ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from leads.models import Lead, Stage
from leads.reading import LeadRow, RedactedRow, rows_of, with_names
from permissions.access import Level
from routing.reports.asking import Question
from routing.reports.following import Following, Line
from routing.reports.links import leads_behind
from routing.reports.tables import MOST_BARS, Cell, Chart, Column, Rows, Section, Series, counted, lasting, seconds
from routing.reports.which import NEVER, STATES

MOST_LEADS, MOST_REDACTED = 50, 20
WEEK = timedelta(days=7)
FOOT = (
    "Leads: those she has as Agent or as owner. Untouched: open and never contacted. Overdue: with a task of hers past its"
    " time. First contact: median since the offer, in the last 30 days."
)


def team_board(question: Question) -> list[Section]:
    board = Following(question)
    lines, total = board.lines, board.total
    if not any(line.counts or line.hidden or line.late or line.speed for line in lines):
        return []
    stages = [stage for stage in board.stages if total.count(f"stage_{stage.pk}")]
    with_hidden = bool(total.hidden)
    return [
        Section(
            key="board",
            title="Who follows up",
            columns=_columns(stages, with_hidden),
            rows=Rows(lambda line: _row(board, line, stages, with_hidden), lines),
            total=_row(board, total, stages, with_hidden),
            chart=_chart(board, lines[:MOST_BARS]),
            verdict=_verdict(total),
            foot=FOOT,
            wide=True,
        )
    ]


def _columns(stages: Sequence[Stage], with_hidden: bool) -> list[Column]:
    speed = Column("First contact", ("First contact (s)",))
    heads = [Column(words) for words in ("Leads", "Untouched", "Contacted today", "This week", "Overdue")]
    hidden = [Column("Hidden from you")] if with_hidden else []
    return [Column("Agent", is_text=True), *heads, speed, *hidden, *(Column(stage.name) for stage in stages)]


def _row(board: Following, line: Line, stages: Sequence[Stage], with_hidden: bool) -> list[Cell]:
    question = board.question
    hidden = [counted(line.hidden, board.list_of(line, "kept"))] if with_hidden else []
    return [
        Cell(line.name),
        counted(line.count("all"), board.list_of(line)),
        counted(line.count("untouched"), board.list_of(line, state="untouched")),
        counted(line.count("today"), board.list_of(line, touched=(question.day, None))),
        counted(line.count("week"), board.list_of(line, touched=(board.week, None))),
        counted(line.late, board.list_of(line, "overdue")),
        Cell(lasting(line.speed), board.speed_of(line) if line.speed else "", plain=(seconds(line.speed),)),
        *hidden,
        *(counted(line.count(f"stage_{stage.pk}"), board.list_of(line, stage=stage.pk)) for stage in stages),
    ]


def _verdict(total: Line) -> tuple[str, str]:
    untouched, late = total.count("untouched"), total.late
    if not untouched and not late:
        return "good", "Nobody waits for a first contact, and no task is late."
    waits = f"{untouched:,} open {'lead waits' if untouched == 1 else 'leads wait'} for a first contact"
    return "warn", f"{waits}; {late:,} {'has' if late == 1 else 'have'} a task overdue."


def _chart(board: Following, lines: Sequence[Line]) -> Chart | None:
    if not any(line.count("open") for line in lines):
        return None
    earlier = [line.count("open") - line.count("untouched") - line.count("open_week") for line in lines]
    series: list[Series] = [
        ("warn", "Untouched", [line.count("untouched") for line in lines]),
        ("good", "Contacted this week", [line.count("open_week") for line in lines]),
        ("neutral", "Longer ago", earlier),
    ]
    urls = [board.list_of(line, state="open") for line in lines]
    names = [line.name for line in lines]
    return Chart("Open leads by last contact", "count", labels=names, series=series, urls=urls, stacked=True)


@dataclass(frozen=True)
class Listed:
    """The leads of a board, redacted ones last; `contacted_at` beside each. `url` leads to all of those she may read."""

    rows: Sequence[tuple[LeadRow | RedactedRow, datetime | None]]
    more: bool
    url: str
    leaves_redacted_out: bool


def leads_of(question: Question) -> Listed:
    """Those of the stage asked for or of all open ones, untouched first, then the longest silence first."""
    board = Following(question)
    which = replace(board.which, touched=_touched(board), state="" if question.stage else "open")
    order = [F("last_contact_at").asc(nulls_first=True), F("pk").asc()]
    rows = _in_stage(board.rows(which), question)
    found = list(with_names(rows).annotate(contacted_at=F("last_contact_at")).order_by(*order)[: MOST_LEADS + 1])
    redacted = _redacted(board) if question.keyring.redacts and not question.silence else []
    leads = [*found[:MOST_LEADS], *redacted[:MOST_REDACTED]]
    contacts = [vars(lead).get("contacted_at") for lead in leads]
    return Listed(
        rows=list(zip(rows_of(leads, question.keyring), contacts, strict=True)),
        more=len(found) > MOST_LEADS or len(redacted) > MOST_REDACTED,
        url=leads_behind(which, stage=question.stage.pk if question.stage else None),
        leaves_redacted_out=question.keyring.redacts and bool(question.silence),
    )


def _redacted(board: Following) -> list[Lead]:
    """Of these nothing concealed is looked at: by whom they are owned, and by their stage."""
    rows = _in_stage(board.rows(replace(board.which, what="kept"), Level.REDACTED), board.question)
    rows = rows if board.question.stage else rows.filter(STATES["open"])
    return list(with_names(rows).order_by("-last_activity_at", "-pk")[: MOST_REDACTED + 1])


def _in_stage(rows: QuerySet[Lead], question: Question) -> QuerySet[Lead]:
    return rows.filter(Q(stage=question.stage)) if question.stage else rows


def _touched(board: Following) -> tuple[datetime | None, datetime | None] | None:
    question = board.question
    return {
        "never": NEVER,
        "today": (question.day, None),
        "week": (board.week, None),
        "cold": (None, question.now - WEEK),
    }.get(question.silence)
