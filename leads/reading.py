"""Leads as pages show them. What a page must not show is not in what it is given: a redacted lead is a type of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, Func, QuerySet, TextField
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from crm.notifications.subjects import Subject
from crm.organization.models import User
from leads.contact import show_phone
from leads.models import Activity, Assignment, Consent, ContactPoint, CustomField, Lead
from permissions.access import Access, Key, Keyring, Level, Reason
from permissions.door import LOCKED, access_to
from permissions.managers import keyrings_of


def _name(pointer: str, table: str, column: str = "name") -> Func:
    """The name of what a column points to, looked up for the rows of a page; a join would name every row it sorts."""
    lookup = f"(SELECT {column} FROM {table} WHERE id = %(expressions)s)"
    return Func(pointer, template=lookup, output_field=TextField())


_POND = Func(
    "pk",
    template="(SELECT pond.name FROM leads_assignment AS slot JOIN leads_pond AS pond ON pond.id = slot.pond_id"
    " WHERE slot.lead_id = %(expressions)s)",
    output_field=TextField(),
)
# what it wants none of, by the last word on each
OPTED_OUT = Func(
    "pk",
    template="ARRAY(SELECT kind FROM (SELECT DISTINCT ON (kind) kind, given FROM leads_consent"
    " WHERE lead_id = %(expressions)s ORDER BY kind, id DESC) AS said WHERE NOT given)",
    output_field=ArrayField(TextField()),
)
TONES = {"open": "info", "won": "good", "lost": "bad", "archived": "neutral"}
COMMUNICATIONS = {"call": ("call", "calls"), "text": ("text", "texts"), "email": ("e-mail", "e-mails")}
ROW_COLUMNS = (
    *LOCKED,
    *("public_id", "origin", "first_name", "last_name", "company_name", "score", "last_activity_at", "created_at"),
)
ROW_NAMES = {
    "stage_name": _name("stage", "leads_stage"),
    "stage_kind": _name("stage", "leads_stage", "kind"),
    "source_name": _name("source", "leads_source"),
    "unit_name": _name("owner_unit", "organization_unit"),
    "unit_kind": _name("owner_unit", "organization_unit", "kind"),
    "pond_name": _POND,
    "person_name": _name("owner_user", "organization_user"),
    "agent_name": _name("agent", "organization_user"),
    "origin_name": _name("origin_unit", "organization_unit"),
    "origin_kind": _name("origin_unit", "organization_unit", "kind"),
}


@dataclass(frozen=True, slots=True)
class OwnerLabel:
    """Whose it is: a name, and `person`, `company`, `office` or `team`."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class RedactedRow:
    """All that one may know of a lead seen redacted (V5): `hidden` by its owner, or on offer to her and to others."""

    first_name: str
    hidden: bool
    stage: str
    tone: str
    owner: OwnerLabel
    score: int
    last_activity_at: datetime
    communications: str
    redacted: bool = field(default=True, init=False)


@dataclass(frozen=True, slots=True)
class LeadRow:
    public_id: str
    url: str
    name: str
    stage: str
    tone: str
    owner: OwnerLabel
    hidden: bool
    assigned: str
    origin: str
    source: str
    score: int
    last_activity_at: datetime
    redacted: bool = field(default=False, init=False)


