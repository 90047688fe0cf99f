"""What is typed of a message template."""

from __future__ import annotations

from typing import Any

from django import forms

from crm.core.lines import one_line, straight
from crm.organization.models import User
from leads.forms import LONGEST_NOTE, LONGEST_SUBJECT
from leads.messaging.fields import FIELDS, problem_of
from leads.messaging.templates import may_edit_companys
from leads.models import MessageTemplate

LONGEST_TEXT = 1000
FIELDS_HELP = f"Fields: {', '.join(f'{{{name}}}' for name in FIELDS)}. For where one is empty: {{first_name|there}}."
Kind = MessageTemplate.Kind


class TemplateForm(forms.Form):
    """A template's kind stays as it was made."""

    name = forms.CharField(max_length=80, validators=[one_line])
    kind = forms.ChoiceField(choices=Kind.choices, required=False)
    whose = forms.ChoiceField(choices=[("mine", "Mine"), ("company", "The company’s, for everybody")], required=False)
    subject = forms.CharField(max_length=LONGEST_SUBJECT, required=False, help_text="Of an e-mail.")
    body = forms.CharField(
        max_length=LONGEST_NOTE, label="Message", widget=forms.Textarea(attrs={"rows": 10}), help_text=FIELDS_HELP
    )

    def __init__(self, data: Any = None, *, actor: User, template: MessageTemplate | None) -> None:
        self.template = template
        first: dict[str, Any] = {"kind": Kind.EMAIL.value, "whose": "mine"}
        if template:
            first = {name: getattr(template, name) for name in ("name", "subject", "body")}
            first["whose"] = "company" if template.user_id is None else "mine"
        super().__init__(data, initial=first)
        if template:
            del self.fields["kind"]
        if not may_edit_companys(actor):
            del self.fields["whose"]
        if template and template.kind == Kind.TEXT:
            del self.fields["subject"]

    @property
    def is_email(self) -> bool:
        return (self.template.kind if self.template else self.cleaned_data.get("kind") or Kind.EMAIL) == Kind.EMAIL

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        data["subject"] = " ".join(straight(data.get("subject") or "").split())
        if self.is_email and not data["subject"] and "subject" not in self.errors:
            self.add_error("subject", "Give the e-mail a subject.")
        if not self.is_email and len(data.get("body", "")) > LONGEST_TEXT:
            self.add_error("body", f"A text has at most {LONGEST_TEXT:,} characters.")
        for name in ("subject", "body"):
            if name in self.fields and (problem := problem_of(data.get(name) or "")):
                self.add_error(name, problem)
        return data

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "companys": data.get("whose") == "company",
            "kind": Kind.EMAIL if self.is_email else Kind.TEXT,
            **{name: data[name] for name in ("name", "subject", "body")},
        }
