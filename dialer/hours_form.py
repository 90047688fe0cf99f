"""Calling rules as a company manager sets them: the hours of one state, from a day on."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from crm.core.moments import DayField
from dialer.hours import EVERYWHERE
from dialer.models import CallingHours
from dialer.services.hours import problem_of
from dialer.states import STATES
from routing.fields import WeeklyField

BY_NAME = sorted(STATES.items(), key=lambda one: one[1])


class HoursForm(forms.Form):
    """The hours of `state`, in the rules `found`; empty hours of a state mean that nobody is called there."""

    state = forms.CharField(widget=forms.HiddenInput, required=False)
    own = forms.BooleanField(required=False, label="It has hours of its own")
    week = WeeklyField(
        label="Hours in which one may call", help_text="By the clocks there. A day without hours is closed."
    )
    consent_for_calls = forms.BooleanField(required=False, label="Calls need consent on record")
    consent_for_texts = forms.BooleanField(required=False, label="Texts need consent on record")
    as_of = DayField(label="From", help_text="What holds until then stays in the history, and is never changed.")
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, data: Any = None, *, found: CallingHours, latest: int, today: date, state: str) -> None:
        rows = found.states.get(state, found.states[EVERYWHERE])
        known = {"state": state, "own": True, "week": rows, "as_of": today, "seen": latest}
        consent = {name: getattr(found, name) for name in ("consent_for_calls", "consent_for_texts")}
        super().__init__(data, initial=known | consent)
        self.found, self.today, self.of = found, today, state
        if state == EVERYWHERE:
            del self.fields["own"]
        else:
            del self.fields["consent_for_calls"], self.fields["consent_for_texts"]

    def clean_as_of(self) -> date:
        day: date = self.cleaned_data["as_of"]
        if day < self.today:
            raise ValidationError("What held in the past stays as it was. Choose today, or a later day.")
        return day

    def clean_week(self) -> list[Any]:
        rows: list[Any] = self.cleaned_data["week"]
        if problem := problem_of(rows):
            raise ValidationError(problem)
        return rows

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if self.of == EVERYWHERE and not data.get("week") and "week" not in self.errors:
            self.add_error("week", "Say when one may call at all.")
        return data

    def states(self) -> dict[str, Any]:
        """The hours of all states, with those of this one as they were typed."""
        others = {state: rows for state, rows in self.found.states.items() if state != self.of}
        own = self.of == EVERYWHERE or self.cleaned_data["own"]
        return {**others, self.of: self.cleaned_data["week"]} if own else others

    def consent(self) -> dict[str, bool]:
        names = ("consent_for_calls", "consent_for_texts")
        return {name: self.cleaned_data.get(name, getattr(self.found, name)) for name in names}

    def again(self, latest: int) -> None:
        """Kept as typed, to be saved over what somebody else saved."""
        self.data = self.data.copy()  # type: ignore[attr-defined]
        self.data["seen"] = str(latest)  # type: ignore[index]


class StateForm(forms.Form):
    """Which state's hours to look at."""

    state = forms.ChoiceField(label="A state with hours of its own", choices=[("", "Choose …"), *BY_NAME])
