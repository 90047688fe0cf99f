"""Taking a batch back (M6): itself a batch, of the leads that nothing newer happened to."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from crm.organization.models import User
from leads.batches.drafting import preview
from leads.batches.verb import verb_of
from leads.models import Batch
from permissions.keyring import load_keyring

State = Batch.State


def deadline_of(batch: Batch) -> datetime | None:
    """Until when it can be undone; None where that depends only on what happens to its leads."""
    lasts = verb_of(batch).undone_for(batch)
    return batch.ended_at + lasts if lasts and batch.ended_at else None


def why_not_undo(actor: User, batch: Batch) -> str:
    """Why she may not undo it, in a sentence; empty where she may."""
    verb, deadline = verb_of(batch), deadline_of(batch)
    if not batch.has_ended or not (batch.changed or (verb.whole and batch.state == State.DONE)):
        return "There is nothing to undo."
    if verb.irrevocable:
        return verb.irrevocable
    if batch.actor_id != actor.pk and (verb.only_actor_undoes or load_keyring(actor).company is None):
        return f"Only {batch.actor} can undo this."
    if deadline and deadline < timezone.now():
        return "The time to undo this is over."
    if batch.undoings.filter(state__in=[State.QUEUED, State.RUNNING, State.DONE]).exists():
        return "This is undone already."
    return verb.why_not(actor, of_one=batch.is_of_one)


def draft_undo(*, actor: User, batch: Batch) -> Batch:
    """Begin to undo it, with its preview. Raises PermissionDenied, NotNowError."""
    if refusal := why_not_undo(actor, batch):
        raise PermissionDenied(refusal)
    undoing = Batch.objects.create(
        company_id=batch.company_id,
        actor=actor,
        verb=batch.verb,
        params=batch.params,
        scope={"of_one": batch.is_of_one},
        undoes=batch,
    )
    return preview(actor=actor, batch=undoing, params=batch.params)
