"""The facts behind "Why can she (not) see this lead?" (V6), and about whom one may ask."""

from __future__ import annotations

from dataclasses import replace

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q

from crm.organization.models import Unit, User
from crm.organization.people import herself
from crm.organization.querysets import UserQuerySet
from leads.models import Lead, Pond
from permissions.access import KINDS, Lock
from permissions.door import locked
from permissions.keyring import standing_of, units_joined_by
from permissions.supposing import Facts, Names


def askable_by(asker: User) -> UserQuerySet:
    """Those a manager can see, and those she manages, who left among them."""
    seen, managed = User.objects.can_be_seen_by(asker), User.objects.managed_by(asker)
    found: UserQuerySet = User.objects.of(asker).filter(Q(pk__in=seen.values("pk")) | Q(pk__in=managed.values("pk")))
    return found


def facts_of(person: User, lead: Lead) -> Facts:
    """How the person stands to the lead now; of one who is deactivated, how she would stand if she were not."""
    awake = herself(person)
    awake.is_active = True
    standing = standing_of(awake)
    pond = pond_of(lead)
    facts = Facts(
        names=Names(
            person.name, str(lead.owner), lead.origin_unit.name if lead.origin_unit else "", pond.name if pond else ""
        ),
        standing=replace(standing, joined_units=standing.joined_units or units_joined_by(person)),
        lead=locked(lead),
        assigned=frozenset(lock // KINDS for lock in lead.slot_locks if lock % KINDS == Lock.ASSIGNED),
        pond=pond.pk if pond else None,
        active=person.is_active,
    )
    return with_owner(facts, person, lead.owner_user)


def pond_of(lead: Lead) -> Pond | None:
    """The pond it is in, as its locks say: no query where it is in none."""
    found = [lock // KINDS for lock in lead.slot_locks if lock % KINDS == Lock.POND]
    return Pond.objects.filter(pk__in=found, company=lead.company_id).first() if found else None


def with_owner(facts: Facts, person: User, owner: User | None) -> Facts:
    """What is between the person and the owner of a personal lead, in one query."""
    if owner is None or owner == person:
        return facts
    units, managed = Unit.objects.managed_by(owner), User.objects.managed_by(person)
    manages, above, everything = (
        User.objects.of(person)
        .filter(pk=owner.pk)
        .values_list(
            Exists(managed.filter(pk=OuterRef("pk"))),
            ArraySubquery(units.values("pk")),
            Exists(units.filter(kind=Unit.Kind.COMPANY)),
        )
        .get()
    )
    hers = facts.standing.managed_units
    is_above = everything or (bool(hers) and hers <= set(above))
    return replace(facts, manages_owner=manages, owner_hides=owner.hide_from_team, owner_above=is_above and not manages)
