"""What a report is asked: whose figures, of which days, narrowed to what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone

from crm.core.moments import DayField
from crm.organization.models import Unit, User
from crm.organization.querysets import within
from leads.models import Source, Stage
from leads.querysets import sources_in_sight
from permissions.access import Keyring, Level
from permissions.door import seen_by
from routing.models import Offer
from routing.reports.reach import Reach

PERIODS = {
    "7": "Last 7 days",
    "30": "Last 30 days",
    "90": "Last 90 days",
    "365": "Last 365 days",
    "days": "From day to day",
}
USUAL = "30"
LONGEST = timedelta(days=366)
BY = {"unit": "By unit", "source": "By source", "agent": "By agent"}
SILENCE = {"never": "Untouched", "today": "Contacted today", "week": "Contacted this week", "cold": "Not for 7 days"}
MOST_PEOPLE = 5


@dataclass(frozen=True)
class Question:
    """What happened from `since` until before `until`; in this unit and those below it, of these people and this source.

    `day` begins the one of `now` where the unit is.
    """

    reach: Reach
    keyring: Keyring
    since: datetime
    until: datetime
    now: datetime
    day: datetime
    unit: Unit | None = None
    people: tuple[int, ...] = ()
    source: Source | None = None
    stage: Stage | None = None
    silence: str = ""
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
    stage = forms.ModelChoiceField(Stage.objects.none(), required=False, empty_label="All open stages")
    silence = forms.ChoiceField(required=False, choices=[("", "All"), *SILENCE.items()], label="Last contact")
    by = forms.ChoiceField(required=False, label="Rows")

    def __init__(
        self, data: Any, *, actor: User, keyring: Keyring, asks: Collection[str], by: Mapping[str, str]
    ) -> None:
        super().__init__({"period": USUAL} | {name: data[name].replace("\x00", "") for name in data})
        self.actor, self.keyring, self.reach = actor, keyring, Reach(actor)
        self.fields["unit"].queryset = self.reach.units()  # type: ignore[attr-defined]
        self.fields["source"].queryset = sources_in_sight(keyring)  # type: ignore[attr-defined]
        stages = Stage.objects.filter(company=actor.company_id).order_by("position", "pk")
        self.fields["stage"].queryset = stages  # type: ignore[attr-defined]
        self.fields["by"].choices = list(by.items())  # type: ignore[attr-defined]
        self.first_by = next(iter(by), "")
        for name in [name for name in self.fields if name not in asks or (name == "agent" and not self.reach.managed)]:
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
        now = timezone.now().replace(microsecond=0)
        since, until = self._days(now.astimezone(zone).date())
        return Question(
            reach=self.reach,
            keyring=self.keyring,
            since=datetime.combine(since, time(), zone),
            until=datetime.combine(until + timedelta(days=1), time(), zone),
            now=now,
            day=datetime.combine(now.astimezone(zone), time(), zone),
            unit=unit,
            people=data.get("agent", ()),
            source=data.get("source"),
            stage=data.get("stage"),
            silence=data.get("silence", ""),
            by=data.get("by") or self.first_by,
        )

    def _days(self, today: date) -> tuple[date, date]:
        """The first and the last."""
        data = self.cleaned_data
        if data.get("period") == "days":
            return data["since"], data["until"]
        return today - timedelta(days=int(data.get("period") or USUAL) - 1), today
