"""Batches made, run and read back in one line each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crm.organization.models import User
from leads.batches.drafting import confirm, draft, preview
from leads.batches.running import carry_on
from leads.batches.scope import matching, picked
from leads.batches.undoing import draft_undo
from leads.models import Batch, BatchItem, Lead
from tests.factories.people import fresh


def drafted(actor: User, verb: str, leads: Iterable[Lead] | str, /, **params: Any) -> Batch:
    """A previewed batch of these leads, or of all that match a query string. Parameters may be rows."""
    scope = matching(leads) if isinstance(leads, str) else picked(lead.public_id for lead in leads)
    batch = draft(actor=fresh(actor), verb=verb, scope=scope)
    return preview(actor=fresh(actor), batch=batch, params={k: getattr(v, "pk", v) for k, v in params.items()})


def queued(batch: Batch) -> Batch:
    confirm(actor=fresh(batch.actor), batch=batch)
    return batch


def run(batch: Batch) -> Batch:
    """Confirmed and carried to its end."""
    while carry_on(queued(batch).pk):
        pass
    batch.refresh_from_db()
    return batch


def done(actor: User, verb: str, leads: Iterable[Lead] | str, /, **params: Any) -> Batch:
    return run(drafted(actor, verb, leads, **params))


def undo(actor: User, batch: Batch) -> Batch:
    """The undo, previewed."""
    return draft_undo(actor=fresh(actor), batch=batch)


def outcomes(batch: Batch) -> dict[int, str]:
    """Lead id → `changed`, the reason why it was skipped, or nothing."""
    rows = BatchItem.objects.filter(batch=batch).order_by("number")
    return {lead: reason or outcome for lead, outcome, reason in rows.values_list("lead_id", "outcome", "reason")}


def merged(actor: User, kept: Lead, other: Lead, *take: str) -> Batch:
    """As the page does it."""
    scope = {"leads": [kept.public_id, other.public_id], "given": 2, "of_one": True}
    batch = draft(actor=fresh(actor), verb="merge", scope=scope)
    preview(actor=fresh(actor), batch=batch, params={"into": {str(other.pk): kept.pk}, "take": list(take)})
    return run(batch)
