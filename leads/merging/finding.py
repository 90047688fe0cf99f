"""Leads that may be one person (I6), by the keys that the company lets count. Only of those the asker may read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet, Value, Window
from django.db.models.functions import Concat, Lower, Trim

from crm.core.pagination import read_cursor, write_cursor
from crm.organization.models import Company, DuplicateKey
from leads.merging.keys import counting, kind_of, same_person
from leads.models import ContactPoint, Lead
from leads.querysets import LeadQuerySet
from permissions.access import Keyring, Level
from permissions.door import seen_by

GROUPS = 15
MOST_IN_A_GROUP = 10
NAME = Lower(Trim(Concat("lead__first_name", Value(" "), "lead__last_name")))


@dataclass(frozen=True, slots=True)
class Group:
    """Leads with one contact point, the one that stays by default first."""

    value: str
    leads: list[Lead]
    count: int


@dataclass(frozen=True, slots=True)
class Found:
    groups: list[Group]
    next_cursor: str


def _points(key: str, company_id: int) -> QuerySet[Any]:
    """The company's contact points of the key's kind, with the `name` that has to be the same too."""
    name = NAME if key == DuplicateKey.PHONE_NAME else Value("")
    return ContactPoint.objects.filter(company=company_id, kind=kind_of(key)).annotate(name=name)


def groups_in_sight(keyring: Keyring, key: str, cursor: str = "") -> Found:
    """The next groups of leads that she may read and that have this key in common."""
    hers = _points(key, keyring.company_id).filter(seen_by(keyring, Level.VIEW, "lead__"))
    if keyring.company is not None:  # almost all leads are hers to read: what is there once only is sorted out first
        points = ContactPoint.objects.filter(company=keyring.company_id, kind=kind_of(key))
        hers = hers.filter(value__in=points.values("value").alias(count=Count("*")).filter(count__gt=1))
    after = read_cursor(cursor) if cursor else None
    if after is not None and len(after) == 2:
        hers = hers.filter(Q(value__gt=after[0]) | Q(value=after[0], name__gt=after[1]), value__gte=after[0])
    counted = hers.values("value", "name").annotate(count=Count("pk")).filter(count__gt=1).order_by("value", "name")
    keys = [(row["value"], row["name"], row["count"]) for row in counted[: GROUPS + 1]]
    shown = keys[:GROUPS]
    leads = _leads_of(keyring, key, {value for value, _, _ in shown})
    groups = [Group(value, leads[value, name][:MOST_IN_A_GROUP], count) for value, name, count in shown]
    return Found(groups, write_cursor([*shown[-1][:2]]) if len(keys) > GROUPS else "")


def _leads_of(keyring: Keyring, key: str, values: set[str]) -> Mapping[tuple[str, str], list[Lead]]:
    found: defaultdict[tuple[str, str], list[Lead]] = defaultdict(list)
    points = _points(key, keyring.company_id).filter(value__in=values)
    seen = points.filter(seen_by(keyring, Level.VIEW, "lead__")).order_by("lead")
    for point in seen.select_related("lead__owner_unit", "lead__owner_user", "lead__stage"):
        found[point.value, point.name].append(point.lead)
    return found


def twins_of(lead: Lead, keyring: Keyring, most: int = 6) -> list[Lead]:
    """Other leads she may read that may be the same person."""
    found = same_as(lead).visible_to(keyring, Level.VIEW).exclude(pk=lead.pk)
    return list(found.select_related("owner_unit", "owner_user", "stage").order_by("-last_activity_at", "-pk")[:most])


def same_as(lead: Lead) -> LeadQuerySet:
    """The lead, and the others of its company that may be the same person, whoever may see them."""
    points = lead.contact_points.order_by("pk").values_list("kind", "value")
    return same_person(lead.company, points, f"{lead.first_name} {lead.last_name}".strip())


def share_nothing(one: Lead, other: Lead) -> bool:
    """Whether two leads have no contact point and no name in common."""
    names = {f"{lead.first_name} {lead.last_name}".strip().lower() for lead in (one, other)}
    if len(names) == 1 and names != {""}:
        return False
    hers = Q(*(Q(kind=point.kind, value=point.value) for point in one.contact_points.all()), _connector=Q.OR)
    return not hers or not other.contact_points.filter(hers).exists()


def pairs_among(leads: LeadQuerySet, company: Company) -> dict[int, int]:
    """Of these leads, those that go into an older one of the same owner: gone → kept."""
    roots: dict[int, int] = {}

    def root(pk: int) -> int:
        while roots.setdefault(pk, pk) != pk:
            roots[pk] = pk = roots[roots[pk]]
        return pk

    for key in counting(company):
        for pk, first in _oldest(leads, key, company.pk):
            low, high = sorted((root(pk), root(first)))
            roots[high] = low
    return {pk: root(pk) for pk in sorted(roots) if root(pk) != pk}


def _oldest(leads: LeadQuerySet, key: str, company_id: int) -> QuerySet[Any, tuple[int, int]]:
    """Each of these leads with the oldest of its owner that has the key in common with it."""
    alike = [F("value"), F("name"), F("lead__owner_unit"), F("lead__owner_user")]
    points = _points(key, company_id).filter(lead__in=leads.order_by().values("pk"))
    points = points.annotate(oldest=Window(Min("lead"), partition_by=alike))
    found: QuerySet[Any, tuple[int, int]] = points.order_by("lead", "pk").values_list("lead", "oldest")
    return found
