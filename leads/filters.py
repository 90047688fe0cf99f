"""The one set of filters of leads: the list reads it, and whatever acts on "all that match" is to read the same.

It stands behind the access door itself. Redacted leads stay only while every filter in use, and the sort, look at what
redaction shows anyway (V5): by anything else their absence or presence would tell what is concealed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.http import QueryDict
from django.utils import timezone
from django_filters import CharFilter, ChoiceFilter, Filter, FilterSet, MultipleChoiceFilter

from crm.core.moments import DayField
from crm.organization.models import Unit, User
from leads.columns import COLUMN_WORDS, DEFAULT_COLUMNS
from leads.models import Activity, ImportChange, ImportRow, ImportRun, Lead, Pond, Stage
from leads.principals import PrincipalField
from leads.querysets import LeadQuerySet, sources_in_sight
from leads.search import alike, matches
from leads.states import spelled
from permissions.access import Keyring, Level, Lock

SHOWN_REDACTED = frozenset({"stage", "owner", "score_min", "score_max", "active", "hidden"})
SORTS = {"active": "last_activity_at", "created": "created_at", "score": "score"}
SORTS_SHOWN_REDACTED = frozenset({"active", "score"})
NEWEST_FIRST = "-active"
SORT_WORDS = (
    ("-active", "Last activity, newest first"),
    ("active", "Last activity, oldest first"),
    ("-created", "Created, newest first"),
    ("created", "Created, oldest first"),
    ("-score", "Score, highest first"),
    ("score", "Score, lowest first"),
)
ACTIVITY = (
    ("1d", "in the last 24 hours"),
    ("7d", "in the last 7 days"),
    ("30d", "in the last 30 days"),
    ("over-7d", "over 7 days ago"),
    ("over-30d", "over 30 days ago"),
    ("over-90d", "over 90 days ago"),
)
CALLED = (("never", "never"), *ACTIVITY)
MOST_CALLS = 10_000
MOST_LISTED = 5
NO_FILTERS = frozenset({"cursor"})
SHAPE = ("sort", "columns", "view")  # how the list looks, and what it is called; not who is in it


class PrincipalFilter(Filter):
    field_class = PrincipalField


class WholeNumber(Filter):
    field_class = forms.IntegerField


class Since(Filter):
    field_class = DayField


class AnyOf(Filter):
    """Any of some rows of a company's own list; LeadFilter gives the list as `queryset`."""

    field_class = forms.ModelMultipleChoiceField

    def filter(self, rows: QuerySet[Lead], chosen: QuerySet[Any]) -> QuerySet[Lead]:
        return rows.filter(**{f"{self.field_name}__in": [one.pk for one in chosen]}) if chosen else rows


class AnyKind(MultipleChoiceFilter):
    """Any of some values of a column."""

    def filter(self, rows: QuerySet[Lead], chosen: list[str]) -> QuerySet[Lead]:
        return rows.filter(**{f"{self.field_name}__in": chosen}) if chosen else rows


class FurtherFilter(Filter):
    """By what a higher room knows of leads."""

    def shows_redacted(self, texts: list[str]) -> bool:
        """Whether what is written looks only at what redaction shows anyway."""
        return False

    def note(self, chosen: Any, count: int) -> str:
        """What is to be said below a list of `count` leads that is narrowed by this alone; nothing as a rule."""
        return ""


@dataclass(frozen=True)
class Chip:
    """A filter in use: its name, what it asks for, the query string without it, and what is wrong with it."""

    name: str
    value: str
    without: str
    problem: str = ""


def _side(period: str) -> tuple[str, Combinable]:
    """Before or since which moment: `over-30d` is over 30 days ago, `30d` within them."""
    moment = Now() - timedelta(days=int(period.removeprefix("over-").removesuffix("d")))
    return "lt" if period.startswith("over-") else "gte", moment


