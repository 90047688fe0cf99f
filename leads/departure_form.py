"""Where what a leaving person works goes, and what a closing unit owns: one choice for each unit."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Count, Q

from crm.organization.models import Unit, User
from leads.batches.verbs.departing import ROUTING
from leads.models import Pond
from leads.services.assigning import assignees_of
from leads.services.departing import Leaving, worked_by
from leads.services.transferring import targets_for


class DepartureForm(forms.Form):
    """A field `unit-7` for each; `chosen` is what the batch keeps."""

    def __init__(self, *args: Any, actor: User, leaving: Leaving, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counted = worked_by(leaving).order_by("owner_unit").values_list("owner_unit").annotate(Count("pk"))
        counts: dict[int, int] = dict(counted)
        units = Unit.objects.filter(pk__in=counts).select_related("parent").order_by("name", "pk")
        self.units = list(units)
        for unit in self.units:
            count = counts[unit.pk]
            self.fields[f"unit-{unit.pk}"] = forms.ChoiceField(
                label=f"{count:,} {'lead' if count == 1 else 'leads'} of {unit} that she works go",
                choices=_choices(actor, leaving.user, unit),
            )

    @property
    def chosen(self) -> dict[str, str]:
        return {str(unit.pk): self.cleaned_data[f"unit-{unit.pk}"] for unit in self.units}


def _choices(actor: User, person: User, unit: Unit) -> list[Any]:
    colleagues = assignees_of(unit).exclude(pk=person.pk).order_by("name", "pk").values_list("pk", "name")
    line = [pk for pk in (unit.pk, unit.parent_id, unit.parent.parent_id if unit.parent else None) if pk]
    served = Q(unit__in=line) | Q(unit__parent=unit) | Q(unit__parent__parent=unit)
    ponds = Pond.objects.can_be_seen_by(actor).filter(served).order_by("name", "pk").values_list("pk", "name")
    return [
        (ROUTING, f"back to the routing of {unit}"),
        ("Ponds", [(f"pond-{pk}", name) for pk, name in ponds]),
        ("People", [(f"person-{pk}", name) for pk, name in colleagues]),
    ]


class ClosingForm(forms.Form):
    """Which unit owns the leads then."""

    to = forms.ModelChoiceField(Unit.objects.none(), label="Its leads go to", empty_label=None)

    def __init__(self, *args: Any, actor: User, unit: Unit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _, units = targets_for(actor)
        self.initial["to"] = unit.parent_id
        self.fields["to"].queryset = units.exclude(pk=unit.pk).order_by("name", "pk")  # type: ignore[attr-defined]
