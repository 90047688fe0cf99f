"""A new company starts with its built-in profiles; who signs out views as nobody."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest

from crm.organization.models import Company, User
from crm.organization.signals import company_created
from permissions.profiles.services import create_built_in
from permissions.viewing.services import end


def on_company_created(sender: object, company: Company, **kwargs: Any) -> None:
    create_built_in(company)


def on_signed_out(sender: object, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        end(viewer=user, session=request.session)


def connect() -> None:
    user_logged_out.connect(on_signed_out, dispatch_uid="permissions.viewing.services")
    company_created.connect(on_company_created, dispatch_uid="permissions.profiles.services")
