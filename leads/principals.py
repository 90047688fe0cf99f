"""A field of people and units: who a lead is owned by, assigned to, held by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from crm.organization.models import Unit, User

NOBODY = "nobody"


class PrincipalSelect(forms.SelectMultiple):
    """Drawn in one go: Django's own renders a template for each option, a fifth of a second for a thousand people."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = set(value or ())
        parts = [
            format_html('<optgroup label="{}">{}</optgroup>', key, _options(inner, chosen))
            if isinstance(inner, list)
            else _options([(key, str(inner))], chosen)
            for key, inner in self.choices
        ]
        drawn = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return format_html("<select{} multiple>{}</select>", drawn, SafeString("".join(parts)))


def _options(options: Iterable[tuple[str, str]], chosen: set[str]) -> SafeString:
    rows = ((key, SafeString(" selected" if key in chosen else ""), words) for key, words in options)
    return format_html_join("", '<option value="{}"{}>{}</option>', rows)


class PrincipalField(forms.MultipleChoiceField):
    """People, and units where `units` allows them, written `person-31`, `unit-7`, `me`; hers to choose by O6.

    The value is a dict of what was written to whom it means; `nobody` means None. Options are read only when drawn.
    """

    widget = PrincipalSelect

    def __init__(self, *, actor: User, units: bool = False, nobody: bool = False, **kwargs: Any) -> None:
        self.actor, self.units, self.nobody = actor, units, nobody
        super().__init__(choices=self.options, **kwargs)

    def options(self) -> list[Any]:
        people = User.objects.can_be_seen_by(self.actor).exclude(pk=self.actor.pk).order_by("name", "pk")
        listed: list[Any] = [("me", "Me"), *([(NOBODY, "Nobody")] if self.nobody else [])]
        if self.units:
            units = Unit.objects.can_be_seen_by(self.actor).order_by("name", "pk").values_list("pk", "name")
            listed.append(("Units", [(f"unit-{pk}", name) for pk, name in units]))
        return [*listed, ("People", [(f"person-{pk}", name) for pk, name in people.values_list("pk", "name")])]

    def clean(self, value: Any) -> dict[str, User | Unit | None]:
        written: list[str] = self.to_python(value)
        found: dict[str, User | Unit | None] = {"me": self.actor}
        if self.nobody:
            found[NOBODY] = None
        if people := _numbers(written, "person-"):
            seen = User.objects.can_be_seen_by(self.actor).filter(pk__in=people)
            found.update({f"person-{person.pk}": person for person in seen.order_by("pk")})
        if self.units and (units := _numbers(written, "unit-")):
            chosen = Unit.objects.can_be_seen_by(self.actor).filter(pk__in=units)
            found.update({f"unit-{unit.pk}": unit for unit in chosen.order_by("pk")})
        if unknown := [text for text in written if text not in found]:
            raise ValidationError(f"“{unknown[0]}” is nobody you can choose.")
        return {text: found[text] for text in written}


def _numbers(written: list[str], prefix: str) -> list[int]:
    rests = [text.removeprefix(prefix) for text in written if text.startswith(prefix)]
    return [int(rest) for rest in rests if rest.isascii() and rest.isdigit() and len(rest) < 10]
