"""The leads behind a figure of a campaign (D15), as a filter of the People page: `12` is its scope, `12.hours` what fell
out there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters import Filter

from crm.organization.models import User
from dialer.models import Campaign
from dialer.services.campaigns import scope_of
from dialer.services.falling import WORDS, lacking, steps_of
from dialer.services.reach import Reach, agents_in
from leads.models import Lead

WRITTEN = re.compile(r"(?P<campaign>[0-9]{1,9})(?:\.(?P<name>[a-z_]{1,12}))?", re.ASCII)


@dataclass(frozen=True)
class Asked:
    campaign: Campaign
    name: str

    def __str__(self) -> str:
        return f"{self.campaign}: {WORDS[self.name].lower()}" if self.name else str(self.campaign)

    def condition(self) -> Q:
        scope = scope_of(self.campaign)
        if not self.name:
            return scope
        reach = Reach.of(self.campaign, agents_in(self.campaign), timezone.now())
        return scope & lacking(steps_of(reach), self.campaign, self.name)


class CampaignField(forms.CharField):
    """A campaign whose monitors are open to her, and which of its leads."""

    def __init__(self, *, actor: User, **kwargs: Any) -> None:
        self.actor = actor
        super().__init__(max_length=24, **kwargs)

    def clean(self, value: Any) -> dict[str, Asked]:
        text = super().clean(value)
        return {text: self._read(text)} if text else {}

    def _read(self, text: str) -> Asked:
        found = WRITTEN.fullmatch(text)
        if found is None or (found["name"] or "number") not in WORDS:
            raise ValidationError("This figure cannot be read.")
        known = Campaign.objects.watched_by(self.actor).select_related("company", "unit", "lead_filter")
        campaign = known.filter(pk=int(found["campaign"])).first()
        if campaign is None:
            raise ValidationError("This campaign is not one you may look at.")
        return Asked(campaign, found["name"] or "")


class CampaignFilter(Filter):
    field_class = CampaignField

    @property
    def field(self) -> Any:
        self.extra["actor"] = self.parent.actor
        return super().field

    def filter(self, rows: QuerySet[Lead], chosen: dict[str, Asked]) -> QuerySet[Lead]:
        for asked in (chosen or {}).values():
            rows = rows.filter(asked.condition())
        return rows