def with_names(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """What `rows_of` reads of leads."""
    return leads.only(*ROW_COLUMNS).annotate(**ROW_NAMES)


def rows_of(leads: Sequence[Lead], keyring: Keyring) -> list[LeadRow | RedactedRow]:
    """A page of leads (read `with_names`) as rows, in their order."""
    closed = {lead.pk for lead in leads if access_to(keyring, lead).level == Level.REDACTED}
    counts = communications_of(closed)
    return [redacted_row(lead, counts[lead.pk]) if lead.pk in closed else lead_row(lead) for lead in leads]


def redacted_row(lead: Lead, counts: Mapping[str, int]) -> RedactedRow:
    names = vars(lead)
    words = [f"{counts[kind]} {one if counts[kind] == 1 else many}" for kind, (one, many) in COMMUNICATIONS.items()]
    return RedactedRow(
        first_name=lead.first_name or "Unnamed",
        hidden=lead.hidden,
        stage=names["stage_name"],
        tone=TONES[names["stage_kind"]],
        owner=OwnerLabel(names["unit_name"] or names["person_name"], names["unit_kind"] or "person"),
        score=lead.score,
        last_activity_at=lead.last_activity_at,
        communications=", ".join(words),
    )


def lead_row(lead: Lead) -> LeadRow:
    names = vars(lead)
    return LeadRow(
        public_id=lead.public_id,
        url=reverse("lead", args=[lead.public_id]),
        name=lead.name,
        stage=names["stage_name"],
        tone=TONES[names["stage_kind"]],
        owner=OwnerLabel(names["unit_name"] or names["person_name"], names["unit_kind"] or "person"),
        hidden=lead.hidden,
        assigned=names["agent_name"] or names["pond_name"] or names["person_name"] or "",
        origin=origin_words(names["origin_name"], names["origin_kind"]),
        source=names["source_name"] or "",
        score=lead.score,
        last_activity_at=lead.last_activity_at,
    )


def origin_words(unit_name: str | None, unit_kind: str | None) -> str:
    """Who generated it: `Agent`, `Company`, or `Company · Lakeside` for a channel of one of its units."""
    if not unit_name:
        return "Agent"
    return "Company" if unit_kind == "company" else f"Company · {unit_name}"


def communications_of(lead_ids: Collection[int]) -> Mapping[int, Mapping[str, int]]:
    """How many communications of each kind these leads had; no query where there are no leads."""
    counts: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COMMUNICATIONS, 0))
    if not lead_ids:
        return counts
    found = Activity.objects.filter(lead__in=lead_ids, kind__in=COMMUNICATIONS).order_by("lead", "kind")
    for lead_id, kind, count in found.values_list("lead", "kind").annotate(count=Count("pk")):
        counts[lead_id][kind] = count
    return counts


def subjects_for(asked: Mapping[User, Collection[int]]) -> dict[tuple[int, int], Subject]:
    """Of these leads, those whose name their reader may know now, as notifications call them."""
    keyrings = keyrings_of(asked.keys())
    leads = Lead.objects.only(*LOCKED, "public_id", "first_name", "last_name", "company_name").in_bulk(
        {pk for wanted in asked.values() for pk in wanted}
    )
    return {
        (reader.pk, pk): Subject(leads[pk].name, reverse("lead", args=[leads[pk].public_id]))
        for reader, wanted in asked.items()
        for pk in leads.keys() & wanted
        if access_to(keyrings[reader.pk], leads[pk]).level >= Level.VIEW
    }


def owner_label(lead: Lead) -> OwnerLabel:
    return OwnerLabel(str(lead.owner), lead.owner_unit.kind if lead.owner_unit else "person")


@dataclass(frozen=True, slots=True)
class Contact:
    """A way to reach the lead: how it reads, and the link that does it."""

    words: str
    link: str


def contacts_of(points: Iterable[ContactPoint], region: str) -> dict[str, list[Contact]]:
    """Phones and e-mails, formatted for `region`."""
    contacts: dict[str, list[Contact]] = {"phones": [], "emails": []}
    for point in points:
        if point.kind == ContactPoint.Kind.PHONE:
            contacts["phones"].append(Contact(show_phone(point.value, region), f"tel:{point.value}"))
        else:
            contacts["emails"].append(Contact(point.value, f"mailto:{point.value}"))
    return contacts


def consents_of(lead: Lead) -> list[Consent]:
    """The latest word of each kind."""
    return list(Consent.objects.filter(lead=lead).order_by("kind", "-pk").distinct("kind"))


def local_time(zone: str, moment: datetime | None = None) -> str:
    """What the clock says where the lead is, now or then: `2:05 PM (EST)`. Empty where that is unknown."""
    try:
        there = (moment or timezone.now()).astimezone(ZoneInfo(zone)) if zone else None
    except (ZoneInfoNotFoundError, ValueError):
        return ""
    return date_format(there, "g:i A (T)") if there else ""


