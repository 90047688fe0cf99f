"""Conflicts as their inbox and their page show them (C8): to whoever may read both leads with names and words, to others
as facts alone: whose, since when, how much was done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q
from django.urls import reverse

from leads.contact import show_phone
from leads.merging.doing import absorbed_by
from leads.merging.keys import kind_of
from leads.models import Activity, Conflict, ContactPoint, Lead, OwnershipRequest
from leads.models.conflict import Verdict
from leads.reading import COMMUNICATIONS, OwnerLabel, origin_words, owner_label
from leads.services.disputing import requests_over
from leads.services.working import CONTACTS
from leads.timeline import names_in
from permissions.access import Keyring, Level
from permissions.door import access_to
from permissions.models import LedgerEntry
from permissions.policy.wording import DUPLICATE_KEYS

PHONE = ContactPoint.Kind.PHONE
TONES = {Verdict.OPEN: "warn", Verdict.BOTH: "good", Verdict.KNOWN: "good", Verdict.ARRIVED: "good"}


@dataclass(frozen=True, slots=True)
class Row:
    """A conflict in the inbox; `name` is empty where she may not read both leads."""

    conflict: Conflict
    name: str
    tone: str


@dataclass(frozen=True, slots=True)
class Done:
    """What was done with a lead, up to a moment."""

    count: int
    words: str
    first: datetime | None
    last: datetime | None
    contact: datetime | None


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two leads. `owner`, `since` and `how` are as the conflict found them; `url` only where she may read it."""

    owner: OwnerLabel
    since: datetime
    how: str
    origin: str
    agent: str
    url: str
    done: Done


@dataclass(frozen=True, slots=True)
class Evidence:
    """`alike` says by what they are one person, `said` what that asked; `request` is the last one for one of them.

    `names` and what was said are empty where she may not read both.
    """

    known: Side
    arrived: Side
    alike: list[str]
    names: list[str]
    said: str
    request: OwnershipRequest | None


def rows_of(conflicts: Iterable[Conflict], keyring: Keyring) -> list[Row]:
    """Conflicts (read `with_leads`) as rows, in their order."""
    return [
        Row(
            conflict=one,
            name=one.known.name if _is_named(one, keyring) else "",
            tone=TONES.get(Verdict(one.verdict), "neutral"),
        )
        for one in conflicts
    ]


def evidence_of(conflict: Conflict, keyring: Keyring, region: str) -> Evidence:
    """For a reader in this region of phone numbers."""
    named = _is_named(conflict, keyring)
    return Evidence(
        known=_side(conflict, conflict.known, keyring, until=conflict.opened_at),
        arrived=_side(conflict, conflict.arrived, keyring),
        alike=_alike(conflict, region) if named else [DUPLICATE_KEYS[key] for key in conflict.alike_by],
        names=[conflict.known.name, conflict.arrived.name] if named else [],
        said=_said(conflict) if named else "",
        request=_request(conflict, keyring),
    )


def _reads(keyring: Keyring, lead: Lead) -> bool:
    return access_to(keyring, lead).level >= Level.VIEW


def _is_named(conflict: Conflict, keyring: Keyring) -> bool:
    """Whether she may read both: the name of the one would tell the name of the other."""
    return _reads(keyring, conflict.known) and _reads(keyring, conflict.arrived)


def _side(conflict: Conflict, lead: Lead, keyring: Keyring, until: datetime | None = None) -> Side:
    owner, since, how = _ownership(lead, conflict.opened_at)
    origin = lead.origin_unit
    return Side(
        owner=owner,
        since=since,
        how=how,
        origin=origin_words(origin.name, origin.kind) if origin else origin_words(None, None),
        agent=str(lead.agent) if lead.agent and not lead.is_personal else "",
        url=reverse("lead", args=[lead.public_id]) if _is_named(conflict, keyring) else "",
        done=_done(lead, until),
    )


def _ownership(lead: Lead, then: datetime) -> tuple[OwnerLabel, datetime, str]:
    """Whose it was then, since when, and by what; without the names of channels and files."""
    kinds = (LedgerEntry.Kind.CREATED, LedgerEntry.Kind.OWNER_CHANGED)
    facts = LedgerEntry.objects.filter(lead_id=lead.pk, company=lead.company_id, kind__in=kinds, at__lte=then)
    fact = facts.defer("content_hash").order_by("-at", "-pk").first()
    if fact is None:
        return owner_label(lead), lead.created_at, "Added"
    names = names_in([fact])
    owner = OwnerLabel(names.of(fact.to_unit_id, fact.to_user_id), "person" if fact.to_user_id else "team")
    by = f" by {names.of(None, fact.actor_id)}" if fact.actor_id else ""
    if fact.kind == LedgerEntry.Kind.OWNER_CHANGED:
        return owner, fact.at, f"Came from {names.of(fact.from_unit_id, fact.from_user_id)}{by}"
    if fact.actor_id is None:
        return owner, fact.at, "Came in by a channel"
    return owner, fact.at, f"{'Imported' if fact.why == 'import' else 'Added'}{by}"


def _done(lead: Lead, until: datetime | None) -> Done:
    """With what was done with leads that went into it."""
    rows = Activity.objects.filter(lead__in=[lead.pk, *absorbed_by(lead.pk)])
    if until is not None:
        rows = rows.filter(at__lte=until)
    kinds = {kind: Count("pk", filter=Q(kind=kind)) for kind in COMMUNICATIONS}
    touched = Max("at", filter=Q(kind__in=CONTACTS))
    found: Mapping[str, Any] = rows.aggregate(
        count=Count("pk"), first=Min("at"), last=Max("at"), contact=touched, **kinds
    )
    counted = [f"{found[kind]} {one if found[kind] == 1 else many}" for kind, (one, many) in COMMUNICATIONS.items()]
    words = ", ".join(text for text in counted if not text.startswith("0 "))
    return Done(found["count"], words, found["first"], found["last"], found["contact"])


def _alike(conflict: Conflict, region: str) -> list[str]:
    """By what they are one person, with what of that they still have in common."""
    theirs = ContactPoint.objects.filter(lead=conflict.arrived)
    both = ContactPoint.objects.filter(lead=conflict.known, value__in=theirs.values("value")).order_by("pk")
    points = [(point.kind, show_phone(point.value, region) if point.kind == PHONE else point.value) for point in both]
    return [_with_points(key, [text for kind, text in points if kind == kind_of(key)]) for key in conflict.alike_by]


def _with_points(key: str, points: Sequence[str]) -> str:
    return f"{DUPLICATE_KEYS[key]}: {', '.join(points)}" if points else DUPLICATE_KEYS[key]


def _said(conflict: Conflict) -> str:
    asked = Activity.objects.filter(lead=conflict.arrived, kind=Activity.Kind.INQUIRY).order_by("pk").first()
    return asked.body if asked else ""


def _request(conflict: Conflict, keyring: Keyring) -> OwnershipRequest | None:
    """As far as she may read the lead that it is for."""
    read = [lead.pk for lead in (conflict.known, conflict.arrived) if _reads(keyring, lead)]
    return requests_over(conflict, read).first()
