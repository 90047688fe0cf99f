"""Leads that may be one person (I6): the same e-mail, or the same phone and name. Only of those the asker may read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, F, Min, Q, Value, Window
from django.db.models.expressions import Case, When
from django.db.models.functions import Concat, Lower

from crm.core.pagination import read_cursor, write_cursor
from leads.models import ContactPoint, Lead
from leads.querysets import LeadQuerySet
from permissions.access import Keyring, Level
from permissions.door import seen_by

KINDS = {"email": "Same e-mail", "phone": "Same phone and name"}
GROUPS = 15
MOST_IN_A_GROUP = 10
NAME = Lower(Concat("lead__first_name", Value(" "), "lead__last_name"))
KEY = Case(When(kind="phone", then=NAME), default=Value(""))


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


def groups_in_sight(keyring: Keyring, kind: str, cursor: str = "") -> Found:
    """The next groups of leads that she may read, by their contact point."""
    hers = ContactPoint.objects.filter(seen_by(keyring, Level.VIEW, "lead__"), company=keyring.company_id, kind=kind)
    hers = hers.annotate(name=KEY)
    after = read_cursor(cursor) if cursor else None
    if after is not None and len(after) == 2:
        hers = hers.filter(Q(value__gt=after[0]) | Q(value=after[0], name__gt=after[1]), value__gte=after[0])
    counted = hers.values("value", "name").annotate(count=Count("pk")).filter(count__gt=1).order_by("value", "name")
    keys = [(row["value"], row["name"], row["count"]) for row in counted[: GROUPS + 1]]
    shown = keys[:GROUPS]
    leads = _leads_of(keyring, kind, {value for value, _, _ in shown})
    groups = [Group(value, leads[value, name][:MOST_IN_A_GROUP], count) for value, name, count in shown]
    return Found(groups, write_cursor([*shown[-1][:2]]) if len(keys) > GROUPS else "")


def _leads_of(keyring: Keyring, kind: str, values: set[str]) -> Mapping[tuple[str, str], list[Lead]]:
    found: defaultdict[tuple[str, str], list[Lead]] = defaultdict(list)
    points = ContactPoint.objects.filter(company=keyring.company_id, kind=kind, value__in=values).annotate(name=KEY)
    seen = points.filter(seen_by(keyring, Level.VIEW, "lead__")).order_by("lead")
    for point in seen.select_related("lead__owner_unit", "lead__owner_user", "lead__stage"):
        found[point.value, point.name].append(point.lead)
    return found


def twins_of(lead: Lead, keyring: Keyring, most: int = 6) -> list[Lead]:
    """Other leads she may read that may be the same person."""
    points = list(lead.contact_points.order_by("pk").values_list("kind", "value"))
    if not points:
        return []
    name = f"{lead.first_name} {lead.last_name}".lower()
    same = Q(*(Q(kind=kind, value=value) for kind, value in points), _connector=Q.OR)
    alike = ContactPoint.objects.annotate(name=NAME).filter(same, company=keyring.company_id)
    alike = alike.filter(Q(kind="email") | Q(name=name))
    found = Lead.objects.visible_to(keyring, Level.VIEW).filter(pk__in=alike.values("lead")).exclude(pk=lead.pk)
    return list(found.select_related("owner_unit", "owner_user", "stage").order_by("-last_activity_at", "-pk")[:most])


def pairs_among(leads: LeadQuerySet) -> dict[int, int]:
    """Of these leads, those that go into an older one of the same owner: gone → kept."""
    owner = (F("lead__owner_unit"), F("lead__owner_user"))
    oldest = Window(Min("lead"), partition_by=[F("kind"), F("value"), KEY, *owner])
    points = ContactPoint.objects.filter(lead__in=leads.order_by().values("pk")).annotate(oldest=oldest)
    roots: dict[int, int] = {}

    def root(pk: int) -> int:
        while roots.setdefault(pk, pk) != pk:
            roots[pk] = pk = roots[roots[pk]]
        return pk

    for pk, first in points.order_by("lead", "pk").values_list("lead", "oldest"):
        low, high = sorted((root(pk), root(first)))
        roots[high] = low
    return {pk: root(pk) for pk in sorted(roots) if root(pk) != pk}
