"""Who decides about an ownership request (P4): who has `manage` on the lead, and the permission that accepting needs."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import MANAGES
from leads.models import Lead
from leads.models.request import Kind
from permissions.access import Keyring, Level
from permissions.door import access_to, may
from permissions.keyring import load_keyring
from permissions.verbs import Verb

MOST_TOLD = 10


def verb_of(lead: Lead, kind: str) -> Verb:
    """What accepting does: a unit's lead is released by clearing its Agent slot, all else changes the owner."""
    return Verb.ASSIGN if kind == Kind.RELEASE and not lead.is_personal else Verb.TRANSFER


def may_decide(keyring: Keyring, lead: Lead, kind: str) -> bool:
    return may(keyring, lead, verb_of(lead, kind))


def deciders(lead: Lead, kind: str) -> list[User]:
    """Who is asked: the personal owner, or the managers of the owning unit; where none of them may decide, those above."""
    for people in _ladder(lead):
        able = [person for person in people if may_decide(load_keyring(person), lead, kind)]
        if able:
            return able
    return []


def managers_told(lead: Lead) -> list[User]:
    """The nearest managers of its owner, be that a unit or a person, of those who may read the lead."""
    for people in _ladder(lead):
        managers = [person for person in people if person.pk != lead.owner_user_id]
        told = [person for person in managers if access_to(load_keyring(person), lead).level >= Level.VIEW]
        if told:
            return told
    return []


def watchers(lead: Lead) -> set[int]:
    """Everybody in whose inbox a request about the lead may stand."""
    return {person.pk for people in _ladder(lead) for person in people}


def _ladder(lead: Lead) -> Iterator[list[User]]:
    """Those who may come to decide, the nearest first."""
    units: set[int | None] = {lead.owner_unit_id}
    if lead.owner_user_id is not None:
        yield _people(Q(pk=lead.owner_user_id))
        hers = Membership.objects.lasting().filter(user=lead.owner_user_id, role=Membership.Role.MEMBER)
        units = set(hers.values_list("unit", flat=True))
    while units := units - {None}:
        managing = Membership.objects.current().filter(unit__in=units, role__in=MANAGES)
        yield _people(Q(pk__in=managing.values("user")))
        units = set(Unit.objects.filter(pk__in=units).values_list("parent", flat=True))


def _people(who: Q) -> list[User]:
    active = User.objects.active().filter(who).select_related("company", "holding__profile")
    return list(active.order_by("name", "pk")[:MOST_TOLD])
