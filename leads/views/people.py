"""The People list: whom she may see, filtered, sorted, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.forms import BoundField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from crm.core.doors import door
from crm.core.htmx import is_fragment, render_page
from crm.core.pagination import capped_count, keyset_page
from crm.organization.people import signed_in
from leads.batches.verb import verbs_for
from leads.columns import COLUMN_WORDS, SORTED_BY, Column, cells_of, columns_of, with_columns
from leads.filters import SHAPE, SORT_WORDS, LeadFilter
from leads.models import Lead, SavedView
from leads.reading import rows_of
from leads.services.saved_views import is_like
from permissions.access import Keyring
from permissions.keyring import load_keyring

FACETS = (
    ("Stage", ("stage",)),
    ("Owned by", ("owner",)),
    ("Assigned to", ("assigned", "holder", "unclaimed")),
    ("Pond", ("pond",)),
    ("Source", ("source",)),
    ("Type", ("kind",)),
    ("Score", ("score_min", "score_max")),
    ("Last activity", ("active",)),
    ("Calls", ("contacted", "called", "outcome", "attempts_min", "attempts_max")),
    ("Created", ("created_since",)),
    ("State", ("state",)),
    ("Tag", ("tag",)),
    ("Origin", ("origin",)),
    ("Hidden", ("hidden",)),
)
LATE = frozenset({"owner", "assigned", "holder"})
KEPT = (
    "q",
    "like",
    "mine",
    "offers",
    "figure",
    "imported",
    "sort",
    "columns",
    "view",
)  # what the form of filters carries on unseen
SHORTCUTS = (("Everyone", ""), ("Mine", "mine=1"), ("Unassigned", "assigned=nobody"))


@door()
def people(request: HttpRequest) -> HttpResponse:
    keyring = load_keyring(signed_in(request))
    chosen = _chosen(request, keyring)
    if any("" in texts for _, texts in request.GET.lists()):  # a form sends its empty fields too
        return HttpResponseRedirect(f"{reverse('people')}?{'' if chosen.is_view_alone else chosen.query()}")
    if {*request.GET} == {"view"} and (whole := _whole_query(chosen)):
        return HttpResponseRedirect(f"{reverse('people')}?{whole}")
    found = chosen.qs
    count, more = capped_count(found)
    shown = columns_of(chosen.shown_columns)
    page = keyset_page(
        with_columns(found, shown),
        sort=chosen.sort_column,
        descending=chosen.descending,
        cursor=request.GET.get("cursor", ""),
        count=count,
    )
    context = {
        "heads": [_head(chosen, column) for column in shown],
        "rows": cells_of(rows_of(page.rows, keyring), page.rows, shown, signed_in(request).company.phone_region),
        "page": page,
        "leaves_redacted_out": chosen.leaves_redacted_out,
        "count": f"{count:,}{'+' if more else ''}",
        "note": "" if more else chosen.note(count),
        "verbs": verbs_for(signed_in(request)),
        **_controls(chosen),
        **_opened(chosen),
    }
    return render_page(request, "leads/people.html", context)


@door()
def filters(request: HttpRequest) -> HttpResponse:
    """The form behind "Filter", opened where a filter is in use. Lists of people come when they are looked at."""
    chosen = _chosen(request, load_keyring(signed_in(request)))
    late = LATE if is_fragment(request) else frozenset()
    if request.GET.get("facet") in late:
        context: dict[str, Any] = {"field": chosen.form[request.GET["facet"]]}
        return render_page(request, "leads/filters.html", context, partial="facet")
    facets = [Facet(words, [Choice.of(chosen, name, late) for name in names]) for words, names in FACETS]
    kept = [(name, text) for name in KEPT for text in chosen.written(name)]
    context = {"facets": facets, "kept": kept, "query": chosen.query()}
    return render_page(request, "leads/filters.html", context, partial="form")


@door()
def display(request: HttpRequest) -> HttpResponse:
    """The form behind "Sort and columns"."""
    chosen = _chosen(request, load_keyring(signed_in(request)))
    looks = ("sort", "columns")
    context = {
        "sorts": SORT_WORDS,
        "order": chosen.order,
        "columns": [(key, words, key in chosen.shown_columns) for key, words in COLUMN_WORDS],
        "kept": [(name, text) for name in chosen.filters if name not in looks for text in chosen.written(name)],
        "usual": chosen.query(sort="", columns="") if any(map(chosen.written, looks)) else None,
    }
    return render_page(request, "leads/display.html", context, partial="form")


@dataclass(frozen=True)
class Choice:
    """A filter's field in the form; one that comes late is not drawn yet, and its `texts` stand in for it."""

    field: BoundField
    texts: list[str]
    late: bool

    @classmethod
    def of(cls, chosen: LeadFilter, name: str, late: frozenset[str]) -> Choice:
        return cls(chosen.form[name], chosen.written(name), name in late)


@dataclass(frozen=True)
class Facet:
    words: str
    choices: list[Choice]

    @property
    def is_used(self) -> bool:
        return any(choice.texts for choice in self.choices)


def _whole_query(chosen: LeadFilter) -> str:
    """All that the view has which is asked for by its id alone; empty where it has nothing, or is not there."""
    view = SavedView.objects.opened(chosen.actor, chosen.written("view")[0]) if chosen.is_view_alone else None
    return f"{view.query}&view={view.pk}" if view and view.query else ""


def _opened(chosen: LeadFilter) -> dict[str, Any]:
    """The saved view that is open, whether it is hers, and whether the list asks for something else by now."""
    given = chosen.written("view")[:1]
    view = SavedView.objects.opened(chosen.actor, given[0]) if given else None
    return {
        "view": view,
        "view_is_gone": bool(given) and view is None,
        "view_is_hers": view is not None and view.created_by_id == chosen.actor.pk,
        "view_is_changed": view is not None and not is_like(chosen.query(view=""), view.query),
    }


@dataclass(frozen=True)
class Head:
    """A column's head: how it is sorted now (for `aria-sort`), and the query that sorts by it or turns it round."""

    column: Column
    order: str = ""
    query: str = ""


def _chosen(request: HttpRequest, keyring: Keyring) -> LeadFilter:
    return LeadFilter(request.GET, Lead.objects.all(), keyring=keyring, actor=signed_in(request))


def _controls(chosen: LeadFilter) -> dict[str, Any]:
    """What narrows and orders the list, each as a query string that leads to its first page."""
    query = chosen.query()
    filtered = chosen.query(**dict.fromkeys(SHAPE, ""))
    shape = urlencode({name: chosen.written(name) for name in ("sort", "columns")}, doseq=True)
    return {
        "query": query,
        "filtered": filtered,
        "chips": chosen.chips(),
        "problems": not chosen.is_valid(),
        "alike": chosen.query(q="", like=chosen.written("q")[0]) if chosen.written("q") else "",
        "shortcuts": [(words, "&".join(filter(None, [there, shape])), there == filtered) for words, there in SHORTCUTS],
    }


def _head(chosen: LeadFilter, column: Column) -> Head:
    if column.key not in SORTED_BY:
        return Head(column)
    order = {f"-{column.key}": "descending", column.key: "ascending"}.get(chosen.order, "none")
    return Head(column, order, chosen.query(sort=column.key if order == "descending" else f"-{column.key}"))
