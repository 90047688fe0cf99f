"""What a person who leaves, or a unit that closes, has now. Leads are counted as far as the viewer sees them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from crm.organization.models import Membership, Unit, User
from leads.models import Assignment, Lead, LeadShare, Pond, PondMember
from leads.services.departing import Leaving
from permissions.access import Keyring

AGENT, COVERED = Assignment.Role.AGENT, Assignment.Role.COVERED


@dataclass(frozen=True)
class Holding:
    """So many of something, and what becomes of them."""

    label: str
    count: int
    note: str = ""


Source = Callable[[User | Unit, Collection[int] | None], list[Holding]]
_sources: list[Source] = []


def register_holdings(source: Source) -> None:
    """Declared by higher rooms: what a person has in these units (None: anywhere), or a unit."""
    _sources.append(source)


def of_person(keyring: Keyring, leaving: Leaving) -> list[Holding]:
    """What ties her to what she leaves."""
    seen = Lead.objects.visible_to(keyring)
    slots = leaving.slots.filter(lead__in=seen)
    covers = slots.filter(role=AGENT, until__isnull=False)
    shares = LeadShare.grants().live().filter(user=leaving.user, content_object__in=seen)
    ponds = PondMember.objects.filter(pk__in=leaving.ponds.values("pk"), pond__closed_at=None)
    rows = [
        Holding("Works as Agent", slots.filter(role=AGENT, until=None).count(), "go where you say"),
        Holding("Away, and covered for", slots.filter(role=COVERED).count(), "go where you say"),
        Holding("Covers for others", covers.count(), "return at once"),
        Holding("Other roles on leads", slots.exclude(role__in=(AGENT, COVERED)).count(), "end"),
        Holding("Shared with her", 0 if leaving.unit else shares.count(), "are closed to her"),
        Holding("Ponds", ponds.count(), "she is taken out"),
        *_others(leaving.user, leaving.lost),
        Holding("Units", leaving.memberships.count(), "her membership ends"),
    ]
    return [row for row in rows if row.count]


def of_unit(keyring: Keyring, unit: Unit) -> list[Holding]:
    """What hangs on it."""
    leads = Lead.objects.visible_to(keyring).filter(owner_unit=unit)
    ponds = Pond.objects.filter(unit=unit, closed_at=None)
    above = str(unit.parent)
    rows = [
        Holding("Leads it owns", leads.count(), "go where you say"),
        Holding("Of them held by somebody", leads.filter(agent__isnull=False).count(), "stay so where that is allowed"),
        Holding("Members", Membership.objects.current().filter(unit=unit).count(), f"become members of {above}"),
        Holding("Teams below it", unit.children.filter(closed_at=None).count(), f"belong to {above} then"),
        Holding("Ponds", ponds.count(), f"are run by {above} then"),
        *_others(unit, None),
    ]
    return [row for row in rows if row.count]


def _others(subject: User | Unit, units: Collection[int] | None) -> list[Holding]:
    return [holding for source in _sources for holding in source(subject, units)]
