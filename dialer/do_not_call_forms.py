"""What a company manager types about its do-not-call list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from crm.core.lines import one_line
from leads.contact import UnreadableContactError, read_phone

LONGEST = 200


def reason(help_text: str = "") -> forms.CharField:
    return forms.CharField(label="Why", max_length=LONGEST, validators=[one_line], help_text=help_text)


class NumberForm(forms.Form):
    number = forms.CharField(max_length=40, widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}))
    reason = reason()

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.region = region

    def clean_number(self) -> str:
        try:
            return read_phone(self.cleaned_data["number"], self.region)
        except UnreadableContactError as error:
            raise ValidationError(str(error)) from error


class FileForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        help_text="A number in each row, in any column. Numbers that are on the list already stay as they are.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
    )
    reason = reason("Such as: national registry, November 2026.")


class RemoveForm(forms.Form):
    reason = reason("It stays in the history with this reason.")
