"""Ownership requests as the inbox shows them: those to answer, and those one made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.organization.models import PersonalLeads, Unit, User
from leads.models import Lead, OwnershipRequest
from leads.models.request import Kind, State
from leads.reading import OwnerLabel, owner_label
from leads.services.answering import pools_for
from leads.services.disputing import conflicts_for
from leads.timeline import Names, names_in
from permissions.access import Keyring, Level
from permissions.door import seen_by
from permissions.models import LedgerEntry

MOST = 50
TONES = {State.OPEN: "info", State.ACCEPTED: "good", State.REFUSED: "bad"}


@dataclass(frozen=True)
class ToAnswer:
    """A request that waits for her answer; `means` says what accepting it changes, `pools` where a release may go to.

    One without `ground` can only be refused.
    """

    pk: int
    asker: str
    kind: str
    lead: Lead
    owner: OwnerLabel
    note: str
    asked_at: datetime
    means: str
    pools: list[Unit]
    ground: bool


@dataclass(frozen=True)
class Asked:
    """A request of hers. `lead` is none where she may not read the lead any more."""

    request: OwnershipRequest
    lead: Lead | None
    tone: str


@dataclass(frozen=True)
class Inbox:
    """`conflicts`: how many wait for her; none where she does not decide any."""

    waiting: list[ToAnswer]
    total: int
    asked: list[Asked]
    conflicts: int | None


def inbox_of(user: User, keyring: Keyring) -> Inbox:
    """The oldest that wait for her first; of her own the newest."""
    open_ones = OwnershipRequest.objects.for_decision_by(keyring)
    named = open_ones.select_related("asked_by__company", "lead__owner_unit", "lead__owner_user", "lead__agent")
    requests = list(named.order_by("asked_at", "pk")[:MOST])
    total = len(requests) if len(requests) < MOST else open_ones.count()
    return Inbox(_to_answer(user, requests), total, _asked(user, keyring), conflicts_for(keyring))


def _to_answer(user: User, requests: Sequence[OwnershipRequest]) -> list[ToAnswer]:
    before = _owners_before([one.lead_id for one in requests if one.kind == Kind.GIVE_BACK])
    pools = pools_for(user, [one.lead for one in requests if one.kind == Kind.RELEASE])
    return [
        ToAnswer(
            pk=one.pk,
            asker=one.asked_by.name,
            kind=one.kind,
            lead=one.lead,
            owner=owner_label(one.lead),
            note=one.note,
            asked_at=one.asked_at,
            means=meaning(one, before.get(one.lead_id, "")),
            pools=pools.get(one.lead_id, []) if one.kind == Kind.RELEASE else [],
            ground=not forbidden(one),
        )
        for one in requests
    ]


def _owners_before(lead_ids: Sequence[int]) -> dict[int, str]:
    """From whom the last change of owner took these leads."""
    if not lead_ids:
        return {}
    changes = LedgerEntry.objects.filter(lead_id__in=lead_ids, kind=LedgerEntry.Kind.OWNER_CHANGED)
    last = list(changes.order_by("lead_id", "-pk").distinct("lead_id").defer("content_hash"))
    names: Names = names_in(last)
    return {fact.lead_id: names.of(fact.from_unit_id, fact.from_user_id) for fact in last if fact.lead_id}


def forbidden(request: OwnershipRequest) -> bool:
    """Whether the policy has turned since so that it cannot be accepted."""
    whole = request.asked_by.company.personal_leads == PersonalLeads.COMPANY_ONLY
    return request.kind == Kind.TRANSFER and whole


def meaning(request: OwnershipRequest, before: str) -> str:
    """What accepting changes, and for whom, in plain words (M1)."""
    asker, lead = request.asked_by, request.lead
    if forbidden(request):
        return "The company owns all leads since: nobody else can become the owner. Refuse it, with a word if you like."
    if request.kind == Kind.GIVE_BACK:
        return f"It goes back to {before}, and {lead.owner} no longer decides over it."
    if request.kind == Kind.TRANSFER:
        managed = asker.company.personal_leads == PersonalLeads.MANAGED
        back = f"{asker} or her managers" if managed else asker
        takes = f"{asker} becomes its owner and works it; {lead.owner} no longer decides over it."
        return f"{takes} Only {back} can give it back."
    if lead.is_personal:
        return "It becomes a lead of the unit you choose, whose managers decide over it from then on."
    return f"{lead.agent} no longer works it. It stays with {lead.owner}, free for somebody else."


def _asked(user: User, keyring: Keyring) -> list[Asked]:
    of_hers = OwnershipRequest.objects.of(user)
    if user.seen_through is not None:
        of_hers = of_hers.filter(seen_by(keyring, Level.VIEW, "lead__"))
    hers = list(of_hers.select_related("answered_by").order_by("-pk")[:MOST])
    leads = Lead.objects.visible_to(keyring, Level.VIEW).in_bulk([one.lead_id for one in hers])
    return [Asked(one, leads.get(one.lead_id), TONES.get(State(one.state), "neutral")) for one in hers]
