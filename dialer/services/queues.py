"""A campaign's hopper as its managers watch it (D15): whose queue holds what, in the order it comes.

An entry whose lead the viewer may not read is there all the same, without anything of the lead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.urls import reverse

from crm.core.pagination import Page, keyset_along
from crm.organization.models import User
from dialer.models import AgentSession, Campaign, CampaignLead, HopperEntry, Skip
from leads.batches.reading import UNSEEN
from leads.models import Lead
from leads.spreadsheet import csv_lines
from permissions.access import Keyring, Level
from permissions.door import seen_by
from permissions.keyring import load_keyring

Source = HopperEntry.Source
RECYCLED, SKIPPED = "recycled", "skipped"
CAME: dict[str, str] = {
    Source.LOAD: "Loaded",
    Source.API: "Inserted",
    Source.CALLBACK: "Callback",
    RECYCLED: "Called before",
    SKIPPED: "Skipped",
}
GENERAL = "general"
LAST = 2**62  # after all agents
TURN = ("is_skipped", "-priority", "at", "place", "pk")  # what somebody skipped comes after the rest (D8)
CSV_STEP = 1000


@dataclass(frozen=True)
class Queue:
    """The live entries of one agent; or the general ones, which are nobody's."""

    key: str
    name: str
    count: int
    is_here: bool


@dataclass(frozen=True)
class Row:
    """`lead`: None where the viewer may not read it; then there is nothing of it."""

    entry: Any
    lead: Lead | None

    @property
    def came(self) -> str:
        return CAME[self.entry.came]

    @property
    def url(self) -> str:
        return reverse("lead", args=[self.lead.public_id]) if self.lead else ""


def queues_of(campaign: Campaign) -> list[Queue]:
    """Those of the agents with entries or logged in, by name; the general one comes last, as it does for them."""
    rows = HopperEntry.objects.filter(campaign=campaign).order_by().values_list("agent").annotate(count=Count("pk"))
    counts = dict(rows)
    here = set(AgentSession.objects.live().filter(campaign=campaign).order_by().values_list("user", flat=True))
    hers = here if campaign.enforce_lead_ownership else set()
    people = User.objects.filter(pk__in=hers | counts.keys() - {None}).order_by("name", "pk")
    found = [Queue(str(pk), name, counts.get(pk, 0), pk in here) for pk, name in people.values_list("pk", "name")]
    return [*found, Queue(GENERAL, "General", counts.get(None, 0), bool(here))]


def entries_of(campaign: Campaign, keyring: Keyring, *, queue: str = "", came: str = "") -> QuerySet[HopperEntry]:
    """Of one queue or of all. That a lead was called or skipped before is told of those she may read."""
    there = {"lead": OuterRef("lead")}
    readable = seen_by(keyring, Level.VIEW, "lead__")
    skips = Skip.objects.filter(session__campaign=campaign, session__ended_at=None, **there)
    known = CampaignLead.objects.filter(campaign=campaign, attempts__gt=0, **there)
    is_skipped = readable & Q(Exists(skips))
    how = Case(
        When(is_skipped, then=Value(SKIPPED)),
        When(~Q(source=Source.LOAD), then=F("source")),
        When(readable & Q(Exists(known)), then=Value(RECYCLED)),
        default=Value(Source.LOAD.value),
        output_field=CharField(),
    )
    attempts = Coalesce(Subquery(known.values("attempts")[:1]), 0, output_field=IntegerField())
    last = Coalesce("agent_id", Value(LAST), output_field=BigIntegerField())
    entries = HopperEntry.objects.filter(campaign=campaign).annotate(came=how, attempts=attempts, queue=last)
    entries = entries.annotate(is_skipped=Case(When(is_skipped, then=Value(1)), default=Value(0)))
    if queue:
        entries = entries.filter(agent=None if queue == GENERAL else int(queue))
    return entries.filter(came=came) if came else entries


def page_of(entries: QuerySet[HopperEntry], *, queue: str, cursor: str, size: int = 50) -> Page[HopperEntry]:
    along = TURN if queue else ("queue", *TURN)
    related = entries.select_related("agent", "reserved_by__user")
    return keyset_along(related, along=along, cursor=cursor, size=size)


def rows_of(entries: Sequence[HopperEntry], keyring: Keyring) -> list[Row]:
    ids = [entry.lead_id for entry in entries]
    leads = Lead.objects.visible_to(keyring, Level.VIEW).filter(pk__in=ids).select_related("stage").order_by("pk")
    read = {lead.pk: lead for lead in leads}
    return [Row(entry, read.get(entry.lead_id)) for entry in entries]


def as_csv(campaign: Campaign, viewer: User, *, queue: str, came: str) -> Iterator[str]:
    """Every entry, line by line; of the leads their addresses alone. Each stretch asks anew what the viewer may see."""
    return csv_lines(("Queue", "Source", "In it since", "Before", "Lead"), _lines(campaign, viewer, queue, came))


def _lines(campaign: Campaign, viewer: User, queue: str, came: str) -> Iterator[Sequence[str]]:
    cursor = ""
    while True:
        keyring = load_keyring(viewer)
        found = entries_of(campaign, keyring, queue=queue, came=came)
        page = page_of(found, queue=queue, cursor=cursor, size=CSV_STEP)
        for row in rows_of(page.rows, keyring):
            entry = row.entry
            since = f"{entry.at.astimezone(ZoneInfo(viewer.time_zone)):%Y-%m-%d %H:%M}"
            before = entry.reserved_by.user.name if entry.reserved_by else ""
            there = f"{settings.PUBLIC_URL}{row.url}" if row.url else UNSEEN
            yield entry.agent.name if entry.agent else "General", row.came, since, before, there
        cursor = page.next_cursor
        if not cursor:
            return
