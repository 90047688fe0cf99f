"""Asking for another owner (P4): what one may ask for, asking, taking it back, and requests whose ground is gone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from crm.notifications.services import Message, bump, notify
from crm.organization.models import PersonalLeads, Unit, User
from leads.models import Lead, OwnershipRequest
from leads.models.request import Kind, State
from leads.services.deciding import deciders, may_decide, watchers
from permissions.access import Keyring, Level
from permissions.door import access_to, may
from permissions.keyring import load_keyring
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.verbs import Verb

TOLD = {
    Kind.RELEASE: "{} asks you to release {{lead}}",
    Kind.TRANSFER: "{} asks you for {{lead}}",
    Kind.GIVE_BACK: "{} asks you to give {{lead}} back",
}


@dataclass(frozen=True)
class Askable:
    """Something she may ask for. `to` is who owns the lead then; of a release that stays open."""

    kind: Kind
    words: str
    to: Unit | User | None = None


def askable(asker: User, keyring: Keyring, lead: Lead) -> list[Askable]:
    """What she may ask for now: what stands to reason, and what she cannot do herself. The lead is read `for_rows`."""
    if may(keyring, lead, Verb.TRANSFER):
        return []
    found = [GROUNDS[kind](asker, lead) for kind in _open_to(asker, keyring, lead)]
    return [one for one in found if isinstance(one, Askable) and not may_decide(keyring, lead, one.kind)]


def ground(asker: User, lead: Lead, kind: str) -> Askable | str:
    """What the request asks for; or, in a sentence, why it does not stand to reason any more."""
    if not asker.is_active:
        return f"{asker} is not active any more."
    if kind not in _open_to(asker, load_keyring(asker), lead):
        return f"{asker} cannot see this lead any more."
    return GROUNDS[Kind(kind)](asker, lead)


def _open_to(asker: User, keyring: Keyring, lead: Lead) -> Collection[Kind]:
    """All of what she reads; of what she sees no more, to give back what she gave away herself."""
    if access_to(keyring, lead).level >= Level.VIEW:
        return GROUNDS
    return [Kind.GIVE_BACK] if Lead.objects.handed_over_by(asker).filter(pk=lead.pk).exists() else []


def _release(asker: User, lead: Lead) -> Askable | str:
    if lead.is_personal:
        return Askable(
            Kind.RELEASE, f"Release it to the pool: {lead.owner} gives it to a team, an office or the company"
        )
    if lead.agent is None:
        return "Nobody has it any more: it is free already."
    if lead.agent == asker:
        return f"{asker} has it now, and can let go of it alone."
    return Askable(Kind.RELEASE, f"Release it to the pool: {lead.agent} no longer works it")


def _transfer(asker: User, lead: Lead) -> Askable | str:
    if lead.owner == asker:
        return f"{asker} owns it now."
    if asker.company.personal_leads == PersonalLeads.COMPANY_ONLY:
        return "The company owns all leads: nobody else can become the owner."
    return Askable(Kind.TRANSFER, "Transfer it to me: I become its owner", asker)


def _give_back(asker: User, lead: Lead) -> Askable | str:
    """To whom the last change of owner took it from, if that was she or a unit of hers."""
    changes = LedgerEntry.objects.filter(company=lead.company_id, lead_id=lead.pk, kind=LedgerEntry.Kind.OWNER_CHANGED)
    last = changes.order_by("-pk").values_list("from_unit_id", "from_user_id").first()
    unit_id, user_id = last or (None, None)
    if user_id == asker.pk:
        to: Unit | User | None = asker
    else:
        hers = Q(pk__in=Unit.objects.joined_by(asker).values("pk")) | Q(
            pk__in=Unit.objects.managed_by(asker).values("pk")
        )
        to = Unit.objects.of(asker).open().filter(hers, pk=unit_id).first() if unit_id else None
    if to is None or to == lead.owner:
        return f"It was not {asker}’s, nor a unit’s of hers, before it came to {lead.owner}."
    whole = isinstance(to, Unit) and to.kind == Unit.Kind.COMPANY
    if asker.company.personal_leads == PersonalLeads.COMPANY_ONLY and not whole:
        return "The company owns all leads: nobody else can become the owner."
    return Askable(Kind.GIVE_BACK, f"Give it back to {'me' if to == asker else to}: it was moved by mistake", to)


GROUNDS = {Kind.RELEASE: _release, Kind.TRANSFER: _transfer, Kind.GIVE_BACK: _give_back}


@transaction.atomic
def ask(*, asker: User, lead: Lead, kind: str, note: str = "") -> OwnershipRequest:
    """Put the request to whoever decides. Raises ValidationError where it cannot be asked now, or was asked already."""
    Lead.objects.filter(pk=lead.pk).in_id_order().first()
    lead = Lead.objects.for_rows().get(pk=lead.pk)
    if kind not in [one.kind for one in askable(asker, load_keyring(asker), lead)]:
        raise ValidationError("This cannot be asked for this lead any more.")
    if OwnershipRequest.objects.open().filter(lead=lead, asked_by=asker).exists():
        raise ValidationError("You have asked already. Withdraw that request to ask for something else.")
    asked = deciders(lead, kind)
    if not asked:
        raise ValidationError("Nobody may decide about this lead at the moment.")
    request = OwnershipRequest.objects.create(
        company_id=lead.company_id, lead=lead, kind=kind, asked_by=asker, note=note.strip()
    )
    _record(request, LedgerEntry.Kind.REQUESTED)
    title, url = TOLD[Kind(kind)].format(asker), reverse("requests")
    notify(lead.company_id, [Message(one.pk, "request", title, "", url, lead.pk) for one in asked])
    bump({asker.pk} | watchers(lead), "requests")
    return request


@transaction.atomic
def withdraw(*, asker: User, request: OwnershipRequest) -> bool:
    """Take her request back: whether it was open still."""
    hers = OwnershipRequest.objects.of(asker).open().filter(pk=request.pk)
    if not hers.update(state=State.WITHDRAWN, answered_by=asker, answered_at=Now()):
        return False
    _record(request, LedgerEntry.Kind.TAKEN_BACK)
    bump({asker.pk} | watchers(request.lead), "requests")
    return True


def _record(request: OwnershipRequest, kind: LedgerEntry.Kind) -> None:
    """What she did about her own request."""
    record(
        Fact(
            company_id=request.company_id,
            kind=kind,
            lead_id=request.lead_id,
            actor_id=request.asked_by_id,
            why="request",
            detail={"request": request.pk, "asks": request.kind},
        )
    )


def lapse(lead_ids: Collection[int], why: str, *kinds: Kind) -> None:
    """Close open requests (of these kinds) about leads whose ground is gone. The caller holds the leads."""
    requests = OwnershipRequest.objects.open().filter(lead__pk__any_of={*lead_ids}, kind__in=kinds or Kind.values)
    gone = list(requests.order_by("pk").select_related("lead"))
    if not gone:
        return
    requests.filter(pk__in=[one.pk for one in gone]).update(state=State.LAPSED, answer=why, answered_at=Now())
    title, url = "Your request for {lead} has lapsed", reverse("requests")
    told = [one for one in gone if one.lead.owner_user_id != one.asked_by_id]
    notify(gone[0].company_id, [Message(one.asked_by_id, "request", title, why, url, one.lead_id) for one in told])
    bump([one.asked_by_id for one in gone], "requests")
