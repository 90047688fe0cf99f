"""A rule as a manager types it: which leads, and what becomes of them (R1)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict

from crm.core.lines import one_line
from crm.organization.models import Unit, User
from leads.models import Lead, Pond
from routing.fields import RangesField, StatesField, WeeklyField, WordsField
from routing.models import Channel, Rule
from routing.services.rules import RuleValues, persons_for, rosters_for
from routing.services.team import ponds_of

Method = Rule.Method
TICKS = forms.CheckboxSelectMultiple
CONDITIONS = ("source", "channel", "kind", "price", "state", "postal_code", "city", "tag", "language", "hours")
WAYS = {
    Method.ROUND_ROBIN: "In turn: offered to one after the other",
    Method.FIRST_TO_CLAIM: "First to claim: offered to everybody on the roster at once",
    Method.NUMBER_ONE: "Roster first: to number one, without a timer",
    Method.PERSON: "To one person",
    Method.POND: "To a pond",
}


class RuleForm(forms.Form):
    """Every kind of condition that is filled in must hold; of several values in one, any is enough."""

    name = forms.CharField(
        max_length=80, required=False, validators=[one_line], help_text="For you and your colleagues. May stay empty."
    )
    source = WordsField(help_text="As leads show it, comma apart: Zillow, Open house.")
    channel = forms.TypedMultipleChoiceField(coerce=int, required=False, widget=TICKS)
    kind = forms.MultipleChoiceField(choices=Lead.Kind.choices, required=False, widget=TICKS, label="Type")
    price = RangesField(
        most=10, help_text="Ranges, comma apart: 200000–400000, 900000–. A lead’s price range has to meet one of them."
    )
    state = StatesField(help_text="Comma apart, such as AZ, CA. Of the property asked about, or else of the lead.")
    postal_code = WordsField(label="Postal code", help_text="How it begins, comma apart: 850, 85253.")
    city = WordsField(help_text="Comma apart.")
    tag = WordsField(help_text="Comma apart.")
    language = WordsField(help_text="Comma apart, as leads have it: en, es.")
    hours = WeeklyField(label="Hours", help_text="When the lead comes, in the unit’s time.")
    method = forms.ChoiceField(choices=list(WAYS.items()), label="What becomes of them", widget=forms.RadioSelect)
    roster = forms.ModelChoiceField(
        Unit.objects.none(), required=False, label="Whose roster", help_text="And whose claim clock and fallback."
    )
    user = forms.ModelChoiceField(User.objects.none(), required=False, label="Which person", empty_label="Nobody")
    pond = forms.ModelChoiceField(Pond.objects.none(), required=False, label="Which pond", empty_label="None")
    minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1440,
        label="Minutes to claim",
        help_text="Empty: as the roster’s unit has it.",
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, actor: User, unit: Unit, rule: Rule | None, version: int) -> None:
        self.rule = rule
        super().__init__(data, initial=_initial(rule) | {"version": version})
        choices: Any = self.fields
        named = rule.conditions.get("channel", []) if rule else []  # these may stay, whoever chose them
        mine, stay = Channel.objects.managed_by(actor).open(), Channel.objects.of(actor).filter(pk__in=named)
        channels = Channel.objects.filter(Q(pk__in=mine.values("pk")) | Q(pk__in=stay.values("pk")))
        choices["channel"].choices = channels.order_by("name", "pk").values_list("pk", "name")
        if not choices["channel"].choices:
            del choices["channel"]
        choices["state"].region = actor.company.phone_region
        choices["roster"].queryset = rosters_for(actor, unit).exclude(pk=unit.pk).order_by("name", "pk")
        choices["roster"].empty_label = unit.name
        choices["user"].queryset = persons_for(actor, unit)
        choices["pond"].queryset = ponds_of(actor, unit).order_by("name", "pk")
        if rule and rule.is_last:
            for name in ("name", *CONDITIONS):
                self.fields.pop(name, None)

    def conditions(self) -> list[forms.BoundField]:
        return [self[name] for name in CONDITIONS if name in self.fields]

    def show_version(self, version: int) -> None:
        """The next sending has seen this one."""
        given = QueryDict(mutable=True)
        given.update(self.data)
        given["version"] = str(version)
        self.data = given

    def clean(self) -> None:
        """What the method needs, and nothing that it does not."""
        method, data = self.cleaned_data.get("method"), self.cleaned_data
        for name, wanted in (("user", Method.PERSON), ("pond", Method.POND)):
            if method != wanted:
                data[name] = None
            elif not data.get(name) and name not in self.errors:
                self.add_error(name, "Choose one.")
        if method in (Method.PERSON, Method.POND):
            data["roster"] = None

    def values(self) -> RuleValues:
        data = self.cleaned_data
        return RuleValues(
            name=data.get("name", ""),
            conditions={name: data[name] for name in CONDITIONS if data.get(name)},
            method=data["method"],
            roster_id=data["roster"].pk if data["roster"] else None,
            user_id=data["user"].pk if data["user"] else None,
            pond_id=data["pond"].pk if data["pond"] else None,
            minutes=data["minutes"],
        )


def _initial(rule: Rule | None) -> dict[str, Any]:
    if rule is None:
        return {"method": Method.ROUND_ROBIN}
    minutes = round(rule.claim_window.total_seconds() / 60) if rule.claim_window else None
    named = {name: getattr(rule, name) for name in ("name", "method", "roster", "user", "pond")}
    return {**rule.conditions, **named, "minutes": minutes}


class RehearsalForm(forms.Form):
    """How far back."""

    days = forms.TypedChoiceField(
        coerce=int,
        required=False,
        initial=7,
        label="Leads of the last",
        choices=[(1, "day"), (7, "7 days"), (30, "30 days"), (90, "90 days")],
    )


class ShadowForm(RehearsalForm):
    """And by which rules, once the draft was changed."""

    rules = forms.ChoiceField(
        required=False,
        label="Decided by",
        choices=[("", "all versions of the draft"), ("now", "the draft as it stands")],
    )
