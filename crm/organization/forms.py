"""What a person decides about herself."""

from __future__ import annotations

from typing import Any

from django import forms

from crm.core.lines import one_line
from crm.organization.models import OwnerNotifications, User


class MeForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no ModelForm[User] at run time
    """Her name, her clock, how private her personal leads are, and what she is told of them."""

    class Meta:
        model = User
        fields = ("name", "phone", "time_zone", "hide_from_team", "hide_new_leads", "owner_notifications")
        labels = {
            "name": "Your name",
            "hide_from_team": "Private, and hidden from my team",
            "hide_new_leads": "Hide new leads",
            "owner_notifications": "Tell me what others do with my leads",
        }
        help_texts = {
            "time_zone": "Such as America/New_York. Dates and times are shown in it.",
            "hide_from_team": "Managers of your teams and offices do not see your personal leads. The company’s do.",
            "hide_new_leads": "Personal leads you add start hidden: managers see no more of them than a first name.",
            "owner_notifications": "When somebody else moves, deletes or exports a personal lead of yours.",
        }
        widgets = {"time_zone": forms.TextInput(attrs={"list": "time-zones"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].validators.append(one_line)
        if not self.instance.has_perm("hide_lead"):
            del self.fields["hide_new_leads"]
        if self.instance.company.owner_notifications == OwnerNotifications.OFF:
            del self.fields["owner_notifications"]
