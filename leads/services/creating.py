"""Leads come into being, in sets: with owner, origin, Agent, contact points and first ledger rows (C1, I4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from crm.core.inserting import insert_all
from crm.organization.models import Company, PersonalLeads, Unit, User
from leads import signals
from leads.contact import read_email, read_phone
from leads.models import ContactPoint, Lead, Source, Stage
from leads.search import reindex
from leads.services.assigning import fill_slots
from leads.services.hiding import starts_hidden
from permissions.catalog import Permission
from permissions.keyring import policy_of
from permissions.ledger import Fact, record_all
from permissions.models import LedgerEntry


@dataclass(frozen=True)
class NewLead:
    """What is known of a lead to be. Phones and e-mails as typed."""

    fields: Mapping[str, Any]
    phones: Iterable[str] = ()
    emails: Iterable[str] = ()
    source: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Placement:
    """Whose a lead to be is, and who works it: `agent` takes the slot of a unit's lead, or the routing of `routed_by`
    decides, or it stays general. `generated_by` is the unit it came by though a person owns it.
    """

    owner: Unit | User
    agent: User | None = None
    routed_by: Unit | None = None
    generated_by: Unit | None = None
    hidden: bool = False


def owners_for_new_leads(user: User) -> tuple[list[User], list[Unit]]:
    """Whom she may name as owner of a lead she creates (P4): herself, the units she is a member of or manages.

    Under the policy `company_only` it is the company, whoever asks (O5).
    """
    if user.company.personal_leads == PersonalLeads.COMPANY_ONLY:
        return [], list(Unit.objects.of(user).filter(kind=Unit.Kind.COMPANY))
    units = Unit.objects.of(user).open()
    allowed = units.filter(pk__in=Unit.objects.joined_by(user)) | units.filter(pk__in=Unit.objects.managed_by(user))
    return [user], list(allowed.distinct().order_by("name"))


def stays_with_importer(company: Company, *, route: bool) -> bool:
    """Whether who adds leads becomes their Agent, many at once too: where the company owns all of them, who brings them
    would lose sight of them otherwise (O5).
    """
    return company.personal_leads == PersonalLeads.COMPANY_ONLY and not route


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
    unit = owner if isinstance(owner, Unit) else None
    placement = Placement(
        owner,
        agent=actor if unit and not route else None,
        routed_by=unit if route else None,
        hidden=starts_hidden(actor, owner, asked=hidden),
    )
    lead = create_leads(actor=actor, leads=[(new, placement)], why=why)[0]
    lead.refresh_from_db()
    return lead


def placed_with(person: User, *, generated_by: Unit | None = None) -> Placement:
    """A lead of hers (I4): her own, or under the policy `company_only` the company's, for her to work."""
    company = person.company
    if company.personal_leads != PersonalLeads.COMPANY_ONLY:
        return Placement(person, generated_by=generated_by)
    return Placement(Unit.objects.get(company=company, kind=Unit.Kind.COMPANY), agent=person)


@transaction.atomic
def create_leads(*, actor: User, leads: Sequence[tuple[NewLead, Placement]], why: str) -> list[Lead]:
    """Make these leads, for a caller who has made sure that she may name the owners: they come back in their order.

    Raises UnreadableContactError for a phone or e-mail that is none; then none of them is made.
    """
    company = actor.company
    sources = {name: source_named(company.pk, name) for name in sorted({new.source for new, _ in leads})}
    stage = first_stage(company.pk)
    made = insert_leads(
        {
            "company": company,
            "created_by": actor,
            "source": sources[new.source],
            "custom": dict(new.custom),
            **_ownership(company, placement),
            "stage": stage,
            **new.fields,
        }
        for new, placement in leads
    )
    points = [
        point
        for lead, (new, _) in zip(made, leads, strict=True)
        for point in points_of(lead, company.phone_region, new.phones, new.emails)
    ]
    ContactPoint.objects.bulk_create(points, ignore_conflicts=True)
    reindex([lead.pk for lead in made])
    record_all(fact for lead in made for fact in _facts(lead, actor, why))
    _hand_out(company, actor, [*zip(made, (placement for _, placement in leads), strict=True)], why)
    return made


def insert_leads(rows: Iterable[Mapping[str, Any]]) -> list[Lead]:
    """New leads with these fields, without all that belongs to one; in their order."""
    rows = list(rows)
    return list(insert_all([Lead(**row) for row in rows], {name for row in rows for name in row}))


def _ownership(company: Company, placement: Placement) -> dict[str, Any]:
    owned = ownership_of(placement.owner, company, hidden=placement.hidden)
    if placement.generated_by is None:
        return owned
    return {**owned, "origin": Lead.Origin.COMPANY, "origin_unit": placement.generated_by}


def _facts(lead: Lead, actor: User, why: str) -> list[Fact]:
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
    return [created, hiding] if lead.hidden else [created]


def _hand_out(company: Company, actor: User, made: Sequence[tuple[Lead, Placement]], why: str) -> None:
    slots = [(lead.pk, placement.agent.pk) for lead, placement in made if placement.agent]
    fill_slots(slots, actor_id=actor.pk, why=why)
    routed: defaultdict[int, list[int]] = defaultdict(list)
    for lead, placement in made:
        if placement.routed_by and not placement.agent and isinstance(placement.owner, Unit):
            routed[placement.routed_by.pk].append(lead.pk)
    for unit_id, ids in routed.items():
        signals.ready_for_routing.send(sender=Lead, company_id=company.pk, unit_id=unit_id, lead_ids=ids)


def add_contact_points(lead: Lead, region: str, phones: Iterable[str], emails: Iterable[str]) -> None:
    """Normalise and add; one that is there already stays as it is."""
    ContactPoint.objects.bulk_create(points_of(lead, region, phones, emails), ignore_conflicts=True)


def points_of(lead: Lead, region: str, phones: Iterable[str], emails: Iterable[str]) -> list[ContactPoint]:
    """What is typed as rows of the lead, e-mails first. Raises UnreadableContactError."""
    read = [(ContactPoint.Kind.EMAIL, read_email(raw), raw) for raw in emails if raw.strip()]
    read += [(ContactPoint.Kind.PHONE, read_phone(raw, region), raw) for raw in phones if raw.strip()]
    return [
        ContactPoint(company_id=lead.company_id, lead=lead, kind=kind, value=value, raw=raw, position=position)
        for position, (kind, value, raw) in enumerate(read)
    ]
