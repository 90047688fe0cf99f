"""Putting tags on many leads, and taking them off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Func, JSONField, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject

from leads.batches.verb import Act, MassVerb, Skip, VerbForm
from leads.forms import MOST_LINES, TagsField
from leads.models import Lead
from leads.querysets import LeadQuerySet
from permissions.access import Level

# without those taken off, then with those that were not there yet, in the order given
APPLY = """
UPDATE leads_lead AS lead SET tags = kept.tags || ARRAY(
    SELECT added FROM unnest(%(add)s::varchar[]) WITH ORDINALITY AS wanted (added, place)
    WHERE added <> ALL(kept.tags) ORDER BY place
)
FROM (
    SELECT id, ARRAY(
        SELECT tag FROM unnest(tags) WITH ORDINALITY AS had (tag, place)
        WHERE tag <> ALL(%(remove)s::varchar[]) ORDER BY place
    ) AS tags
    FROM leads_lead WHERE id = ANY(%(leads)s)
) AS kept
WHERE lead.id = kept.id
"""
RESTORE = """
UPDATE leads_lead AS lead SET tags = ARRAY(SELECT jsonb_array_elements_text(item.before -> 'tags'))
FROM leads_batchitem AS item
WHERE item.batch_id = %(undone)s AND item.lead_id = lead.id AND lead.id = ANY(%(leads)s)
"""


class TagsForm(VerbForm):
    add = TagsField(label="Add", required=False, help_text="With commas between them.")
    remove = TagsField(label="Take off", required=False, help_text="With commas between them.")

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        add, remove = data.get("add", []), data.get("remove", [])
        if not self.errors and not add and not remove:
            raise ValidationError("Say which tags to add or to take off.")
        if both := [tag for tag in add if tag in remove]:
            raise ValidationError(f"“{both[0]}” cannot be added and taken off at once.")
        return data


class ChangeTags(MassVerb):
    code = "tags"
    label = "Change tags"
    form = TagsForm
    level = Level.WORK
    reasons = {"there": "Has these tags already", "full": f"Would have more than {MOST_LINES} tags"}

    def skips(self, act: Act) -> Sequence[Skip]:
        add, remove = act.params["add"], act.params["remove"]
        return [
            Skip("there", Q(tags__contains=add) & ~Q(tags__overlap=remove)),
            Skip("full", Q(tags__len__gt=MOST_LINES - len(add))),
        ]

    def image(self, act: Act) -> Combinable:
        return JSONObject(tags=Func("tags", function="to_jsonb", output_field=JSONField()))

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(APPLY, {"leads": list(lead_ids), **act.params})

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(RESTORE, {"leads": list(lead_ids), "undone": act.batch.undoes_id})

    def words(self, act: Act) -> str:
        parts = [("Add", act.params["add"]), ("take off", act.params["remove"])]
        words = "; ".join(f"{verb} {', '.join(tags)}" for verb, tags in parts if tags)
        return words[0].upper() + words[1:]

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        return [(lead, _say(lead.tags), _say(self._after(act, lead))) for lead in leads]

    def told(self, act: Act, images: Sequence[Any]) -> list[str]:
        return [_say(one["tags"]) for one in images]

    def _after(self, act: Act, lead: Lead) -> list[str]:
        kept = [tag for tag in lead.tags if tag not in act.params["remove"]]
        return [*kept, *(tag for tag in act.params["add"] if tag not in kept)]


def _say(tags: Sequence[str]) -> str:
    return ", ".join(tags) or "No tags"
