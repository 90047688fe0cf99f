""" "How was this routed?": the record of a lead's way in plain words (R4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format

from crm.organization.models import User
from leads.models import Lead
from routing.models import Decision, Offer
from routing.reports.tables import lasting

MOST_STEPS = 60
CAUSES = {
    "new": "New lead",
    "expired": "Not claimed in time",
    "declined": "Passed on",
    "withdrawn": "Offer withdrawn",
}
METHODS = {
    "round_robin": "offered to the next in turn",
    "number_one": "handed to the first on the roster who can take it, without a timer",
    "fallback": "given to the fallback",
    "nobody": "there was nobody to give it to",
}
ACTS = {"call": "by a call", "note": "by a note", "stage": "by a stage change", "button": "with the Claim button"}
ENDS = {
    Offer.State.CLAIMED: ("good", "Claimed"),
    Offer.State.EXPIRED: ("warn", "Ran out"),
    Offer.State.DECLINED: ("neutral", "Passed"),
    Offer.State.WITHDRAWN: ("neutral", "Withdrawn"),
    Offer.State.OPEN: ("", ""),
}

Offers = dict[tuple[int, int, int | None], Offer]  # by rotation, pass and person


@dataclass(frozen=True)
class Step:
    """One decision: what led to it, what was done, who got the lead, who was skipped for what, what became of it."""

    at: datetime
    cause: str
    what: str
    chosen: str
    pass_number: int
    skipped: list[tuple[str, str]]
    tone: str = ""
    end: str = ""
    ended_at: datetime | None = None
    receipt: str = ""


def current_offer(lead: Lead) -> Offer | None:
    return lead.offers.filter(state=Offer.State.OPEN).select_related("user", "unit").first()


def steps_of(lead: Lead) -> list[Step]:
    """The lead's routing decisions, newest first; names are fetched once for all of them."""
    decisions = list(lead.routing_decisions.order_by("-at", "-pk")[:MOST_STEPS])
    names = _names(lead, decisions)
    offers: Offers = {}
    if decisions:
        offers = {(o.rotation_id, o.pass_number, o.user_id): o for o in lead.offers.order_by("pk")}
    return [_step(decision, names, offers) for decision in decisions]


def _names(lead: Lead, decisions: Iterable[Decision]) -> dict[int, str]:
    ids = {decision.chosen_id for decision in decisions} | {user for d in decisions for user, _ in d.skipped}
    people = User.objects.filter(company=lead.company_id, pk__in=ids - {None})
    return dict(people.values_list("pk", "name"))


def _step(decision: Decision, names: dict[int, str], offers: Offers) -> Step:
    offer = offers.get((decision.rotation_id, decision.pass_number, decision.chosen_id))
    tone, end = ENDS[Offer.State(offer.state)] if offer else ("", "")
    if offer and offer.claimed_by:
        end = f"{end} {ACTS.get(offer.claimed_by, '')}".strip()
    return Step(
        at=decision.at,
        cause=CAUSES.get(decision.cause, decision.cause.capitalize()),
        what=METHODS.get(decision.method, decision.method),
        chosen=names.get(decision.chosen_id or 0, ""),
        pass_number=decision.pass_number,
        skipped=[(names.get(user, "Somebody"), reason) for user, reason in decision.skipped],
        tone=tone,
        end=end,
        ended_at=offer.closed_at if offer else None,
        receipt=_receipt(offer) if offer and offer.state == Offer.State.CLAIMED else "",
    )


def _receipt(offer: Offer) -> str:
    """The clock's arithmetic of a claim (R11), in the reader's time."""
    assert offer.closed_at is not None  # offer_closed_once
    offered, deadline, claimed = (_said(at) for at in (offer.offered_at, offer.deadline, offer.closed_at))
    window, taken = lasting(offer.deadline - offer.offered_at), lasting(offer.closed_at - offer.offered_at)
    act = ACTS.get(offer.claimed_by, "")
    words = f"Offered {offered} for {window}, so until {deadline}. Claimed {claimed}, after {taken}, {act}"
    return f"{words.rstrip(', ')}."


def _said(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "M j, g:i A")