def facts_of(lead: Lead, custom_fields: Iterable[CustomField], sources: Iterable[str] = ()) -> list[tuple[str, str]]:
    """What is known of the lead, as words and values; what is not known is left out. `sources`: of its duplicates."""
    known = [
        ("Company", lead.company_name if lead.first_name or lead.last_name else ""),
        ("Type", lead.get_kind_display()),
        ("Source", ", also ".join(dict.fromkeys([*([lead.source.name] if lead.source else []), *sources]))),
        ("Price", price_of(lead)),
        ("Language", lead.language),
        *((custom.label, str(lead.custom.get(custom.key, ""))) for custom in custom_fields),
    ]
    return [(words, value) for words, value in known if value]


def price_of(lead: Lead) -> str:
    low, high = lead.price_min, lead.price_max
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f"up to {high:,}" if low is None else f"from {low:,}"
    return f"{low:,} to {high:,}" if low != high else f"{low:,}"


def address_of(lead: Lead) -> list[str]:
    """The address in lines."""
    region = " ".join(part for part in (lead.state, lead.postal_code) if part)
    place = ", ".join(part for part in (lead.city, region) if part)
    return [line for line in (lead.street, place) if line]


@dataclass(frozen=True, slots=True)
class Slot:
    """A role on the lead and who has it; nobody where `person` is empty."""

    role: str
    person: str = ""
    since: datetime | None = None
    in_pond: bool = False
    until: datetime | None = None


def slots_of(taken: Iterable[Assignment], lead: Lead, names: Mapping[str, str]) -> list[Slot]:
    """The Agent slot, taken or not, and whatever other slots are taken. A personal lead without an Agent is its owner's."""
    slots = {
        slot.role: _in_pond(slot)
        if slot.pond
        else Slot(names.get(slot.role, slot.get_role_display()), str(slot.user), slot.since, until=_last_day(slot))
        for slot in taken
    }
    holder = Slot("Owner", lead.owner_user.name, lead.created_at) if lead.owner_user else Slot("Agent")
    agent = slots.pop(Assignment.Role.AGENT, holder)
    return [agent, *(slots[role] for role in sorted(slots))]


def _last_day(slot: Assignment) -> datetime | None:
    """A cover ends with the first moment after its last day."""
    return slot.until - timedelta(seconds=1) if slot.until else None


def _in_pond(slot: Assignment) -> Slot:
    return Slot("In this pond", str(slot.pond), slot.since, in_pond=True)


def why(lead: Lead, access: Access, roles: Sequence[str]) -> list[tuple[str, str]]:
    """Each reason of this access as the level it gives and a sentence. `roles` are her own slots on the lead."""
    return [(key.level.name.lower(), _sentence(lead, key, roles)) for key in access.reasons]


def _sentence(lead: Lead, key: Key, roles: Sequence[str]) -> str:
    owner = str(lead.owner)
    return {
        Reason.OWNER: "You own it.",
        Reason.MANAGES_OWNER_UNIT: f"You manage {owner}, which owns it.",
        Reason.ASSIGNED: f"You are assigned to it as {' and '.join(roles) or 'one of its people'}.",
        Reason.OFFERED: "It is offered to you now, or reserved for you in the dialer.",
        Reason.IN_POND: f"It belongs to {owner} and is in a pond of yours.",
        Reason.MEMBER_OF_OWNER_UNIT: f"You are a member of {owner}, which owns it, and see your units’ leads.",
        Reason.SHARED: f"It belongs to {owner} and was shared with you.",
        Reason.ORIGINATED: f"You manage {lead.origin_unit}, which generated it for {owner}.",
        Reason.MANAGES_OWNER: f"You manage {owner}, who owns it.",
        Reason.MANAGES_OWNER_HIDDEN: f"You manage {owner}, who owns it and keeps it hidden.",
    }[key.reason]
