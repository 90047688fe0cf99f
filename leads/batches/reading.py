"""A batch as a page shows it: counts, each lead's outcome as far as the viewer may see the lead now, the skipped as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from django.conf import settings
from django.db.models import Count, QuerySet
from django.urls import reverse

from crm.core.pagination import Page, keyset_along
from crm.organization.models import User
from leads.batches.drafting import changing
from leads.batches.judging import words_for
from leads.batches.standing import standing
from leads.batches.undoing import too_late
from leads.batches.verb import Act, verb_of
from leads.models import Batch, BatchItem, Lead
from leads.querysets import LeadQuerySet
from leads.reading import ROW_COLUMNS
from leads.spreadsheet import csv_lines
from permissions.access import Keyring, Level
from permissions.door import access_to, seen_by
from permissions.keyring import load_keyring

Outcome = BatchItem.Outcome
EXAMPLES = 10
CSV_STEP = 1000
NEVER_FOUND = "Not to be found"
UNSEEN = "A lead you cannot see now"
TONES = {Outcome.WAITING: "neutral", Outcome.CHANGED: "good", Outcome.SKIPPED: "warn"}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many leads of a batch have this outcome; `key` is the outcome, or the reason why they are skipped."""

    key: str
    words: str
    tone: str
    count: int


@dataclass(frozen=True, slots=True)
class Line:
    """One lead of a batch. Without a `url` the viewer may not open it; its name is no more than she may know. At `ask` she
    asks for the one back that she gave away and sees no more.
    """

    name: str
    url: str
    tone: str
    outcome: str
    ask: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    name: str
    url: str
    before: str
    after: str


def items_seen(batch: Batch, viewer: User, keyring: Keyring) -> QuerySet[BatchItem]:
    """All items of one's own batch; of somebody else's, those whose leads one may see now."""
    items = batch.items.all()
    return items if batch.actor_id == viewer.pk else items.filter(seen_by(keyring, prefix="lead__"))


def tallies(batch: Batch, items: QuerySet[BatchItem]) -> list[Tally]:
    """The leads by outcome and reason, the changed first, then the reason with the most."""
    words = words_for(verb_of(batch))
    counted = items.order_by().values_list("outcome", "reason").annotate(count=Count("*"))
    rows = sorted(counted, key=lambda row: (row[0] != Outcome.CHANGED, row[0] != Outcome.WAITING, -row[2]))
    return [
        Tally(reason or outcome or "waiting", _say(words, batch, outcome, reason), TONES[Outcome(outcome)], count)
        for outcome, reason, count in rows
    ]


def _say(words: Mapping[str, str], batch: Batch, outcome: str, reason: str) -> str:
    if outcome == Outcome.CHANGED:
        return "Undone" if batch.takes_back else verb_of(batch).done
    if outcome == Outcome.SKIPPED:
        return words.get(reason, "Skipped")
    return "Not done" if batch.has_ended else "Waiting"


def undoings_of(batch: Batch) -> list[tuple[Batch, int]]:
    """Its undoings that are under way, or stand: each with the number of leads that are undone by it."""
    begun = batch.undoings.exclude(state=Batch.State.DRAFT).select_related("actor").order_by("pk")
    counted = [(undoing, standing(undoing).count()) for undoing in begun]
    return [(undoing, count) for undoing, count in counted if count or undoing.is_under_way or verb_of(batch).whole]


def shown(items: QuerySet[BatchItem], key: str) -> QuerySet[BatchItem]:
    """The items of one tally; all for an empty key."""
    if key == Outcome.CHANGED:
        return items.filter(outcome=Outcome.CHANGED)
    if key == "waiting":
        return items.filter(outcome=Outcome.WAITING)
    return items.filter(outcome=Outcome.SKIPPED, reason=key) if key else items


def page_of(items: QuerySet[BatchItem], cursor: str) -> Page[BatchItem]:
    return keyset_along(items, along=["number"], cursor=cursor)


