"""A new company starts with stages it can rename; shares are keys; notifications learn the names of leads here."""

from __future__ import annotations

from typing import Any

from crm.notifications.subjects import register_subjects
from crm.organization.models import Company
from crm.organization.signals import company_created
from leads.models import Stage
from leads.reading import subjects_for
from leads.services.leaving import worked_there
from leads.services.sharing import given_to
from permissions.keyring import register_source
from permissions.memberships import register_tie

STAGES = [
    ("New", Stage.Kind.OPEN),
    ("Contacted", Stage.Kind.OPEN),
    ("Qualified", Stage.Kind.OPEN),
    ("Appointment", Stage.Kind.OPEN),
    ("Under contract", Stage.Kind.OPEN),
    ("Closed", Stage.Kind.WON),
    ("Lost", Stage.Kind.LOST),
    ("Archived", Stage.Kind.ARCHIVED),
]


def on_company_created(sender: object, company: Company, **kwargs: Any) -> None:
    Stage.objects.bulk_create(
        [Stage(company=company, name=name, kind=kind, position=n) for n, (name, kind) in enumerate(STAGES)]
    )


def connect() -> None:
    company_created.connect(on_company_created, dispatch_uid="leads.stages")
    register_source(given_to)
    register_tie(worked_there)
    register_subjects(subjects_for)
