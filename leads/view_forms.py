"""What is typed of a saved view."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q

from crm.core.lines import one_line, straight
from crm.organization.models import Unit, User
from leads.models import SavedView
from leads.once import new_token
from leads.services.saved_views import units_to_share_with


class SavedViewForm(forms.Form):
    """Its name, and who has it; of a new one (without `view`) also what the list asks for."""

    name = forms.CharField(max_length=60, validators=[one_line], widget=forms.TextInput(attrs={"autocomplete": "off"}))
    unit = forms.ModelChoiceField(Unit.objects.none(), required=False, empty_label="Only me", label="Who has it")
    query = forms.CharField(required=False, widget=forms.HiddenInput)
    token = forms.CharField(required=False, widget=forms.HiddenInput, max_length=40, initial=new_token)

    def __init__(self, data: Any = None, *, actor: User, view: SavedView | None = None, query: str = "") -> None:
        super().__init__(data, initial={"name": view.name, "unit": view.unit_id} if view else {"query": query})
        if view:
            del self.fields["query"], self.fields["token"]
        choices = Q(pk__in=units_to_share_with(actor).values("pk")) | Q(pk=view and view.unit_id)
        units = Unit.objects.of(actor).filter(choices).order_by("name", "pk")
        self.fields["unit"].queryset = units  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name = " ".join(straight(self.cleaned_data["name"]).split())
        if not name:
            raise forms.ValidationError("Give the view a name.")
        return name
