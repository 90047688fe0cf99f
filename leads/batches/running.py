"""A batch at work, chunk by chunk. A chunk is one transaction: all of it, or nothing.

Called twice, by two workers at once, or after a crash, each lead is still changed once: a chunk holds the batch's row and
begins where `Batch.done` stands. Each is judged again with its leads locked, for what has changed since the preview.
"""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now
from psycopg.errors import DeadlockDetected

from leads.batches.chunk import compare, judge
from leads.batches.drafting import act_of, require
from leads.batches.standing import is_back
from leads.batches.verb import Act, MassVerb, NotNowError, verb_of
from leads.models import Batch, BatchItem, Lead

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
    _save(batch, state=State.RUNNING, tries=batch.tries + 1)
    return True


def _hold(batch_id: int) -> Batch | None:
    """The batch with its row locked; none where it is over, or somebody else is at it."""
    rows = Batch.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
    wanted = rows.filter(pk=batch_id, state__in=(State.QUEUED, State.RUNNING))
    return wanted.select_related("actor__company", "actor__holding__profile", "undoes").first()


def _save(batch: Batch, **changes: object) -> None:
    Batch.objects.filter(pk=batch.pk).update(**changes, held_until=Now() + HOLD)


def _end(batch: Batch, state: State, problem: str = "") -> None:
    _save(batch, state=state, problem=problem[:200], ended_at=Now())


@transaction.atomic
def next_chunk(batch_id: int) -> bool:
    """Do the next chunk, or end the batch: whether there may be more."""
    batch = _hold(batch_id)
    if batch is None:
        return False
    act, verb = act_of(batch, batch.actor), verb_of(batch)
    if batch.done >= batch.total and not verb.whole:
        return _finish(act, verb, State.DONE)
    if batch.cancel_asked:
        return _finish(act, verb, State.CANCELLED)
    try:
        require(verb, act.actor, of_one=batch.is_of_one)
        verb.check(act)
    except (PermissionDenied, NotNowError) as refusal:
        return _finish(act, verb, State.FAILED, str(refusal))
    upto = min(batch.done + (CHUNK if batch.done else min(FIRST, CHUNK)), batch.total)
    try:
        with transaction.atomic():
            changed = _chunk(act, verb, upto)
    except NotNowError as refusal:
        return _finish(act, verb, State.FAILED, str(refusal))
    _save(batch, done=upto, changed=F("changed") + changed, tries=0)
    if upto < batch.total or not verb.whole:
        return True
    batch.changed += changed
    return _finish(act, verb, State.DONE)


def _chunk(act: Act, verb: MassVerb, upto: int) -> int:
    """The leads up to this number, with what a `whole` verb does before the first and after the last."""
    changed = _work(act, verb, upto)
    if verb.whole and upto == act.batch.total:
        verb.finish(act)
    return changed


def _finish(act: Act, verb: MassVerb, state: State, problem: str = "") -> bool:
    """End the batch, and tell whom it concerns: there is no more."""
    _end(act.batch, state, problem)
    if act.batch.changed:
        verb.tell(act)
    return False


def _work(act: Act, verb: MassVerb, upto: int) -> int:
    """Change the waiting leads up to this number: how many have changed."""
    items = act.batch.items.filter(number__gt=act.batch.done, number__lte=upto, outcome=BatchItem.Outcome.WAITING)
    # locked first, and then judged by a statement of its own that sees them as they are
    held = list(Lead.objects.filter(pk__in=items.values("lead")).in_id_order().values_list("pk", flat=True))
    if verb.whole and act.batch.done == 0 and not (act.batch.undoes and is_back(act.batch.undoes)):
        verb.begin(act)
    changing = judge(act, verb, Lead.objects.filter(pk__any_of={*held}), upto)
    if changing and act.batch.undoes_id:
        verb.restore(act, changing)
    elif changing:
        verb.apply(act, changing)
    return compare(act, verb, changing, upto)
