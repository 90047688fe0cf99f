"""Reports (R11): each a page with tables and charts, and a file of the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.downloads import download
from crm.core.htmx import render_page
from crm.organization.people import signed_in
from permissions.catalog import Permission
from permissions.keyring import load_keyring
from routing.reports.asking import Question, ReportForm
from routing.reports.claims import claims
from routing.reports.fairness import fairness
from routing.reports.speed import speed
from routing.reports.tables import Section, csv_of

MOST_SECTIONS = 6


@dataclass(frozen=True)
class Report:
    """`asks` are the fields of its form beside the days and the unit."""

    title: str
    lede: str
    sections: Callable[[Question], list[Section]]
    asks: frozenset[str] = frozenset()


REPORTS = {
    "speed": Report(
        "Speed to lead",
        "How long it takes from a lead’s arrival to the first contact.",
        speed,
        frozenset({"agent", "source", "by"}),
    ),
    "claims": Report("Claims", "What became of the offers made to each agent.", claims, frozenset({"agent", "source"})),
    "fairness": Report("Fairness", "Who got how many turns of a roster, and how many were hers.", fairness),
}


@door(verb=Permission.VIEW_REPORTS)
@never_cache
def report(request: HttpRequest, name: str = "speed") -> HttpResponse:
    shown, form = _asked(request, name)
    sections = shown.sections(form.question) if form.is_valid() else []
    context = {
        "name": name,
        "report": shown,
        "reports": [(key, one.title) for key, one in REPORTS.items()],
        "form": form,
        "alone": not form.reach.managed,
        "sections": sections[:MOST_SECTIONS],
        "sections_total": len(sections),
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
    return shown, ReportForm(request.GET, actor=user, keyring=load_keyring(user), asks=shown.asks)
