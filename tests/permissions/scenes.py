"""What the tests of the profiles' pages share."""

from __future__ import annotations

from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client

from crm.organization.models import User
from permissions.models import LedgerEntry, Profile
from tests.factories.scenes import Brokerage


def profile(harbor: Brokerage, code: str) -> Profile:
    return Profile.objects.get(company=harbor.company, code=code)


def own(harbor: Brokerage, name: str = "Assistant", *permissions: str) -> Profile:
    code = name.lower().replace(" ", "_")
    return Profile.objects.create(company=harbor.company, code=code, name=name, permissions=sorted(permissions))


def post(client: Client, actor: User, path: str, data: dict[str, Any] | None = None) -> HttpResponse:
    client.force_login(actor)
    return client.post(path, data or {})  # type: ignore[return-value]


def text(response: HttpResponse) -> str:
    return unescape(response.content.decode())


def facts(harbor: Brokerage, why: str = "profile") -> list[tuple[Any, ...]]:
    found = LedgerEntry.objects.filter(company=harbor.company, kind="policy_changed", why=why).order_by("pk")
    return list(found.values_list("actor", "to_user_id", "detail"))
