"""A new company starts with stages; shares are keys; notifications learn names of leads; requests and conflicts that lost
their ground close, the others are counted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from crm.notifications.live import register_count
from crm.notifications.subjects import register_subjects
from crm.organization.models import Company, User
from crm.organization.signals import company_created
from leads import signals
from leads.models import Conflict, Lead, OwnershipRequest, Stage
from leads.models.request import Kind
from leads.reading import subjects_for
from leads.services.asking import lapse
from leads.services.disputing import close_departed, close_moved, close_removed, reopen
from leads.services.leaving import worked_there
from leads.services.ponding import take_by_work
from leads.services.sharing import GIVES, given_to
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
    close_moved(lead_ids)


def on_released(sender: object, lead_ids: Sequence[int], **kwargs: Any) -> None:
    lapse(lead_ids, "Nobody has it any more: it is free already.", Kind.RELEASE)


def on_removed(sender: object, lead_ids: Sequence[int], **kwargs: Any) -> None:
    lapse(lead_ids, "It is not there any more.")
    close_removed(lead_ids)


def on_departing(sender: object, user: User, units: Collection[int] | None, **kwargs: Any) -> dict[str, Any]:
    return {"conflicts": close_departed(user)} if units is None else {}


def on_coming_back(sender: object, user: User, kept: dict[str, Any], **kwargs: Any) -> None:
    reopen(user, kept.get(__name__, {}).get("conflicts", []))


def on_worked(sender: object, lead: Lead, actor: User, act: str, **kwargs: Any) -> None:
    take_by_work(actor=actor, lead=lead, act=act)


def waiting_for(user: User) -> int:
    """How many requests and conflicts she may decide. Without any in the company, where she stands need not be asked."""
    requests, conflicts = OwnershipRequest.objects.open(), Conflict.objects.open()
    if not any(rows.filter(company=user.company_id).exists() for rows in (requests, conflicts)):
        return 0
    keyring = load_keyring(user)
    return requests.for_decision_by(keyring).count() + conflicts.for_decision_by(keyring).count()


def connect() -> None:
    company_created.connect(on_company_created, dispatch_uid="leads.stages")
    signals.owner_changed.connect(on_owner_changed, dispatch_uid="leads.requests")
    signals.released.connect(on_released, dispatch_uid="leads.requests")
    signals.removed.connect(on_removed, dispatch_uid="leads.requests")
    signals.departing.connect(on_departing, dispatch_uid="leads.conflicts")
    signals.coming_back.connect(on_coming_back, dispatch_uid="leads.conflicts")
    signals.worked.connect(on_worked, dispatch_uid="leads.ponds")
    register_count("requests", waiting_for)
    register_source(given_to, GIVES)
    register_tie(worked_there)
    register_subjects(subjects_for)
