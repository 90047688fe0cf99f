"""The timeline of a lead (L3): activities and ledger facts in one order, newest first, each as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any, TypeAlias

from django.db.models import Q, Value
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from crm.core.pagination import read_cursor, write_cursor
from crm.core.templatetags.core import dated
from crm.organization.models import Unit, User
from leads.merging.doing import absorbed_by
from leads.messaging.showing import delivery_of
from leads.models import Activity, Assignment, Lead, Pond
from leads.models.conflict import Verdict
from leads.models.request import Kind
from permissions.models import LedgerEntry

PAGE = 50
OWNERS = 5  # the newest, on the lead's page
PASSED_ON = (LedgerEntry.Kind.CREATED, LedgerEntry.Kind.OWNER_CHANGED)
ACTIVITY, FACT = 0, 1  # of two at the same moment the fact came of the act
ICONS = {
    "call": "phone",
    "text": "message-square",
    "email": "mail",
    "note": "sticky-note",
    "meeting": "calendar",
    "task": "list-checks",
    "stage": "milestone",
    "inquiry": "inbox",
    "system": "circle-dot",
    "created": "user-plus",
    "owner_changed": "arrow-right-left",
    "assigned": "user-check",
    "unassigned": "user-minus",
    "offered": "hand",
    "claimed": "circle-check",
    "expired": "timer-off",
    "declined": "skip-forward",
    "withdrawn": "undo-2",
    "hidden": "eye-off",
    "shown": "eye",
    "shared": "share-2",
    "revoked": "user-x",
    "released": "log-out",
    "pooled": "droplets",
    "requested": "hand-helping",
    "refused": "ban",
    "decided": "scale",
    "exported": "download",
    "deleted": "trash-2",
    "restored": "undo-2",
    "merged": "merge",
}
CAME_IN = {"call": "A call came in", "text": "A text came in", "email": "An e-mail came in"}
ACTS = {"call": "with a call", "note": "with a note", "stage": "by changing the stage", "button": "with the button"}

Key = tuple[datetime, int, int]
Entry: TypeAlias = Activity | LedgerEntry


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline, with the words somebody wrote as its body. `failed`: the id of a text that can be sent
    again, else 0; `mail` the same of an e-mail. `sending`: the id of an e-mail on its way. `problem`: why it did not go.
    """

    icon: str
    line: SafeString
    at: datetime
    body: str = ""
    quiet: bool = False
    failed: int = 0
    mail: int = 0
    sending: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Timeline:
    """A stretch of events, newest first; `earlier` is the cursor of the next stretch, empty at the beginning of time.

    `sources`: where its duplicates came from. `owners`: who owned it last, the newest first.
    """

    events: list[Event]
    earlier: str
    sources: list[str]
    owners: list[Ownership]


@dataclass(frozen=True)
class Names:
    """What units and people are called, by id."""

    units: Mapping[int, str]
    people: Mapping[int, str]
    ponds: Mapping[Any, str] = field(default_factory=dict)

    def of(self, unit_id: int | None, person_id: int | None) -> str:
        if unit_id is not None:
            return self.units.get(unit_id, "a former unit")
        return self.people.get(person_id, "somebody") if person_id is not None else "nobody"


def timeline_of(lead: Lead, cursor: str = "", size: int = PAGE) -> Timeline:
    """The `size` newest events before `cursor`, its duplicates' among them; in four queries whatever there is."""
    before, duplicates = _read(cursor), absorbed_by(lead.pk)
    leads = [lead.pk, *duplicates]
    activities = (
        Activity.objects.filter(_before(before, ACTIVITY), lead__in=leads).select_related("mail").newest_first()
    )
    facts = LedgerEntry.objects.filter(_before(before, FACT), lead_id__in=leads, company=lead.company_id)
    facts = facts.exclude(~Q(lead_id=lead.pk), Q(kind=LedgerEntry.Kind.MERGED) | Q(detail__has_key="out_of"))
    passed_on = LedgerEntry.objects.filter(lead_id=lead.pk, company=lead.company_id, kind__in=PASSED_ON)
    newest, owners = (rows.order_by("-at", "-pk").defer("content_hash") for rows in (facts, passed_on))
    known = sorted(set(newest[: size + 1].union(owners[:OWNERS], all=True)), key=_key, reverse=True)
    streams: list[Iterable[Entry]] = [
        activities[: size + 1],
        [fact for fact in known if before is None or _key(fact) < before],
    ]
    page = list(islice(merge(*streams, key=_key, reverse=True), size + 1))
    passed = [fact for fact in known if fact.kind in PASSED_ON and fact.lead_id == lead.pk][:OWNERS]
    names = names_in([*page, *passed])
    earlier = write_cursor(list(_key(page[size - 1]))) if len(page) > size else ""
    sources = [name for name in duplicates.values() if name]
    last = [Ownership(names.of(fact.to_unit_id, fact.to_user_id), fact.at) for fact in passed]
    return Timeline([event(entry, names) for entry in page[:size]], earlier, sources, last)


