"""Conflicts about a person (C8): opened as the person comes in, and decided by a company manager, within what P3 lets her
do with the leads. Where she may not move one, she can ask its owner to. Without ground they close by themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from crm.notifications.services import Message, bump, notify
from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import MANAGES
from leads.models import Conflict, Lead, OwnershipRequest
from leads.models.conflict import Verdict
from leads.models.request import Kind
from leads.querysets import ConflictQuerySet, RequestQuerySet, manages_all
from leads.services.asking import ask, withdraw
from leads.services.transferring import Cause, change_owner, refuse_target
from permissions.access import Keyring, Level
from permissions.door import access_to, may
from permissions.keyring import load_keyring
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.verbs import Verb

WHY = "conflict"
GONE = "One of the two leads is not there any more."
MOST_TOLD = 10
ASK = "ask-"  # before the verdict that its owner is asked for


class DecidedError(Exception):
    """The conflict is not open any more."""


@dataclass(frozen=True)
class Option:
    """One way to decide: its code (a verdict, or ASK and one), what it is called, and what it means or why it is closed."""

    code: str
    label: str
    means: str
    is_open: bool = True


# --- opening ----------------------------------------------------------------------------------------------------------


def open_conflicts(company_id: int, conflicts: Sequence[Conflict]) -> None:
    """Open these, of leads that the caller holds, once for each pair; the company's managers are told of all at once."""
    if not conflicts:
        return
    Conflict.objects.bulk_create(conflicts, ignore_conflicts=True)
    managers = managers_told(company_id)
    title = "A conflict waits for your decision" if len(conflicts) == 1 else f"{len(conflicts)} conflicts wait for you"
    body = "Somebody came in by a channel who is a colleague’s personal lead already."
    notify(company_id, [Message(pk, WHY, title, body, reverse("conflicts")) for pk in managers])
    bump(managers, "requests")


def managers_told(company_id: int) -> list[int]:
    return _managers(Unit.objects.filter(company=company_id, kind=Unit.Kind.COMPANY))


def _managers(units: Any) -> list[int]:
    managing = Membership.objects.current().filter(unit__in=units, role__in=MANAGES)
    active = User.objects.active().filter(pk__in=managing.values("user"))
    return list(active.order_by("name", "pk").values_list("pk", flat=True)[:MOST_TOLD])


# --- deciding ---------------------------------------------------------------------------------------------------------


def conflicts_for(keyring: Keyring) -> int | None:
    """How many wait for her decision; none where she does not decide any."""
    return Conflict.objects.for_decision_by(keyring).open().count() if manages_all(keyring) else None


def options(actor: User, conflict: Conflict) -> list[Option]:
    """What she may decide now, and what not and why."""
    keyring, known, arrived = load_keyring(actor), conflict.known.owner, conflict.arrived.owner
    means = f"{known} keeps the lead there was, {arrived} the one that came in."
    both = Option(Verdict.BOTH, Verdict.BOTH.label, means)
    return [
        both,
        *(_option(keyring, *_ends(conflict, verdict), verdict) for verdict in (Verdict.KNOWN, Verdict.ARRIVED)),
    ]


def _ends(conflict: Conflict, verdict: str) -> tuple[Lead, Unit | User]:
    """The lead that goes, and to whom."""
    leads = (conflict.arrived, conflict.known) if verdict == Verdict.KNOWN else (conflict.known, conflict.arrived)
    return leads[0], leads[1].owner


def _option(keyring: Keyring, going: Lead, to: Unit | User, verdict: Verdict) -> Option:
    label, owner = f"It is {to}’s", going.owner
    if may(keyring, going, Verb.TRANSFER):
        back = f" Only {to} can give it back." if isinstance(to, User) else ""
        refusal = _refusal(to)
        return Option(verdict, label, refusal or f"{owner} gives up its lead, and {to} has both.{back}", not refusal)
    if not going.is_personal:
        return Option(verdict, label, "Your profile does not include transferring leads.", is_open=False)
    if access_to(keyring, going).level < Level.VIEW:
        means = f"Only {owner} may give it away, and whoever cannot see it cannot ask for it."
        return Option(verdict, label, means, is_open=False)
    means = f"Only {owner} may give it away. The conflict stays open until that is done, or until you decide otherwise."
    return Option(f"{ASK}{verdict}", f"Ask {owner} to release it", means)


def _refusal(to: Unit | User) -> str:
    """Why nothing can go to this owner now; empty where it can."""
    try:
        refuse_target(to.company, to)
    except ValidationError as refusal:
        return " ".join(refusal.messages)
    return ""


@transaction.atomic
def decide(*, actor: User, conflict: Conflict, code: str, note: str = "") -> Conflict:
    """Decide it as an open `Option.code` says: the conflict as it is then, open still where the owner was only asked.

    Raises DecidedError, PermissionDenied, ValidationError.
    """
    held = _hold(actor, conflict)
    if code not in [one.code for one in options(actor, held) if one.is_open]:
        raise ValidationError("This cannot be decided so any more.")
    if code.startswith(ASK):
        asked, _ = _ends(held, code.removeprefix(ASK))
        ask(asker=actor, lead=asked, kind=Kind.RELEASE, note=note)
        return held
    sides = {lead: _people_of(lead) for lead in (held.known, held.arrived)}
    _close(Conflict.objects.filter(pk=held.pk), Verdict(code), note.strip(), by=actor)
    for request in requests_over(held, [held.known_id, held.arrived_id]).open().filter(asked_by=actor):
        withdraw(asker=actor, request=request)
    record(*(_fact(held, lead, code, actor) for lead in sides))
    going = None if code == Verdict.BOTH else _move(actor, held, code)
    if going and going.is_personal:
        del sides[going]  # who lost it was told already, if she wants to be (M8)
    others = [(lead, person) for lead, people in sides.items() for person in sorted(people - {actor.pk})]
    notify(held.company_id, [_message(lead, going, person, actor) for lead, person in others])
    held.verdict = code
    return held


