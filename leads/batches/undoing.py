"""Taking a batch back (M6): itself a batch, of the leads that nothing newer happened to.

Those it leaves alone can be taken back later, once what is newer is undone itself. To undo the undo of a `whole` batch is
to do it anew, with the same choices, as people and leads are by then.
"""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from crm.organization.models import User
from leads.batches.drafting import changing, draft, preview
from leads.batches.standing import has_begun, is_back, standing
from leads.batches.verb import NotNowError, verb_of
from leads.models import Batch
from permissions.keyring import load_keyring

State = Batch.State


def deadline_of(batch: Batch) -> datetime | None:
    """Until when it can be undone; None where that depends only on what happens to its leads."""
    lasts = verb_of(batch).undone_for(batch)
    return batch.ended_at + lasts if lasts and batch.ended_at else None


def too_late(batch: Batch) -> bool:
    deadline = deadline_of(batch)
    return bool(deadline and deadline < timezone.now())


def why_not_undo(actor: User, batch: Batch) -> str:
    """Why it cannot be undone, or not by her, in a sentence; empty where she may."""
    return _why_not_now(batch) or _why_not_she(actor, batch)


def _why_not_now(batch: Batch) -> str:
    verb = verb_of(batch)
    beside = verb.whole and has_begun(batch)
    if not batch.has_ended or not (batch.changed or beside):
        return "There is nothing to undo."
    if verb.whole and batch.undoes_id:
        return ""
    if verb.irrevocable:
        return verb.irrevocable
    if too_late(batch):
        return "The time to undo this is over."
    if batch.undoings.filter(state__in=[State.QUEUED, State.RUNNING]).exists():
        return "This is being undone."
    if standing(batch).exists() or (beside and not is_back(batch)):
        return ""
    return "This is undone already."


def _why_not_she(actor: User, batch: Batch) -> str:
    verb = verb_of(batch)
    if batch.actor_id != actor.pk and (verb.only_actor_undoes or load_keyring(actor).company is None):
        return f"Only {batch.actor} can undo this."
    return verb.why_not(actor, of_one=batch.is_of_one)


def draft_undo(*, actor: User, batch: Batch) -> Batch:
    """Begin to undo what still stands of it, with the preview. Raises PermissionDenied, NotNowError."""
    if refusal := _why_not_now(batch):
        raise NotNowError(refusal)
    if refusal := _why_not_she(actor, batch):
        raise PermissionDenied(refusal)
    if verb_of(batch).whole and batch.undoes_id:
        return _anew(actor, batch.origin)
    undoing = Batch.objects.create(
        company_id=batch.company_id,
        actor=actor,
        verb=batch.verb,
        params=batch.params,
        scope={"of_one": batch.is_of_one},
        undoes=batch,
    )
    return preview(actor=actor, batch=undoing, params=batch.params)


def _anew(actor: User, undone: Batch) -> Batch:
    """The same once more: what the first kept for its own undo is not the new one's."""
    params = {name: value for name, value in undone.params.items() if name != "kept"}
    return preview(actor=actor, batch=draft(actor=actor, verb=undone.verb, scope=undone.scope), params=params)


def why_not_begin(batch: Batch) -> str:
    """Why nothing would come of the previewed batch, in a sentence; empty where something would."""
    if batch.undoes and (refusal := _why_not_now(batch.undoes)):
        return refusal
    beside = verb_of(batch).whole and not (batch.undoes and is_back(batch.undoes))
    if beside or batch.preview is None or changing(batch).exists():
        return ""
    return "Nothing can be undone now." if batch.takes_back else "Nothing would change."