class LeadFilter(FilterSet):
    """Leads of `queryset` that the keyring opens and `data` asks for; nothing at all where `data` has a problem."""

    q = CharFilter(label="Search", method="search", max_length=200)
    like = CharFilter(label="Spelled like", method="spelled_like", max_length=200)
    mine = ChoiceFilter(label="Mine", choices=[("1", "held or owned by me")], method="only_mine")
    stage = AnyOf(label="Stage", field_name="stage", widget=forms.CheckboxSelectMultiple)
    owner = PrincipalFilter(label="Owned by", method="owned_by")
    assigned = PrincipalFilter(label="Assigned to", method="assigned_to")
    holder = PrincipalFilter(label="Held by", method="held_by")
    pond = AnyOf(label="Pond", method="in_pond", widget=forms.CheckboxSelectMultiple)
    source = AnyKind(label="Source", field_name="source", widget=forms.CheckboxSelectMultiple)
    kind = AnyKind(label="Type", field_name="kind", choices=Lead.Kind.choices, widget=forms.CheckboxSelectMultiple)
    imported = AnyOf(label="Import", method="came_by")
    state = CharFilter(label="State", method="in_state", max_length=40)
    tag = CharFilter(label="Tag", method="tagged", max_length=40)
    origin = ChoiceFilter(label="Origin", choices=Lead.Origin.choices)
    hidden = ChoiceFilter(label="Hidden", choices=[("yes", "yes"), ("no", "no")], method="is_hidden")
    score_min = WholeNumber(label="Score from", field_name="score", lookup_expr="gte", min_value=0, max_value=100)
    score_max = WholeNumber(label="Score to", field_name="score", lookup_expr="lte", min_value=0, max_value=100)
    active = ChoiceFilter(label="Last activity", choices=ACTIVITY, method="last_active")
    contacted = ChoiceFilter(label="Last contact", choices=CALLED, method="last_contacted")
    called = ChoiceFilter(label="Last called", choices=CALLED, method="last_called")
    outcome = AnyKind(
        label="Last disposition",
        field_name="last_outcome",
        choices=Activity.Outcome.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    attempts_min = WholeNumber(
        label="Attempts from", field_name="attempts", lookup_expr="gte", min_value=0, max_value=MOST_CALLS
    )
    attempts_max = WholeNumber(
        label="Attempts to", field_name="attempts", lookup_expr="lte", min_value=0, max_value=MOST_CALLS
    )
    created_since = Since(label="Created since", method="created_from")
    sort = ChoiceFilter(label="Sort", choices=SORT_WORDS, method="as_it_is")
    columns = MultipleChoiceFilter(label="Columns", choices=COLUMN_WORDS, method="as_it_is")
    view = CharFilter(label="View", max_length=20, method="as_it_is")

    class Meta:
        model = Lead
        fields: list[str] = []

    def __init__(
        self, data: QueryDict, queryset: QuerySet[Lead] | None = None, *, keyring: Keyring, actor: User
    ) -> None:
        super().__init__(data, queryset)
        self.keyring, self.actor = keyring, actor
        company = keyring.company_id
        self.filters["stage"].extra["queryset"] = Stage.objects.filter(company=company).order_by("position", "pk")
        self.filters["pond"].extra["queryset"] = Pond.objects.can_be_seen_by(actor).order_by("name", "pk")
        started = ImportRun.objects.of(actor).exclude(state__in=(ImportRun.State.READING, ImportRun.State.DRAFT))
        self.filters["imported"].extra["queryset"] = started.order_by("-pk")
        self.filters["source"].extra["choices"] = lambda: self._sources
        self.filters["owner"].extra.update(actor=actor, units=True)
        self.filters["assigned"].extra.update(actor=actor, nobody=True)
        self.filters["holder"].extra.update(actor=actor)

    @classmethod
    def register(cls, name: str, more: Filter) -> None:
        """A filter by what a higher room knows of leads. Redacted leads stay only under a FurtherFilter that says so."""
        cls.base_filters[name] = more

    @cached_property
    def _sources(self) -> list[tuple[str, str]]:
        """All sources in sight, whichever was asked for, so that one out of sight takes the same time as none at all."""
        return [(str(pk), name) for pk, name in sources_in_sight(self.keyring).values_list("pk", "name")]

    @property
    def qs(self) -> LeadQuerySet:
        if not self.is_valid():
            return Lead.objects.none()
        rows: LeadQuerySet = self.filter_queryset(self.queryset.visible_to(self.keyring, self.level))
        return rows

    @property
    def unknown(self) -> set[str]:
        """What is asked for by names that are no filters'."""
        return set(self.data) - set(self.filters) - NO_FILTERS

    @property
    def level(self) -> Level:
        """What a lead must be open on to be in the answer."""
        shown = self.sort_name in SORTS_SHOWN_REDACTED and all(map(self._shows_redacted, self._in_use))
        return Level.REDACTED if shown else Level.VIEW

    @property
    def _in_use(self) -> list[str]:
        return [name for name in self.filters if name not in SHAPE and self.written(name)]

    def _shows_redacted(self, name: str) -> bool:
        further = self.filters[name]
        if isinstance(further, FurtherFilter):
            return further.shows_redacted(self.written(name))
        return name in SHOWN_REDACTED

    def note(self, count: int) -> str:
        """What a list of `count` leads leaves out of the figure it stands for."""
        further = [self.filters[name] for name in self._in_use]
        if not self.is_valid() or len(further) != 1 or not isinstance(further[0], FurtherFilter):
            return ""
        return further[0].note(self.form.cleaned_data[self._in_use[0]], count)

    @property
    def leaves_redacted_out(self) -> bool:
        return self.keyring.redacts and self.is_valid() and self.level > Level.REDACTED

    @property
    def order(self) -> str:
        """The sort in use, such as `-active`."""
        return str((self.is_valid() and self.form.cleaned_data["sort"]) or NEWEST_FIRST)

    @property
    def shown_columns(self) -> frozenset[str]:
        """Those that the list has beside the name."""
        asked = frozenset((self.is_valid() and self.form.cleaned_data["columns"]) or ())
        return asked or DEFAULT_COLUMNS

    @property
    def sort_name(self) -> str:
        return self.order.removeprefix("-")

    @property
    def sort_column(self) -> str:
        return SORTS[self.sort_name]

    @property
    def descending(self) -> bool:
        return self.order.startswith("-")

    def written(self, name: str) -> list[str]:
        """What `data` says under this name, blanks left out."""
        return [text.strip() for text in self.data.getlist(name) if text.strip()]

    def search(self, rows: QuerySet[Lead], name: str, text: str) -> QuerySet[Lead]:
        return rows.filter(matches(text, self.actor.company.phone_region))

    def spelled_like(self, rows: QuerySet[Lead], name: str, text: str) -> QuerySet[Lead]:
        return rows.filter(alike(text))

    def only_mine(self, rows: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        me = self.keyring.user_id
        found = Q(locks__overlap=[Lock.OWNER.of(me), Lock.ASSIGNED.of(me)])  # what the index can find
        return rows.filter(found, Q(holder_id=me) | Q(owner_user=me))

    def owned_by(self, rows: QuerySet[Lead], name: str, chosen: dict[str, User | Unit]) -> QuerySet[Lead]:
        locks = [(Lock.UNIT if isinstance(one, Unit) else Lock.OWNER).of(one.pk) for one in chosen.values()]
        return rows.filter(locks__overlap=locks)

    def assigned_to(self, rows: QuerySet[Lead], name: str, chosen: dict[str, User | None]) -> QuerySet[Lead]:
        people = [person.pk for person in chosen.values() if person is not None]
        held = Q(locks__overlap=[Lock.ASSIGNED.of(pk) for pk in people], agent__in=people)
        return rows.filter(held | Q(holder_id=None) if None in chosen.values() else held)

    def held_by(self, rows: QuerySet[Lead], name: str, chosen: dict[str, User]) -> QuerySet[Lead]:
        people = [person.pk for person in chosen.values()]
        locks = [lock.of(pk) for pk in people for lock in (Lock.OWNER, Lock.ASSIGNED)]  # what the index can find
        return rows.filter(locks__overlap=locks, holder_id__in=people)

    def in_pond(self, rows: QuerySet[Lead], name: str, chosen: QuerySet[Pond]) -> QuerySet[Lead]:
        return rows.filter(locks__overlap=[Lock.POND.of(one.pk) for one in chosen]) if chosen else rows

    def came_by(self, rows: QuerySet[Lead], name: str, chosen: QuerySet[ImportRun]) -> QuerySet[Lead]:
        """Those that the imports made, and those that they changed and that are as changed."""
        runs = [run.pk for run in chosen]
        made = ImportRow.objects.filter(run__in=runs, outcome=ImportRow.Outcome.IMPORTED).values("lead_id")
        changed = ImportChange.objects.filter(run__in=runs).values("lead_id")
        return rows.filter(pk__in=made.union(changed)) if runs else rows

    def in_state(self, rows: QuerySet[Lead], name: str, text: str) -> QuerySet[Lead]:
        return rows.filter(state__in=spelled(text))

    def tagged(self, rows: QuerySet[Lead], name: str, text: str) -> QuerySet[Lead]:
        return rows.filter(tags__contains=[text]).exclude(tags=[])  # as the index says it

    def is_hidden(self, rows: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return rows.filter(hidden=value == "yes")

    def last_active(self, rows: QuerySet[Lead], name: str, period: str) -> QuerySet[Lead]:
        side, moment = _side(period)
        return rows.filter(**{f"last_activity_at__{side}": moment})

    def last_contacted(self, rows: QuerySet[Lead], name: str, period: str) -> QuerySet[Lead]:
        """One contacted since was active since, by an index."""
        if period == "never":
            return rows.filter(last_contact_at=None)
        side, moment = _side(period)
        found = rows.filter(**{f"last_contact_at__{side}": moment})
        return found.filter(last_activity_at__gte=moment) if side == "gte" else found

    def last_called(self, rows: QuerySet[Lead], name: str, period: str) -> QuerySet[Lead]:
        """One never called was not called for any number of days; one called since was active since, by an index."""
        if period == "never":
            return rows.filter(last_called_at=None)
        side, moment = _side(period)
        if side == "gte":
            return rows.filter(last_called_at__gte=moment, last_activity_at__gte=moment)
        return rows.filter(Q(last_called_at__lt=moment) | Q(last_called_at=None))

    def created_from(self, rows: QuerySet[Lead], name: str, day: date) -> QuerySet[Lead]:
        """From the first moment of the day where the reader is."""
        return rows.filter(created_at__gte=timezone.make_aware(datetime.combine(day, time.min)))

    def as_it_is(self, rows: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return rows

    def chips(self) -> list[Chip]:
        """The filters in use, in the order they are declared, one for each value."""
        wrong = {name: " ".join(map(str, problems)) for name, problems in self.errors.items()}
        return [
            Chip(*self._said(name, text), self.query((name, text)), wrong.get(name, ""))
            for name in self.filters
            if name in wrong or name not in SHAPE
            for text in self.written(name)
        ]

    def said(self) -> list[tuple[str, str]]:
        """The filters in use without their chips: what each is called, and a value."""
        self.is_valid()
        return [self._said(name, text) for name in self.filters if name not in SHAPE for text in self.written(name)]

    def told(self) -> dict[str, str]:
        """The filters in use with what they ask for in words; of typed ones nothing, for they may name a person."""
        self.is_valid()
        typed = {name for name in self._in_use if type(self.form.fields[name]) is forms.CharField}
        return {name: "" if name in typed else self._listed(name) for name in self._in_use}

    def _listed(self, name: str) -> str:
        texts = self.written(name)
        words = [str(self.actor) if text == "me" else self._words(name, text) for text in texts[:MOST_LISTED]]
        more = f" and {len(texts) - MOST_LISTED} more" if len(texts) > MOST_LISTED else ""
        return f"{' or '.join(words)}{more}"

    def _said(self, name: str, text: str) -> tuple[str, str]:
        return str(self.filters[name].label), self._words(name, text)

    def query(self, without: tuple[str, str] | None = None, /, **instead: str) -> str:
        """The query string of this state, less one value or with others `instead`; it leads to a first page.

        Without the last of its filters the list is no longer that of the view: a view alone stands for all it has.
        """
        kept = QueryDict(mutable=True)
        for name in self.filters:
            texts = [instead[name]] if name in instead else self.written(name)
            if name == "columns":
                texts = [] if set(texts) == DEFAULT_COLUMNS else sorted(set(texts))
            kept.setlist(name, [text for text in texts if text and (name, text) != without])
        if without and [name for name, texts in kept.lists() if texts] == ["view"]:
            return ""
        return kept.urlencode()

    @property
    def is_view_alone(self) -> bool:
        return [name for name in self.filters if self.written(name)] == ["view"]

    def _words(self, name: str, text: str) -> str:
        """How a chip says a value."""
        chosen = self.form.cleaned_data.get(name)
        if isinstance(chosen, dict) and text in chosen:
            return str(chosen[text] or "nobody") if text != "me" else "me"
        if isinstance(chosen, QuerySet):
            return next((str(one) for one in chosen if str(one.pk) == text), text)
        choices = self.filters[name].extra.get("choices", ())
        return str(dict(choices() if callable(choices) else choices).get(text, text))
