"""What a report is asked: whose offers, of which days, narrowed to what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone

from crm.core.moments import DayField
from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import within
from leads.models import Source
from leads.querysets import sources_in_sight
from permissions.access import Keyring, Level
from permissions.door import seen_by
from routing.models import Offer

PERIODS = {"7": "Last 7 days", "30": "Last 30 days", "90": "Last 90 days", "days": "From day to day"}
USUAL = "30"
LONGEST = timedelta(days=366)
BY = {"unit": "By unit", "source": "By source", "agent": "By agent"}
MOST_PEOPLE = 5


@dataclass(frozen=True)
class Reach:
    """Whose figures she may see: of offers made by units she manages, and of those made to her."""

    user: User

    @cached_property
    def managed(self) -> list[int]:
        return list(Unit.objects.managed_by(self.user).order_by("pk").values_list("pk", flat=True))

    @cached_property
    def company(self) -> list[int]:
        return list(Unit.objects.of(self.user).order_by("pk").values_list("pk", flat=True))

    def offers(self) -> QuerySet[Offer]:
        return Offer.objects.reported_to(self.user, self.managed, self.company)

    def units(self) -> QuerySet[Unit]:
        """Those by whose name she may ask: which she manages, and her own."""
        hers = Q(pk__in=Unit.objects.joined_by(self.user).values("pk"))
        return Unit.objects.of(self.user).filter(hers | Q(pk__in=self.managed)).order_by("name", "pk")

    def people(self) -> QuerySet[User]:
        """Those by whose name she may ask: herself, and who is or was in a unit that she manages."""
        members = Membership.objects.filter(unit__in=self.managed).order_by().values("user")
        found: QuerySet[User] = User.objects.of(self.user).filter(Q(pk=self.user.pk) | Q(pk__in=members))
        return found.order_by("name", "pk")


@dataclass(frozen=True)
class Question:
    """Offers made from `since` until before `until`; by this unit and those below it, to these people, of this source."""

    reach: Reach
    keyring: Keyring
    since: datetime
    until: datetime
    unit: Unit | None = None
    people: tuple[int, ...] = ()
    source: Source | None = None
    by: str = "unit"

    def offers(self) -> QuerySet[Offer]:
        found = self.reach.offers().filter(offered_at__gte=self.since, offered_at__lt=self.until)
        if self.unit is not None:
            found = found.filter(within([self.unit.pk], "unit__"))
        if self.people:
            found = found.filter(user__in=self.people)
        if self.source is not None:
            found = found.filter(seen_by(self.keyring, Level.VIEW, "lead__"), lead__source=self.source)
        return found


class ReportForm(forms.Form):
    """Its `question` is what the report answers. Days are those of the unit, or else of the company."""

    period = forms.ChoiceField(required=False, choices=list(PERIODS.items()))
    since = DayField(required=False, label="From")
    until = DayField(required=False, label="To")
    unit = forms.ModelChoiceField(Unit.objects.none(), required=False, empty_label="All units")
    agent = forms.CharField(
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"placeholder": "Name or e-mail", "type": "search"}),
    )
    source = forms.ModelChoiceField(Source.objects.none(), required=False, empty_label="All sources")
    by = forms.ChoiceField(required=False, choices=list(BY.items()), label="Rows")

    def __init__(self, data: Any, *, actor: User, keyring: Keyring, asks: frozenset[str]) -> None:
        super().__init__({"period": USUAL} | {name: data[name].replace("\x00", "") for name in data})
        self.actor, self.keyring, self.reach = actor, keyring, Reach(actor)
        self.fields["unit"].queryset = self.reach.units()  # type: ignore[attr-defined]
        self.fields["source"].queryset = sources_in_sight(keyring)  # type: ignore[attr-defined]
        may = asks if self.reach.managed else asks - {"agent"}
        for name in [name for name in self.fields if name not in may | {"period", "since", "until", "unit"}]:
            del self.fields[name]

    def clean_agent(self) -> tuple[int, ...]:
        text = self.cleaned_data["agent"].strip()
        if not text:
            return ()
        named = self.reach.people().filter(Q(name__icontains=text) | Q(email__iexact=text))
        found = tuple(named.values_list("pk", flat=True)[: MOST_PEOPLE + 1])
        if not found:
            raise ValidationError("Nobody of yours is called so.")
        if len(found) > MOST_PEOPLE:
            raise ValidationError(f"More than {MOST_PEOPLE} people are called so. Write more of the name.")
        return found

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("period") == "days" and not self.errors:
            if not (data["since"] and data["until"]):
                raise ValidationError("Choose both days, or a period.")
            if not timedelta() <= data["until"] - data["since"] < LONGEST:
                raise ValidationError("The first day comes before the last, and a year at most lies between them.")
        return data

    @property
    def question(self) -> Question:
        data = self.cleaned_data
        unit: Unit | None = data["unit"]
        zone = ZoneInfo(unit.time_zone if unit else self.actor.company.time_zone)
        since, until = self._days(zone)
        return Question(
            reach=self.reach,
            keyring=self.keyring,
            since=datetime.combine(since, time(), zone),
            until=datetime.combine(until + timedelta(days=1), time(), zone),
            unit=unit,
            people=data.get("agent", ()),
            source=data.get("source"),
            by=data.get("by") or "unit",
        )

    def _days(self, zone: ZoneInfo) -> tuple[date, date]:
        """The first and the last."""
        data = self.cleaned_data
        if data["period"] == "days":
            return data["since"], data["until"]
        today = timezone.localtime(timezone=zone).date()
        return today - timedelta(days=int(data["period"] or USUAL) - 1), today
