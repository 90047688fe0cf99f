"""What a company manager chooses about the policy. Nothing is saved before she has seen what it changes."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import QueryDict
from phonenumbers import SUPPORTED_REGIONS

from crm.core.lines import one_line
from crm.organization.models import User, validate_time_zone
from permissions.policy import services
from permissions.policy.services import Policy
from permissions.policy.wording import CHOICES, DUPLICATE_KEYS, SETTINGS, Choice

REGION = RegexValidator(r"^(" + "|".join(sorted(SUPPORTED_REGIONS)) + ")$", "Choose a country by its two letters: US.")
SETTINGS_HELP = {
    "bulk_claims": "Off: only what the agent does by hand, to this one lead. Opening a lead never claims it.",
    "consent_for_emails": "Off: everybody but who opted out.",
    "replies_to": "Empty: to the person in whose name an e-mail is sent.",
    "mail_footer": "Such as your postal address. The way out always stands there.",
    "duplicate_keys": "Where none is ticked, no two leads are.",
    "phone_region": "Two letters, such as US. Numbers typed without a country code are read so.",
    "time_zone": "Such as America/New_York. People who join start with it.",
    "two_factor_required": "Everybody sets up a code from her phone before she goes on.",
    "whitelist": "Managers of the company always may. Those of offices and teams where one of theirs is ticked.",
}


class PolicyForm(forms.Form):
    """`opened` carries what stood when the page was opened, so that what somebody else changed since is not undone."""

    opened = forms.CharField(widget=forms.HiddenInput)
    personal_leads = forms.ChoiceField(choices=[choice[:2] for choice in CHOICES["personal_leads"]])
    reregistration = forms.ChoiceField(choices=[choice[:2] for choice in CHOICES["reregistration"]])
    duplicate_keys = forms.MultipleChoiceField(
        choices=list(DUPLICATE_KEYS.items()), required=False, widget=forms.CheckboxSelectMultiple
    )
    owner_notifications = forms.ChoiceField(choices=[choice[:2] for choice in CHOICES["owner_notifications"]])
    claiming = forms.ChoiceField(choices=[choice[:2] for choice in CHOICES["claiming"]])
    bulk_claims = forms.BooleanField(required=False)
    consent_for_emails = forms.BooleanField(required=False)
    replies_to = forms.EmailField(required=False)
    mail_footer = forms.CharField(max_length=200, required=False, validators=[one_line])
    two_factor_required = forms.BooleanField(required=False)
    whitelist = forms.TypedMultipleChoiceField(coerce=int, required=False, widget=forms.CheckboxSelectMultiple)
    name = forms.CharField(max_length=120, validators=[one_line])
    time_zone = forms.CharField(
        max_length=64, validators=[validate_time_zone], widget=forms.TextInput(attrs={"list": "time-zones"})
    )
    phone_region = forms.CharField(max_length=2, validators=[REGION])

    def __init__(self, data: QueryDict | None = None, *, actor: User) -> None:
        self.actor, self.now = actor, services.read_policy(actor.company_id)
        self.meanwhile: list[str] = []
        values = self.now.values()
        super().__init__(data.copy() if data is not None else None, initial=values | {"opened": json.dumps(values)})
        units = services.listed_units(actor.company_id).order_by("name", "pk").values_list("pk", "name")
        self.fields["whitelist"].choices = list(units)  # type: ignore[attr-defined]
        for name, label in SETTINGS.items():
            self.fields[name].label, self.fields[name].help_text = label, SETTINGS_HELP.get(name, "")

    def ladders(self) -> list[tuple[forms.BoundField, list[Choice]]]:
        """The settings about whose a lead is that are one of a few, each choice with what it means."""
        return [(self[name], choices) for name, choices in CHOICES.items() if name != "claiming"]

    def claims(self) -> list[tuple[forms.BoundField, list[Choice]]]:
        return [(self["claiming"], CHOICES["claiming"])]

    def clean_opened(self) -> dict[str, Any]:
        try:
            read = json.loads(self.cleaned_data["opened"])
        except ValueError:
            read = None
        if not isinstance(read, dict) or set(read) != set(self.now.values()):
            raise ValidationError("This could not be read. Open the page again; nothing was changed.")
        return read

    def clean_duplicate_keys(self) -> list[str]:
        """In the order of the page, whatever was ticked first."""
        return [key for key in DUPLICATE_KEYS if key in self.cleaned_data["duplicate_keys"]]

    def clean(self) -> None:
        if "opened" in self.errors:
            raise ValidationError(self.errors["opened"].as_data())
        if not self.errors:
            self._keep_others()

    def _keep_others(self) -> None:
        """What she left as it was when she opened the page is now as somebody else may have made it since."""
        now, opened = self.now.values(), self.cleaned_data["opened"]
        self.meanwhile = [name for name in now if now[name] != opened[name]]
        chosen = {**self.cleaned_data, "whitelist": sorted(self.cleaned_data["whitelist"])}
        for name in self.meanwhile:
            if chosen[name] == opened[name]:
                chosen[name] = now[name]
        self.wanted = Policy(**{name: chosen[name] for name in now} | {"whitelist": frozenset(chosen["whitelist"])})

    def catch_up(self) -> None:
        """Show what stands now with what she chose, so that the next sending has seen it."""
        values = self.wanted.values()
        self.data = QueryDict(mutable=True)
        for name, value in (values | {"opened": json.dumps(self.now.values())}).items():
            given = value if isinstance(value, list) else [value] if value is not False else []
            self.data.setlist(name, [str(one) for one in given])
