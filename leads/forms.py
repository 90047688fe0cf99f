"""What people type about a lead: adding and editing one, a note, a logged call, another stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import QuerySet

from crm.core.lines import straight
from crm.core.moments import MomentField
from crm.organization.models import User, validate_time_zone
from leads.contact import UnreadableContactError, read_email, read_phone
from leads.messaging.fields import problem_of
from leads.models import Activity, ContactPoint, CustomField, Lead, Stage
from leads.once import new_token
from leads.own_values import LONGEST_VALUE, UnreadableValueError, read_own
from leads.owner_form import OwnerForm
from leads.services.creating import NewLead
from leads.services.working import PEOPLE_TO_MEET
from leads.states import kept_as
from leads.tags import united

OWN = "custom-"
MOST_LINES = 20
LOGGED = (Activity.Kind.NOTE, Activity.Kind.CALL)
MAILED = (Activity.Kind.EMAIL.value, Activity.Kind.EMAIL.label)
LONGEST_NOTE = 10_000
LONGEST_SUBJECT = 150
LONGEST_TAG = Lead._meta.get_field("tags").base_field.max_length or 0
NO_NULL = ProhibitNullCharactersValidator()  # Django's own looks at what is cleaned, which here is a list


class LinesField(forms.CharField):
    """Several values, one a line, as a list of text."""

    widget = forms.Textarea(attrs={"rows": 1})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        text = straight(super().to_python(value) or "")
        NO_NULL(text)
        lines = [line.strip() for line in text.splitlines()]
        return [line for line in lines if line]

    def validate(self, value: Any) -> None:
        super().validate(value)
        if len(value) > MOST_LINES:
            raise ValidationError(f"At most {MOST_LINES}, please.")


class TagsField(forms.CharField):
    """Tags as a list, typed with commas between them."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        text = straight(super().to_python(value) or "")
        NO_NULL(text)
        tags = [tag.strip() for tag in text.split(",")]
        return united(filter(None, tags))

    def validate(self, value: Any) -> None:
        super().validate(value)
        if len(value) > MOST_LINES:
            raise ValidationError(f"At most {MOST_LINES} tags, please.")
        if any(len(tag) > LONGEST_TAG for tag in value):
            raise ValidationError(f"A tag has at most {LONGEST_TAG} characters.")


def own_field(field: CustomField, value: str) -> forms.CharField:
    """How a custom field is asked for. It keeps what it holds, though that may be none of its choices any more."""
    widget: forms.Widget = forms.TextInput()
    if field.kind == CustomField.Kind.CHOICE:
        choices = dict.fromkeys(("", *field.choices, value))
        widget = forms.Select(choices=[(choice, choice or "Not said") for choice in choices])
    elif field.kind == CustomField.Kind.DATE:
        widget = forms.DateInput(attrs={"type": "date"})
    elif field.kind == CustomField.Kind.NUMBER:
        widget = forms.TextInput(attrs={"inputmode": "decimal"})
    return forms.CharField(label=field.label, required=False, max_length=LONGEST_VALUE, widget=widget, initial=value)


class LeadForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no ModelForm[Lead] at run time
    """Contact data and facts of a lead. The owner is no part of it (P4)."""

    phones = LinesField(required=False, help_text="One a line, as people write them.")
    emails = LinesField(required=False, label="E-mails", help_text="One a line.")
    source = forms.CharField(max_length=80, required=False, widget=forms.TextInput(attrs={"list": "sources"}))
    tags = TagsField(required=False, help_text="With commas between them.")

    class Meta:
        model = Lead
        fields = (
            *("first_name", "last_name", "company_name", "street", "city", "state", "postal_code"),
            *("time_zone", "language", "kind", "score", "price_min", "price_max"),
        )
        labels = {"price_min": "Price from", "price_max": "Price to", "company_name": "Company"}
        help_texts = {"score": "0 to 100.", "price_min": "", "time_zone": "Such as America/New_York."}
        widgets = {"time_zone": forms.TextInput(attrs={"list": "time-zones"})}

    def __init__(self, *args: Any, region: str, company_id: int | None = None, **kwargs: Any) -> None:
        """With `company_id` it asks for the company's own fields, too."""
        super().__init__(*args, **kwargs)
        self.region = region
        own = CustomField.objects.filter(company=company_id).order_by("label", "pk") if company_id else ()
        self.own = {f"{OWN}{field.key}": field for field in own}
        for name, field in self.own.items():
            self.fields[name] = own_field(field, self.instance.custom.get(field.key, ""))
        self.fields["score"].required = False
        self.fields["kind"].choices = [("", "Not said"), *Lead.Kind.choices]  # type: ignore[attr-defined]

    def clean_phones(self) -> list[str]:
        return self._readable("phones", lambda line: read_phone(line, self.region))

    def clean_emails(self) -> list[str]:
        return self._readable("emails", read_email)

    def _readable(self, name: str, read: Any) -> list[str]:
        """The lines as typed, once each of them could be read."""
        problems = []
        for line in self.cleaned_data[name]:
            try:
                read(line)
            except UnreadableContactError as error:
                problems.append(str(error))
        if problems:
            raise ValidationError(problems)
        lines: list[str] = self.cleaned_data[name]
        return lines

    def clean_score(self) -> int:
        score: int = self.cleaned_data["score"] or 0
        if score > 100:
            raise ValidationError("A score is 0 to 100.")
        return score

    def clean_state(self) -> str:
        return kept_as(self.cleaned_data["state"].strip())

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"]
        if zone:
            validate_time_zone(zone)
        return zone

    def own_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.own]

    def _clean_own(self, data: dict[str, Any]) -> None:
        """What is kept of the company's own fields; one that was left as it stands stays, whatever its kind says now."""
        custom = dict(self.instance.custom)
        for name, field in self.own.items():
            text = data.get(name) or ""
            if not text:
                custom.pop(field.key, None)
            elif text != custom.get(field.key):
                try:
                    custom[field.key] = read_own(text, self.region, field.kind, field.choices)
                except UnreadableValueError as error:
                    self.add_error(name, f"{str(error)[:1].upper()}{str(error)[1:]}.")
        data["custom"] = custom

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self._clean_own(data)
        data |= {name: straight(value) for name, value in data.items() if isinstance(value, str)}
        low, high = data.get("price_min"), data.get("price_max")
        if low is not None and high is not None and low > high:
            self.add_error("price_max", "This is less than the price it starts from.")
        if not self.errors and not any(data.get(name) for name in (*PEOPLE_TO_MEET, "phones", "emails")):
            raise ValidationError("Give at least a name, a company, a phone or an e-mail.")
        return data

    def facts(self) -> dict[str, Any]:
        """The lead's columns as typed, but its source."""
        return {name: self.cleaned_data[name] for name in (*self.Meta.fields, "tags", "custom")}

    def values(self) -> set[tuple[str, str]]:
        """Kind and normal form of every contact point typed."""
        phones = {(ContactPoint.Kind.PHONE.value, read_phone(raw, self.region)) for raw in self.cleaned_data["phones"]}
        return phones | {(ContactPoint.Kind.EMAIL.value, read_email(raw)) for raw in self.cleaned_data["emails"]}


class NewLeadForm(LeadForm, OwnerForm):
    """Adding by hand."""

    token = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40, initial=new_token)

    def __init__(self, data: Any = None, *, actor: User, chosen: dict[str, str], live: bool = False) -> None:
        """`chosen` is what she has chosen so far; `live` says that the page follows her."""
        company = actor.company
        super().__init__(data, region=company.phone_region, company_id=company.pk, initial=chosen)
        routed = "The next agent in turn is offered the lead. Otherwise it is assigned to you."
        self.offer(actor, mine="Myself: a personal lead", routed=routed, live=live)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        self.check_choices(data)
        return data

    def new_lead(self) -> NewLead:
        data, fields = self.cleaned_data, self.facts()
        custom = fields.pop("custom")
        return NewLead(fields, data["phones"], data["emails"], data["source"], custom)


