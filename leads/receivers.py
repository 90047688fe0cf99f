"""A new company starts with stages; shares are keys; notifications learn names of leads; requests lapse and are counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crm.notifications.live import register_count
from crm.notifications.subjects import register_subjects
from crm.organization.models import Company, User
from crm.organization.signals import company_created
from leads import signals
from leads.models import Lead, OwnershipRequest, Stage
from leads.models.request import Kind
from leads.reading import subjects_for
from leads.services.asking import lapse
from leads.services.leaving import worked_there
from leads.services.ponding import take_by_work
from leads.services.sharing import given_to
from permissions.joining.memberships import register_tie
from permissions.keyring import load_keyring, register_source

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


def on_owner_changed(sender: object, lead_ids: Sequence[int], **kwargs: Any) -> None:
    lapse(lead_ids, "It has another owner since.")


def on_released(sender: object, lead_ids: Sequence[int], **kwargs: Any) -> None:
    lapse(lead_ids, "Nobody has it any more: it is free already.", Kind.RELEASE)


def on_removed(sender: object, lead_ids: Sequence[int], **kwargs: Any) -> None:
    lapse(lead_ids, "It is not there any more.")


def on_worked(sender: object, lead: Lead, actor: User, act: str, **kwargs: Any) -> None:
    take_by_work(actor=actor, lead=lead, act=act)


def waiting_for(user: User) -> int:
    """How many requests she may answer. Without any in the company, where she stands need not be asked."""
    if not OwnershipRequest.objects.open().filter(company=user.company_id).exists():
        return 0
    return OwnershipRequest.objects.for_decision_by(load_keyring(user)).count()


def connect() -> None:
    company_created.connect(on_company_created, dispatch_uid="leads.stages")
    signals.owner_changed.connect(on_owner_changed, dispatch_uid="leads.requests")
    signals.released.connect(on_released, dispatch_uid="leads.requests")
    signals.removed.connect(on_removed, dispatch_uid="leads.requests")
    signals.worked.connect(on_worked, dispatch_uid="leads.ponds")
    register_count("requests", waiting_for)
    register_source(given_to)
    register_tie(worked_there)
    register_subjects(subjects_for)
