"""What the tests of the admin share: every registered page, and a company beside ours whose rows must not appear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from crm.organization.models import Membership, Unit, User
from crm.webhooks.models import Event, Webhook
from crm.webhooks.services import add
from dialer.models import Disposition, PhoneAccount, PhoneNumber
from leads.models import CustomField, SlotRole, Source, Stage
from permissions.admin.site import site
from permissions.models import ApiToken, Profile
from permissions.tokens.services import issue
from tests.factories.leads import make_stage
from tests.factories.people import make_member, make_office

REGISTERED: list[tuple[type[Model], Any]] = sorted(site._registry.items(), key=lambda pair: pair[0].__name__)
SECRET = "Zanzibar"  # is in the name of every row of the strangers
# how a company comes to a row of the model, with the secret in its name
MAKE: dict[type[Model], Callable[[User], Model]] = {
    ApiToken: lambda one: issue(user=one, name=f"{SECRET} program", scopes=[], lasts=None)[0],
    CustomField: lambda one: CustomField.objects.create(company=one.company, key=SECRET, label=f"{SECRET} field"),
    Disposition: lambda one: Disposition.objects.create(company=one.company, name=f"{SECRET} outcome", final=True),
    Membership: lambda one: one.memberships.get(),
    PhoneAccount: lambda one: PhoneAccount.objects.create(company=one.company, account_sid=SECRET, auth_token="x"),
    PhoneNumber: lambda one: PhoneNumber.objects.create(
        company=one.company, number=SECRET, unit=make_office(one.company, f"{SECRET} line")
    ),
    Profile: lambda one: Profile.objects.create(company=one.company, code=SECRET, name=f"{SECRET} profile"),
    SlotRole: lambda one: SlotRole.objects.create(company=one.company, code="zanzibar", name=f"{SECRET} role"),
    Source: lambda one: Source.objects.create(company=one.company, name=f"{SECRET} source"),
    Stage: lambda one: make_stage(one.company, f"{SECRET} stage"),
    Unit: lambda one: make_office(one.company, f"{SECRET} office"),
    User: lambda one: make_member(make_office(one.company, f"{SECRET} home"), f"{SECRET} person"),
    Webhook: lambda one: add(user=one, name=f"{SECRET} program", url="https://hooks.example/", events=[Event.CREATED]),
}


def address(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def text(response: HttpResponse) -> str:
    return response.content.decode()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
