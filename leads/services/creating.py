"""A lead comes into being with its owner, origin, contact points and first ledger row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from crm.organization.models import Company, PersonalLeads, Unit, User
from leads import signals
from leads.contact import read_email, read_phone
from leads.models import ContactPoint, Lead, Source, Stage
from leads.search import reindex
from leads.services.assigning import fill_slots
from leads.services.hiding import starts_hidden
from permissions.catalog import Permission
from permissions.keyring import policy_of
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry


@dataclass(frozen=True)
class NewLead:
    """What is known of a lead to be. Phones and e-mails as typed."""

    fields: Mapping[str, Any]
    phones: Iterable[str] = ()
    emails: Iterable[str] = ()
    source: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)


def owners_for_new_leads(user: User) -> tuple[list[User], list[Unit]]:
    """Whom she may name as owner of a lead she creates (P4): herself, the units she is a member of or manages.

    Under the policy `company_only` it is the company, whoever asks (O5).
    """
    if user.company.personal_leads == PersonalLeads.COMPANY_ONLY:
        return [], list(Unit.objects.of(user).filter(kind=Unit.Kind.COMPANY))
    units = Unit.objects.of(user).open()
    allowed = units.filter(pk__in=Unit.objects.joined_by(user)) | units.filter(pk__in=Unit.objects.managed_by(user))
    return [user], list(allowed.distinct().order_by("name"))


def first_stage(company_id: int) -> Stage:
    """The stage new leads start in: the first open one."""
    return Stage.objects.filter(company=company_id, kind=Stage.Kind.OPEN).order_by("position", "pk")[0]


def source_named(company_id: int, name: str) -> Source | None:
    """The company's source of that name, made where it is new; none for an empty name."""
    name = name.strip()[:80]
    if not name:
        return None
    found = Source.objects.filter(company=company_id, name__iexact=name).first()
    return found or Source.objects.get_or_create(company_id=company_id, name=name)[0]


def ownership_of(owner: Unit | User, company: Company, *, hidden: bool = False) -> dict[str, Any]:
    """The owner columns of a lead created for `owner`: a unit's lead has the company's origin, a person's her own."""
    if isinstance(owner, Unit):
        return {"owner_unit": owner, "origin": Lead.Origin.COMPANY, "origin_unit": owner}
    return {"owner_user": owner, "origin": Lead.Origin.AGENT, "privacy": policy_of(company), "hidden": hidden}


@transaction.atomic
def create_lead(
    *,
    actor: User,
    owner: Unit | User,
    new: NewLead,
    route: bool = False,
    hidden: bool | None = None,
    why: str = "by hand",
) -> Lead:
    """Create by hand. Without `route`, a unit's lead is assigned to whoever added it; with it, the unit's roster decides.
    Whether it starts hidden, her own switch says unless `hidden` does.

    Raises PermissionDenied for an owner she may not name and for what she may not hide, UnreadableContactError for a
    phone or e-mail that is none.
    """
    people, units = owners_for_new_leads(actor)
    if not actor.has_perm(Permission.ADD_LEAD) or owner not in [*people, *units]:
        raise PermissionDenied("You may create leads for yourself and for your own units.")
    company = actor.company
    lead = Lead.objects.create(
        company=company,
        created_by=actor,
        source=source_named(company.pk, new.source),
        custom=dict(new.custom),
        **ownership_of(owner, company, hidden=starts_hidden(actor, owner, asked=hidden)),
        **{"stage": first_stage(company.pk), **new.fields},
    )
    add_contact_points(lead, company.phone_region, new.phones, new.emails)
    reindex([lead.pk])
    _record(lead, actor, why)
    if isinstance(owner, Unit):
        if route:
            signals.ready_for_routing.send(sender=Lead, company_id=company.pk, unit_id=owner.pk, lead_ids=[lead.pk])
        else:
            fill_slots([(lead.pk, actor.pk)], actor_id=actor.pk, why=why)
    lead.refresh_from_db()
    return lead


def _record(lead: Lead, actor: User, why: str) -> None:
    created = Fact(
        company_id=lead.company_id,
        kind=LedgerEntry.Kind.CREATED,
        lead_id=lead.pk,
        actor_id=actor.pk,
        to_unit_id=lead.owner_unit_id,
        to_user_id=lead.owner_user_id,
        why=why,
    )
    hiding = replace(created, kind=LedgerEntry.Kind.HIDDEN, to_user_id=None)
    record(*([created, hiding] if lead.hidden else [created]))


def add_contact_points(lead: Lead, region: str, phones: Iterable[str], emails: Iterable[str]) -> None:
    """Normalise and add; one that is there already stays as it is."""
    read = [(ContactPoint.Kind.EMAIL, read_email(raw), raw) for raw in emails if raw.strip()]
    read += [(ContactPoint.Kind.PHONE, read_phone(raw, region), raw) for raw in phones if raw.strip()]
    ContactPoint.objects.bulk_create(
        [
            ContactPoint(company_id=lead.company_id, lead=lead, kind=kind, value=value, raw=raw, position=position)
            for position, (kind, value, raw) in enumerate(read)
        ],
        ignore_conflicts=True,
    )
