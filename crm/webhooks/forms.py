"""What is asked of who adds a webhook, and of who reads its log."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError

from crm.core.lines import one_line
from crm.core.outgoing import NotPublicError, checked
from crm.core.sending import SentOnceForm
from crm.webhooks.models import Event, WebhookDelivery


class WebhookForm(forms.Form):
    name = forms.CharField(
        label="Name", max_length=80, validators=[one_line], help_text="What it is for, such as “Accounting”."
    )
    url = forms.CharField(
        label="Address",
        max_length=500,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text="Begins with https:// and is on the public internet.",
    )
    events = forms.MultipleChoiceField(label="Tell of", choices=Event.choices, widget=forms.CheckboxSelectMultiple)

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("name", "url", "events")}

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            checked(url)
        except NotPublicError as error:
            raise ValidationError("It must be on the public internet, not on a network of your own.") from error
        except ValueError as error:
            raise ValidationError(str(error)) from error
        return url


class NewWebhookForm(WebhookForm, SentOnceForm):
    SENT_BEFORE = (
        "This was sent before, so no other webhook was added. The first is in the list: it can make a new secret."
    )


class NewSecretForm(SentOnceForm):
    SENT_BEFORE = "This was sent before, so no other secret was made. Make a new one if you did not copy it."


class LogForm(forms.Form):
    """Which deliveries are listed."""

    state = forms.ChoiceField(
        label="State", required=False, choices=[("", "Any state"), *WebhookDelivery.State.choices]
    )

    @property
    def query(self) -> str:
        """The query string of what is asked for."""
        state = self.data.get("state", "")
        return urlencode({"state": state}) if state else ""
