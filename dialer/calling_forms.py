"""What is said while a lead is called: which number, how it went, what to text, and what the lead said of calls."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from crm.core.lines import straight
from crm.core.moments import ClockField, SkippedError, at_clock
from crm.organization.models import User
from leads.messaging.fields import problem_of
from leads.messaging.merging import filled
from leads.models import Activity, ContactPoint, Lead

LONGEST_TEXT = 1000


class NumberForm(forms.Form):
    """One of the lead's numbers."""

    number = forms.ModelChoiceField(ContactPoint.objects.none(), to_field_name="value")

    def __init__(self, *args: Any, lead: Lead, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        phones = lead.contact_points.filter(kind="phone").order_by("position", "pk")
        self.fields["number"].queryset = phones  # type: ignore[attr-defined]

    def chosen(self) -> str:
        return str(self.cleaned_data["number"].value)


class TextForm(NumberForm):
    body = forms.CharField(label="Text", max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, lead: Lead, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, lead=lead, **kwargs)
        self.lead, self.actor = lead, actor

    def clean_body(self) -> str:
        """With its fields filled in for the lead."""
        body: str = self.cleaned_data["body"]
        if problem := problem_of(body):
            raise ValidationError(problem)
        _, text = filled("", body, self.lead, self.actor)
        if len(text) > LONGEST_TEXT:
            said = f"With its fields filled in it has {len(text):,} characters"
            raise ValidationError(f"{said}. Shorten it to {LONGEST_TEXT:,}.")
        return text


class LoggedForm(forms.Form):
    """How a call on one's own phone went."""

    outcome = forms.ChoiceField(label="How it went", choices=[("", "Choose …"), *Activity.Outcome.choices])
    body = forms.CharField(
        label="What was said", required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, is_text: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_text:
            del self.fields["outcome"]
            self.fields["body"].label = "What you sent"
            self.fields["body"].required = True


class CallbackForm(forms.Form):
    """When to call again, by whose clock, and who does."""

    at = ClockField(label="When")
    clock = forms.ChoiceField(choices=[("theirs", "By their clock"), ("mine", "By mine")], initial="theirs")
    who = forms.ChoiceField(choices=[("me", "I call"), ("anyone", "Anyone who works the lead")], initial="me")

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("clock") == "mine" and data.get("at"):
            try:
                data["at"] = at_clock(data["at"], timezone.get_current_timezone())
            except SkippedError as error:
                self.add_error("at", str(error))
        return data


class ConsentForm(forms.Form):
    """Which consent was given or taken back, and in what words."""

    said = forms.ChoiceField(
        label="The lead",
        choices=[
            ("call-yes", "agreed to calls"),
            ("call-no", "opted out of calls"),
            ("text-yes", "agreed to texts"),
            ("text-no", "opted out of texts"),
            ("email-yes", "agreed to e-mails"),
            ("email-no", "opted out of e-mails"),
        ],
    )
    words = forms.CharField(label="In which words, or where", required=False, max_length=500)

    def clean_words(self) -> str:
        return straight(self.cleaned_data["words"])
