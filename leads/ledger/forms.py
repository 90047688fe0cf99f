"""How the ledger is asked: by kind, time, person, unit, lead and batch."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from crm.core.moments import DayField
from crm.organization.models import Unit, User
from leads.ledger.reading import Question
from leads.models import Batch, Lead
from permissions.access import Keyring, Level
from permissions.models import LedgerEntry

MOST_PEOPLE = 5
ENDS = [("", "took any part"), ("actor", "did it"), ("from", "it was taken from"), ("to", "it went to")]


class LedgerForm(forms.Form):
    """Its `question` is what the answer is looked up by."""

    kind = forms.ChoiceField(required=False, choices=[("", "Any fact"), *LedgerEntry.Kind.choices])
    person = forms.CharField(
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"placeholder": "Name or e-mail", "type": "search"}),
    )
    end = forms.ChoiceField(required=False, choices=ENDS, label="As whom")
    unit = forms.ModelChoiceField(Unit.objects.none(), required=False, empty_label="Any unit")
    lead = forms.CharField(
        required=False, max_length=200, widget=forms.TextInput(attrs={"placeholder": "Its address, or the end of it"})
    )
    since = DayField(required=False, label="From")
    until = DayField(required=False, label="To")
    batch = forms.CharField(
        required=False,
        max_length=200,
        label="Mass action",
        widget=forms.TextInput(attrs={"placeholder": "Its address, or the end of it"}),
    )

    def __init__(self, data: Any, *, actor: User, keyring: Keyring) -> None:
        super().__init__({name: data[name].replace("\x00", "") for name in self.base_fields if name in data})
        self.actor, self.keyring = actor, keyring
        units = Unit.objects.of(actor).order_by("name", "pk")
        self.fields["unit"].queryset = units  # type: ignore[attr-defined]

    def clean_person(self) -> tuple[int, ...]:
        text = self.cleaned_data["person"].strip()
        if not text:
            return ()
        named = User.objects.of(self.actor).filter(Q(name__icontains=text) | Q(email__iexact=text))
        found = tuple(named.order_by("pk").values_list("pk", flat=True)[: MOST_PEOPLE + 1])
        if not found:
            raise ValidationError("Nobody is called so.")
        if len(found) > MOST_PEOPLE:
            raise ValidationError(f"More than {MOST_PEOPLE} people are called so. Write more of the name.")
        return found

    def clean_lead(self) -> int | None:
        """The same words for a lead that she may not see and one that is not there."""
        text = _end(self.cleaned_data["lead"])
        if not text:
            return None
        lead = Lead.objects.visible_to(self.keyring, Level.VIEW).filter(public_id=text).order_by("pk").first()
        if lead is None:
            raise ValidationError("There is no such lead that you may see.")
        return lead.pk

    def clean_batch(self) -> Batch | None:
        text = _end(self.cleaned_data["batch"])
        if not text:
            return None
        begun = Batch.objects.filter(company=self.actor.company_id, confirmed_at__isnull=False)
        batch = begun.filter(public_id=text).first()
        if batch is None:
            raise ValidationError("There is no such mass action.")
        return batch

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", "This day is before the one it begins with.")

    @property
    def question(self) -> Question:
        data, batch = self.cleaned_data, self.cleaned_data["batch"]
        since, until = _midnight(data["since"]), _midnight(data["until"], later=1)
        if batch:  # its facts lie between its beginning and its end, where they are soon found
            since = max(filter(None, [since, batch.confirmed_at]))
            until = min(filter(None, [until, (batch.ended_at or timezone.now()) + timedelta(seconds=1)]))
        return Question(
            kind=data["kind"],
            since=since,
            until=until,
            people=data["person"],
            end=data["end"],
            unit=data["unit"].pk if data["unit"] else None,
            lead=data["lead"],
            batch=batch.pk if batch else None,
        )

    def chosen(self) -> dict[str, str]:
        """What was asked, as the address says it."""
        return {name: str(value) for name, value in self.data.items() if value}


def _end(address: str) -> str:
    """The last part of an address."""
    return address.strip().rstrip("/").rpartition("/")[2]


def _midnight(day: Any, *, later: int = 0) -> datetime | None:
    """The beginning of the day, or of one so many days later, where the reader is."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=later), time())) if day else None