def lines_of(batch: Batch, items: Sequence[BatchItem], keyring: Keyring) -> list[Line]:
    """The items as lines, in their order, in one query, and one more for what she may ask for."""
    words = words_for(verb_of(batch))
    seen = Lead.objects.filter(seen_by(keyring, removed=True), pk__in=[item.lead_id for item in items])
    leads = {lead.pk: lead for lead in seen.only(*ROW_COLUMNS).order_by("pk")}
    names = {item.lead_id: named(leads.get(item.lead_id), keyring) for item in items}
    asks = _asking_for(batch, [item for item in items if not names[item.lead_id][1]], keyring)
    return [
        Line(
            *names[item.lead_id],
            tone=TONES[Outcome(item.outcome)],
            outcome=_say(words, batch, item.outcome, item.reason),
            ask=asks.get(item.lead_id, ""),
        )
        for item in items
    ]


def _asking_for(batch: Batch, unseen: Sequence[BatchItem], keyring: Keyring) -> Mapping[int, str]:
    """Where she asks for those of these leads that she gave away by her own hand, and cannot take back herself: an undo
    leaves them alone, or comes too late.
    """
    if batch.actor_id != keyring.user_id or keyring.within is not None or not (batch.undoes_id or too_late(batch)):
        return {}
    lost = Outcome.SKIPPED if batch.undoes_id else Outcome.CHANGED
    leads = Lead.objects.handed_over_by(batch.actor).filter(pk__in=[it.lead_id for it in unseen if it.outcome == lost])
    found = leads.order_by("pk").values_list("pk", "public_id")
    return {pk: reverse("lead-request", args=[public_id]) for pk, public_id in found}


def named(lead: Lead | None, keyring: Keyring) -> tuple[str, str]:
    """Its name and address, as far as the keyring opens it."""
    if lead is None:
        return UNSEEN, ""
    if access_to(keyring, lead).level < Level.VIEW:
        return lead.first_name or "Unnamed", ""
    return lead.name, reverse("lead", args=[lead.public_id])


def examples_of(act: Act) -> list[Example]:
    """The first few leads that will change, those she may read."""
    verb = verb_of(act.batch)
    leads = changing(act.batch).visible_to(act.keyring, Level.VIEW).order_by("pk")
    first = leads.filter(pk__in=list(leads.values_list("pk", flat=True)[:EXAMPLES]))
    steps = _steps_back(act, first, act.batch.undoes) if act.batch.undoes else verb.steps(act, first)
    return [Example(lead.name, reverse("lead", args=[lead.public_id]), was, becomes) for lead, was, becomes in steps]


def left_alone(act: Act) -> list[Line]:
    """The first few leads that are skipped."""
    skipped = act.batch.items.filter(outcome=Outcome.SKIPPED)
    return lines_of(act.batch, list(skipped.order_by("number")[:EXAMPLES]), act.keyring)


def _steps_back(act: Act, leads: LeadQuerySet, undone: Batch) -> list[tuple[Lead, str, str]]:
    found = list(leads)
    items = {item.lead_id: item for item in standing(undone).filter(lead__in=found)}
    images = [items[lead.pk] for lead in found]
    verb = verb_of(undone)
    now, then = verb.told(act, [one.after for one in images]), verb.told(act, [one.before for one in images])
    return list(zip(found, now, then, strict=True))


def never_found(batch: Batch, viewer: User) -> int:
    """How many of those she picked are no leads that she may read: of them there is nothing but this number."""
    return int((batch.preview or {}).get("unknown", 0)) if batch.actor_id == viewer.pk else 0


def skipped_as_csv(batch: Batch, viewer: User) -> Iterator[str]:
    """The skipped leads with their reasons, line by line. Each stretch asks anew what the viewer may see."""
    return csv_lines(("Name", "Reason", "Address"), chain(_skipped(batch, viewer), _left_out(batch, viewer)))


def _left_out(batch: Batch, viewer: User) -> Iterator[Sequence[str]]:
    if count := never_found(batch, viewer):
        yield f"{count:,} of those picked", NEVER_FOUND, ""


def _skipped(batch: Batch, viewer: User) -> Iterator[Sequence[str]]:
    reached = 0
    while True:
        keyring = load_keyring(User.objects.select_related("company", "holding__profile").get(pk=viewer.pk))
        items = items_seen(batch, viewer, keyring).filter(outcome=Outcome.SKIPPED, number__gt=reached)
        step = list(items.order_by("number")[:CSV_STEP])
        for line in lines_of(batch, step, keyring):
            yield line.name, line.outcome, f"{settings.PUBLIC_URL}{line.url}" if line.url else ""
        if len(step) < CSV_STEP:
            return
        reached = step[-1].number
