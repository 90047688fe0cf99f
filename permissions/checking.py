"""Checking a company's ledger on request (M7): asked for in the browser, done in the background, its result kept."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Now

from crm.organization.models import User
from permissions.catalog import Permission
from permissions.ledger import verify
from permissions.models import LedgerCheck, LedgerSeal
from permissions.profiles.services import manages_company

State = LedgerCheck.State
SILENCE = timedelta(minutes=5)  # one seal of many entries is one statement, and tells nothing before its end


def latest_check(company_id: int) -> LedgerCheck | None:
    checks = LedgerCheck.objects.filter(company=company_id).select_related("asked_by")
    return checks.order_by("-pk").first()


@transaction.atomic
def ask_for_check(actor: User) -> LedgerCheck:
    """A check of her company's ledger: the one that is under way, or a new one. Raises PermissionDenied."""
    if not (actor.has_perm(Permission.VIEW_LEDGER) and manages_company(actor)):
        raise PermissionDenied("The ledger is for managers of the company.")
    sealed = LedgerSeal.objects.filter(company=actor.company_id).aggregate(total=Sum("entries"))
    check = LedgerCheck(company_id=actor.company_id, asked_by=actor, total=sealed["total"] or 0)
    LedgerCheck.objects.bulk_create([check], ignore_conflicts=True)
    return LedgerCheck.objects.filter(company=actor.company_id).latest("pk")


def waiting_checks() -> QuerySet[LedgerCheck]:
    """Checks that nobody works on: not begun, or begun by a worker that has been silent for long."""
    silent = Q(state=State.RUNNING, touched_at__lt=Now() - SILENCE)
    return LedgerCheck.objects.filter(Q(state=State.QUEUED) | silent).order_by("pk")


def carry_out(check_id: int) -> bool:
    """Do a waiting check, from the beginning: whether it was waiting, and is done."""
    taken = waiting_checks().filter(pk=check_id).order_by()
    if not taken.update(state=State.RUNNING, checked=0, touched_at=Now()):
        return False
    check = LedgerCheck.objects.filter(pk=check_id, state=State.RUNNING)
    verdict = verify(check.get().company_id, lambda entries: _tell(check, entries))
    check.update(
        state=State.DONE,
        checked=verdict.entries,
        seals=verdict.seals,
        unsealed=verdict.unsealed,
        problem=verdict.problem[:200],
        touched_at=Now(),
        finished_at=Now(),
    )
    return True


def _tell(check: QuerySet[LedgerCheck], entries: int) -> None:
    check.update(checked=entries, touched_at=Now())
