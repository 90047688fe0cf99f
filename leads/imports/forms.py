"""What people fill in to import a file: the file, then what its columns hold and what becomes of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from crm.core.lines import one_line
from crm.organization.models import Unit, User
from leads.forms import TagsField
from leads.imports.lists import may_assign, may_make_fields
from leads.imports.matching import CUSTOM, FIELDS, NEW, PERSON, kinds_made, problems_of, with_custom_keys
from leads.imports.services import Options
from leads.imports.uploading import NOT_ASSIGNABLE, TooManyValuesError, choices_in
from leads.models import CustomField, ImportRun, ImportTemplate
from leads.owner_form import MYSELF, OwnerForm
from leads.services.creating import stays_with_importer

COLUMN = "column-{}"
NO_NEW_FIELD = (
    "Keep it in the note, or choose another field that there is: only who may change your company’s settings makes"
    " new ones."
)
NEW_FIELDS = [
    (CUSTOM, "Keep as a custom field"),
    *((prefix, f"Keep as a custom field: {kind}") for prefix, kind in NEW.items() if prefix != CUSTOM),
]


class UploadForm(forms.Form):
    file = forms.FileField(
        label="CSV or Excel file",
        help_text="Up to 50 MB, with the names of the columns on the first line.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xlsm,text/csv,text/plain"}),
    )


class TemplateForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no ModelForm[...] at run time
    """The name of a saved template, and whether it is for all."""

    class Meta:
        model = ImportTemplate
        fields = ("name", "shared")
        labels = {"name": "Name of the template", "shared": "For everybody in the company"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = False  # its form starts the import, too

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if not name:
            raise forms.ValidationError("Give the template a name.")
        one_line(name)
        same = ImportTemplate.objects.filter(created_by=self.instance.created_by_id, name__iexact=name)
        if self.instance.pk and same.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("You have a template of that name already.")
        return name


class StartForm(OwnerForm):
    """The columns of a draft, each with what it becomes; who will own the leads; what else becomes of the rows."""

    source_name = forms.CharField(
        label="Source", max_length=80, validators=[one_line], help_text="Where a row does not say its own."
    )
    tags = TagsField(required=False, help_text="On every lead of the file. With commas between them.")
    duplicates = forms.ChoiceField(
        label="Rows that are here already", choices=ImportRun.Duplicates.choices, required=False
    )

    def __init__(
        self,
        data: Any = None,
        *,
        actor: User,
        run: ImportRun,
        chosen: Mapping[str, Any] | None = None,
        live: bool = False,
        template: ImportTemplate | None = None,
    ) -> None:
        """`chosen` is what she has chosen so far; `live` says that the page follows her."""
        super().__init__(data, initial={**_initial(run), **(template.options if template else {}), **(chosen or {})})
        self.run = run
        else_ = "you work them" if stays_with_importer(actor.company, route=False) else "they wait unassigned"
        routed = f"The next agent in turn is offered each lead. Otherwise {else_}."
        self.offer(actor, mine="Myself: personal leads", routed=routed, live=live)
        if not self.is_bound:  # a browser that comes back to the page remembers another choice
            self.fields["owner"].widget.attrs["hx-trigger"] = "load, change"
        self._offer_columns(actor, template)

    def _offer_columns(self, actor: User, template: ImportTemplate | None) -> None:
        own = CustomField.objects.filter(company=actor.company_id).order_by("label", "pk")
        theirs = [(f"{CUSTOM}{field.key}", field.label) for field in own]
        fields = [pair for pair in FIELDS.items() if pair[0] != PERSON or may_assign(actor, None)]
        makes = may_make_fields(actor)
        becomes: list[Any] = [("", "Leave out"), *(NEW_FIELDS if makes else []), ("A field of the lead", fields)]
        becomes += [("Your custom fields", theirs)] if theirs else []
        known = {value for value, _ in theirs}
        for number, (name, field) in enumerate(zip(self.run.header, self.run.mapping, strict=True)):
            saved = template.columns.get(name.lower(), field) if template else field
            kind = self.run.kinds.get(saved.removeprefix(CUSTOM), [""])[0]
            made = next((prefix for prefix, one in NEW.items() if one == kind), CUSTOM)
            self.fields[COLUMN.format(number)] = forms.ChoiceField(
                label=f"{name} becomes",
                choices=becomes,
                required=False,
                initial=made if saved.startswith(CUSTOM) and saved not in known else saved,
                error_messages={} if makes else {"invalid_choice": NO_NEW_FIELD},
            )

    def columns(self) -> list[forms.BoundField]:
        return [self[COLUMN.format(number)] for number in range(len(self.run.header))]

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        data["duplicates"] = data.get("duplicates") or ImportRun.Duplicates.SKIP.value
        self.check_choices(data)
        names = [COLUMN.format(number) for number in range(len(self.run.header))]
        if all(name in data for name in names):
            self._clean_columns([data[name] for name in names])
        return data

    def _clean_columns(self, chosen: list[str]) -> None:
        data = self.cleaned_data
        data["mapping"] = mapping = with_custom_keys(self.run.header, chosen)
        problems = problems_of(self.run.header, mapping)
        owner = self.owners.get(data.get("owner", ""))
        if PERSON in mapping and owner and not may_assign(self.actor, owner):
            problems.setdefault(mapping.index(PERSON), NOT_ASSIGNABLE)
        kinds = kinds_made(chosen, mapping)
        columns = [number for number, field in enumerate(mapping) if kinds.get(field.removeprefix(CUSTOM)) == "choice"]
        choices: dict[str, list[str]] = {}
        try:
            found = choices_in(self.run, columns) if columns else []
            choices = {
                mapping[number].removeprefix(CUSTOM): values for number, values in zip(columns, found, strict=True)
            }
        except TooManyValuesError as error:
            problems.setdefault(-1, str(error))
        data["kinds"] = {key: (kind, choices.get(key, [])) for key, kind in kinds.items()}
        for number, problem in problems.items():
            self.add_error(COLUMN.format(number) if number >= 0 else None, problem)

    def options(self, *, trial: bool) -> Options:
        data = self.cleaned_data
        names = ("route", "hidden", "source_name", "tags", "duplicates", "kinds")
        return Options(**{name: data[name] for name in names}, trial=trial)

    def template(self) -> dict[str, Any]:
        """What a template keeps of it."""
        chosen = {name.lower(): self.cleaned_data[COLUMN.format(n)] for n, name in enumerate(self.run.header)}
        names = ("owner", "route", "hidden", "source_name", "tags", "duplicates")
        return {"columns": chosen, "options": {name: self.cleaned_data[name] for name in names}}


def _initial(run: ImportRun) -> dict[str, Any]:
    """What was chosen when the draft was tried, or is to begin with."""
    tried: dict[str, Any] = {"route": run.route, "hidden": run.hidden} if run.trial else {}
    if run.owner:
        tried["owner"] = f"unit-{run.owner.pk}" if isinstance(run.owner, Unit) else MYSELF
    return {"source_name": run.source_name, "tags": run.tags, "duplicates": run.duplicates, **tried}
