"""Shadow mode: a draft decides of the leads that come, as they come, and only its decisions are kept (R12).

Routing knows nothing of it. A tick takes the rotations that began since, so a draft can neither hold up nor fail a lead;
what it decides depends on nothing that routing them has changed, but on standings and counts of its own.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.db.models.functions import Now

from crm.core.moments import database_now
from crm.organization.models import Unit, User
from permissions.access import Keyring
from permissions.catalog import Permission
from routing.models import Rotation, RuleBook, ShadowDecision
from routing.services.comparing import MOST_LEADS, Comparison, compare
from routing.services.staging import play, routed_by
from routing.services.team import ChangedMeanwhileError, hold_unit, record_change

AT_ONCE = 200
LATE = timedelta(hours=1)  # a transaction that took longer to commit has its leads missed
IN_SHADOW = {"state": RuleBook.State.DRAFT, "shadowed_from__isnull": False, "shadowed_until": None}


@transaction.atomic
def start_shadow(*, actor: User, unit: Unit) -> None:
    """Let the unit's draft decide in shadow from now on. Raises PermissionDenied, ChangedMeanwhileError (no draft)."""
    draft = _held(actor, unit)
    if not draft.in_shadow:
        draft.shadowed_from, draft.shadowed_until, draft.shadow_credits = Now(), None, {}
        draft.save(update_fields=["shadowed_from", "shadowed_until", "shadow_credits"])
        record_change(actor, unit, "shadow", book=draft.pk, version=draft.version, on=True)


@transaction.atomic
def stop_shadow(*, actor: User, unit: Unit) -> None:
    """What it decided stays, as long as the draft. Raises PermissionDenied, ChangedMeanwhileError (no draft)."""
    draft = _held(actor, unit)
    if draft.in_shadow:
        draft.shadowed_until = Now()
        draft.save(update_fields=["shadowed_until"])
        record_change(actor, unit, "shadow", book=draft.pk, version=draft.version, on=False)


def _held(actor: User, unit: Unit) -> RuleBook:
    hold_unit(actor, unit, Permission.MANAGE_ROUTING)
    draft = RuleBook.objects.select_for_update(no_key=True).filter(unit=unit, state=RuleBook.State.DRAFT).first()
    if draft is None:
        raise ChangedMeanwhileError
    return draft


def books_in_shadow() -> list[int]:
    return list(RuleBook.objects.filter(**IN_SHADOW).order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def decide_in_shadow(book_id: int, limit: int = AT_ONCE) -> int:
    """Let the draft decide of up to `limit` leads that came, oldest first: how many. Called twice, of each once.

    Holds the draft alone: not waiting for whoever changes it, nor for a run beside this one.
    """
    held = RuleBook.objects.select_for_update(of=("self",), no_key=True, skip_locked=True).select_related("unit")
    book = held.filter(pk=book_id, **IN_SHADOW).first()
    if book is None:
        return 0
    rotations = list(_undecided(book).order_by("started_at", "pk")[:limit])
    ShadowDecision.objects.bulk_create(play(book, rotations, shadow=True))
    if rotations:
        book.save(update_fields=["shadow_credits"])
    return len(rotations)


def _undecided(book: RuleBook) -> QuerySet[Rotation]:
    """What came since it began and it has not decided of; looked for from a while before its last decision on."""
    assert book.shadowed_from is not None
    last = book.shadow_decisions.aggregate(last=Max("at"))["last"]
    since = max(book.shadowed_from, last - LATE) if last else book.shadowed_from
    decided = ShadowDecision.objects.filter(book=book, rotation=OuterRef("pk"))
    return routed_by(book.unit).filter(~Exists(decided), started_at__gte=since)


def waiting(book: RuleBook) -> int:
    """How many leads came of which the draft has not decided yet: more than a few for long, and it cannot."""
    return _undecided(book).count() if book.in_shadow else 0


def shadowed(*, keyring: Keyring, book: RuleBook, days: int, as_it_stands: bool) -> Comparison:
    """What the draft decided in the last days, oldest first; `as_it_stands`: since it was last changed."""
    rows = ShadowDecision.objects.filter(book=book, at__gte=database_now() - timedelta(days=days))
    if as_it_stands:
        rows = rows.filter(version=book.version)
    newest = list(rows.select_related("rotation").order_by("-at", "-pk")[: MOST_LEADS + 1])
    cut = len(newest) > MOST_LEADS
    return compare(keyring=keyring, made=newest[:MOST_LEADS][::-1], version=book.version, cut=cut)
