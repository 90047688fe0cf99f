"""Moving many leads to another stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db import connection
from django.db.models import Q

from leads import signals
from leads.batches.verb import Act, MassVerb, NotNowError, Skip, VerbForm
from leads.models import Activity, Lead, Stage
from leads.querysets import LeadQuerySet
from permissions.access import Level

# the timeline tells it; a lead is no more active for what is done to a thousand at once
MOVE = """
WITH moved AS (
    SELECT lead.id, lead.company_id, lead.stage_id AS was, {stage} AS stage_id
    FROM leads_lead AS lead {items} WHERE lead.id = ANY(%(leads)s)
), told AS (
    INSERT INTO leads_activity (company_id, lead_id, kind, at, actor_id, direction, outcome, body, automatic, bulk)
    SELECT moved.company_id, moved.id, 'stage', now(), %(actor)s, '', '', was.name || ' → ' || stage.name, false, true
    FROM moved JOIN leads_stage AS was ON was.id = moved.was JOIN leads_stage AS stage ON stage.id = moved.stage_id
    ORDER BY moved.id
)
UPDATE leads_lead AS lead SET stage_id = moved.stage_id FROM moved WHERE lead.id = moved.id
"""
APPLY = MOVE.format(stage="%(stage)s::bigint", items="")
RESTORE = MOVE.format(
    stage="(item.before ->> 'stage')::bigint",
    items="""
    JOIN leads_batchitem AS item ON item.batch_id = %(undone)s AND item.lead_id = ANY(%(leads)s) AND item.lead_id = lead.id
    """,
)


class StageForm(VerbForm):
    stage = forms.ModelChoiceField(Stage.objects.none(), label="New stage", empty_label="Choose a stage …")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stages = Stage.objects.filter(company=self.actor.company_id).order_by("position", "pk")
        self.fields["stage"].queryset = stages  # type: ignore[attr-defined]


class ChangeStage(MassVerb):
    code = "stage"
    label = "Change stage"
    form = StageForm
    level = Level.WORK
    reasons = {"there": "In that stage already"}

    def check(self, act: Act) -> None:
        if not act.batch.undoes_id and not Stage.objects.filter(pk=act.params["stage"]).exists():
            raise NotNowError("The stage is not in the list any more.")

    def skips(self, act: Act) -> Sequence[Skip]:
        return [Skip("there", Q(stage=act.params["stage"]))]

    def parts(self, act: Act) -> dict[str, Any]:
        return {"stage": "stage_id"}

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        self._move(APPLY, act, lead_ids)
        signals.worked_in_mass.send(sender=Lead, lead_ids=lead_ids, actor=act.actor, act=Activity.Kind.STAGE.value)

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        self._move(RESTORE, act, lead_ids)

    def _move(self, statement: str, act: Act, lead_ids: Sequence[int]) -> None:
        given = {"stage": act.params["stage"], "undone": act.batch.undoes_id}
        with connection.cursor() as cursor:
            cursor.execute(statement, {"leads": list(lead_ids), "actor": act.actor.pk, **given})

    def words(self, act: Act) -> str:
        return f"Change the stage to {self._name(act)}"

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        new = self._name(act)
        return [(lead, lead.stage.name, new) for lead in leads.select_related("stage")]

    def told(self, act: Act, images: Sequence[Any]) -> list[str]:
        names = dict(Stage.objects.filter(company=act.batch.company_id).order_by("pk").values_list("pk", "name"))
        return [names.get(one["stage"], "A former stage") for one in images]

    def _name(self, act: Act) -> str:
        return Stage.objects.filter(pk=act.params["stage"]).values_list("name", flat=True).first() or "a former stage"
