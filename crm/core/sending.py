"""Forms whose answer shows something that is shown once: loaded again or clicked twice, they make no other."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import ClassVar

from django import forms
from django.core.cache import cache
from django.http import QueryDict

A_DAY = 24 * 60 * 60


def new_sending() -> str:
    return token_urlsafe(16)


class SentOnceForm(forms.Form):
    """Each that is shown can be sent once. What was made by the first sending is shown by its answer alone."""

    SENT_BEFORE: ClassVar[str]  # what is said of a second sending

    sent = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64, initial=new_sending)

    def is_first_sending(self, user_id: int) -> bool:
        """Whether this form was not sent before. If it was, it says so, and another sending is a new one."""
        key = f"sent:{type(self).__name__}:{user_id}:{self.cleaned_data['sent']}"
        if not self.cleaned_data["sent"] or cache.add(key, 1, timeout=A_DAY) or not cache.get(key):
            return True
        self.refuse(self.SENT_BEFORE)
        return False

    def refuse(self, why: str) -> None:
        """Nothing was made of it, for this reason; it can be sent again as it is shown then."""
        given = QueryDict(mutable=True)
        given.update(self.data)
        given["sent"] = new_sending()
        self.data = given
        self.add_error(None, why)
