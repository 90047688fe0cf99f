"""The copy of her own leads that a person takes along when she leaves (O4): an export of hers, of hers alone."""

from __future__ import annotations

from collections.abc import Sequence

from crm.organization.models import User
from leads.batches.verb import Act, Skip
from leads.batches.verbs.exporting import Export
from leads.models import Lead
from leads.querysets import LeadQuerySet


class TakeAlong(Export):
    """As far as her profile lets her export personal leads; she need not be one who changes many at once (P3)."""

    code = "take"
    label = "A copy of my leads"
    offered = False

    def why_not_many(self, actor: User) -> str:
        return ""

    def leads(self, act: Act) -> LeadQuerySet:
        return Lead.objects.filter(company=act.batch.company_id, owner_user=act.actor, removed_at=None)

    def refusals(self, act: Act) -> Sequence[Skip]:
        return ()

    def words(self, act: Act) -> str:
        return "Take a copy of your leads"
