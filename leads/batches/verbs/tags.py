"""Putting tags on many leads, and taking them off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import BooleanField, Func, JSONField, Q, TextField, Value

from leads.batches.verb import Act, MassVerb, Skip, VerbForm
from leads.forms import MOST_LINES, TagsField
from leads.models import Lead
from leads.querysets import LeadQuerySet
from leads.search import reindex
from leads.tags import united, without
from permissions.access import Level

# without those taken off, then with those that were not there yet, in the order given
APPLY = """
UPDATE leads_lead AS lead SET tags = kept.tags || ARRAY(
    SELECT added FROM unnest(%(add)s::varchar[]) WITH ORDINALITY AS wanted (added, place)
    WHERE NOT EXISTS (SELECT FROM unnest(kept.tags) AS had (tag) WHERE lower(tag) = lower(added)) ORDER BY place
)
FROM (
    SELECT id, ARRAY(
        SELECT tag FROM unnest(tags) WITH ORDINALITY AS had (tag, place)
        WHERE NOT EXISTS (SELECT FROM unnest(%(remove)s::varchar[]) AS away (gone) WHERE lower(gone) = lower(tag))
        ORDER BY place
    ) AS tags
    FROM leads_lead WHERE id = ANY(%(leads)s)
) AS kept
WHERE lead.id = kept.id
"""
RESTORE = """
UPDATE leads_lead AS lead SET tags = ARRAY(SELECT jsonb_array_elements_text(item.before -> 'tags'))
FROM leads_batchitem AS item
WHERE item.batch_id = %(undone)s AND item.lead_id = ANY(%(leads)s) AND lead.id = item.lead_id
"""
LOWERED = Func("tags", template="lower(%(expressions)s::text)::text[]", output_field=ArrayField(TextField()))


class TagsForm(VerbForm):
    add = TagsField(label="Add", required=False, help_text="With commas between them.")
    remove = TagsField(label="Take off", required=False, help_text="With commas between them.")

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        add, remove = data.get("add", []), data.get("remove", [])
        if not self.errors and not add and not remove:
            raise ValidationError("Say which tags to add or to take off.")
        if both := set(add) - set(without(add, remove)):
            raise ValidationError(f"“{min(both)}” cannot be added and taken off at once.")
        return data


class ChangeTags(MassVerb):
    code = "tags"
    label = "Change tags"
    form = TagsForm
    level = Level.WORK
    reasons = {"there": "Has these tags already", "full": f"Would have more than {MOST_LINES} tags"}

    def skips(self, act: Act) -> Sequence[Skip]:
        return [
            Skip("there", Q(_has("@>", act.params["add"])) & ~Q(_has("&&", act.params["remove"]))),
            Skip("full", Q(tags__len__gt=MOST_LINES - len(act.params["add"]))),
        ]

    def parts(self, act: Act) -> dict[str, Any]:
        return {"tags": Func("tags", function="to_jsonb", output_field=JSONField())}

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(APPLY, {"leads": list(lead_ids), **act.params})
        reindex(lead_ids)

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(RESTORE, {"leads": list(lead_ids), "undone": act.batch.undoes_id})
        reindex(lead_ids)

    def words(self, act: Act) -> str:
        parts = [("Add", act.params["add"]), ("take off", act.params["remove"])]
        words = "; ".join(f"{verb} {', '.join(tags)}" for verb, tags in parts if tags)
        return words[0].upper() + words[1:]

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        return [(lead, _say(lead.tags), _say(self._after(act, lead))) for lead in leads]

    def told(self, act: Act, images: Sequence[Any]) -> list[str]:
        return [_say(one["tags"]) for one in images]

    def _after(self, act: Act, lead: Lead) -> list[str]:
        return united(without(lead.tags, act.params["remove"]), act.params["add"])


def _has(operator: str, tags: Sequence[str]) -> Func:
    """All (`@>`) or any (`&&`) of these tags, however they are written."""
    wanted = Value([tag.lower() for tag in tags], output_field=LOWERED.output_field)
    return Func(LOWERED, wanted, template="(%(expressions)s)", arg_joiner=operator, output_field=BooleanField())


def _say(tags: Sequence[str]) -> str:
    return ", ".join(tags) or "No tags"
