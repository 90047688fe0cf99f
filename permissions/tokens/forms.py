"""What is asked of who makes a token."""

from __future__ import annotations

from datetime import timedelta
from secrets import token_urlsafe

from django import forms
from django.core.cache import cache
from django.http import QueryDict

from crm.core.lines import one_line
from crm.organization.models import User
from permissions.tokens.services import SCOPES

LASTING = (("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Until it is revoked"))


A_DAY = 24 * 60 * 60
SENT_BEFORE = (
    "This was sent before, so no other token was made. The key of the first was shown once: if you did not copy it,"
    " revoke that token and make another."
)


def new_sending() -> str:
    return token_urlsafe(16)


class TokenForm(forms.Form):
    name = forms.CharField(
        label="Name", max_length=80, validators=[one_line], help_text="What it is for, such as “Website of Lakeside”."
    )
    scopes = forms.MultipleChoiceField(label="It may", choices=SCOPES, widget=forms.CheckboxSelectMultiple)
    lasts = forms.ChoiceField(label="For how long", choices=LASTING, required=False, initial="365")

    sent = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64, initial=new_sending)

    def is_first_sending(self, user: User) -> bool:
        """Whether this form was not sent before. If it was, it says so, and another sending is a new one."""
        key = f"token-form:{user.pk}:{self.cleaned_data['sent']}"
        if not self.cleaned_data["sent"] or cache.add(key, 1, timeout=A_DAY) or not cache.get(key):
            return True
        given = QueryDict(mutable=True)
        given.update(self.data)
        given["sent"] = new_sending()
        self.data = given
        self.add_error(None, SENT_BEFORE)
        return False

    @property
    def lasting(self) -> timedelta | None:
        days = self.cleaned_data["lasts"]
        return timedelta(days=int(days)) if days else None
