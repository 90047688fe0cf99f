"""An automation as a manager sets it up: when, for which leads, and what then (D13)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from crm.core.lines import one_line
from crm.organization.models import Unit, User
from dialer.models import Automation, AutomationRun, Campaign
from dialer.services.automations import SETTINGS, AutomationValues, choices_for, save_automation
from routing.services.team import ChangedMeanwhileError

MEANWHILE = (
    "Somebody changed this automation while you had it open. What you typed is kept; save again to replace theirs."
)
EMPTY = {
    "disposition": "Choose a disposition …",
    "stage": "Choose a stage …",
    "lead_filter": "All of them",
    "new_stage": "Leave the stage",
    "pond": "No pond",
}


class AutomationForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no ModelForm[M] at run time
    """Its instance is only read: what is valid, the service saves."""

    campaigns = forms.ModelMultipleChoiceField(
        Campaign.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="In these campaigns",
        help_text="None: whatever campaign it is, or none.",
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    class Meta:
        model = Automation
        fields = SETTINGS
        widgets = {
            "days": forms.NumberInput(attrs={"min": 1, "max": 3650}),
            "task_days": forms.NumberInput(attrs={"min": 0, "max": 3650}),
        }
        labels = {
            "active": "Running",
            "disposition": "Which disposition",
            "stage": "Which stage",
            "days": "How many days",
            "lead_filter": "Which leads",
            "new_stage": "Move it to the stage",
            "tag": "Add the tag",
            "new_owner": "Whose it is then",
            "clear": "Take the Agent off",
            "pond": "Move it to the pond",
            "task": "Plan the task",
            "task_days": "Due in how many days",
            "told": "Tell",
            "message": "What they are told",
        }
        help_texts = {
            "active": "What happened while it was stopped stays undone.",
            "days": "Of open leads, and once for each silence.",
            "lead_filter": "As the lead is when its turn comes, a moment later.",
            "task": "For the assigned Agent; without one, for anyone who may work the lead.",
            "new_owner": "“Whoever did it” set the disposition, moved the stage, claimed or brought the lead.",
        }

    def __init__(self, data: Any = None, *, actor: User, unit: Unit, automation: Automation | None) -> None:
        self.actor, self.unit, self.automation = actor, unit, automation
        found = automation or Automation(unit=unit)
        chosen = list(AutomationValues.of(automation).campaigns) if automation else []
        version = found.version if automation else 0
        super().__init__(data, instance=found, initial={"campaigns": chosen, "version": version})
        fields: Any = self.fields
        for name, rows in choices_for(actor, unit, automation).items():
            fields[name].queryset = rows
            if name in EMPTY:
                fields[name].empty_label = EMPTY[name]
        for name, words, choices in (
            ("new_owner", "Leave it as it is", Automation.Owner),
            ("told", "Nobody", Automation.Told),
        ):
            fields[name].choices = [("", words), *choices.choices]
        fields["trigger"].choices = [("", "Choose …"), *Automation.Trigger.choices]
        for name in ("name", "tag", "task", "message"):
            fields[name].validators.append(one_line)

    def _post_clean(self) -> None:
        """The service says what does not go together."""

    def values(self) -> AutomationValues:
        data = self.cleaned_data
        return AutomationValues({name: data[name] for name in SETTINGS}, frozenset(one.pk for one in data["campaigns"]))

    def save(self, commit: bool = True) -> Automation | None:
        """What was saved; where nothing was, the form says why. Raises PermissionDenied."""
        version = self.cleaned_data["version"]
        try:
            return save_automation(
                actor=self.actor, unit=self.unit, automation=self.automation, values=self.values(), version=version
            )
        except ChangedMeanwhileError:
            now = Automation.objects.filter(pk=self.automation.pk if self.automation else 0).first()
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data["version"] = str(now.version if now else 0)  # type: ignore[index]
            self.add_error(None, MEANWHILE)
        except ValidationError as error:
            for name, said in error.message_dict.items():
                self.add_error(name if name in self.fields else None, said)
        return None


class LogForm(forms.Form):
    """Which runs are listed."""

    automation = forms.ModelChoiceField(Automation.objects.none(), required=False, empty_label="All of them")
    outcome = forms.ChoiceField(required=False, choices=[("", "Any outcome"), *AutomationRun.Outcome.choices])

    def __init__(self, data: Any, *, automations: QuerySet[Automation]) -> None:
        super().__init__(data)
        fields: Any = self.fields
        fields["automation"].queryset = automations.order_by("name", "pk")

    @property
    def query(self) -> str:
        """The query string of what is asked for."""
        return urlencode({name: text for name in self.fields if (text := self.data.get(name))})
