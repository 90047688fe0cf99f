"""Working a lead: notes, logged calls, stage changes, edits. What a person does by hand is announced (`signals.worked`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from crm.organization.models import User
from leads import signals
from leads.models import Activity, ContactPoint, Lead, Stage
from leads.search import reindex
from leads.services.creating import add_contact_points
from permissions.access import Access, Keyring, Level, Reason
from permissions.door import access_to, require

CONTACTS = {Activity.Kind.CALL, Activity.Kind.TEXT, Activity.Kind.EMAIL, Activity.Kind.MEETING}
ALSO_FOR_MANAGERS = {Activity.Kind.CALL, Activity.Kind.TEXT, Activity.Kind.EMAIL}  # V2: by rule h, with `view`
PEOPLE_TO_MEET = ("first_name", "last_name", "company_name")
EDITABLE = frozenset(
    {
        *("first_name", "last_name", "company_name", "street", "city", "state", "postal_code", "time_zone", "language"),
        *("kind", "source", "tags", "score", "price_min", "price_max", "custom"),
    }
)


class NobodyLeftError(ValueError):
    """Nothing would be left to know or to reach the person by; the text says so."""


def may_log(access: Access, kind: Activity.Kind) -> bool:
    """Whether this access allows logging such an act: `work`, or for calls and messages managing the owner (rule h)."""
    manages = any(key.reason == Reason.MANAGES_OWNER for key in access.reasons)
    return access.level >= Level.WORK or (manages and kind in ALSO_FOR_MANAGERS)


@transaction.atomic
def log_activity(
    *,
    keyring: Keyring,
    actor: User,
    lead: Lead,
    kind: Activity.Kind,
    body: str = "",
    direction: str = "",
    outcome: str = "",
) -> Activity:
    """Put what she did on the timeline. Calls count as contact; a note does not. Raises PermissionDenied (`may_log`)."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    if not may_log(access_to(keyring, lead), kind):
        raise PermissionDenied("You may look at this lead, but not do this with it.")
    activity = Activity.objects.create(
        company_id=lead.company_id, lead=lead, kind=kind, actor=actor, body=body, direction=direction, outcome=outcome
    )
    touch(lead, contact=kind in CONTACTS)
    signals.worked.send(sender=Lead, lead=lead, actor=actor, act=kind.value)
    return activity


def touch(lead: Lead, *, contact: bool) -> None:
    """The lead's last activity, and last contact, is now; by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE leads_lead SET last_activity_at = now(),"
            " last_contact_at = CASE WHEN %s THEN now() ELSE last_contact_at END WHERE id = %s",
            [contact, lead.pk],
        )


@transaction.atomic
def change_stage(*, keyring: Keyring, actor: User, lead: Lead, stage: Stage, automatic: bool = False) -> None:
    """Move the lead to another stage of its company. The same stage again changes nothing; `automatic` is no work on it."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    require(keyring, lead, Level.WORK)
    if lead.stage_id == stage.pk:
        return
    body = f"{lead.stage.name} → {stage.name}"
    lead.stage = stage
    lead.save(update_fields=["stage"])
    kind = Activity.Kind.STAGE
    Activity.objects.create(
        company_id=lead.company_id, lead=lead, kind=kind, actor=actor, body=body, automatic=automatic
    )
    if not automatic:
        touch(lead, contact=False)
        signals.worked.send(sender=Lead, lead=lead, actor=actor, act=kind.value)


@transaction.atomic
def edit_lead(
    *,
    keyring: Keyring,
    lead: Lead,
    fields: Mapping[str, Any],
    phones: Iterable[str] | None = None,
    emails: Iterable[str] | None = None,
    custom: Mapping[str, str] | None = None,
) -> Lead:
    """Change contact data and facts; never the owner (P4). Given phones or e-mails replace those there are; of the
    company's own fields `custom` changes those it names, and empties one where it is empty. Raises NobodyLeftError.
    """
    refused = set(fields) - EDITABLE
    if refused:
        raise ValueError(f"not editable: {sorted(refused)}")
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    require(keyring, lead, Level.WORK)
    if custom:
        kept = {**lead.custom, **custom}
        fields = {**fields, "custom": {key: value for key, value in kept.items() if value}}
    changed = [name for name, value in fields.items() if getattr(lead, name) != value]
    before, was_somebody = _points(lead), _is_somebody(lead)
    for name, value in fields.items():
        setattr(lead, name, value)
    lead.save(update_fields=list(fields))
    for kind, given in ((ContactPoint.Kind.PHONE, phones), (ContactPoint.Kind.EMAIL, emails)):
        if given is None:
            continue
        lead.contact_points.filter(kind=kind).delete()
        as_phones, as_emails = (given, ()) if kind == ContactPoint.Kind.PHONE else ((), given)
        add_contact_points(lead, lead.company.phone_region, as_phones, as_emails)
    if was_somebody and not _is_somebody(lead):
        raise NobodyLeftError("Leave at least a name, a company, a phone or an e-mail.")
    reindex([lead.pk])
    if changed or _points(lead) != before:
        _log_edit(lead, keyring.user_id)
    return lead


def _is_somebody(lead: Lead) -> bool:
    return any(getattr(lead, name) for name in PEOPLE_TO_MEET) or bool(_points(lead))


def _points(lead: Lead) -> list[tuple[str, str]]:
    return list(lead.contact_points.order_by("kind", "position", "pk").values_list("kind", "value"))


def _log_edit(lead: Lead, actor_id: int) -> None:
    """Changing what is known of somebody is work on the lead (V2), and stands on its timeline as such."""
    kind, company = Activity.Kind.SYSTEM, lead.company_id
    Activity.objects.create(company_id=company, lead=lead, kind=kind, actor_id=actor_id, body="Changed the details.")
