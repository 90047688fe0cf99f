"""Dispositions (D10), calling rules and the do-not-call list (D14), the company's phone (D12, D16) in the admin."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin import display, register
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from crm.organization.people import signed_in
from dialer.models import Disposition, PhoneAccount, PhoneNumber
from dialer.views import do_not_call, hours
from leads.contact import UnreadableContactError, read_phone
from permissions.admin.base import CompanyAdmin
from permissions.admin.forms import CompanyForm
from permissions.admin.site import site
from permissions.catalog import Permission

SIGNS = "With it Twilio is asked, and it signs what it sends."
FLAGS = ("contact_made", "sale", "not_interested", "do_not_call", "callback", "final")


class DispositionForm(CompanyForm):
    class Meta:
        help_texts = {
            "position": "The number, 1 to 9, that gives it while one talks. Empty: it is clicked.",
            "contact_made": "Somebody was spoken with.",
            "do_not_call": "Puts the lead’s number on the company’s list. It is final.",
            "callback": "The agent says when to call again.",
            "final": "The campaign is done with the lead.",
            "recycle_after": "For all that is neither final nor a callback. A campaign may say otherwise.",
            "archived": "It cannot be given any more, and its key is free. What was said of past calls stays.",
        }


@register(Disposition, site=site)
class DispositionAdmin(CompanyAdmin):
    verb = Permission.MANAGE_POLICY
    words = "What can come of a call, by number keys, and what follows: a callback, another try, or never again."
    form = DispositionForm
    fields = ("name", "position", "outcome", *FLAGS, "recycle_after", "archived")
    list_display = ("name", "position", "says", "recycle_after", "state")
    list_filter = ("archived",)
    search_fields = ("name",)
    ordering = ("archived", "position", "name", "pk")

    @display(description="Says")
    def says(self, one: Disposition) -> str:
        fields = [one._meta.get_field(name) for name in FLAGS if getattr(one, name)]
        return capfirst(", ".join(str(getattr(field, "verbose_name", "")) for field in fields))

    @display(description="State")
    def state(self, one: Disposition) -> str:
        return "Archived" if one.archived else "In use"


class AccountForm(CompanyForm):
    auth_token = forms.CharField(
        max_length=80, required=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        labels = {"active": "Call by it"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_set = bool(self.instance.auth_token)
        self.fields["auth_token"].required = not is_set
        self.fields["auth_token"].help_text = "It is set, and never shown. Empty: it stays." if is_set else SIGNS

    def _shown(self) -> str:
        """The token is no part of what the page showed."""
        return f"{self.instance.account_sid} {self.instance.active}"

    def clean_auth_token(self) -> str:
        return str(self.cleaned_data["auth_token"] or self.instance.auth_token)

    def clean_account_sid(self) -> str:
        sid: str = self.cleaned_data["account_sid"].strip()
        if not re.fullmatch(r"AC[0-9a-fA-F]{32}", sid):
            raise ValidationError("An account SID is AC and 32 digits or letters from a to f.")
        return sid


@register(PhoneAccount, site=site)
class PhoneAccountAdmin(CompanyAdmin):
    verb = Permission.MANAGE_POLICY
    words = "The company’s account with Twilio, by which calls and texts go. Without one each calls from her own phone."
    form = AccountForm
    fields = ("account_sid", "auth_token", "active", "asked_at")
    readonly_fields = ("asked_at",)
    list_display = ("account_sid", "state")
    ordering = ("pk",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        company = signed_in(request).company_id
        return super().has_add_permission(request) and not PhoneAccount.objects.filter(company=company).exists()

    @display(description="State")
    def state(self, one: PhoneAccount) -> str:
        return "In use" if one.active else "Off"

    @display(description="Addresses for Twilio’s console")
    def asked_at(self, one: PhoneAccount) -> str:
        """Where Twilio is to say that somebody calls or texts one of the numbers."""
        if not one.pk:
            return "They are here once it is saved."
        voice, text = (reverse(name, args=[one.public_id]) for name in ("phone-voice", "phone-text"))
        return f"A call comes in: {settings.PUBLIC_URL}{voice} · A message comes in: {settings.PUBLIC_URL}{text}"


class PhoneNumberForm(CompanyForm):
    def clean_number(self) -> str:
        try:
            return read_phone(self.cleaned_data["number"], self.actor.company.phone_region)
        except UnreadableContactError as error:
            raise ValidationError(str(error)) from error


@register(PhoneNumber, site=site)
class PhoneNumberAdmin(CompanyAdmin):
    verb = Permission.MANAGE_POLICY
    words = (
        "The numbers the company calls with, and where calls to them go: to whoever holds the lead, and nobody else."
    )
    form = PhoneNumberForm
    fields = (
        *("number", "unit", "active", "route_unavailable"),
        *("when_away", "away_person", "when_unknown", "unknown_person"),
    )
    list_display = ("number", "unit", "when_away", "when_unknown", "active")
    list_select_related = ("unit",)
    list_filter = ("active",)
    search_fields = ("number",)
    ordering = ("number", "pk")


site.add_page(
    "calling-hours/",
    hours.hours,
    name="calling_hours",
    verb=Permission.MANAGE_POLICY,
    label="Calling rules",
    words="When leads may be called, by state and day, and what needs their consent; every version that ever held.",
)
site.add_page(
    "do-not-call/",
    do_not_call.do_not_call,
    name="do_not_call",
    verb=Permission.MANAGE_POLICY,
    label="Do not call",
    words="Numbers that nobody calls or texts: look one up, add one, bring a registry’s file.",
)
site.add_page("do-not-call/<int:number_id>/", do_not_call.remove, name="do_not_call_one", verb=Permission.MANAGE_POLICY)
site.add_page(
    "do-not-call/files/<int:file_id>/rejected/",
    do_not_call.rejects,
    name="do_not_call_rejects",
    verb=Permission.MANAGE_POLICY,
    methods=("GET", "HEAD"),
)
