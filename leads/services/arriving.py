"""Leads that come in without a person adding them: new ones, and people who are known already (C6–C8). In sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from crm.core.inserting import insert_all
from crm.core.moments import database_now
from crm.notifications.services import Message, notify
from crm.organization.models import Company, PersonalLeads, Reregistration, Unit, User
from leads import signals
from leads.contact import UnreadableContactError, read_email, read_phone
from leads.merging.keys import Key, counting, hold_newcomers, keys_of, pairs_known_by
from leads.models import Activity, Conflict, ContactPoint, Lead
from leads.search import reindex
from leads.services.assigning import assignees_of, fill_slots
from leads.services.creating import first_stage, insert_leads, ownership_of, source_named
from leads.services.disputing import open_conflicts
from permissions.ledger import Fact, record_all
from permissions.models import LedgerEntry

KIND = ContactPoint.Kind


@dataclass(frozen=True)
class Arrival:
    """One registration. `ref` is the caller's; phones and e-mails are as they were sent, `said` is for the timeline.

    `owner` is whose channel it came by, `routed_by` the unit whose routing it follows, `agent` the person who was named
    for it, by the vendor or by the visitor.
    """

    ref: int
    owner: Unit | User
    why: str
    fields: Mapping[str, Any]
    phones: Sequence[str] = ()
    emails: Sequence[str] = ()
    custom: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    said: str = ""
    hidden: bool = False
    routed_by: Unit | None = None
    agent: User | None = None
    happened_at: datetime | None = None
    makes_lead: bool = True  # else it only tells something of a person who is known


@dataclass(frozen=True)
class Outcome:
    """What became of an arrival: its lead, if any, and whether that is a new one."""

    ref: int
    lead_id: int | None
    is_new: bool = False


@dataclass
class _Known:
    """An arrival with what is read of it: contact points by kind, the keys it is known by, words on what is left.

    `found`: the leads there are, each with those of its keys by which it was found.
    """

    arrival: Arrival
    points: dict[tuple[str, str], str]
    keys: list[Key]
    unread: list[str]
    found: dict[int, list[Key]] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return "\n".join([self.arrival.said, *self.unread]).strip()


Settle = Callable[[Sequence[Outcome]], None]


@transaction.atomic
def take_in(company: Company, arrivals: Iterable[Arrival], settle: Settle | None = None) -> list[Outcome]:
    """Make a lead of each, or an inquiry on the lead that the person has already; hand out what is to be handed out.

    `settle` is told what became of them before they are handed out, since by what they came may decide to whom.
    """
    hold_newcomers(company.pk)
    waiting, done = [_read(company, arrival) for arrival in arrivals], []
    while waiting:
        now, waiting = _first_of_each(waiting)
        done += _take_in(company, now, settle)
    return done


def _read(company: Company, arrival: Arrival) -> _Known:
    points: dict[tuple[str, str], str] = {}
    unread: list[str] = []
    for raw in arrival.emails:
        _read_into(points, unread, KIND.EMAIL, raw, company.phone_region)
    for raw in arrival.phones:
        _read_into(points, unread, KIND.PHONE, raw, company.phone_region)
    name = f"{arrival.fields.get('first_name', '')} {arrival.fields.get('last_name', '')}".strip()
    return _Known(arrival, points, keys_of(counting(company), points, name), unread)


def _read_into(points: dict[tuple[str, str], str], unread: list[str], kind: str, raw: str, region: str) -> None:
    """What cannot be read is kept in words: a mistyped phone must not cost the lead."""
    try:
        value = read_email(raw) if kind == KIND.EMAIL else read_phone(raw, region)
    except UnreadableContactError:
        unread.append(f"{KIND(kind).label} as sent: {raw}")
    else:
        points.setdefault((kind, value), raw[:254])


def _first_of_each(waiting: list[_Known]) -> tuple[list[_Known], list[_Known]]:
    """Those that come first with all of their keys, and the rest, for whom those will be known."""
    seen: set[Key] = set()
    first: list[_Known] = []
    rest: list[_Known] = []
    for one in waiting:
        (rest if seen.intersection(one.keys) else first).append(one)
        seen.update(one.keys)
    return first, rest


def _take_in(company: Company, known: Sequence[_Known], settle: Settle | None) -> list[Outcome]:
    """These at once; no two of them are one person."""
    theirs = _leads_of(company, known)
    again = [(one, theirs[one.arrival.ref]) for one in known if one.arrival.ref in theirs]
    kept = [(one, lead) for one, lead in again if _keeps(company, one.arrival, lead)]
    stays = {one.arrival.ref for one, _ in kept}
    new = [one for one in known if one.arrival.makes_lead and one.arrival.ref not in stays]
    made = _create(company, new)
    if company.reregistration == Reregistration.DISPUTE:
        pairs = [(one, theirs.get(one.arrival.ref), lead) for one, lead in zip(new, made, strict=True)]
        open_conflicts(company.pk, [_conflict(one, known, lead) for one, known, lead in pairs if known])
    _inquire(company, kept)
    found = {one.arrival.ref: Outcome(one.arrival.ref, lead.pk) for one, lead in kept}
    for one, lead in zip(new, made, strict=True):
        found[one.arrival.ref] = Outcome(one.arrival.ref, lead.pk, is_new=True)
    outcomes = [found.get(one.arrival.ref, Outcome(one.arrival.ref, None)) for one in known]
    if settle:
        settle(outcomes)
    _hand_out(company, [*zip(new, made, strict=True)], [pair for pair in kept if _is_unheld(pair[1])])
    return outcomes


# --- who is known already ---------------------------------------------------------------------------------------------


def _leads_of(company: Company, known: Sequence[_Known]) -> dict[int, Lead]:
    """Per arrival the lead of that person, whoever may see it: of its own channel's owner first, of a unit before a
    person's, the latest active first. Leads of people who left are nobody's that one could know.
    """
    refs: defaultdict[Key, list[_Known]] = defaultdict(list)
    for one in known:
        for key in one.keys:
            refs[key].append(one)
    pairs = pairs_known_by(company.pk, list(refs))
    gone = Q(owner_user__isnull=False) & ~Q(owner_user__is_active=True)
    ids = sorted({lead_id for _, lead_id in pairs})
    held = Lead.objects.filter(pk__any_of=ids).exclude(gone).in_id_order().select_related("owner_unit", "owner_user")
    leads = {lead.pk: lead for lead in held}
    found: defaultdict[int, list[Lead]] = defaultdict(list)
    for key, lead_id in pairs:
        for one in refs[key] if lead_id in leads else ():
            found[one.arrival.ref].append(leads[lead_id])
            one.found.setdefault(lead_id, []).append(key)
    arrivals = {one.arrival.ref: one.arrival for one in known}
    return {ref: max(there, key=lambda lead: _nearness(arrivals[ref], lead)) for ref, there in found.items()}


def _nearness(arrival: Arrival, lead: Lead) -> tuple[bool, bool, datetime, int]:
    return lead.owner == arrival.owner, not lead.is_personal, lead.last_activity_at, lead.pk


def _keeps(company: Company, arrival: Arrival, lead: Lead) -> bool:
    """Whether it is an inquiry on the lead there is (C8)."""
    if not lead.is_personal or lead.owner == arrival.owner:
        return True
    return company.reregistration == Reregistration.KEEP


def _conflict(one: _Known, known: Lead, arrived: Lead) -> Conflict:
    return Conflict(
        company_id=known.company_id,
        known=known,
        known_by=known.owner_user,
        arrived=arrived,
        came_by=one.arrival.why[:80],
        alike_by=sorted({key.code for key in one.found[known.pk]}),
    )


def _is_unheld(lead: Lead) -> bool:
    """A unit's lead that nobody works who is still here."""
    if lead.is_personal:
        return False
    return lead.agent_id is None or not User.objects.filter(pk=lead.agent_id, is_active=True).exists()


