"""Which items of a batch wait, and which still stand: undone in part, the rest can be undone later (M6)."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from leads.models import Batch, BatchItem

BEGUN = Q(state=Batch.State.DONE) | Q(done__gt=0)


def waiting(batch: Batch) -> QuerySet[BatchItem]:
    """The items that are still to be changed."""
    return batch.items.filter(outcome=BatchItem.Outcome.WAITING)


def standing(batch: Batch) -> QuerySet[BatchItem]:
    """The items that it has changed, but for those an undo has taken back which still stands itself."""
    items = BatchItem.objects.filter(batch=batch, outcome=BatchItem.Outcome.CHANGED)
    for undoing in batch.undoings.filter(ended_at__isnull=False, changed__gt=0).order_by("pk"):
        items = items.filter(~Exists(standing(undoing).filter(lead=OuterRef("lead"))))
    return items


def is_back(batch: Batch) -> bool:
    """Whether what it did beside the leads (`MassVerb.begin`, `finish`) is undone."""
    return batch.undoings.filter(BEGUN).exists()


def has_begun(batch: Batch) -> bool:
    """Whether its first chunk is done, and with it `MassVerb.begin`."""
    return batch.state == Batch.State.DONE or batch.done > 0
