"""A batch at work, chunk by chunk. A chunk is one transaction: all of it, or nothing.

Several workers may be at one batch, each at a chunk whose row it holds: called twice, at once, or after a crash, each lead
is still changed once. Each is judged again with its leads locked, for what has changed since the preview.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now
from psycopg.errors import DeadlockDetected

from leads.batches.chunk import compare, judge
from leads.batches.drafting import act_of, require
from leads.batches.standing import is_back, waiting
from leads.batches.verb import Act, MassVerb, NotNowError, verb_of
from leads.models import Batch, BatchChunk, Lead
from leads.querysets import BatchQuerySet

FIRST, CHUNK = 1000, 5000  # leads in a transaction: the first is small, so that she soon sees it moving
MOST_TRIES = 5
HOLD = timedelta(seconds=15)  # a chunk takes a second at most: who is silent for longer is dead
State = Batch.State


def carry_on(batch_id: int, *, chunks: int | None = None) -> bool:
    """Work on a batch from where it stands, for at most so many chunks: whether there is more to do."""
    if not _begin(batch_id):
        return False
    while chunks is None or chunks > 0:
        if not _patiently(batch_id):
            return False
        chunks = None if chunks is None else chunks - 1
    return True


def _patiently(batch_id: int) -> bool:
    """One chunk; somebody who locks leads in another order may cost a try or two."""
    for _ in range(MOST_TRIES):
        try:
            return next_chunk(batch_id)
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    return next_chunk(batch_id)


@transaction.atomic
def _begin(batch_id: int) -> bool:
    """Say that somebody works on it: whether there is anything to work on, and sense in trying again."""
    batch = _hold(batch_id)
    if batch is None:
        return False
    if batch.tries >= MOST_TRIES:
        _end(batch, State.FAILED, f"It broke off {MOST_TRIES} times at the same place.")
        return False
    if not batch.chunks.exists():
        BatchChunk.objects.bulk_create(_chunks(batch))
    _save(batch, state=State.RUNNING, tries=batch.tries + 1)
    return True


def _chunks(batch: Batch) -> list[BatchChunk]:
    """All of its items in their order; for a `whole` verb one chunk even where there are none."""
    ends = [batch.done, *range(batch.done + min(FIRST, CHUNK), batch.total, CHUNK), batch.total]
    pairs = [(after, upto) for after, upto in pairwise(ends) if upto > after or verb_of(batch).whole]
    return [BatchChunk(batch=batch, after=after, upto=upto) for after, upto in pairs]


def _hold(batch_id: int) -> Batch | None:
    """The batch with its row locked; none where it is over."""
    return _under_way(batch_id).select_for_update(of=("self",), no_key=True).first()


def _under_way(batch_id: int) -> BatchQuerySet:
    wanted = Batch.objects.filter(pk=batch_id, state__in=(State.QUEUED, State.RUNNING))
    return wanted.select_related("actor__company", "actor__holding__profile", "undoes")


def _save(batch: Batch, **changes: object) -> None:
    Batch.objects.filter(pk=batch.pk).update(**changes, held_until=Now() + HOLD)


def _end(batch: Batch, state: State, problem: str = "") -> None:
    _save(batch, state=state, problem=problem[:200], ended_at=Now())


def next_chunk(batch_id: int) -> bool:
    """Do the next chunk that nobody is at, or end the batch: whether there may be more."""
    batch = _under_way(batch_id).first()
    if batch is None:
        return False
    try:
        done = not batch.cancel_asked and _do_next(batch)
    except (PermissionDenied, NotNowError) as refusal:
        return _finish(batch, str(refusal))
    return done or _finish(batch)


@transaction.atomic
def _do_next(batch: Batch) -> bool:
    """Do the next chunk that nobody is at: whether there was one. Raises PermissionDenied, NotNowError."""
    verb = verb_of(batch)
    chunk = _take(batch, in_turn=verb.whole)
    if chunk is None:
        return False
    act = act_of(batch, batch.actor)
    require(verb, act.actor, of_one=batch.is_of_one)
    verb.check(act)
    changed = _work(act, verb, chunk)
    if verb.whole and chunk.upto == batch.total:
        verb.finish(act)
    BatchChunk.objects.filter(pk=chunk.pk).update(done_at=Now())
    _save(batch, done=F("done") + chunk.upto - chunk.after, changed=F("changed") + changed, tries=0)
    return True


def _take(batch: Batch, *, in_turn: bool) -> BatchChunk | None:
    """The first chunk that nobody is at, with its row locked; `in_turn` none before those ahead of it are done."""
    rows = BatchChunk.objects.select_for_update(of=("self",), no_key=True, skip_locked=not in_turn)
    chunk = rows.filter(batch=batch, done_at=None).order_by("upto").first()
    if in_turn:
        batch.refresh_from_db(fields=["params", "done"])  # as the chunk before has left it
    return chunk


@transaction.atomic
def _finish(batch: Batch, problem: str = "") -> bool:
    """End the batch once nobody is at it any more, and tell whom it concerns: there is no more."""
    left = BatchChunk.objects.filter(batch=batch, done_at=None).order_by("upto")
    if not (problem or batch.cancel_asked) and left.exists():
        return False
    undone = list(left.select_for_update(no_key=True))
    held = _hold(batch.pk)
    if held is None:
        return False
    stopped = State.FAILED if problem else State.CANCELLED
    _end(held, stopped if undone else State.DONE, problem if undone else "")
    if held.changed:
        verb_of(held).tell(act_of(held, held.actor))
    return False


def _work(act: Act, verb: MassVerb, chunk: BatchChunk) -> int:
    """Change the waiting leads of the chunk: how many have changed."""
    items = waiting(act.batch).filter(number__gt=chunk.after, number__lte=chunk.upto)
    # locked first, and then judged by a statement of its own that sees them as they are
    held = list(Lead.objects.filter(pk__in=items.values("lead")).in_id_order().values_list("pk", flat=True))
    if verb.whole and chunk.after == 0 and not (act.batch.undoes and is_back(act.batch.undoes)):
        verb.begin(act)
    changing = judge(act, verb, Lead.objects.filter(pk__any_of={*held}), chunk)
    if changing and act.batch.undoes_id:
        verb.restore(act, changing)
    elif changing:
        verb.apply(act, changing)
    return compare(act, verb, changing, chunk)