# --- new leads --------------------------------------------------------------------------------------------------------


def _create(company: Company, new: Sequence[_Known]) -> list[Lead]:
    if not new:
        return []
    sources = {name: source_named(company.pk, name) for name in {one.arrival.source for one in new}}
    stage = first_stage(company.pk)
    leads = insert_leads(
        {
            "company": company,
            "source": sources[one.arrival.source],
            "stage": stage,
            "custom": dict(one.arrival.custom),
            **_ownership(company, one.arrival),
            **one.arrival.fields,
        }
        for one in new
    )
    pairs = list(zip(new, leads, strict=True))
    _add_points(pairs)
    record_all(fact for one, lead in pairs for fact in _facts(one.arrival, lead))
    _add_inquiries(pairs)
    reindex([lead.pk for lead in leads])
    return leads


def _ownership(company: Company, arrival: Arrival) -> dict[str, Any]:
    """The owner its channel says, with that channel's origin; the company where it owns all new leads (O5)."""
    owned = ownership_of(arrival.owner, company, hidden=arrival.hidden)
    if company.personal_leads != PersonalLeads.COMPANY_ONLY:
        return owned
    whole = Unit.objects.get(company=company, kind=Unit.Kind.COMPANY)
    origin = {name: owned.get(name) for name in ("origin", "origin_unit")}
    return {**ownership_of(whole, company), **origin}


