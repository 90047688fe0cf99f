"""Taking an import back (I1): what it added is deleted, what it changed becomes as it was; what is newer stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Exists, F, OuterRef, Q
from django.db.models.expressions import RawSQL

from crm.organization.models import User
from leads.batches.sight import sight_after
from leads.batches.verb import Act, MassVerb, NotNowError, Sight, Skip
from leads.batches.verbs.deleting import removed
from leads.imports.updating import COLUMNS
from leads.merging.undoing import parts
from leads.models import Activity, BatchItem, ImportChange, ImportRow, ImportRun, Lead, Task
from leads.querysets import LeadQuerySet
from leads.search import reindex
from leads.services.removing import delete_leads
from permissions.access import Keyring, Level
from permissions.catalog import Permission
from permissions.door import seen_by
from permissions.models import LedgerEntry

BACK = f"""
UPDATE leads_lead AS lead SET
    ({", ".join(COLUMNS)}) = (SELECT {", ".join(COLUMNS)} FROM jsonb_populate_record(lead, change.before -> 'fields')),
    custom = jsonb_strip_nulls(lead.custom || (change.before -> 'custom'))
FROM leads_importchange AS change
WHERE change.run_id = %(run)s AND change.lead_id = ANY(%(leads)s) AND lead.id = change.lead_id
"""
LOSE = """
DELETE FROM leads_contactpoint AS point
USING leads_importchange AS change CROSS JOIN LATERAL jsonb_array_elements(change.after -> 'points') AS added
WHERE change.run_id = %(run)s AND change.lead_id = ANY(%(leads)s) AND point.lead_id = change.lead_id
    AND point.kind = added ->> 0 AND point.value = added ->> 1
"""
UNSAY = """
DELETE FROM leads_consent AS said
USING leads_importchange AS change CROSS JOIN LATERAL jsonb_array_elements(change.after -> 'consents') AS added
WHERE change.run_id = %(run)s AND change.lead_id = ANY(%(leads)s) AND said.lead_id = change.lead_id
    AND said.id = added::bigint
"""
DONE = "DELETE FROM leads_importchange WHERE run_id = %(run)s AND lead_id = ANY(%(leads)s)"
FORGET = """
DELETE FROM leads_importedkey AS key USING leads_importrow AS row
WHERE key.created_by_id = %(actor)s AND key.run_id = %(run)s AND row.run_id = key.run_id AND row.number = key.number
    AND row.lead_id = ANY(%(leads)s)
"""
TELL = """
INSERT INTO leads_activity (company_id, lead_id, kind, at, actor_id, direction, outcome, body, automatic, bulk)
SELECT %(company)s, lead_id, 'system', now(), %(actor)s, '', '', 'The import was taken back.', false, true
FROM unnest(%(leads)s::bigint[]) AS lead_id
"""
# whether anything that the import wrote into the lead is not as it left it
OTHERWISE = """
EXISTS (
    SELECT FROM leads_importchange AS change
    WHERE change.run_id = %s AND change.lead_id = leads_lead.id AND (
        NOT leads_lead.custom @> (change.after -> 'custom')
        OR EXISTS (
            SELECT FROM jsonb_each(change.after -> 'fields') AS became
            WHERE became.value IS DISTINCT FROM to_jsonb(leads_lead) -> became.key
        )
    )
)
"""


class TakeBack(MassVerb):
    code = "import"
    label = "Take an import back"
    doing = "Take back"
    done = "Taken back"
    permission = Permission.IMPORT_LEAD
    offered = False
    irrevocable = "What is taken back stays so. To have it again, import the file once more."
    reasons = {"newer": "Somebody has worked with it since", "other": "Changed by hand or by another since"}

    def why_not_many(self, actor: User) -> str:
        return ""  # she brought them herself

    def allowed(self, keyring: Keyring) -> Q:
        return seen_by(keyring, Level.WORK)

    def leads(self, act: Act) -> LeadQuerySet:
        """Those that the file added or changed, and that are still there."""
        added = ImportRow.objects.filter(run=_run(act), outcome=ImportRow.Outcome.IMPORTED).values("lead_id")
        theirs = Lead.objects.filter(company=act.batch.company_id, removed_at=None)
        return theirs.filter(Q(pk__in=added) | _updated(act))

    def check(self, act: Act) -> None:
        run = ImportRun.objects.of(act.actor).filter(pk=_run(act)).first()
        if run is None or not run.has_ended:
            raise NotNowError("Only an import that is over can be taken back, by whoever made it.")

    def skips(self, act: Act) -> Sequence[Skip]:
        updated = _updated(act)
        otherwise = RawSQL(OTHERWISE, [_run(act)], output_field=BooleanField())  # noqa: S611  # a constant
        return [
            Skip("level", ~updated & ~seen_by(act.keyring, Level.MANAGE)),
            Skip("newer", ~updated & _newer(act)),
            Skip("other", otherwise),
        ]

    def parts(self, act: Act) -> dict[str, Any]:
        return {name: part for name, part in parts().items() if name in ("lead", "points")}

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        changed = ImportChange.objects.filter(run=_run(act), lead_id__in=list(lead_ids)).order_by("lead_id")
        updated = list(changed.values_list("lead_id", flat=True))
        params: dict[str, Any] = {"run": _run(act), "actor": act.actor.pk, "company": act.batch.company_id}
        added = sorted({*lead_ids} - {*updated})
        with connection.cursor() as cursor:
            for statement in (BACK, LOSE, UNSAY, DONE, TELL):
                cursor.execute(statement, params | {"leads": updated})
            cursor.execute(FORGET, params | {"leads": added})
        reindex(updated)
        if added:
            delete_leads(added, act.by)

    def words(self, act: Act) -> str:
        name = ImportRun.objects.filter(pk=_run(act)).values_list("file_name", flat=True).first()
        return f"Take back the import of {name}"

    def loss(self, act: Act) -> str:
        return (
            "What the file added is deleted, and what it changed of other leads becomes as it was; notes stay on their"
            " timelines. Leads that somebody has worked with since are left alone."
        )

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        return sight_after(act, leads.exclude(_updated(act)), removed, shares_end=True)


def _run(act: Act) -> int:
    return int(act.batch.scope["import"])


def _updated(act: Act) -> Q:
    return Q(pk__in=ImportChange.objects.filter(run=_run(act)).values("lead_id"))


def _newer(act: Act) -> Q:
    """Whether anybody has done anything with a lead since it was added."""
    lead = OuterRef("pk")
    facts = LedgerEntry.objects.filter(lead_id=lead).exclude(why="import")
    by_hand = Q(actor_id__isnull=False) | Q(kind=LedgerEntry.Kind.CLAIMED)
    others = BatchItem.objects.filter(lead=lead, outcome=BatchItem.Outcome.CHANGED)
    return (
        Exists(Activity.objects.filter(lead=lead, automatic=False))
        | Exists(facts.filter(by_hand))
        | Exists(others)
        | Exists(Task.objects.filter(lead=lead))
        | Q(last_activity_at__gt=F("created_at"))
    )
