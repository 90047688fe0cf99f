"""A campaign as a manager sets it up. What the settings refuse beside each other is said beside the one to change (D2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from crm.core.lines import one_line
from crm.organization.models import Unit, User
from dialer.campaigns import LEAST_LEVEL, MOST_LEVEL
from dialer.models import Campaign, Disposition
from dialer.services.campaigns import (
    SETTINGS,
    CampaignValues,
    checked,
    dispositions_for,
    people_for,
    save_campaign,
)
from dialer.services.filters import filters_for
from leads.principals import PrincipalSelect
from routing.services.team import ChangedMeanwhileError

MEANWHILE = (
    "Somebody changed this campaign while you had it open. What you typed is kept; save again to replace theirs."
)
MOST_TICKS = 200
YEAR = 525_600
BOUNDS = {"hopper_level": (LEAST_LEVEL, MOST_LEVEL), "preview_seconds": (0, 3600), "attempt_limit": (1, 1000)}
TIME = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
LONGEST_SCRIPT = 5_000


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no ModelForm[M] at run time
    """Its instance is only read: what is valid, the service saves."""

    agents = forms.TypedMultipleChoiceField(coerce=int, required=False, label="These people")
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    class Meta:
        model = Campaign
        fields = SETTINGS
        widgets = {
            "opens": TIME,
            "closes": TIME,
            "script": forms.Textarea(attrs={"rows": 8, "maxlength": LONGEST_SCRIPT}),
        }
        labels = {
            "active": "Running",
            "scope": "Whose leads",
            "lead_filter": "Which of them",
            "enforce_lead_ownership": "Enforce lead ownership",
            "agent_skills": "Agent skills",
            "default_skill": "Skills of who has none",
            "preview_seconds": "Seconds to preview a lead",
            "may_skip": "Agents may skip a lead",
            "reinsert_skipped": "Skipped leads come back",
            "secondary_priority": "Order of skipped leads",
            "attempt_limit": "Most attempts on a lead",
            "opens": "Calls from",
            "closes": "until",
            "open_to_members": "All members of the unit, and of those below it, may join",
        }
        help_texts = {
            "active": "Agents can log in to it.",
            "enforce_lead_ownership": "Each agent gets her own leads first, and nobody else’s. Held leads are dialed by "
            "their holder only.",
            "agent_skills": "Which general leads an agent gets is a lead filter of hers.",
            "default_skill": "Without: agents without skills get no general lead.",
            "hopper_level": "1 to 1,000. Per agent with ownership enforced, for the whole campaign without.",
            "preview_seconds": "0: as long as she likes.",
            "attempt_limit": "Empty: no limit.",
            "opens": "In the lead’s own time zone. Empty: as the calling hours allow. It cannot widen them.",
            "script": "Read out by the agent. Fields such as {first_name}, or {first_name|there} for where it is empty.",
        }

    def __init__(self, data: Any = None, *, actor: User, unit: Unit, campaign: Campaign | None) -> None:
        self.actor, self.unit, self.campaign = actor, unit, campaign
        found = campaign or Campaign(unit=unit)
        named = list(found.agents.order_by("pk").values_list("user", flat=True)) if campaign else []
        super().__init__(data, instance=found, initial={"agents": named, "version": found.version if campaign else 0})
        fields: Any = self.fields
        fields["name"].validators.append(one_line)
        for name, words in (("lead_filter", "All of them"), ("default_skill", "No general leads")):
            fields[name].queryset = filters_for(actor, unit, getattr(found, f"{name}_id"))
            fields[name].empty_label = words
        people = [(str(one.pk), one.name) for one in people_for(actor, unit, campaign)]
        fields["agents"].choices = people
        fields["agents"].widget = (forms.CheckboxSelectMultiple if len(people) <= MOST_TICKS else PrincipalSelect)()
        fields["agents"].widget.choices = people
        for name, (least, most) in BOUNDS.items():
            fields[name].widget.attrs |= {"min": least, "max": most}
        self._delays(found if campaign else None)

    def _delays(self, campaign: Campaign | None) -> None:
        """For each disposition a tick, and minutes of its own."""
        self.rows = dispositions_for(self.unit.company_id, campaign)
        chosen: Mapping[int, int | None] = (
            CampaignValues.of(campaign).dispositions if campaign else {one.pk: None for one in self.rows}
        )
        for one in self.rows:
            self.fields[f"d-{one.pk}"] = forms.BooleanField(required=False, label=one.name, initial=one.pk in chosen)
            if one.recycle_after:
                self.fields[f"r-{one.pk}"] = forms.IntegerField(
                    required=False,
                    min_value=1,
                    max_value=YEAR,
                    label=f"Minutes after {one.name}",
                    initial=chosen.get(one.pk),
                    widget=forms.NumberInput(attrs={"placeholder": one.recycle_after}),
                )

    @property
    def delays(self) -> list[tuple[Disposition, Any, Any]]:
        """Each disposition with its tick and its minutes, None where it needs none."""
        return [
            (one, self[f"d-{one.pk}"], self[f"r-{one.pk}"] if f"r-{one.pk}" in self.fields else None)
            for one in self.rows
        ]

    def validate_constraints(self) -> None:
        """The same is said by `refusals`, in words."""

    def clean_script(self) -> str:
        script = str(self.cleaned_data["script"])
        if len(script) > LONGEST_SCRIPT:
            raise forms.ValidationError(f"The script has {len(script):,} characters. {LONGEST_SCRIPT:,} are the most.")
        return script

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        for name, (least, most) in BOUNDS.items():
            if data.get(name) is not None and not least <= data[name] <= most:
                self.add_error(name, f"Between {least} and {most:,}.")
        if not self.errors:
            for name, why in checked(self.actor, self.unit, data, data["agents"]).items():
                self.add_error(name, why)
            if not any(data[f"d-{one.pk}"] for one in self.rows):
                self.add_error(None, "Choose at least one disposition.")
        return data

    def values(self) -> CampaignValues:
        data = self.cleaned_data
        dispositions = {one.pk: data.get(f"r-{one.pk}") for one in self.rows if data[f"d-{one.pk}"]}
        agents = frozenset() if data["open_to_members"] else frozenset(data["agents"])
        return CampaignValues({name: data[name] for name in SETTINGS}, agents, dispositions)

    def save(self, commit: bool = True) -> Campaign | None:
        """What was saved; where nothing was, the form says why. Raises PermissionDenied."""
        version = self.cleaned_data["version"]
        try:
            return save_campaign(
                actor=self.actor, unit=self.unit, campaign=self.campaign, values=self.values(), version=version
            )
        except ChangedMeanwhileError:
            now = Campaign.objects.filter(pk=self.campaign.pk if self.campaign else 0).first()
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data["version"] = str(now.version if now else 0)  # type: ignore[index]
            self.add_error(None, MEANWHILE)
        except ValidationError as error:
            for name, said in error.message_dict.items():
                self.add_error(name if name in self.fields else None, said)
        return None
