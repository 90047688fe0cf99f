"""The report of company-originated leads (A1): figures of them, and how many more there are of what she does not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db.models import Count

from leads.models import Lead
from routing.reports.asking import Question
from routing.reports.links import leads_behind
from routing.reports.pipeline import BY, WEEK, Group, Pipeline, total_of
from routing.reports.tables import MOST_BARS, Cell, Chart, Column, Rows, Section, Series, counted, lasting, percent
from routing.reports.which import KINDS, NEVER, Which

ENDS = {"open": "Open", "won": "Won", "lost": "Lost", "archived": "Archived"}


def company_leads(question: Question) -> list[Section]:
    came = (question.since, question.until)
    unit = question.unit.pk if question.unit else None
    pipeline = Pipeline(question, Which("originated", unit=unit, people=question.people, came=came))
    groups = pipeline.groups()
    notes = [*_brought(pipeline), *_hidden(question)]
    if not groups and not notes:
        return []
    namer, total = pipeline.namer(groups), total_of(groups)
    return [
        Section(
            key="leads",
            title="Company-originated leads",
            columns=_columns(question.by),
            rows=Rows(lambda group: _row(pipeline, namer(group["key"]), group), groups),
            total=_row(pipeline, "All", total),
            chart=_chart(pipeline, [namer(group["key"]) for group in groups[:MOST_BARS]], groups[:MOST_BARS]),
            verdict=("info", _verdict(total)),
            notes=notes,
            foot="Conversion is what was won of all that came. Each lead is counted as it is now.",
            wide=True,
        )
    ]


def _columns(by: str) -> list[Column]:
    words = {"unit": "Came to", "follow": "Last contact"}.get(by, BY[by].removeprefix("By ").capitalize())
    contact = ("Contacted", "Last contact (UTC)")
    counts = [Column("Never contacted"), Column("Contacted", contact), Column("In the last 7 days")]
    ends = [Column(words) for words in ENDS.values()]
    return [
        Column(words, is_text=True),
        Column("Leads"),
        *counts,
        *ends,
        Column("Conversion"),
        Column("Agents’ own now"),
    ]


def _row(pipeline: Pipeline, name: str, group: Group) -> list[Cell]:
    now, last = pipeline.question.now, group["last"]
    contacted = counted(
        group["contacted"], pipeline.list_of(group, "contacted"), f"last {lasting(now - last)} ago" if last else ""
    )
    return [
        Cell(name),
        counted(group["all"], pipeline.list_of(group)),
        counted(group["all"] - group["contacted"], pipeline.list_of(group, touched=NEVER)),
        replace(contacted, plain=(*contacted.plain, f"{last:%Y-%m-%d %H:%M}" if last else "")),
        counted(group["week"], pipeline.list_of(group, touched=(now - WEEK, None))),
        *(counted(group[kind], pipeline.list_of(group, kind)) for kind in KINDS),
        Cell(percent(group["won"], group["all"])),
        counted(group["personal"], pipeline.list_of(group, "personal")),
    ]


def _verdict(total: Group) -> str:
    count, contacted = total["all"], total["contacted"]
    if not count:
        return "No company-originated leads came in these days."
    words = (
        f"Of {count:,} leads, {contacted:,} were contacted" if count > 1 else f"Of 1 lead, {contacted} was contacted"
    )
    won = f"{total['won']:,} won ({percent(total['won'], count)})"
    personal = f" {total['personal']:,} are agents’ own now." if total["personal"] else ""
    return f"{words}, {count - contacted:,} never, and {won}.{personal}"


def _chart(pipeline: Pipeline, names: Sequence[str], groups: Sequence[Group]) -> Chart | None:
    if not groups:
        return None
    series: list[Series] = [
        ("good", "Won", [group["won"] for group in groups]),
        ("info", "Open, contacted", [group["open"] - group["untouched"] for group in groups]),
        ("warn", "Open, never contacted", [group["untouched"] for group in groups]),
        ("neutral", "Lost or archived", [group["lost"] + group["archived"] for group in groups]),
    ]
    urls = [pipeline.list_of(group) for group in groups]
    about = f"What became of them, {BY[pipeline.question.by].lower()}"
    return Chart(about=about, unit="count", labels=list(names), series=series, urls=urls, stacked=True)


def _brought(pipeline: Pipeline) -> list[Cell]:
    """Those that agents brought and own: a number and no more; under `private` not even that."""
    brought = replace(pipeline, which=replace(pipeline.which, what="brought"))
    if not (count := brought.rows.count()):
        return []
    hers = "your own" if not pipeline.question.reach.managed else "the agents’ own"
    return [Cell(f"And {count:,} {'lead' if count == 1 else 'leads'} of {hers}, not counted here", brought.list_of({}))]


def _hidden(question: Question) -> list[Cell]:
    """Redacted leads, by what redaction shows of them (V5); a question by what it conceals is not answered of them."""
    if question.unit is not None or question.source is not None:
        return []
    which = Which("hidden", people=question.people)
    rows = Lead.objects.visible_to(question.keyring).filter(which.condition(question.reach, question.keyring, None))
    counts = dict(rows.order_by().values_list("stage__kind").annotate(count=Count("pk")))
    if not counts:
        return []
    count = sum(counts.values())
    kinds = ", ".join(f"{counts[kind]:,} {words.lower()}" for kind, words in ENDS.items() if kind in counts)
    leads = "1 lead that its owner hides" if count == 1 else f"{count:,} leads that their owners hide"
    return [
        Cell(
            f"{'And' if count == 1 else 'Beside these'} {leads} from you, whenever and from wherever: {kinds}",
            leads_behind(which),
        )
    ]
