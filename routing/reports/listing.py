"""The leads behind a figure of offers, as a filter of the People page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from crm.organization.models import Unit, User
from crm.organization.querysets import within
from leads.filters import FurtherFilter
from leads.models import Lead
from routing.models import Decision, Offer
from routing.reports.links import WRITTEN
from routing.reports.reach import Reach

STATES: dict[str, str] = {
    Offer.State.OPEN: "still open",
    Offer.State.CLAIMED: "claimed",
    Offer.State.EXPIRED: "missed",
    Offer.State.DECLINED: "passed on",
    Offer.State.WITHDRAWN: "withdrawn",
}
WORDS: dict[str, str] = {"offered": "offered", "seen": "seen", "contacted": "contacted", "skipped": "skipped", **STATES}


@dataclass(frozen=True)
class Asked:
    """Offers of `unit` (or those `below` it) to `people` from `since` until before `until`, with which `what` was done."""

    reach: Reach
    what: str
    since: datetime
    until: datetime
    unit: Unit | None
    below: bool
    people: Sequence[User]

    def __str__(self) -> str:
        where = f" in {self.unit}{' and below' if self.below else ''}" if self.unit else ""
        whose = (
            f" {'for' if self.what == 'skipped' else 'by'} {', '.join(map(str, self.people))}" if self.people else ""
        )
        return f"{WORDS[self.what]}{whose}{where}, {days_from(self.since, self.until)}"

    def leads(self) -> QuerySet[Any, Any]:
        return self._skipped() if self.what == "skipped" else self._offers().order_by().values("lead")

    def _offers(self) -> QuerySet[Offer]:
        found = self.reach.offers().filter(offered_at__gte=self.since, offered_at__lt=self.until)
        if self.unit is not None:
            found = found.filter(within([self.unit.pk], "unit__")) if self.below else found.filter(unit=self.unit)
        if self.people:
            found = found.filter(user__in=self.people)
        if self.what == "seen":
            return found.filter(seen_at__isnull=False)
        if self.what == "contacted":
            return found.filter(contacted_at__isnull=False)
        return found.filter(state=self.what) if self.what in STATES else found

    def _skipped(self) -> QuerySet[Decision, Any]:
        """Those that somebody was skipped for; herself, or on a roster of a unit she manages."""
        me = self.reach.user
        found = Decision.objects.filter(company=me.company_id, method="round_robin", rotation__unit=self.unit)
        found = found.filter(at__gte=self.since, at__lt=self.until)
        seen = self.people if self.unit and self.unit.pk in self.reach.managed else [p for p in self.people if p == me]
        if not seen:
            return found.none().values("lead")
        return found.filter(skipped__contains=[[seen[0].pk]]).order_by().values("lead")


def days_from(since: datetime, until: datetime) -> str:
    """The days from the first moment until before the last: `Mar 1 to Mar 7`."""
    first, last = (timezone.localtime(at) for at in (since, until - timedelta(seconds=1)))
    return f"{date_format(first, 'M j')} to {date_format(last, 'M j')}"


class AskedField(forms.CharField):
    """What links.py writes; whom and which units it names, she must be able to ask about."""

    def __init__(self, *, actor: User, **kwargs: Any) -> None:
        self.reach = Reach(actor)
        super().__init__(max_length=120, **kwargs)

    def clean(self, value: Any) -> dict[str, Asked]:
        text = super().clean(value)
        return {text: self._read(text)} if text else {}

    def _read(self, text: str) -> Asked:
        found = WRITTEN.fullmatch(text)
        if found is None or found["what"] not in WORDS:
            raise ValidationError("This figure cannot be read.")
        ids = {int(number) for number in (found["people"] or "").split("-") if number}
        people = list(self.reach.people().filter(pk__in=ids)) if ids else []
        unit = self.reach.units().filter(pk=int(found["unit"])).first() if found["unit"] else None
        if len(people) < len(ids) or bool(found["unit"]) != bool(unit):
            raise ValidationError("This figure is about somebody else’s people.")
        since, until = (datetime.fromtimestamp(int(found[name]), UTC) for name in ("since", "until"))
        return Asked(self.reach, found["what"], since, until, unit, found["where"] == "in", people)


class AskedFilter(FurtherFilter):
    field_class = AskedField

    @property
    def field(self) -> Any:
        self.extra["actor"] = self.parent.actor
        return super().field

    def filter(self, rows: QuerySet[Lead], chosen: dict[str, Asked]) -> QuerySet[Lead]:
        for asked in (chosen or {}).values():
            rows = rows.filter(pk__in=asked.leads())
        return rows

    def note(self, chosen: dict[str, Asked], count: int) -> str:
        """An offer is counted whatever became of its lead; the list has what she may read of that."""
        missing = sum(asked.leads().distinct().count() for asked in chosen.values()) - count
        if missing <= 0:
            return ""
        leads = "1 lead of this figure is" if missing == 1 else f"{missing:,} leads of this figure are"
        return f"{leads} not listed: removed since, or not yours to read any more."