def _key(entry: Entry) -> Key:
    """Its place in the order."""
    return entry.at, FACT if isinstance(entry, LedgerEntry) else ACTIVITY, entry.pk


def _read(cursor: str) -> Key | None:
    values = read_cursor(cursor) if cursor else None
    if values is None or len(values) != 3:
        return None
    at = parse_datetime(str(values[0]))
    return (at, int(values[1]), int(values[2])) if at else None


def _before(key: Key | None, rank: int) -> Q:
    """The condition for rows of this rank that come after `key` in the timeline's order."""
    if key is None:
        return Q()
    at, key_rank, pk = key
    same = Q(at=at, pk__lt=pk) if rank == key_rank else Q(at=at) if rank < key_rank else Q(pk__in=[])
    return Q(at__lt=at) | same


def names_in(entries: Iterable[Entry]) -> Names:
    """The names these entries speak of, all in one query."""
    units: set[int | None] = set()
    people: set[int | None] = set()
    ponds: set[int | None] = set()
    for entry in entries:
        people.add(entry.actor_id)
        if isinstance(entry, LedgerEntry):
            units |= {entry.from_unit_id, entry.to_unit_id}
            people |= {entry.from_user_id, entry.to_user_id}
            ponds.add((entry.detail or {}).get("pond"))
    named = [
        model._base_manager.filter(pk__in=wanted - {None}).values_list("pk", "name", Value(kind))
        for kind, model, wanted in (("unit", Unit, units), ("person", User, people), ("pond", Pond, ponds))
        if wanted - {None}
    ]
    found = list(named[0].union(*named[1:], all=True).order_by("pk")) if named else []
    called: dict[str, dict[int, str]] = {"unit": {}, "person": {}, "pond": {}}
    for pk, name, kind in found:
        called[kind][pk] = name
    return Names(called["unit"], called["person"], called["pond"])


def event(entry: Entry, names: Names) -> Event:
    if isinstance(entry, LedgerEntry):
        return Event(ICONS.get(entry.kind, "circle-dot"), fact_line(entry, names), entry.at, quiet=True)
    return Event(
        icon=_icon(entry),
        line=activity_line(entry, names),
        at=entry.at,
        body="" if entry.kind == Activity.Kind.STAGE else entry.body,
        quiet=entry.kind in {Activity.Kind.STAGE, Activity.Kind.SYSTEM},
        **delivery_of(entry),
    )


def _icon(activity: Activity) -> str:
    if activity.kind == Activity.Kind.CALL:
        return "phone-incoming" if activity.direction == Activity.Direction.IN else "phone-outgoing"
    return ICONS.get(activity.kind, "circle-dot")


def activity_line(activity: Activity, names: Names) -> SafeString:
    """`Ana called: no answer (automatic)`."""
    if activity.kind == Activity.Kind.INQUIRY and not activity.actor_id:
        return SafeString("An inquiry came in")
    who = _strong(names.of(None, activity.actor_id)) if activity.actor_id else SafeString("The system")
    incoming = activity.direction == Activity.Direction.IN
    came = CAME_IN.get(activity.kind) if incoming and not activity.actor_id else None
    if came:
        return format_html("{}{}", came, f": {activity.get_outcome_display().lower()}" if activity.outcome else "")
    marks = [word for word, is_set in (("automatic", activity.automatic), ("in bulk", activity.bulk)) if is_set]
    return format_html(
        "{} {}{}{}",
        who,
        _did(activity, incoming),
        f": {activity.get_outcome_display().lower()}" if activity.outcome else "",
        f" ({', '.join(marks)})" if marks else "",
    )


