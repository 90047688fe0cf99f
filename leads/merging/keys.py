"""By what two leads are one person (I6): the keys that a company lets count, and who has them.

Here is the one search for that; it asks nobody's rights. Whoever shows what it finds to a person narrows it to what she
may read; a registration through a channel, behind which no person is, takes it whole (C8).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import connection
from django.db.models.expressions import RawSQL

from crm.organization.models import Company, DuplicateKey
from leads.models import ContactPoint, Lead
from leads.querysets import LeadQuerySet

NAME = "lower(btrim(lead.first_name || ' ' || lead.last_name))"
# OFFSET 0: each key is looked up by the indices, or the planner reads a whole table for the thousands of an import;
# for as many, lists as JSON take a twentieth of the time that arrays take in Python
SHARING = f"""
FROM ROWS FROM (json_array_elements_text(%s), json_array_elements_text(%s), json_array_elements_text(%s))
    WITH ORDINALITY AS wanted (kind, value, name, place)
CROSS JOIN LATERAL (
    SELECT lead_id FROM leads_contactpoint
    WHERE company_id = %s AND kind = wanted.kind AND value = wanted.value OFFSET 0
) AS point
CROSS JOIN LATERAL (
    SELECT id, first_name, last_name FROM leads_lead WHERE id = point.lead_id AND removed_at IS NULL OFFSET 0
) AS lead
WHERE wanted.name IS NULL OR {NAME} = lower(wanted.name)
"""
BRINGING = 7034002
Point = tuple[str, str]  # kind and value of a contact point


class Key(NamedTuple):
    """A contact point, and the name that has to go with it; None where it counts whatever the name is."""

    kind: str
    value: str
    name: str | None

    @property
    def code(self) -> str:
        """Which of the keys that a company lets count it is."""
        if self.kind == ContactPoint.Kind.EMAIL:
            return DuplicateKey.EMAIL.value
        return (DuplicateKey.PHONE if self.name is None else DuplicateKey.PHONE_NAME).value


def counting(company: Company) -> list[str]:
    """The keys that count, in their order. A phone alone leaves nothing to a phone with the name."""
    keys = set(company.duplicate_keys)
    if DuplicateKey.PHONE in keys:
        keys.discard(DuplicateKey.PHONE_NAME)
    return [key for key in DuplicateKey.values if key in keys]


def kind_of(key: str) -> str:
    """The kind of contact point that it compares."""
    return ContactPoint.Kind.EMAIL.value if key == DuplicateKey.EMAIL else ContactPoint.Kind.PHONE.value


def hold_newcomers(company_id: int) -> None:
    """Nobody else brings people into this company before the transaction ends: two at once could bring one twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [BRINGING, company_id])


def keys_of(counting: Iterable[str], points: Iterable[Point], name: str | None) -> list[Key]:
    """What a lead with these contact points and this name is known by; whatever the name, if it is None."""
    names = {kind_of(key): name if key == DuplicateKey.PHONE_NAME else None for key in counting}
    return [Key(kind, value, names[kind]) for kind, value in points if kind in names]


def leads_known_by(company_id: int, keys: Sequence[Key]) -> LeadQuerySet:
    """The company's leads with one of these keys, whoever may see them."""
    sharing = RawSQL(f"SELECT lead.id {SHARING}", _params(company_id, keys))  # noqa: S611  # no word of it is anybody's
    return Lead.objects.filter(company=company_id, removed_at=None, pk__in=sharing)


def pairs_known_by(company_id: int, keys: Sequence[Key]) -> list[tuple[Key, int]]:
    """The same, each lead's id with the key by which it is known."""
    keys = sorted(keys, key=itemgetter(0, 1))  # as the index has them
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT wanted.place, lead.id {SHARING}", _params(company_id, keys))
        return [(keys[place - 1], lead_id) for place, lead_id in cursor.fetchall()]


def _params(company_id: int, keys: Iterable[Key]) -> list[Any]:
    columns = zip(*keys, strict=True) if keys else ([], [], [])
    return [*map(json.dumps, columns), company_id]


def same_person(company: Company, points: Iterable[Point], name: str | None) -> LeadQuerySet:
    """The company's leads that are this person by its keys, whoever may see them; if None, whatever the name."""
    return leads_known_by(company.pk, keys_of(counting(company), points, name))
