"""What of a person's work a unit would keep hold of if she left it."""

from __future__ import annotations

from crm.organization.models import Unit, User
from leads.models import Assignment, PondMember


def worked_there(user: User, units: frozenset[int]) -> list[str]:
    """Leads of these units that she works, and their ponds she is in. The company's own leads anyone may work (M1)."""
    owners = Unit.objects.filter(pk__in=units).exclude(kind=Unit.Kind.COMPANY)
    leads = Assignment.objects.filter(user=user, lead__owner_unit__in=owners).values("lead").distinct().count()
    ponds = PondMember.objects.filter(user=user, pond__unit__in=units, pond__closed_at=None).count()
    return [
        *([f"works {leads} lead{'s' if leads > 1 else ''} there"] if leads else []),
        *([f"is in {ponds} pond{'s' if ponds > 1 else ''} there"] if ponds else []),
    ]