def _did(activity: Activity, incoming: bool) -> str | SafeString:
    if activity.kind == Activity.Kind.STAGE:
        before, arrow, after = activity.body.partition(" → ")
        return format_html("moved the stage: {} → {}", before, _strong(after)) if arrow else "changed the stage"
    outgoing = {"call": "called", "text": "sent a text", "email": "sent an e-mail"}
    received = {"call": "took a call", "text": "received a text", "email": "received an e-mail"}
    other = {"note": "wrote a note", "meeting": "met", "task": "planned", "system": "noted"}
    other |= {"inquiry": "recorded an inquiry"}
    return (received if incoming else outgoing).get(activity.kind) or other.get(activity.kind, activity.kind)


def fact_line(fact: LedgerEntry, names: Names) -> SafeString:
    """A ledger fact in plain words."""
    speak = SENTENCES.get(fact.kind)
    return speak(_Speech(fact, names)) if speak else format_html("{}", fact.get_kind_display())


@dataclass(frozen=True)
class _Speech:
    """A fact with its names at hand."""

    fact: LedgerEntry
    names: Names

    @property
    def actor(self) -> SafeString | None:
        return _strong(self.names.of(None, self.fact.actor_id)) if self.fact.actor_id else None

    @property
    def source(self) -> SafeString:
        return _strong(self.names.of(self.fact.from_unit_id, self.fact.from_user_id))

    @property
    def target(self) -> SafeString:
        return _strong(self.names.of(self.fact.to_unit_id, self.fact.to_user_id))

    @property
    def detail(self) -> dict[str, Any]:
        return self.fact.detail or {}

    @property
    def why(self) -> str:
        return f" ({self.fact.why})" if self.fact.why else ""

    @property
    def by(self) -> SafeString:
        return format_html(" by {}", self.actor) if self.actor else SafeString("")

    @property
    def pond(self) -> SafeString:
        return _strong(self.names.ponds.get(self.detail.get("pond"), "of then"))

    @property
    def request(self) -> str:
        asks = str(self.detail.get("asks", ""))
        return str(dict(Kind.choices).get(asks, asks))

    @property
    def role(self) -> str:
        return dict(Assignment.Role.choices).get(self.fact.role, self.fact.role)


def _strong(name: str) -> SafeString:
    return format_html("<strong>{}</strong>", name)


def _assigned(said: _Speech) -> SafeString:
    """Who has the slot now, and who had it; the rotation's moves have no actor."""
    fact = said.fact
    role = "" if fact.role == Assignment.Role.AGENT else f" as {said.role}"
    before = format_html(", before {}", said.source) if fact.from_user_id else ""
    if fact.role == Assignment.Role.COVERED:
        return format_html("{} is away{}{}", said.target, said.by, said.why)
    if fact.actor_id and fact.actor_id == fact.to_user_id:
        return format_html("{} took it{}{}{}", said.actor, role, before, said.why)
    return format_html("Assigned to {}{}{}{}{}", said.target, role, before, said.by, said.why)


def _unassigned(said: _Speech) -> SafeString:
    if said.fact.from_user_id is None:
        return format_html("Taken out of its pond{}{}", said.by, said.why)
    if said.fact.role == Assignment.Role.COVERED:
        return format_html("{} is away no longer{}{}", said.source, said.by, said.why)
    return format_html("{} is no longer assigned as {}{}{}", said.source, said.role, said.by, said.why)


def _offered(said: _Speech) -> SafeString:
    deadline = parse_datetime(str(said.detail.get("deadline", "")))
    until = f"; claim by {clock_time(deadline)}" if deadline else ""
    return format_html("{} was offered this lead{}", said.target, until)


def _claimed(said: _Speech) -> SafeString:
    how = ACTS.get(str(said.detail.get("act", "")), "")
    return format_html("{} claimed it{}", said.target, f" {how}" if how else "")


