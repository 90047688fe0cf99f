"""Forms of ponds: moving a lead into one, running one, closing one."""

from __future__ import annotations

from typing import Any

from django import forms

from crm.core.lines import one_line
from crm.organization.models import Unit, User
from leads.models import Pond
from leads.services.running_ponds import NOBODY, ROUTING, newcomers_to, units_for


class PoolForm(forms.Form):
    """Into which pond a lead goes; `ponds` are those it may go to."""

    pond = forms.ModelChoiceField(Pond.objects.none(), label="Pond", empty_label="Choose a pond …")

    def __init__(self, *args: Any, ponds: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pond"].queryset = ponds.order_by("name", "pk")  # type: ignore[attr-defined]


class PondForm(forms.Form):
    name = forms.CharField(max_length=80, validators=[one_line])
    daily_limit = forms.IntegerField(
        label="Leads a member may take in a day",
        required=False,
        min_value=1,
        max_value=1000,
        help_text="Empty: as many as she likes.",
    )


class NewPondForm(PondForm):
    unit = forms.ModelChoiceField(
        Unit.objects.none(), label="Belongs to", empty_label=None, help_text="Its managers run the pond."
    )
    field_order = ("name", "unit", "daily_limit")

    def __init__(self, *args: Any, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = units_for(actor).order_by("name", "pk")  # type: ignore[attr-defined]


class MemberForm(forms.Form):
    user = forms.ModelChoiceField(User.objects.none(), label="Add", empty_label="Choose a colleague …")

    def __init__(self, *args: Any, actor: User, pond: Pond, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user"].queryset = newcomers_to(actor, pond).order_by("name", "pk")  # type: ignore[attr-defined]
        if pond.unit.kind != Unit.Kind.COMPANY:
            self.fields["user"].help_text = f"Members of {pond.unit}, and of units below it."


class CloseForm(forms.Form):
    """Where the leads of a closing pond go; `chosen` is a pond, or one of the words for none."""

    to = forms.ChoiceField(label="Its leads go")

    def __init__(self, *args: Any, actor: User, pond: Pond, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Pond.objects.can_be_seen_by(actor).exclude(pk=pond.pk).select_related("unit__parent")
        self.others = {f"pond-{one.pk}": one for one in others.order_by("name", "pk")}
        self.fields["to"].choices = [  # type: ignore[attr-defined]
            (ROUTING, "back to their units’ routing"),
            (NOBODY, "to nobody: their owners hand them out"),
            *((key, f"to the pond {one}") for key, one in self.others.items()),
        ]

    @property
    def chosen(self) -> Pond | str:
        to: str = self.cleaned_data["to"]
        return self.others.get(to, to)
