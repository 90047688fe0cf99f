"""A new company starts with its built-in profiles."""

from __future__ import annotations

from typing import Any

from crm.organization.models import Company
from crm.organization.signals import company_created
from permissions.profiles import create_built_in


def on_company_created(sender: object, company: Company, **kwargs: Any) -> None:
    create_built_in(company)


def connect() -> None:
    company_created.connect(on_company_created, dispatch_uid="permissions.profiles")