def _pooled(said: _Speech) -> SafeString:
    before = format_html(", before {}", said.source) if said.fact.from_user_id else ""
    return format_html("Moved to the pond {}{}{}{}", said.pond, before, said.by, said.why)


def _requested(said: _Speech) -> SafeString:
    return format_html("{} asked: {}", said.actor, said.request.lower())


def _decided(said: _Speech) -> SafeString:
    """What a company manager decided of a conflict, without a word of the other side."""
    both = said.detail.get("verdict") == Verdict.BOTH
    return format_html("{} decided a conflict over this person{}", said.actor, ": both keep theirs" if both else "")


def _merged(said: _Speech) -> SafeString:
    into = "Merged into another lead" if "into" in said.detail else "A duplicate was merged into it"
    if said.source == said.target:
        return format_html("{}{}", into, said.by)
    return format_html("{}{}: of {}, now of {}", into, said.by, said.source, said.target)


def _restored(said: _Speech) -> SafeString:
    what = "A duplicate is a lead of its own again" if "gave" in said.detail else "Brought back"
    return format_html("{}{}", what, said.by)


def _shared(said: _Speech) -> SafeString:
    """What it lets her do, and until when."""
    to = {"view_lead": " to view it", "work_lead": " to work it"}.get(str(said.detail.get("verb")), "")
    end = parse_datetime(str(said.detail.get("until") or ""))
    until = f" until {date_format(timezone.localtime(end), 'M j, Y, g:i A')}" if end else ""
    return format_html("Shared with {}{}{}{}", said.target, to, until, said.by)


def clock_time(moment: datetime) -> str:
    """`2:05 PM` near to now, with the day where it is further off; in the reader's zone."""
    near = abs(moment - timezone.now()) < timedelta(hours=12)
    return dated(moment, "g:i A" if near else "M j, g:i A")


SENTENCES: Mapping[str, Callable[[_Speech], SafeString]] = {
    LedgerEntry.Kind.CREATED: lambda said: format_html("Added{}{}. Owner: {}", said.by, said.why, said.target),
    LedgerEntry.Kind.OWNER_CHANGED: lambda said: format_html(
        "Owner: {} → {}{}{}", said.source, said.target, said.by, said.why
    ),
    LedgerEntry.Kind.ASSIGNED: _assigned,
    LedgerEntry.Kind.UNASSIGNED: _unassigned,
    LedgerEntry.Kind.OFFERED: _offered,
    LedgerEntry.Kind.CLAIMED: _claimed,
    LedgerEntry.Kind.EXPIRED: lambda said: format_html("{} did not claim it in time", said.source),
    LedgerEntry.Kind.DECLINED: lambda said: format_html("{} passed on it", said.source),
    LedgerEntry.Kind.WITHDRAWN: lambda said: format_html("The offer to {} was withdrawn", said.source),
    LedgerEntry.Kind.HIDDEN: lambda said: format_html("Hidden{}", said.by),
    LedgerEntry.Kind.SHOWN: lambda said: format_html("Shown again{}", said.by),
    LedgerEntry.Kind.SHARED: _shared,
    LedgerEntry.Kind.RELEASED: lambda said: format_html("{} is released from it{}{}", said.source, said.by, said.why),
    LedgerEntry.Kind.POOLED: _pooled,
    LedgerEntry.Kind.REQUESTED: _requested,
    LedgerEntry.Kind.REFUSED: lambda said: format_html(
        "{} refused {}: {}", said.actor, said.target, said.request.lower()
    ),
    LedgerEntry.Kind.DECIDED: _decided,
    LedgerEntry.Kind.MERGED: _merged,
    LedgerEntry.Kind.EXPORTED: lambda said: format_html("Exported{}", said.by),
    LedgerEntry.Kind.DELETED: lambda said: format_html("Deleted{}", said.by),
    LedgerEntry.Kind.RESTORED: _restored,
    LedgerEntry.Kind.TAKEN_BACK: lambda said: format_html("{} no longer asks: {}", said.actor, said.request.lower()),
    LedgerEntry.Kind.REVOKED: lambda said: format_html("No longer shared with {}{}", said.source, said.by),
}


@dataclass(frozen=True, slots=True)
class Ownership:
    """From when on whose it was."""

    owner: str
    since: datetime
