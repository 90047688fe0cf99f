"""Hiding many personal leads of one's own from managers, and showing them again (V4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.db.models import Q

from leads.batches.sight import Shape, sight_after
from leads.batches.verb import Act, MassVerb, Sight, Skip
from leads.querysets import LeadQuerySet
from permissions.access import Keyring
from permissions.catalog import Permission
from permissions.door import doable
from permissions.ledger import record_select
from permissions.verbs import Verb

SET = """
WITH changed AS (
    UPDATE leads_lead AS lead SET hidden = {hidden} {items} WHERE {joined} lead.id = ANY(%(leads)s)
    RETURNING lead.id, lead.company_id, lead.hidden
)
"""
TO = SET.format(hidden="%(hidden)s", items="", joined="")
BACK = SET.format(
    hidden="(item.before ->> 'hidden')::boolean",
    items="FROM leads_batchitem AS item",
    joined="item.batch_id = %(undone)s AND item.lead_id = ANY(%(leads)s) AND lead.id = item.lead_id AND",
)
FACTS = """
SELECT company_id, CASE WHEN hidden THEN 'hidden' ELSE 'shown' END, %(actor)s::bigint, id, %(why)s, %(batch)s::bigint
FROM changed ORDER BY id
"""
COLUMNS = ("company_id", "kind", "actor_id", "lead_id", "why", "batch_id")


class _Hiding(MassVerb):
    """Both ways. Nobody but its owner, who did it, may undo it: it would show what she conceals."""

    hidden: ClassVar[bool]
    permission = Permission.HIDE_LEAD
    limit = 5_000
    only_actor_undoes = True

    def allowed(self, keyring: Keyring) -> Q:
        return doable(keyring, Verb.HIDE)

    def refusals(self, act: Act) -> Sequence[Skip]:
        return [Skip("unit", Q(owner_unit__isnull=False)), Skip("others", Q(owner_user__isnull=False))]

    def skips(self, act: Act) -> Sequence[Skip]:
        return [Skip("there", Q(hidden=self.hidden))]

    def parts(self, act: Act) -> dict[str, Any]:
        return {"hidden": "hidden", "owner": "owner_user_id"}

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        self._set(TO, act, lead_ids)

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        self._set(BACK, act, lead_ids)

    def _set(self, statement: str, act: Act, lead_ids: Sequence[int]) -> None:
        given = {"leads": list(lead_ids), "hidden": self.hidden, "undone": act.batch.undoes_id}
        record_select(COLUMNS, FACTS, given | act.cause, changing=statement)

    def told(self, act: Act, images: Sequence[Any]) -> list[str]:
        return ["Hidden" if one["hidden"] else "Shown" for one in images]

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        return sight_after(act, leads, lambda shape: _with_hidden(shape, hidden=self.hidden))


def _with_hidden(shape: Shape, *, hidden: bool) -> Shape:
    return replace(shape, lead=replace(shape.lead, hidden=hidden))


class Hide(_Hiding):
    code = "hide"
    label = "Hide from managers"
    hidden = True
    reasons = {"there": "Hidden already", "unit": "Belongs to a unit", "others": "Somebody else’s own lead"}


class Show(_Hiding):
    code = "show"
    label = "Show to managers"
    hidden = False
    reasons = {"there": "Shown already", "unit": "Belongs to a unit", "others": "Somebody else’s own lead"}
