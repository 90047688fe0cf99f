"""The first steps of a batch: what is to be done to which leads, and what would come of it. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from django.core.exceptions import EmptyResultSet, PermissionDenied
from django.db import connection, transaction
from django.db.models import Count, F
from django.db.models.functions import Now

from crm.organization.models import User
from leads.batches.judging import judged
from leads.batches.scope import leads_of, one, said_of
from leads.batches.sight_back import sight_back
from leads.batches.standing import waiting
from leads.batches.verb import Act, MassVerb, NotNowError, find_verb, verb_of
from leads.models import Batch, Lead
from leads.querysets import LeadQuerySet
from permissions.keyring import load_keyring

DRAFTS_LAST = timedelta(days=1)
PATIENCE = timedelta(seconds=10)  # then somebody else takes it up
FILL = """
INSERT INTO leads_batchitem (company_id, batch_id, number, lead_id, outcome, reason)
SELECT %s, %s, row_number() OVER (ORDER BY id), id, CASE reason WHEN '' THEN '' ELSE 'skipped' END, reason
FROM ({leads}) AS found (id, reason)
"""


def require(verb: MassVerb | None, actor: User, *, of_one: bool = False) -> MassVerb:
    """The verb, where she may use it in mass, or with one lead. Raises PermissionDenied."""
    if verb is None:
        raise PermissionDenied("There is no such mass action.")
    if refusal := verb.why_not(actor, of_one=of_one):
        raise PermissionDenied(refusal)
    return verb


def draft(*, actor: User, verb: str, scope: Mapping[str, Any]) -> Batch:
    """Begin a batch. Raises PermissionDenied."""
    found = require(find_verb(verb), actor, of_one=scope.get("of_one", False))
    return Batch.objects.create(company_id=actor.company_id, actor=actor, verb=found.code, scope=scope)


@transaction.atomic
def of_one(*, actor: User, verb: str, lead: Lead, params: Mapping[str, Any] = MappingProxyType({})) -> Batch:
    """The previewed batch of a single lead. Raises PermissionDenied, NotNowError."""
    return preview(actor=actor, batch=draft(actor=actor, verb=verb, scope=one(lead)), params=params)


def act_of(batch: Batch, actor: User) -> Act:
    return Act(batch, actor, load_keyring(actor))


@transaction.atomic
def preview(*, actor: User, batch: Batch, params: Mapping[str, Any]) -> Batch:
    """Fix the leads of her draft and foresee what becomes of each. Raises PermissionDenied, NotNowError."""
    held = Batch.objects.select_for_update(of=("self",)).select_related("undoes")
    batch = held.get(pk=batch.pk, actor=actor)
    if batch.state != Batch.State.DRAFT:
        raise NotNowError("This has begun already.")
    verb = require(verb_of(batch), actor, of_one=batch.is_of_one)
    batch.params = dict(params)
    act = act_of(batch, actor)
    verb.check(act)
    batch.items.all().delete()
    batch.total = _fix(act, verb)
    verb.fixed(act)
    batch.preview = _foresee(act, verb)
    batch.save(update_fields=["params", "total", "preview"])
    return batch


def _fix(act: Act, verb: MassVerb) -> int:
    """Make the items: how many. Raises NotNowError where there are more than the verb may do at once."""
    found = judged(leads_of(act), act).order_by()
    try:
        select, params = found.values_list("pk", F("reason"))[: verb.limit + 1].query.sql_with_params()
    except EmptyResultSet:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(FILL.format(leads=select), [act.batch.company_id, act.batch.pk, *params])
        total = int(cursor.rowcount)
    if total > verb.limit:
        raise NotNowError(f"These are more than {verb.limit:,} leads, the most at once. Narrow the list down first.")
    return total


def _foresee(act: Act, verb: MassVerb) -> dict[str, Any]:
    """What the preview says, as JSON: leads by reason (none: they change), ids never found, whose sight changes; and what
    the list of mass actions says of it.
    """
    counts = act.batch.items.order_by("reason").values_list("reason").annotate(count=Count("*"))
    sight = sight_back(act, verb) if act.batch.undoes else verb.sight(act, changing(act.batch))
    unknown = max(0, act.batch.scope.get("given", 0) - act.batch.total)
    return {
        "reasons": dict(counts),
        "unknown": unknown,
        "sight": [asdict(one) for one in sight],
        "words": verb.words(act),
        "filters": said_of(act),
    }


def changing(batch: Batch) -> LeadQuerySet:
    """The leads of a batch that are still to be changed."""
    return Lead.objects.filter(company=batch.company_id, pk__in=waiting(batch).values("lead"))


@transaction.atomic
def confirm(*, actor: User, batch: Batch) -> None:
    """Let the previewed batch begin. Then `leads.tasks.set_to_work`. Raises PermissionDenied, NotNowError."""
    require(verb_of(batch), actor, of_one=batch.is_of_one)
    drafts = Batch.objects.filter(pk=batch.pk, actor=actor, state=Batch.State.DRAFT, preview__isnull=False)
    begun = drafts.update(state=Batch.State.QUEUED, confirmed_at=Now(), held_until=Now() + PATIENCE)
    if not begun:
        raise NotNowError("This has begun already.")


def discard(*, actor: User, batch: Batch) -> bool:
    """Throw a draft away: whether it was one."""
    gone, _ = Batch.objects.filter(pk=batch.pk, actor=actor, state=Batch.State.DRAFT).delete()
    return bool(gone)


def forget_drafts() -> None:
    """Throw away drafts that were left alone for long."""
    Batch.objects.filter(state=Batch.State.DRAFT, created_at__lt=Now() - DRAFTS_LAST).delete()


def cancel(*, actor: User, batch: Batch) -> None:
    """Stop a batch that is under way: at once where nobody works on it yet, else after the chunk in hand."""
    mine = Batch.objects.of(actor).filter(pk=batch.pk)
    if not mine.filter(state=Batch.State.QUEUED).update(state=Batch.State.CANCELLED, ended_at=Now()):
        mine.filter(state=Batch.State.RUNNING).update(cancel_asked=True)
