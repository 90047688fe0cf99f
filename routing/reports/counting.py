"""The leads behind a figure of leads, as a filter of the People page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from crm.organization.models import Unit, User
from leads.filters import FurtherFilter
from leads.models import Lead
from permissions.access import Keyring, Level
from routing.reports.listing import days_from
from routing.reports.reach import Reach
from routing.reports.which import Which

MOST = 200  # characters
WHATS = {
    "originated": "company-originated",
    "brought": "agents’ own",
    "held": "held",
    "overdue": "with a task overdue",
    "hidden": "hidden from you",
    "kept": "hidden from you",
}
STATES = {
    "untouched": "open and never contacted",
    "personal": "personal now",
}


@dataclass(frozen=True)
class Counted:
    """Which leads, with the names of whom that is about."""

    which: Which
    condition: Q
    unit: Unit | None
    people: list[User]

    def __str__(self) -> str:
        which = self.which
        words = [WHATS[which.what], STATES.get(which.state, which.state)]
        if self.unit is not None:
            words.append(f"{'in' if which.below else 'from'} {self.unit}{' and below' if which.below else ''}")
        if which.nobody or self.people:
            words.append("of nobody" if which.nobody else f"of {', '.join(map(str, self.people))}")
        words.append("without a source" if which.unsourced else "")
        words.append(_touched(*which.touched) if which.touched else "")
        words.append(f"came {days_from(*which.came)}" if which.came else "")
        return ", ".join(word for word in words if word)


def _touched(since: datetime | None, until: datetime | None) -> str:
    if since is until is None:
        return "never contacted"
    said = [
        f"{words} {date_format(timezone.localtime(at), 'M j, H:i')}"
        for words, at in (("since", since), ("before", until))
        if at
    ]
    return f"last contacted {' and '.join(said)}"


class CountedField(forms.CharField):
    """What `Which` writes; whom and which unit it names, she can ask about or knows from a lead."""

    def __init__(self, *, actor: User, keyring: Keyring, **kwargs: Any) -> None:
        self.reach, self.keyring = Reach(actor), keyring
        super().__init__(max_length=MOST, **kwargs)

    def clean(self, value: Any) -> dict[str, Counted]:
        text = super().clean(value)
        return {text: self._read(text)} if text else {}

    def _read(self, text: str) -> Counted:
        which = Which.read(text)
        if which is None:
            raise ValidationError("This figure cannot be read.")
        people = [self._person(pk) for pk in which.people]
        unit = self._unit(which.unit) if which.unit else None
        return Counted(which, which.condition(self.reach, self.keyring, unit), unit, people)

    def _person(self, pk: int) -> User:
        found: User | None = self.reach.people().filter(pk=pk).first()
        if found is None and self._knows(holder_id=pk):
            found = User.objects.of(self.reach.user).filter(pk=pk).first()
        if found is None:
            raise ValidationError("This figure is about somebody else’s people.")
        return found

    def _unit(self, pk: int) -> Unit:
        found: Unit | None = self.reach.units().filter(pk=pk).first()
        if found is None and self._knows(origin_unit=pk):
            found = Unit.objects.of(self.reach.user).filter(pk=pk).first()
        if found is None:
            raise ValidationError("This figure is about somebody else’s people.")
        return found

    def _knows(self, **of: int) -> bool:
        """From a lead that she may read."""
        return Lead.objects.visible_to(self.keyring, Level.VIEW).filter(**of).exists()


class CountedFilter(FurtherFilter):
    field_class = CountedField

    @property
    def field(self) -> Any:
        self.extra.update(actor=self.parent.actor, keyring=self.parent.keyring)
        return super().field

    def filter(self, rows: QuerySet[Lead], chosen: dict[str, Counted]) -> QuerySet[Lead]:
        for counted in (chosen or {}).values():
            rows = rows.filter(counted.condition)
        return rows

    def shows_redacted(self, texts: list[str]) -> bool:
        return all((which := Which.read(text)) and which.shows_redacted for text in texts)
