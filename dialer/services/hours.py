"""A company's calling rules (D14): which hold on a day, and adding a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q

from crm.organization.models import Company, Unit, User
from dialer.hours import EVERYWHERE, USUAL, Row, Rules, week_of
from dialer.models import CallingHours
from permissions.catalog import Permission
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.profiles.services import ChangedMeanwhileError, manages_company

WHY = "calling rules"


def usual(company_id: int) -> CallingHours:
    """What holds where nobody has said anything."""
    return CallingHours(company_id=company_id, version=0, as_of=date(1970, 1, 1), states=USUAL)


def rules_in_force(company: Company, day: date) -> CallingHours:
    """The rules of the day; of two from the same day on, the later."""
    rows = CallingHours.objects.filter(company=company, as_of__lte=day)
    return rows.order_by("-as_of", "-version").first() or usual(company.pk)


def rules_at(company: Company, now: datetime) -> CallingHours:
    """A day begins when it does where the company is."""
    return rules_in_force(company, today_of(company, now))


def today_of(company: Company, now: datetime) -> date:
    return now.astimezone(ZoneInfo(company.time_zone)).date()


def history_of(company_id: int) -> Sequence[CallingHours]:
    """All versions, the latest first."""
    rows = CallingHours.objects.filter(company=company_id).select_related("made_by")
    return list(rows.order_by("-version"))


def compiled(found: CallingHours, within: tuple[int, int] | None = None) -> Rules:
    return Rules.of(found.states, within)


def consent_of(found: CallingHours) -> dict[str, bool]:
    return {"consent_for_calls": found.consent_for_calls, "consent_for_texts": found.consent_for_texts}


def problem_of(rows: Sequence[Row]) -> str:
    """Why these hours of a week cannot stand, or nothing."""
    for spans in week_of(rows):
        if any(start >= end for start, end in spans):
            return "Calling hours begin and end on the same day: from an earlier time to a later one."
        if any(first[1] > second[0] for first, second in pairwise(spans)):
            return "Two of these times overlap on a day."
    return ""


@transaction.atomic
def add_version(
    *, actor: User, seen: int, as_of: date, states: Mapping[str, Sequence[Row]], consent: Mapping[str, bool]
) -> CallingHours:
    """Append what holds from `as_of` on, if `seen` is still the latest version; that one, where it says just this.

    Raises PermissionDenied, ChangedMeanwhileError, ValidationError.
    """
    if not (actor.has_perm(Permission.MANAGE_POLICY) and manages_company(actor)):
        raise PermissionDenied("Calling rules are for managers of the company.")
    if EVERYWHERE not in states or any(problem_of(rows) for rows in states.values()):
        raise ValidationError("These hours cannot stand.")
    list(Unit.objects.filter(company=actor.company_id, kind=Unit.Kind.COMPANY).select_for_update(no_key=True))
    latest = CallingHours.objects.filter(company=actor.company_id).order_by("-version").first()
    if (latest.version if latest else 0) != seen:
        raise ChangedMeanwhileError("the calling rules")
    if latest and (latest.as_of, latest.states) == (as_of, dict(states)) and consent == consent_of(latest):
        return latest
    made = CallingHours.objects.create(
        company_id=actor.company_id,
        version=seen + 1,
        as_of=as_of,
        states={state: list(rows) for state, rows in sorted(states.items())},
        made_by=actor,
        **consent,
    )
    detail: dict[str, Any] = {"setting": "calling_rules", "version": made.version, "as_of": as_of.isoformat()}
    kind = LedgerEntry.Kind.POLICY_CHANGED
    record(Fact(company_id=actor.company_id, kind=kind, actor_id=actor.pk, why=WHY, detail=detail))
    return made


def coming(company: Company, day: date) -> Sequence[CallingHours]:
    """Versions that are to hold later than on this day, the next first."""
    now = rules_in_force(company, day)
    later = CallingHours.objects.filter(Q(as_of__gt=day), company=company).exclude(pk=now.pk)
    return list(later.order_by("as_of", "version"))
