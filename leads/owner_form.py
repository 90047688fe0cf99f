"""Whose new leads are to be (P4), whether a rotation takes them from here, and whether they start hidden (V4).

Adding by hand and importing ask this alike. A page that follows the owner chosen rules out what does not go with it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied

from crm.organization.models import Unit, User
from leads.services.creating import owners_for_new_leads
from leads.services.hiding import hides_new_leads, starts_hidden
from permissions.catalog import Permission

MYSELF = "me"
CHOSEN = ("owner", "route", "hidden")
FOLLOWED = {
    "hx-get": "",
    "hx-trigger": "change",
    "hx-target": "#choices",
    "hx-include": "[name=route], [name=hidden]",
    "hx-disabled-elt": "#choices input",  # what is ticked while the answer is on its way would be lost
}
NOT_ROUTED = "Leads of your own stay with you. Choose a unit as their owner to hand them out."
NOT_HIDDEN = "Only leads of your own can be hidden."
HIDDEN = "Your managers see no more than a first name. Those who work a lead see all of it."


class OwnerForm(forms.Form):
    owner = forms.ChoiceField(label="Owned by", widget=forms.Select(attrs=FOLLOWED))
    route = forms.BooleanField(required=False, label="Hand to the team’s rotation")
    hidden = forms.BooleanField(required=False, label="Hidden from managers", help_text=HIDDEN)

    def offer(self, actor: User, *, mine: str, routed: str, live: bool) -> None:
        """Fill in what she may choose. `live` says that the page follows her."""
        people, units = owners_for_new_leads(actor)
        self.actor, self.may_hide = actor, bool(people) and actor.has_perm(Permission.HIDE_LEAD)
        self.owners: dict[str, User | Unit] = dict(zip((MYSELF,), people, strict=False))
        self.owners |= {f"unit-{unit.pk}": unit for unit in units}
        labels = [(f"unit-{unit.pk}", f"{unit.name} ({unit.get_kind_display().lower()})") for unit in units]
        self.fields["owner"].choices = [*((MYSELF, mine) for _ in people), *labels]  # type: ignore[attr-defined]
        self.initial.setdefault("owner", next(iter(self.owners), ""))
        personal = self.owners.get(str(self["owner"].value())) == actor
        self.initial.setdefault("hidden", personal and hides_new_leads(actor))
        self.fields["route"].help_text = NOT_ROUTED if personal else routed
        self.fields["route"].widget.attrs["disabled"] = personal and (live or not units)
        self.fields["hidden"].widget.attrs["disabled"] = live and not personal
        if live and not personal:
            self.initial["hidden"], self.fields["hidden"].help_text = False, NOT_HIDDEN

    def check_choices(self, data: dict[str, Any]) -> None:
        """Refuse what does not go with the owner."""
        if data.get("route") and data.get("owner") == MYSELF:
            self.add_error("route", NOT_ROUTED)
        if data.get("hidden") and data.get("owner"):
            try:
                starts_hidden(self.actor, self.owners[data["owner"]], asked=True)
            except PermissionDenied as refusal:
                self.add_error("hidden", str(refusal))

    @property
    def chosen_owner(self) -> User | Unit:
        return self.owners[self.cleaned_data["owner"]]