class LogForm(forms.Form):
    """What somebody did with the lead, or an e-mail to send. A call has a direction and an outcome; a note has words."""

    token = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40, initial=new_token)
    kind = forms.ChoiceField(choices=[(kind.value, kind.label) for kind in LOGGED])
    direction = forms.ChoiceField(choices=Activity.Direction.choices, initial=Activity.Direction.OUT, required=False)
    outcome = forms.ChoiceField(choices=[("", "Choose …"), *Activity.Outcome.choices], required=False)
    body = forms.CharField(
        label="What happened",
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "What should the next person know?"}),
    )
    to = forms.ChoiceField(
        required=False, widget=forms.Select(attrs={"id": "mail-to"})
    )  # dialogs on the page have an id_to
    subject = forms.CharField(required=False, max_length=LONGEST_SUBJECT)
    message = forms.CharField(
        required=False, max_length=LONGEST_NOTE, widget=forms.Textarea(attrs={"rows": 7}), label="E-mail"
    )

    def __init__(self, *args: Any, addresses: Sequence[str] = (), **kwargs: Any) -> None:
        """`addresses`: those of the lead, where it may be e-mailed from here."""
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = [(address, address) for address in addresses]  # type: ignore[attr-defined]
        if addresses:
            self.fields["kind"].choices.append(MAILED)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("kind") == Activity.Kind.EMAIL:
            self._clean_email(data)
        elif data.get("kind") == Activity.Kind.CALL and not self.errors:
            data["direction"] = data["direction"] or Activity.Direction.OUT.value
            if not data["outcome"]:
                self.add_error("outcome", "Say how the call went.")
        elif data.get("kind") == Activity.Kind.NOTE:
            data |= {"direction": "", "outcome": ""}
            if not data.get("body") and "body" not in self.errors:
                self.add_error("body", "Write the note first.")
        return data

    def _clean_email(self, data: dict[str, Any]) -> None:
        data["subject"] = " ".join(straight(data.get("subject", "")).split())
        wanted = {"to": "Say to which address.", "subject": "Give it a subject.", "message": "Write the e-mail first."}
        for name, words in wanted.items():
            if not data.get(name) and name not in self.errors:
                self.add_error(name, words)
            elif name != "to" and (problem := problem_of(data.get(name) or "")):
                self.add_error(name, problem)


class StageForm(forms.Form):
    stage = forms.ModelChoiceField(Stage.objects.none())

    def __init__(self, *args: Any, company_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stage"].queryset = Stage.objects.filter(company=company_id)  # type: ignore[attr-defined]


class RequestForm(forms.Form):
    """What to ask of whoever decides about a lead."""

    kind = forms.ChoiceField(label="What to ask for", widget=forms.RadioSelect)
    note = forms.CharField(
        label="Why",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Whoever decides reads this.",
    )

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = choices  # type: ignore[attr-defined]
        self.fields["kind"].initial = choices[0][0] if len(choices) == 1 else None


class ShareForm(forms.Form):
    """With whom to share a lead, for what, and until when."""

    user = forms.ModelChoiceField(User.objects.none(), label="With", empty_label="Choose a colleague …")
    verb = forms.ChoiceField(
        label="So that she may",
        choices=[
            ("view_lead", "View it: read everything"),
            ("work_lead", "Work it: call, write, note, change the stage"),
        ],
    )
    until = MomentField(required=False, label="Until", help_text="Empty: until it is revoked.")

    def __init__(self, *args: Any, actor: User, lead: Lead, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        colleagues = User.objects.can_be_seen_by(actor).exclude(pk__in=[actor.pk, lead.owner_user_id or 0])
        self.fields["user"].queryset = colleagues.order_by("name", "pk")  # type: ignore[attr-defined]


class AssignForm(forms.Form):
    """Who works a lead, in which role."""

    role = forms.ChoiceField(label="As")
    user = forms.ModelChoiceField(User.objects.none(), label="Who", empty_label="Nobody", required=False)

    def __init__(self, *args: Any, people: QuerySet[User], roles: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = list(roles.items())  # type: ignore[attr-defined]
        self.fields["user"].queryset = people.order_by("name", "pk")  # type: ignore[attr-defined]