def _facts(arrival: Arrival, lead: Lead) -> list[Fact]:
    created = Fact(
        company_id=lead.company_id,
        kind=LedgerEntry.Kind.CREATED,
        lead_id=lead.pk,
        to_unit_id=lead.owner_unit_id,
        to_user_id=lead.owner_user_id,
        why=arrival.why[:80],
    )
    hidden = replace(created, kind=LedgerEntry.Kind.HIDDEN, to_user_id=None)
    return [created, hidden] if lead.hidden else [created]


def _add_points(pairs: Iterable[tuple[_Known, Lead]]) -> None:
    """What is there already stays as it is; e-mails come before phones."""
    ContactPoint.objects.bulk_create(
        [
            ContactPoint(company_id=lead.company_id, lead=lead, kind=kind, value=value, raw=raw, position=position)
            for one, lead in pairs
            for position, ((kind, value), raw) in enumerate(one.points.items())
        ],
        ignore_conflicts=True,
    )


def _add_inquiries(pairs: Iterable[tuple[_Known, Lead]]) -> None:
    """What was asked, on the timeline, when it was asked; a sender's clock may be ahead."""
    now = database_now()
    insert_all(
        [
            Activity(
                company_id=lead.company_id,
                lead=lead,
                kind=Activity.Kind.INQUIRY,
                direction=Activity.Direction.IN,
                at=min(one.arrival.happened_at or now, now),
                body=one.words or one.arrival.why,
                automatic=True,
            )
            for one, lead in pairs
        ],
        {"company", "lead", "kind", "direction", "at", "body", "automatic", "outcome", "bulk"},
    )


# --- people who are known ---------------------------------------------------------------------------------------------


def _inquire(company: Company, kept: Sequence[tuple[_Known, Lead]]) -> None:
    """They asked again: on the timeline, with what is new to reach them by; who holds them is told, and no one else."""
    if not kept:
        return
    _add_inquiries(kept)
    _add_points(kept)
    ids = [lead.pk for _, lead in kept]
    Lead.objects.filter(pk__in=ids).update(last_activity_at=Now())
    reindex(ids)
    notify(
        company.pk,
        [
            Message(holder, "inquiry", "{lead} got in touch again", body=one.arrival.why, lead_id=lead.pk)
            for one, lead in kept
            if (holder := lead.agent_id or lead.owner_user_id) and not _is_unheld(lead)
        ],
    )


# --- who works them ---------------------------------------------------------------------------------------------------


def _hand_out(company: Company, new: Sequence[tuple[_Known, Lead]], again: Sequence[tuple[_Known, Lead]]) -> None:
    """The agent who was named, else the routing of the channel's unit (C7). A personal lead stays with its owner."""
    named: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    routed: defaultdict[int, list[int]] = defaultdict(list)
    messages: list[Message] = []
    for one, lead in [*new, *again]:
        agent = _agent_for(company, one.arrival, lead)
        if agent is not None:
            named[one.arrival.why[:80]].append((lead.pk, agent.pk))
            messages.append(Message(agent.pk, "assigned", "Assigned to you: {lead}", one.arrival.why, lead_id=lead.pk))
        elif lead.is_personal:
            words = f"New lead of yours, by {one.arrival.why}"
            messages.append(Message(lead.owner_user_id or 0, "assigned", "{lead} got in touch", words, lead_id=lead.pk))
        else:
            routed[(one.arrival.routed_by or lead.owner_unit or one.arrival.owner).pk].append(lead.pk)
    for why, pairs in named.items():
        fill_slots(sorted(pairs), actor_id=None, why=why)
    for unit_id, ids in routed.items():
        signals.ready_for_routing.send(sender=Lead, company_id=company.pk, unit_id=unit_id, lead_ids=sorted(ids))
    notify(company.pk, messages)


def _agent_for(company: Company, arrival: Arrival, lead: Lead) -> User | None:
    """Who was named, if she may work it (M1); where the company owns all leads, whose channel it came by (O5)."""
    hers = arrival.owner if isinstance(arrival.owner, User) and not lead.is_personal else None
    for agent in (arrival.agent, hers):
        if agent is None or lead.owner_unit is None or agent.company_id != company.pk:
            continue
        if assignees_of(lead.owner_unit).filter(pk=agent.pk).exists():
            return agent
    return None
