"""What a person decides about herself."""

from __future__ import annotations

from typing import Any

from django import forms

from crm.organization.models import User


class MeForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no ModelForm[User] at run time
    """Her name, her clock, and how private her personal leads are."""

    class Meta:
        model = User
        fields = ("name", "phone", "time_zone", "hide_from_team", "hide_new_leads")
        labels = {
            "name": "Your name",
            "hide_from_team": "Private, and hidden from my team",
            "hide_new_leads": "Hide new leads",
        }
        help_texts = {
            "time_zone": "Such as America/New_York. Dates and times are shown in it.",
            "hide_from_team": "Managers of your teams and offices do not see your personal leads. The company’s do.",
            "hide_new_leads": "Personal leads you add start hidden: managers see no more of them than a first name.",
        }
        widgets = {"time_zone": forms.TextInput(attrs={"list": "time-zones"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.has_perm("hide_lead"):
            del self.fields["hide_new_leads"]
