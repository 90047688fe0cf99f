"""What company managers tick and type about profiles."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.http import QueryDict

from crm.core.lines import one_line
from crm.organization.models import User
from permissions.models import Profile
from permissions.profiles import services
from permissions.profiles.wording import GROUPS

SIDE_BY_SIDE = 6
MEANWHILE = "Somebody changed this meanwhile: {}. What you ticked is kept; save again to replace theirs."
CHOICES = [(permission.value, label) for _, rows in GROUPS for permission, label, _ in rows]


class GridForm(forms.Form):
    """A field of ticks for each profile, named by its id; a few are shown at a time. Carries what it showed as `seen`."""

    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None = None, *, actor: User, page: str = "") -> None:
        self.actor, self.number = actor, page
        self._look()
        super().__init__(data.copy() if data is not None else None, initial={"seen": self._shown()})
        for profile in self.listed:
            self.fields[name_of(profile)] = forms.MultipleChoiceField(choices=CHOICES, required=False)

    def _look(self) -> None:
        self.listed = services.listed(self.actor.company_id)
        self.page = Paginator(self.listed, SIDE_BY_SIDE).get_page(self.number)
        self.profiles: list[Profile] = list(self.page)

    def pages(self) -> list[Page[Profile]]:
        return [self.page.paginator.page(number) for number in self.page.paginator.page_range]

    def clean_seen(self) -> services.Ticks:
        try:
            read = json.loads(self.cleaned_data["seen"])
            return {int(pk): frozenset(map(str, codes)) for pk, codes in read.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise forms.ValidationError("Open this page again.") from error

    def clean(self) -> None:
        if set(self.errors) - {"seen"}:
            raise forms.ValidationError("There is no such permission. Nothing was changed.")
        if "seen" in self.errors:
            raise forms.ValidationError("This could not be read. Open the page again; nothing was changed.")

    def save(self) -> list[str]:
        """The names of the profiles that changed; where the form has errors then, none. Raises PermissionDenied."""
        ticks = {profile.pk: frozenset(self.cleaned_data[name_of(profile)]) for profile in self.listed}
        try:
            return services.save_ticks(actor=self.actor, ticks=ticks, seen=self.cleaned_data["seen"])
        except services.ChangedMeanwhileError as changed:
            self._catch_up(ticks)
            self.add_error(None, MEANWHILE.format(changed))
        except services.RefusedError as refused:
            self._catch_up(ticks)
            self.add_error(None, str(refused))
        return []

    def _catch_up(self, ticks: services.Ticks) -> None:
        """Refuse once: the next sending has seen what stands now. Columns she left alone show it."""
        self._look()
        seen = self.cleaned_data["seen"]
        for profile in self.profiles:
            if ticks.get(profile.pk) == seen.get(profile.pk) or profile.pk not in seen:
                self.data.setlist(name_of(profile), sorted(services.held(profile)))  # type: ignore[attr-defined]
        self.data["seen"] = self._shown()  # type: ignore[index]

    def _shown(self) -> str:
        return json.dumps({profile.pk: sorted(services.held(profile)) for profile in self.profiles})

    def ticked(self, profile: Profile) -> frozenset[str]:
        """What the page shows ticked."""
        if not self.is_bound:
            return services.held(profile)
        return frozenset(self.data.getlist(name_of(profile)))  # type: ignore[attr-defined]

    def columns(self) -> list[tuple[str, Profile]]:
        return [(name_of(profile), profile) for profile in self.profiles]

    def groups(self) -> list[dict[str, Any]]:
        """The grid: groups of rows of cells, a cell for each profile."""
        columns = [(name_of(profile), self.ticked(profile)) for profile in self.profiles]
        return [
            {
                "title": title,
                "rows": [
                    {
                        "code": permission.value,
                        "label": label,
                        "help": words,
                        "cells": [(field, permission.value in ticked) for field, ticked in columns],
                    }
                    for permission, label, words in rows
                ],
            }
            for title, rows in GROUPS
        ]


class RenameForm(forms.Form):
    name = forms.CharField(max_length=80, validators=[one_line], widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, data: Any = None, *, actor: User, profile: Profile) -> None:
        super().__init__(data, initial={"name": profile.name}, auto_id=f"id_%s_{profile.pk}")
        self.actor, self.profile = actor, profile

    def save(self) -> bool:
        """Whether it has this name now; where not, the form says why. Raises PermissionDenied."""
        try:
            services.rename_profile(actor=self.actor, profile=self.profile, name=self.cleaned_data["name"])
        except services.RefusedError as refused:
            self.add_error("name", str(refused))
        return self.is_valid()


class AddProfileForm(forms.Form):
    name = forms.CharField(max_length=80, validators=[one_line], widget=forms.TextInput(attrs={"autocomplete": "off"}))
    copied_from = forms.ModelChoiceField(
        Profile.objects.none(), empty_label=None, help_text="It starts with what this one allows. Change it above."
    )

    def __init__(self, data: Any = None, *, actor: User) -> None:
        own = Profile.objects.filter(company=actor.company_id).order_by("-pk")
        super().__init__(data, auto_id="id_new_%s", initial={"copied_from": own.filter(code="agent").first()})
        self.actor = actor
        self.fields["copied_from"].queryset = own  # type: ignore[attr-defined]

    def save(self) -> bool:
        """Whether it was added; where not, the form says why. Raises PermissionDenied."""
        try:
            services.add_profile(actor=self.actor, **self.cleaned_data)
        except services.RefusedError as refused:
            self.add_error("name", str(refused))
        return self.is_valid()


def name_of(profile: Profile) -> str:
    return f"p{profile.pk}"
