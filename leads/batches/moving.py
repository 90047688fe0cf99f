"""Where people will stand once they have left a unit, for foreseeing whose sight changes by that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from crm.organization.models import Membership, Unit
from crm.organization.querysets import MANAGES, within
from leads.batches.verb import Moving
from permissions.access import Standing


def into(unit: Unit, people: Collection[int], managers: Collection[int] = ()) -> Moving:
    """These people with a membership in `unit` beside those they have; `managers` run it and what is below it."""
    below = frozenset(Unit.objects.filter(within([unit.pk]), company=unit.company_id).values_list("pk", flat=True))

    def moving(standing: Standing) -> Standing:
        if standing.user_id in managers:
            standing = replace(standing, managed_units=standing.managed_units | below)
        joins = standing.user_id in people and standing.view_unit_lead
        return replace(standing, joined_units=standing.joined_units | {unit.pk}) if joins else standing

    return moving


def out_of(unit: Unit, people: Collection[int], into: Unit | None = None) -> Moving:
    """These people without their membership in `unit`; with one of member `into` another."""
    roles: defaultdict[int, set[int]] = defaultdict(set)
    current = Membership.objects.current().filter(user__in=people, role__in=MANAGES).exclude(unit=unit)
    for user, root in current.values_list("user", "unit"):
        roles[user].add(root)
    units = Unit.objects.filter(company=unit.company_id).values_list("pk", "parent", "parent__parent")
    lines = {line[0]: line for line in units}

    def moving(standing: Standing) -> Standing:
        if standing.user_id not in people:
            return standing
        hers = roles[standing.user_id]
        joined = {into.pk} if into and standing.view_unit_lead else set()
        return replace(
            standing,
            joined_units=standing.joined_units - {unit.pk} | joined,
            managed_units=frozenset(pk for pk, line in lines.items() if not hers.isdisjoint(line)),
            company=standing.company if standing.company and unit.parent_id else None,
        )

    return moving
