"""A lead filter as it is built on a page: rows in groups in sets, which work as plain fields and buttons."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django import forms
from django.http import QueryDict

from crm.core.lines import one_line
from crm.organization.models import Unit
from dialer.filtering import WITHOUT_VALUE, Field, Filter, FilterError, Item, Operator, Place, Shape, read, written
from dialer.models import LeadFilter
from dialer.services.lists import GONE, Lists, Options

Row = dict[str, str]
Rows = list[list[list[Row]]]  # sets of groups of rows, as the page has them
NAME = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{1,2})-(field|operator|value)", re.ASCII)
PART = re.compile(r"(add|drop)((?:-\d{1,2}){0,3})", re.ASCII)
FRESH: Row = {"field": "", "operator": "", "value": ""}


class NameForm(forms.Form):
    """What a filter has beside its conditions."""

    name = forms.CharField(max_length=80, validators=[one_line])
    unit = forms.ModelChoiceField(
        Unit.objects.none(),
        label="Belongs to",
        empty_label=None,
        help_text="Its managers change the filter; campaigns of it and of units below it use it.",
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, data: Any = None, *, units: Any, lead_filter: LeadFilter | None) -> None:
        shown = {"name": lead_filter.name, "version": lead_filter.version} if lead_filter else {"version": 0}
        super().__init__(data, initial=shown)
        if lead_filter:
            del self.fields["unit"]
        else:
            self.fields["unit"].queryset = units  # type: ignore[attr-defined]

    def show_version(self, version: int) -> None:
        """What the next sending has seen."""
        self.data = self.data.copy()  # type: ignore[attr-defined]
        self.data["version"] = str(version)  # type: ignore[index]


@dataclass(frozen=True)
class Control:
    """A row as it is drawn. `kind` is what its value is typed into, empty where it has none."""

    at: str
    row: Row
    operators: Options = field(default_factory=list)
    kind: str = ""
    options: Options = field(default_factory=list)
    hint: str = ""
    problem: str = ""
    first: bool = False  # it was just added, and has the focus


INPUTS = {Shape.NUMBER: "number", Shape.DECIMAL: "text", Shape.DAYS: "number", Shape.DAY: "date", Shape.TEXT: "text"}
HINTS = {Shape.TEXT: "comma apart", Shape.DAYS: "days"}


class Builder:
    """The rows of a page, what was asked to be done to them, and what they say."""

    def __init__(self, lists: Lists, rows: Rows) -> None:
        self.lists, self.rows = lists, rows or [[[dict(FRESH)]]]
        self.problems: dict[Place, str] = {}
        self.added: Place = ()

    @classmethod
    def of(cls, lists: Lists, data: QueryDict) -> Builder:
        """As a form sends it: what has gaps is closed up, in order."""
        sent: dict[Place, Row] = {}
        for name, value in data.items():
            if found := NAME.fullmatch(name):
                place = tuple(int(number) for number in found.groups()[:3])
                sent.setdefault(place, dict(FRESH))[found[4]] = str(value)
        sets: dict[int, dict[int, list[Row]]] = {}
        for (one, group, _), row in sorted(sent.items()):
            sets.setdefault(one, {}).setdefault(group, []).append(row)
        return cls(lists, [list(groups.values()) for groups in sets.values()])

    @cached_property
    def read(self) -> Filter | None:
        """What the rows say; None where they cannot be read, and `problems` say why."""
        try:
            return read(self.rows, self.lists.fields)
        except FilterError as error:
            self.problems = dict(error.problems)
            return None

    def settle(self) -> None:
        """Leave out rows without a field, so that places are those of the filter."""
        if self.read:
            self.rows = written(self.read)

    def do(self, step: str) -> None:
        """`add`: another set; `add-0`, `add-0-1`: a group in it, an item in that; `drop-0-1-2`: without that row."""
        found = PART.fullmatch(step)
        if not found:
            return
        place = tuple(int(number) for number in found[2].split("-")[1:])
        try:
            self._add(place) if found[1] == "add" else self._drop(place)
        except IndexError:
            return  # it was there on another page

    def _add(self, place: Place) -> None:
        into: list[Any] = self.rows
        for number in place:
            into = into[number]
        if isinstance(into, list):
            fresh: Any = dict(FRESH)
            for _ in range(2 - len(place)):
                fresh = [fresh]
            into.append(fresh)
            self.added = (*place, len(into) - 1, 0, 0)[:3]

    def _drop(self, place: Place) -> None:
        if len(place) == 3:
            del self.rows[place[0]][place[1]][place[2]]
        self.rows = [some for one in self.rows if (some := [group for group in one if group])] or [[[dict(FRESH)]]]

    def mend(self) -> None:
        """Where a row's field was changed, the first way to compare it, and no value that it cannot have."""
        for row in [row for one in self.rows for group in one for row in group]:
            known = self.lists.fields.get(row["field"])
            if known and row["operator"] not in known.operators:
                row["operator"], row["value"] = known.operators[0].value, ""
            if known and known.shape == Shape.ONE_OF and not self._is_listed(row):
                row["value"] = ""

    def _is_listed(self, row: Row) -> bool:
        options = dict(self._options(row))
        return row["value"] in options and options[row["value"]] != GONE

    @property
    def fields(self) -> Options:
        return [(one.key, one.label) for one in self.lists.fields.values()]

    def controls(self) -> list[list[list[Control]]]:
        return [
            [[self._control(row, (s, g, i)) for i, row in enumerate(group)] for g, group in enumerate(one)]
            for s, one in enumerate(self.rows)
        ]

    def _control(self, row: Row, place: Place) -> Control:
        at = "-".join(map(str, place))
        known, first = self.lists.fields.get(row["field"]), place == self.added
        problem = self.problems.get(place, "")
        if known is None:
            return Control(at, row, problem=problem, first=first)
        operators = [(one.value, known.words(one)) for one in known.operators]
        hint = HINTS.get(known.shape, "")
        return Control(at, row, operators, self._kind(known, row), self._options(row), hint, problem, first)

    def _kind(self, known: Field, row: Row) -> str:
        if row["operator"] in WITHOUT_VALUE:
            return ""
        return "select" if known.shape == Shape.ONE_OF else INPUTS[known.shape]

    def _options(self, row: Row) -> Options:
        """Hers to choose, and the one that is chosen."""
        known = self.lists.fields.get(row["field"])
        if known is None or known.shape != Shape.ONE_OF:
            return []
        options = self.lists.options(known.key)
        if not row["value"] or row["value"] in dict(options):
            return options
        return [*options, (row["value"], self.lists.called(Item(known.key, Operator.IS, row["value"])))]