def requests_over(conflict: Conflict, lead_ids: Collection[int]) -> RequestQuerySet:
    """To release one of these leads, asked since it is open; the newest first."""
    asked = OwnershipRequest.objects.filter(lead__in=lead_ids, kind=Kind.RELEASE, asked_at__gte=conflict.opened_at)
    return asked.select_related("asked_by", "lead__owner_user").order_by("-pk")


def _hold(actor: User, conflict: Conflict) -> Conflict:
    """The conflict as it is now, both of its leads locked, if it is open and hers to decide."""
    list(Lead.objects.filter(pk__in=[conflict.known_id, conflict.arrived_id]).in_id_order())
    hers = Conflict.objects.for_decision_by(load_keyring(actor)).with_leads()
    held = hers.select_for_update(of=("self",), no_key=True).filter(pk=conflict.pk).first()
    if held is None:
        raise PermissionDenied("Conflicts are for managers of the company to decide.")
    if held.verdict != Verdict.OPEN:
        raise DecidedError(f"{held.get_verdict_display()}: somebody was faster.")
    return held


def _move(actor: User, conflict: Conflict, code: str) -> Lead:
    going, to = _ends(conflict, code)
    change_owner([going.pk], to, Cause(actor, WHY, told=to.pk if isinstance(to, User) else None))
    return going


def _people_of(lead: Lead) -> set[int]:
    """Who is told for a side: its owner or holder; where nobody holds it, the managers of its unit."""
    if holder := lead.owner_user_id or lead.agent_id:
        return {holder}
    return set(_managers([lead.owner_unit_id]))


def _message(lead: Lead, going: Lead | None, person: int, actor: User) -> Message:
    """Of her own lead; of the other one not even a name."""
    if going is None:
        title, body = "{lead} stays where it is", f"{actor} decided a conflict over this person: both keep theirs."
    elif lead == going:
        title, body = "{own lead} went to somebody else", f"{actor} decided a conflict over this person."
    else:
        title, body = (
            "{lead}: a conflict is decided",
            f"{actor} decided: the other lead of this person is {lead.owner}’s too.",
        )
    return Message(person, WHY, title, body, lead_id=lead.pk)


def _fact(conflict: Conflict, lead: Lead, code: str, actor: User) -> Fact:
    """Each side's fact says nothing of the other side."""
    return Fact(
        company_id=conflict.company_id,
        kind=LedgerEntry.Kind.DECIDED,
        lead_id=lead.pk,
        actor_id=actor.pk,
        why=WHY,
        detail={"conflict": conflict.pk, "verdict": code},
    )


# --- what closes by itself --------------------------------------------------------------------------------------------


def close_moved(lead_ids: Collection[int]) -> None:
    """These leads have other owners: whose personal lead it was has let go of it, or has both."""
    ids = {*lead_ids}
    same = Q(known__owner_user=F("arrived__owner_user")) | Q(known__owner_unit=F("arrived__owner_unit"))
    _close(_about(ids).filter(same), Verdict.CLOSED, "Both leads have one owner since.")
    _close(_open().filter(known__pk__any_of=ids), Verdict.CLOSED, "The lead there was has another owner since.")


def close_removed(lead_ids: Collection[int]) -> None:
    _close(_about({*lead_ids}), Verdict.CLOSED, GONE)


def reopen_removed(company_id: int, lead_ids: Collection[int]) -> None:
    """These leads are back."""
    about = Q(known__pk__any_of={*lead_ids}) | Q(arrived__pk__any_of={*lead_ids})
    _open_again(Conflict.objects.filter(about, company=company_id, note=GONE), company_id)


def close_departed(user: User) -> list[int]:
    """Of a person who leaves: which they were."""
    hers = _open().filter(Q(known__owner_user=user) | Q(arrived__owner_user=user), company=user.company_id)
    leads = {pk for pair in hers.order_by("pk").values_list("known", "arrived") for pk in pair}
    list(Lead.objects.filter(pk__in=leads).in_id_order())
    return _close(hers, Verdict.CLOSED, f"{user} left the company.")


def reopen(user: User, ids: Collection[int]) -> None:
    """She is back: those that still stand between two owners."""
    hers = Q(known__owner_user=user) | Q(arrived__owner_user=user)
    _open_again(Conflict.objects.filter(hers, pk__in=ids, company=user.company_id), user.company_id)


def _open_again(conflicts: ConflictQuerySet, company_id: int) -> None:
    closed = conflicts.filter(verdict=Verdict.CLOSED, known__removed_at=None, arrived__removed_at=None)
    if closed.update(verdict=Verdict.OPEN, decided_at=None, note=""):
        bump(managers_told(company_id), "requests")


def _open() -> ConflictQuerySet:
    return Conflict.objects.open()


def _about(lead_ids: set[int]) -> ConflictQuerySet:
    return _open().filter(Q(known__pk__any_of=lead_ids) | Q(arrived__pk__any_of=lead_ids))


def _close(conflicts: ConflictQuerySet, verdict: Verdict, note: str, *, by: User | None = None) -> list[int]:
    """Those of them that were open: which they were."""
    found = dict(conflicts.open().order_by("pk").values_list("pk", "company"))
    if found:
        closing = Conflict.objects.filter(pk__in=found).open()
        closing.update(verdict=verdict, note=note, decided_by=by, decided_at=Now())
        bump({pk for company_id in set(found.values()) for pk in managers_told(company_id)}, "requests")
    return list(found)
