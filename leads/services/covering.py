"""Cover (M10): somebody works another one's leads until a date, and then they return by themselves. The owner stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Now
from django.urls import reverse

from crm.notifications.services import Message, bump, notify
from crm.organization.models import User
from leads import signals
from leads.models import Assignment, Lead
from leads.services.assigning import end_slots, fill_slots, units_to_work_for

AGENT, COVERED = Assignment.Role.AGENT.value, Assignment.Role.COVERED.value
AT_ONCE = 1000
OVER = "cover is over"


def cover_leads(lead_ids: Collection[int], user: User, until: datetime, *, actor_id: int, batch_id: int | None) -> None:
    """Let her work these leads until then, for a caller who holds them and has made sure that she may.

    Where somebody covers already, only who covers and until when changes.
    """
    leads = Lead.objects.filter(pk__in=lead_ids, holder_id__isnull=False).order_by("pk")
    held = dict(leads.values_list("pk", "holder_id"))
    covered = set(Assignment.objects.filter(lead__in=held, role=COVERED).values_list("lead", flat=True))
    signals.reassigned.send(sender=Lead, company_id=user.company_id, lead_ids=list(held), actor_id=actor_id)
    last_day = until - timedelta(seconds=1)
    cause: dict[str, Any] = {"actor_id": actor_id, "why": f"cover until {last_day:%Y-%m-%d}", "batch_id": batch_id}
    fill_slots([(pk, holder) for pk, holder in held.items() if pk not in covered], role=COVERED, **cause)
    fill_slots([(pk, user.pk) for pk in held], **cause)
    Assignment.objects.filter(lead__in=held, role=AGENT).update(until=until)
    bump({*held.values(), user.pk}, "offers")


def end_covers(lead_ids: Sequence[int], *, actor_id: int | None, why: str = OVER, batch_id: int | None = None) -> None:
    """Return these leads to whom they were covered for, or to nobody where she may not work them any more.

    The caller holds the leads. Also where the one who covers has lost the slot by another way.
    """
    cause: dict[str, Any] = {"actor_id": actor_id, "why": why, "batch_id": batch_id}
    away = Assignment.objects.filter(lead__in=lead_ids, role=COVERED).select_related("lead", "user").order_by("lead")
    back = [(slot.lead_id, slot.user_id) for slot in _may_return(away) if slot.user_id]
    covers = Assignment.objects.filter(lead__in=lead_ids, role=AGENT, until__isnull=False)
    lost = set(covers.values_list("user", flat=True))
    fill_slots(back, **cause)
    end_slots(covers.exclude(lead__in=[pk for pk, _ in back]), **cause)
    end_slots(Assignment.objects.filter(lead__in=lead_ids, role=COVERED), **cause)
    bump({person for person in lost if person} | {person for _, person in back}, "offers")
    _tell_back(back)


def _may_return(slots: Iterable[Assignment]) -> list[Assignment]:
    """Those whose person is still there, and may still be assigned to the lead (M1)."""
    units: dict[int, set[int]] = {}
    found = []
    for slot in slots:
        if slot.user is None or not slot.user.is_active:
            continue
        hers = units.setdefault(slot.user.pk, set()) or set(units_to_work_for(slot.user))
        units[slot.user.pk] = hers
        if slot.lead.owner_unit_id is None or slot.lead.owner_unit_id in hers:
            found.append(slot)
    return found


def without_cover(lead_ids: Collection[int]) -> list[int]:
    """The leads with somebody away, but nobody who covers for her any more."""
    covers = Assignment.objects.filter(lead=OuterRef("lead"), role=AGENT, until__isnull=False)
    away = Assignment.objects.filter(lead__pk__any_of={*lead_ids}, role=COVERED).exclude(Exists(covers))
    return list(away.order_by("lead").values_list("lead", flat=True))


def due_covers() -> int:
    """Return what is due now, a thousand leads at most: how many."""
    with transaction.atomic():
        due = Q(role=AGENT, until__lte=Now())
        found = list(Assignment.objects.filter(due).order_by("until", "pk").values_list("lead", flat=True)[:AT_ONCE])
        held = list(Lead.objects.filter(pk__in=found).in_id_order().values_list("pk", flat=True))
        still = Assignment.objects.filter(due, lead__in=held).order_by("lead").values_list("lead", flat=True)
        end_covers(list(still), actor_id=None)
    return len(found)


@dataclass(frozen=True)
class Covering:
    """Leads that she covers for somebody, or (`away`) that somebody covers for her, until their last day."""

    other: str
    leads: int
    last_day: datetime
    away: bool


def covers_of(user: User) -> list[Covering]:
    """Those that concern her now, the first to end first."""
    slots = Assignment.objects.filter(role=AGENT, until__isnull=False, lead__removed_at=None)
    original = Assignment.objects.filter(lead=OuterRef("lead"), role=COVERED)
    hers = slots.filter(user=user).annotate(other=Subquery(original.values("user__name")), away=Value(False))
    others = slots.filter(Exists(original.filter(user=user))).annotate(other=F("user__name"), away=Value(True))
    counted = [
        rows.order_by().values_list("until", "other", "away").annotate(count=Count("pk")) for rows in (hers, others)
    ]
    return [
        Covering(other or "somebody", count, until - timedelta(seconds=1), away)
        for until, other, away, count in counted[0].union(counted[1], all=True).order_by("away", "until", "other")
    ]


def _tell_back(back: Sequence[tuple[int, int]]) -> None:
    """Who has them again, once for all of them."""
    counts = Counter(person for _, person in back)
    first = {person: lead for lead, person in reversed(back)}
    companies = dict(User.objects.filter(pk__in=counts).order_by("pk").values_list("pk", "company"))
    for person, count in counts.items():
        if count == 1:
            message = Message(
                person, "assigned", "{lead} is back with you", "The cover is over.", lead_id=first[person]
            )
        else:
            url = f"{reverse('people')}?mine=1"
            message = Message(person, "assigned", f"{count:,} leads are back with you", "The cover is over.", url)
        notify(companies[person], [message])


@transaction.atomic
def return_leads(actor: User, lead: Lead) -> None:
    """End the cover of one lead by hand. The caller has made sure that she may."""
    held = Lead.objects.in_id_order().get(pk=lead.pk)
    end_covers([held.pk], actor_id=actor.pk, why="cover ended by hand")
