"""Callbacks (D11): promised for a time at which the lead may be called, and kept as tasks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.utils import timezone

from crm.core.moments import SkippedError, at_clock
from crm.organization.models import User
from dialer.hours import all_open, next_open
from dialer.models import Campaign
from dialer.services.gates import Place, narrowed_by, places_of
from dialer.services.hours import compiled, rules_at
from dialer.services.reach import GENERAL_ONE
from leads.models import Lead, Task
from leads.services.tasks import MOST_AHEAD, TOO_FAR, add_task
from permissions.access import Key, Level, Reason
from permissions.keyring import Gives, load_keyring

PROMISED: Gives = {"promised": Key(Level.WORK, Reason.OFFERED)}


class NotThenError(Exception):
    """It is past, too far ahead, or no clock shows it, or the lead may not be called then; `opens` is the next moment
    at which it may.
    """

    def __init__(self, words: str, opens: datetime | None = None) -> None:
        super().__init__(words)
        self.opens = opens


def at_their_clock(lead: Lead, number: str, at: datetime) -> datetime:
    """The moment at which the clock where the lead is shows what `at` says by its own. Raises NotThenError."""
    try:
        return at_clock(at, ZoneInfo(place_of(lead, number, None).zones[0]))
    except SkippedError as error:
        raise NotThenError(str(error)) from error


def place_of(lead: Lead, number: str, campaign: Campaign | None) -> Place:
    fallback = campaign.unit.time_zone if campaign else lead.company.time_zone
    return places_of(lead, [number], fallback)[number]


@transaction.atomic
def promise(
    *, actor: User, lead: Lead, number: str, at: datetime, personal: bool = True, campaign: Campaign | None = None
) -> Task:
    """She, or anyone who works the lead, calls this number again at that moment.

    Raises NotThenError where the lead may not be called then, PermissionDenied below `work`.
    """
    now = timezone.now()
    if at <= now:
        raise NotThenError("This is past already.")
    if at > now + MOST_AHEAD:
        raise NotThenError(TOO_FAR)
    place = place_of(lead, number, campaign)
    rules = compiled(rules_at(lead.company, at), narrowed_by(campaign))
    if not all_open(rules, place.state, place.zones, at):
        raise NotThenError("The lead may not be called then.", next_open(rules, place.state, place.zones, at))
    return add_task(
        keyring=load_keyring(actor),
        actor=actor,
        lead=lead,
        user=actor if personal else None,
        kind=Task.Kind.CALLBACK,
        title="Call back",
        due_at=at,
        remind=timedelta(0),
        time_zone=place.zones[0],
        campaign_id=campaign.pk if campaign else None,
    )


def given_by_promises(company_id: int, people: Collection[int]) -> list[QuerySet[Any, Any]]:
    """The leads that nobody holds and that these people promised at their desks to call again themselves: reserved for them
    until they have (V2, rule d).
    """
    hers = Task.objects.open().filter(company=company_id, user__in=people, created_by=F("user"))
    promised = hers.filter(GENERAL_ONE, kind=Task.Kind.CALLBACK, campaign_id__isnull=False).order_by()
    return [promised.values_list("user", "lead", Value("promised"))]
