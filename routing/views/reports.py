"""Reports (R11, A1–A3): each a page with tables and charts, and a file of the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.downloads import download
from crm.core.htmx import render_page
from crm.organization.people import signed_in
from permissions.catalog import Permission
from permissions.keyring import load_keyring
from routing.reports import pipeline
from routing.reports.asking import BY, Question, ReportForm
from routing.reports.claims import claims
from routing.reports.company_leads import company_leads
from routing.reports.fairness import fairness
from routing.reports.speed import speed
from routing.reports.tables import Section, csv_of
from routing.reports.team_board import Listed, leads_of, team_board

MOST_SECTIONS = 6
DAYS = frozenset({"period", "since", "until"})


@dataclass(frozen=True)
class Report:
    """`asks` are the fields of its form; `by`, what its rows may be; `leads`, those it lists below; `empty`, what would
    fill it, for managers and for whoever manages nobody.
    """

    title: str
    lede: str
    sections: Callable[[Question], list[Section]]
    asks: frozenset[str] = DAYS | {"unit"}
    by: Mapping[str, str] = field(default_factory=dict)
    leads: Callable[[Question], Listed] | None = None
    empty: tuple[tuple[str, str], tuple[str, str]] = (
        (
            "No offers in these days",
            "When rosters hand out leads, this shows how soon they were contacted, who claimed and who missed them, and"
            " whether everybody got her share.",
        ),
        (
            "No offers to you in these days",
            "When a roster offers you leads, this shows how soon you saw, contacted and claimed them, and your share of"
            " the turns.",
        ),
    )


REPORTS = {
    "leads": Report(
        "Company leads",
        "What became of the leads that came to the company, whoever owns them now.",
        company_leads,
        DAYS | {"unit", "agent", "source", "by"},
        pipeline.BY,
        empty=(
            (
                "No company-originated leads in these days",
                "When leads come in by a channel or an import of one of your units, this shows who has them, whether they"
                " were contacted, and what became of them.",
            ),
            (
                "No company-originated leads of yours in these days",
                "When a unit’s channel brings you leads, this shows whether they were contacted and what became of them.",
            ),
        ),
    ),
    "board": Report(
        "Team board",
        "Who follows up, which leads wait for a first contact, and how fast it comes.",
        team_board,
        frozenset({"unit", "agent", "stage", "silence"}),
        leads=leads_of,
        empty=(
            (
                "Nobody of yours has a lead",
                "When leads are assigned to the people of your units, this shows who follows up and who waits.",
            ),
            ("You have no leads", "When a lead is assigned to you or you add one, this shows what waits for you."),
        ),
    ),
    "speed": Report(
        "Speed to lead",
        "How long it takes from a lead’s arrival to the first contact. Each offer counts; the list behind a figure names a"
        " lead once, if you may see it.",
        speed,
        DAYS | {"unit", "agent", "source", "by"},
        BY,
    ),
    "claims": Report(
        "Claims",
        "What became of the offers made to each agent. Each offer counts; the list behind a figure names a lead once, if"
        " you may see it.",
        claims,
        DAYS | {"unit", "agent", "source"},
    ),
    "fairness": Report("Fairness", "Who got how many turns of a roster, and how many were hers.", fairness),
}


@door(verb=Permission.VIEW_REPORTS)
@never_cache
def report(request: HttpRequest, name: str = "leads") -> HttpResponse:
    shown, form = _asked(request, name)
    question = form.question if form.is_valid() else None
    sections = shown.sections(question) if question else []
    context = {
        "name": name,
        "report": shown,
        "reports": [(key, one.title, _kept(request, one)) for key, one in REPORTS.items()],
        "form": form,
        "alone": not form.reach.managed,
        "sections": sections[:MOST_SECTIONS],
        "sections_total": len(sections),
        "listed": shown.leads(question) if shown.leads and question and sections else None,
        "empty": shown.empty[not form.reach.managed],
        "query": request.GET.urlencode(),
    }
    return render_page(request, "routing/reports/report.html", context)


@door(verb=Permission.VIEW_REPORTS)
def file(request: HttpRequest, name: str) -> HttpResponseBase:
    """The rows of a report as CSV; of what cannot be read, the page that says so."""
    shown, form = _asked(request, name)
    if not form.is_valid():
        return report(request, name)
    return download(csv_of(shown.sections(form.question)), f"{name}.csv")


def _asked(request: HttpRequest, name: str) -> tuple[Report, ReportForm]:
    if name not in REPORTS:
        raise Http404
    user, shown = signed_in(request), REPORTS[name]
    form = ReportForm(request.GET, actor=user, keyring=load_keyring(user), asks=shown.asks, by=shown.by)
    return shown, form


def _kept(request: HttpRequest, other: Report) -> str:
    """Of what is asked, what another report can be asked, too."""
    kept = request.GET.copy()
    for name in request.GET:
        if name not in other.asks or (name == "by" and request.GET[name] not in other.by):
            del kept[name]
    return kept.urlencode()
