"""Forms of channels: which kind, whose, what its leads follow; and what the questions of its forms mean."""

from __future__ import annotations

from hashlib import md5
from typing import Any

from django import forms
from django.utils.html import format_html

from crm.core.lines import one_line
from crm.organization.models import Unit, User
from routing.capture.channels import NOT_HIDDEN, OF_UNITS, WITH_FORM, Settings, may_hide, routers_for, units_for
from routing.models import Channel

KIND = Channel.Kind
MYSELF = "me"
SECRETS = ("signing_secret", "access_token")
SIGNS = {
    KIND.FACEBOOK: ("App secret", "Facebook signs with it. You find it in the app’s settings."),
    KIND.REALTOR: ("Signing secret", "Only if Realtor.com signs what it sends to you."),
}


def secret_field(length: int, label: str | None = None, help_text: str = "") -> forms.CharField:
    """One that is never shown again."""
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(max_length=length, required=False, widget=widget, label=label, help_text=help_text)


class KindForm(forms.Form):
    kind = forms.ChoiceField(
        label="What kind of channel",
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of these. A website is connected by who manages its unit."},
    )

    def __init__(self, data: Any = None, *, kinds: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]


class ChannelForm(forms.Form):
    """`channel`: the one that is changed; its kind and owner stay, and so does a vendor's secret that is left empty."""

    name = forms.CharField(max_length=80, validators=[one_line], help_text="Leads show it as their source.")
    owner = forms.ChoiceField(label="Its leads belong to")
    routing_unit = forms.ModelChoiceField(
        Unit.objects.none(),
        required=False,
        label="Handed out by",
        empty_label="the owner’s own routing",
        help_text="A unit’s leads follow its routing, or that of a unit below it. Your own stay with you.",
    )
    hidden = forms.BooleanField(
        required=False, label="Hidden from managers", help_text="Only leads of your own can start hidden."
    )
    signing_secret = secret_field(200)
    access_token = secret_field(400, "Page access token", "With it the leads are read from Facebook.")
    form_title = forms.CharField(
        max_length=120,
        required=False,
        label="Title of its form",
        validators=[one_line],
        help_text="The channel has a form of its own, to link to or to put into a page.",
    )
    form_consent = forms.CharField(
        max_length=2000,
        required=False,
        label="What people agree to",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="They tick it before they send the form, and the words are kept with the lead. Empty: nothing to tick.",
    )

    def __init__(self, data: Any = None, *, actor: User, kind: str, channel: Channel | None = None) -> None:
        super().__init__(data, initial=_shown(channel) if channel else {"name": KIND(kind).label})
        self.actor, self.kind, self.channel = actor, kind, channel
        self.owners: dict[str, Unit | User] = {} if channel or kind in OF_UNITS else {MYSELF: actor}
        units = units_for(actor, kind).order_by("name", "pk")
        self.owners |= {} if channel else {f"unit-{unit.pk}": unit for unit in units}
        if channel is not None:
            self.owners = {"stays": channel.owner}
        labels = [(key, "Myself" if one == actor else str(one)) for key, one in self.owners.items()]
        self.fields["owner"].choices = labels  # type: ignore[attr-defined]
        self.fields["owner"].widget.attrs["disabled"] = channel is not None
        self.fields["owner"].required = channel is None
        below = units if channel is None else routers_for(channel.owner_unit) if channel.owner_unit else units.none()
        self.fields["routing_unit"].queryset = below  # type: ignore[attr-defined]
        self._drop_what_does_not_apply()
        self._say_which_secrets_are_set()

    def _drop_what_does_not_apply(self) -> None:
        if not any(isinstance(one, Unit) for one in self.owners.values()):
            del self.fields["routing_unit"]
        if not any(may_hide(self.actor, one) for one in self.owners.values()):
            del self.fields["hidden"]
        if self.kind not in WITH_FORM:
            del self.fields["form_title"], self.fields["form_consent"]
        if self.kind not in SIGNS:
            del self.fields["signing_secret"]
        else:
            self.fields["signing_secret"].label, self.fields["signing_secret"].help_text = SIGNS[KIND(self.kind)]
        if self.kind != KIND.FACEBOOK:
            del self.fields["access_token"]

    def _say_which_secrets_are_set(self) -> None:
        for name in self.fields.keys() & SECRETS:
            field, is_set = self.fields[name], bool(self._kept(name))
            field.required = self.kind == KIND.FACEBOOK and not is_set
            if is_set:
                field.help_text = f"{field.help_text} One is set: leave this empty to keep it."
            elif self.channel is not None:
                field.help_text = f"{field.help_text} None is set."

    def _kept(self, name: str) -> str:
        return str(getattr(self.channel, name)) if self.channel else ""

    def clean(self) -> None:
        router = self.cleaned_data.get("routing_unit")
        owner = self.channel.owner if self.channel else self.owners.get(self.cleaned_data.get("owner", ""))
        if isinstance(owner, Unit) and router and not routers_for(owner).filter(pk=router.pk).exists():
            self.add_error("routing_unit", f"Choose {owner} or a unit below it.")
        asked = forms.CheckboxInput().value_from_datadict(self.data, self.files, "hidden")
        if asked and not may_hide(self.actor, owner):
            self.add_error("hidden" if "hidden" in self.fields else None, NOT_HIDDEN)

    @property
    def settings(self) -> Settings:
        data = self.cleaned_data
        owner = self.channel.owner if self.channel else self.owners[data["owner"]]
        return Settings(
            name=data["name"],
            owner=owner,
            routing_unit=data.get("routing_unit") if isinstance(owner, Unit) else None,
            hidden=bool(data.get("hidden")),
            signing_secret=data.get("signing_secret") or self._kept("signing_secret"),
            access_token=data.get("access_token") or self._kept("access_token"),
            form_title=data.get("form_title", ""),
            form_consent=data.get("form_consent", ""),
        )


def _shown(channel: Channel) -> dict[str, Any]:
    return {
        "name": channel.name,
        "owner": "stays",
        "routing_unit": channel.routing_unit_id if channel.routing_unit_id != channel.owner_unit_id else None,
        "hidden": channel.hidden,
        "form_title": channel.form_title,
        "form_consent": channel.form_consent,
    }


class MappingForm(forms.Form):
    """A choice for each question of a form."""

    def __init__(self, data: Any = None, *, asked: dict[str, str], chosen: dict[str, str], places: list[Any]) -> None:
        super().__init__(data)
        self.questions = {f"q-{md5(text.encode(), usedforsecurity=False).hexdigest()[:12]}": text for text in asked}
        for name, question in self.questions.items():
            self.fields[name] = forms.ChoiceField(
                choices=places,
                required=False,
                label=question,
                initial=chosen.get(question, ""),
                help_text=format_html("Such as “{}”", asked[question][:80]) if asked[question] else "",
            )

    @property
    def meanings(self) -> dict[str, str]:
        return {question: self.cleaned_data[name] for name, question in self.questions.items()}
