"""Taking many leads out as a file (I2). What changes by it is the ledger; the file is written as it is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from leads.batches.drafting import changing
from leads.batches.scope import filter_of
from leads.batches.verb import Act, MassVerb, Skip, VerbForm, verb_of
from leads.exporting import columns_for, in_ledger
from leads.models import Batch, BatchItem
from leads.services.transferring import tell_personal_owners, told_of
from permissions.access import Keyring
from permissions.door import doable
from permissions.ledger import Fact, record, record_select
from permissions.models import LedgerEntry
from permissions.verbs import Verb

FETCHED_FOR = timedelta(hours=24)
FACTS = """
SELECT company_id, 'exported', %(actor)s::bigint, id, %(why)s, %(batch)s::bigint
FROM leads_lead WHERE id = ANY(%(leads)s) ORDER BY id
"""


class ExportForm(VerbForm):
    format = forms.ChoiceField(
        label="File", choices=[("csv", "CSV"), ("xlsx", "Excel (XLSX)")], widget=forms.RadioSelect, initial="csv"
    )
    columns = forms.MultipleChoiceField(label="Columns", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = columns_for(self.actor.company_id)
        self.fields["columns"].choices = choices.items()  # type: ignore[attr-defined]
        self.fields["columns"].initial = list(choices)


class Export(MassVerb):
    code = "export"
    label = "Export"
    doing = "Export"
    done = "Exported"
    form = ExportForm
    irrevocable = "What has been taken out cannot be called back: an export has no undo."
    reasons = {
        "personal": "Somebody’s own lead",
        "unit": "Belongs to a unit: your profile does not include exporting such leads",
    }

    def allowed(self, keyring: Keyring) -> Q:
        return doable(keyring, Verb.EXPORT)

    def refusals(self, act: Act) -> Sequence[Skip]:
        return [Skip("personal", Q(owner_user__isnull=False)), Skip("unit", Q(owner_user=None))]

    def parts(self, act: Act) -> dict[str, Any]:
        facts = LedgerEntry.objects.filter(lead_id=OuterRef("pk"), batch_id=act.batch.pk)
        return {"exported": Exists(facts), "owner": "owner_user_id"}

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        columns = ("company_id", "kind", "actor_id", "lead_id", "why", "batch_id")
        record_select(columns, FACTS, {"leads": list(lead_ids), **act.cause})

    def words(self, act: Act) -> str:
        return "Export this lead" if act.batch.is_of_one else "Export them"

    def loss(self, act: Act) -> str:
        them = "it" if act.batch.is_of_one else "them"
        owners = changing(act.batch).exclude(owner_user=None).order_by().values_list("owner_user", flat=True).distinct()
        told = told_of(owners, act.actor).count()
        also = ""
        if told:
            also = f", and {told:,} personal {'owner is' if told == 1 else 'owners are'} told"
        return f"The ledger will say that you took {them} out{also}. There is no undo."

    def file(self, act: Act) -> str:
        return reverse("batch-file", args=[act.batch.public_id]) if is_there(act.batch) else ""

    def tell(self, act: Act) -> None:
        """The ledger, with what was asked for; and personal owners (M8)."""
        batch = act.batch
        asked = filter_of(batch.scope, act.keyring, act.actor).told() if "query" in batch.scope else {}
        detail = {"count": batch.changed, "format": batch.params["format"], **in_ledger(asked)}
        kind = LedgerEntry.Kind.EXPORTED
        record(Fact(batch.company_id, kind, actor_id=act.actor.pk, why="leads", batch_id=batch.pk, detail=detail))
        taken = batch.items.filter(outcome=BatchItem.Outcome.CHANGED).order_by("number")
        owners = dict(taken.values_list("lead_id", "before__owner"))
        tell_personal_owners(owners, act.actor, "was exported", "were exported", f"By {act.actor}.")


def is_there(batch: Batch) -> bool:
    """Whether its file can be fetched now."""
    ended = batch.ended_at
    return bool(isinstance(verb_of(batch), Export) and batch.changed and ended and ended + FETCHED_FOR > timezone.now())
