"""What people fill in to import a file: the file, then what its columns hold and where its leads go."""

from __future__ import annotations

from typing import Any

from django import forms

from crm.organization.models import Unit, User
from leads.imports.matching import CUSTOM, FIELDS, problems_of, with_custom_keys
from leads.models import ImportRun
from leads.services.creating import owners_for_new_leads

COLUMN = "column-{}"
BECOMES = [("", "Leave out"), (CUSTOM, "Keep as a custom field"), ("A field of the lead", list(FIELDS.items()))]
MYSELF = "me"
FOLLOWED = {"hx-get": "", "hx-trigger": "load, change", "hx-target": "#routing", "hx-include": "[name=route]"}
NOT_ROUTED = "Leads of your own stay with you. Choose a unit as their owner to hand them out."


class UploadForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        help_text="Up to 50 MB, with the names of the columns on the first line.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
    )


class StartForm(forms.Form):
    """The columns of a draft, each with what it becomes; who will own the leads; where they say they come from."""

    owner = forms.ChoiceField(label="Owned by", widget=forms.Select(attrs=FOLLOWED))
    route = forms.BooleanField(required=False, label="Hand to the team’s rotation")
    source_name = forms.CharField(label="Source", max_length=80, help_text="What these leads say they came from.")

    def __init__(
        self, data: Any = None, *, actor: User, run: ImportRun, chosen: Any = None, live: bool = False
    ) -> None:
        """`chosen` is what she has chosen so far; `live` says that the page follows her and may rule things out."""
        super().__init__(data, initial={"owner": MYSELF, "source_name": run.source_name, **(chosen or {})})
        self.run = run
        people, units = owners_for_new_leads(actor)
        self.owners: dict[str, User | Unit] = dict(zip((MYSELF,), people, strict=False))
        self.owners |= {f"unit-{unit.pk}": unit for unit in units}
        labels = [(f"unit-{unit.pk}", f"{unit.name} ({unit.get_kind_display().lower()})") for unit in units]
        mine = [(MYSELF, "Myself: personal leads")] if people else []
        self.fields["owner"].choices = [*mine, *labels]  # type: ignore[attr-defined]
        routable = isinstance(self.owners.get(str(self["owner"].value())), Unit)
        self.fields["route"].help_text = (
            "The next agent in turn is offered each lead. Otherwise they wait unassigned." if routable else NOT_ROUTED
        )
        if self.is_bound:
            self.fields["owner"].widget.attrs["hx-trigger"] = "change"  # what was typed stays as it is
        self.fields["route"].widget.attrs["disabled"] = not routable and (live or not units)
        for number, (name, field) in enumerate(zip(run.header, run.mapping, strict=True)):
            self.fields[COLUMN.format(number)] = forms.ChoiceField(
                label=f"{name} becomes",
                choices=BECOMES,
                required=False,
                initial=CUSTOM if field.startswith(CUSTOM) else field,
            )

    def columns(self) -> list[forms.BoundField]:
        return [self[COLUMN.format(number)] for number in range(len(self.run.header))]

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("route") and data.get("owner") == MYSELF:
            self.add_error("route", NOT_ROUTED)
        names = [COLUMN.format(number) for number in range(len(self.run.header))]
        if all(name in data for name in names):
            data["mapping"] = with_custom_keys(self.run.header, [data[name] for name in names])
            for number, problem in problems_of(self.run.header, data["mapping"]).items():
                self.add_error(COLUMN.format(number) if number >= 0 else None, problem)
        return data

    @property
    def chosen_owner(self) -> User | Unit:
        return self.owners[self.cleaned_data["owner"]]
