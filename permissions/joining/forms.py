"""Inviting somebody, answering an invitation, and setting up the first company."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation

from crm.core.lines import one_line
from crm.organization.models import Invitation, Membership, Unit, User, validate_time_zone
from permissions.joining import invitations as services
from permissions.profiles.services import profiles_for


class InvitationForm(forms.Form):
    email = forms.EmailField(label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    name = forms.CharField(max_length=120, validators=[one_line], help_text="She can change it when she joins.")
    more_units = forms.ModelMultipleChoiceField(
        Unit.objects.none(), label="The same role in", required=False, widget=forms.CheckboxSelectMultiple
    )
    role = forms.ChoiceField(label="Role in the unit", initial=Membership.Role.MEMBER)
    profile = forms.ChoiceField(help_text="What she may do. The role says with whose leads.")

    def __init__(self, data: Any = None, *, actor: User, unit: Unit) -> None:
        super().__init__(data)
        self.actor, self.unit = actor, unit
        profiles = [(profile.code, profile.name) for profile in profiles_for(actor)]
        others = services.units_for(actor).exclude(pk=unit.pk).order_by("name", "pk")
        self.fields["more_units"].queryset = others  # type: ignore[attr-defined]
        self.fields["role"].choices = services.roles_for(actor, unit)  # type: ignore[attr-defined]
        self.fields["profile"].choices = profiles  # type: ignore[attr-defined]
        self.fields["profile"].initial = "agent"

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        units = [self.unit, *data.get("more_units", ())]
        if data.get("role") and data["role"] not in dict(services.roles_for(self.actor, *units)):
            self.add_error("more_units", "You can make somebody an owner only of units that you own.")
        return data

    def save(self) -> bool:
        """Whether the invitation was made; where not, the form says why. Raises PermissionDenied."""
        try:
            services.invite(actor=self.actor, unit=self.unit, **self.cleaned_data)
        except services.RefusedError as refused:
            self.add_error("email", str(refused))
        return self.is_valid()


class PersonForm(forms.Form):
    """Somebody who is not there yet says who she is, and chooses a password."""

    name = forms.CharField(
        max_length=120,
        label="Your name",
        validators=[one_line],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        strip=False,
        max_length=1024,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least eight characters, and not one that many people use.",
    )

    def address(self) -> str:
        """The e-mail she will sign in by."""
        return str(self.cleaned_data.get("email", ""))

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        person = User(email=self.address(), name=self.cleaned_data.get("name", ""))
        password_validation.validate_password(password, person)
        return password


class JoinForm(PersonForm):
    def __init__(self, data: Any = None, *, invitation: Invitation) -> None:
        super().__init__(data, initial={"name": invitation.name})
        self.invitation = invitation

    def address(self) -> str:
        return self.invitation.email


class SetupForm(PersonForm):
    """The first company and its owner."""

    company = forms.CharField(
        max_length=120,
        label="Your company",
        validators=[one_line],
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    time_zone = forms.CharField(
        max_length=64,
        initial="America/New_York",
        validators=[validate_time_zone],
        help_text="Such as America/Chicago. Each person and team may have another one.",
        widget=forms.TextInput(attrs={"list": "time-zones"}),
    )
    email = forms.EmailField(
        max_length=254, label="Your e-mail", widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    field_order = ("company", "time_zone", "name", "email", "password")
