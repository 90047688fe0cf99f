"""What people fill in to import a file: the file, then what its columns hold and where its leads go."""

from __future__ import annotations

from typing import Any

from django import forms

from crm.core.lines import one_line
from crm.organization.models import User
from leads.imports.matching import CUSTOM, FIELDS, problems_of, with_custom_keys
from leads.models import ImportRun
from leads.owner_form import OwnerForm

COLUMN = "column-{}"
BECOMES = [("", "Leave out"), (CUSTOM, "Keep as a custom field"), ("A field of the lead", list(FIELDS.items()))]


class UploadForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        help_text="Up to 50 MB, with the names of the columns on the first line.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
    )


class StartForm(OwnerForm):
    """The columns of a draft, each with what it becomes; who will own the leads; where they say they come from."""

    source_name = forms.CharField(
        label="Source", max_length=80, validators=[one_line], help_text="What these leads say they came from."
    )

    def __init__(
        self, data: Any = None, *, actor: User, run: ImportRun, chosen: Any = None, live: bool = False
    ) -> None:
        """`chosen` is what she has chosen so far; `live` says that the page follows her."""
        super().__init__(data, initial={"source_name": run.source_name, **(chosen or {})})
        self.run = run
        routed = "The next agent in turn is offered each lead. Otherwise they wait unassigned."
        self.offer(actor, mine="Myself: personal leads", routed=routed, live=live)
        if not self.is_bound:  # a browser that comes back to the page remembers another choice
            self.fields["owner"].widget.attrs["hx-trigger"] = "load, change"
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
        self.check_choices(data)
        names = [COLUMN.format(number) for number in range(len(self.run.header))]
        if all(name in data for name in names):
            data["mapping"] = with_custom_keys(self.run.header, [data[name] for name in names])
            for number, problem in problems_of(self.run.header, data["mapping"]).items():
                self.add_error(COLUMN.format(number) if number >= 0 else None, problem)
        return data
