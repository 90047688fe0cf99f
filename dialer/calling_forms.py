"""What is said while a lead is called."""

from __future__ import annotations

from django import forms

from crm.core.lines import straight


class ConsentForm(forms.Form):
    """Which consent was given or taken back, and in what words."""

    said = forms.ChoiceField(
        label="The lead",
        choices=[
            ("call-yes", "agreed to calls"),
            ("call-no", "opted out of calls"),
            ("text-yes", "agreed to texts"),
            ("text-no", "opted out of texts"),
        ],
    )
    words = forms.CharField(label="In which words, or where", required=False, max_length=500)

    def clean_words(self) -> str:
        return straight(self.cleaned_data["words"])
