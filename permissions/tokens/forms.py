"""What is asked of who makes a token."""

from __future__ import annotations

from datetime import timedelta

from django import forms

from crm.core.lines import one_line
from crm.core.sending import SentOnceForm
from permissions.tokens.services import SCOPES

LASTING = (("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Until it is revoked"))


class TokenForm(SentOnceForm):
    SENT_BEFORE = (
        "This was sent before, so no other token was made. The key of the first was shown once: if you did not copy it,"
        " revoke that token and make another."
    )
    name = forms.CharField(
        label="Name", max_length=80, validators=[one_line], help_text="What it is for, such as “Website of Lakeside”."
    )
    scopes = forms.MultipleChoiceField(label="It may", choices=SCOPES, widget=forms.CheckboxSelectMultiple)
    lasts = forms.ChoiceField(label="For how long", choices=LASTING, required=False, initial="365")

    @property
    def lasting(self) -> timedelta | None:
        days = self.cleaned_data["lasts"]
        return timedelta(days=int(days)) if days else None
