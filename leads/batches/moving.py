"""Where people will stand once they have left a unit, for foreseeing whose sight changes by that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from crm.organization.models import Membership, Unit
from crm.organization.querysets import MANAGES
from leads.batches.sight import Moving
from permissions.access import Standing


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
