"""Moving many leads into a pond (M4), out of the hands of whoever has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q

from leads.batches.sight import sight_after
from leads.batches.verb import Act, NotNowError, Sight, Skip, VerbForm
from leads.batches.verbs.assigning import AGENT, AgentSlot, without_agent
from leads.models import Assignment, Lead, Pond
from leads.querysets import LeadQuerySet
from leads.services.ponding import pool_leads, units_served_by
from permissions.access import Lock


class PondForm(VerbForm):
    pond = forms.ModelChoiceField(Pond.objects.none(), label="Pond", empty_label="Choose a pond …")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ponds = Pond.objects.can_be_seen_by(self.actor).order_by("name", "pk")
        self.fields["pond"].queryset = ponds  # type: ignore[attr-defined]
        if not ponds:
            self.fields[
                "pond"
            ].help_text = "There is no pond you can choose. Whoever manages a unit makes one under Ponds."


class MoveToPond(AgentSlot):
    code = "pool"
    label = "Move to a pond"
    form = PondForm
    reasons = {
        "there": "In this pond already",
        "outsider": "Belongs to a unit the pond does not serve",
        "cover": "Covered for its Agent at the moment",
    }

    def check(self, act: Act) -> None:
        if act.batch.undoes_id:
            return
        pond = pond_of(act)
        if pond.closed_at:
            raise NotNowError(f"{pond} is closed.")
        if not Pond.objects.can_be_seen_by(act.actor).filter(pk=pond.pk).exists():
            raise NotNowError(f"{pond} is no pond you can choose any more.")

    def skips(self, act: Act) -> Sequence[Skip]:
        pond = pond_of(act)
        there = Assignment.objects.filter(lead=OuterRef("pk"), role=AGENT, pond=pond)
        return [
            Skip("there", Exists(there)),
            Skip("outsider", Q(owner_unit__isnull=False) & ~units_served_by(pond.unit)),
            self.covered(),
        ]

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        pool_leads(lead_ids, pond_of(act), **act.by.params())

    def words(self, act: Act) -> str:
        return f"Move to the pond {pond_of(act)}"

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        new = str(pond_of(act))
        return [(lead, str(lead.agent or "Nobody"), new) for lead in leads.select_related("agent")]

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        new = Lock.POND.of(act.params["pond"])
        return sight_after(act, leads, lambda shape: without_agent(shape, new))


def pond_of(act: Act) -> Pond:
    ponds = Pond.objects.select_related("unit__parent")
    return ponds.get(company=act.batch.company_id, pk=act.params["pond"])
