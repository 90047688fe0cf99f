""" "How was this routed?": the record of a lead's way in plain words (R4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef

from crm.core.templatetags.core import dated
from crm.organization.models import User
from leads.models import Lead
from routing.models import Decision, Offer, OfferRecipient, Rule
from routing.reports.tables import lasting
from routing.services.wording import rule_said

MOST_STEPS = 60
CAUSES = {
    "new": "New lead",
    "expired": "Not claimed in time",
    "declined": "Passed on",
    "cold": "No contact for long",
    "withdrawn": "Offer withdrawn",
}
ANEW = "Handed out anew"
METHODS = {
    "round_robin": "offered to the next in turn",
    "first_to_claim": "offered to all who can take it, the first to claim it has it",
    "person": "given to",
    "pond": "moved to the pond",
    "number_one": "handed to the first on the roster who can take it, without a timer",
    "fallback": "given to the fallback",
    "nobody": "there was nobody to give it to",
}
TO_A_NAME = ("person", "pond")  # the name follows with no comma
ACTS = {
    "call": "with a call",
    "text": "with a text",
    "email": "with an e-mail",
    "note": "with a note",
    "meeting": "with an appointment",
    "task": "with a task",
    "stage": "with a stage change",
    "button": "with the Claim button",
}
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
    rule: str
    pass_number: int
    skipped: list[tuple[str, str]]
    aside: str = ""
    tone: str = ""
    end: str = ""
    ended_at: datetime | None = None
    receipt: str = ""


def current_offer(lead: Lead) -> Offer | None:
    return lead.offers.filter(state=Offer.State.OPEN).select_related("user", "unit").first()


def steps_of(lead: Lead) -> list[Step]:
    """The lead's routing decisions, newest first; names are fetched once for all of them."""
    decisions = list(lead.routing_decisions.select_related("pond", "rule").order_by("-at", "-pk")[:MOST_STEPS])
    names = _names(lead, decisions)
    offers: Offers = {}
    if decisions:
        # one to several has a user only once she has claimed it; its decision names none
        found: Iterable[Any] = lead.offers.annotate(
            several=Exists(OfferRecipient.objects.filter(offer=OuterRef("pk")))
        ).order_by("pk")
        offers = {(o.rotation_id, o.pass_number, None if o.several else o.user_id): o for o in found}
        names |= _names_of_winners(offers.values())
    steps = [_step(decision, names, offers) for decision in decisions]
    again = [replace(step, cause=ANEW) if step.cause == CAUSES["new"] else step for step in steps[:-1]]
    return [*again, *steps[-1:]]


def _rule_said(rule: Rule | None) -> str:
    if rule is None:
        return ""
    return f"by {rule_said(rule, rule.position)}"


def _names(lead: Lead, decisions: Iterable[Decision]) -> dict[int, str]:
    ids = {decision.chosen_id for decision in decisions} | {user for d in decisions for user, _ in d.skipped}
    people = User.objects.filter(company=lead.company_id, pk__in=ids - {None})
    return dict(people.values_list("pk", "name"))


def _names_of_winners(offers: Iterable[Offer]) -> dict[int, str]:
    ids = {offer.user_id for offer in offers if offer.user_id}
    return dict(User.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "name"))


def _step(decision: Decision, names: dict[int, str], offers: Offers) -> Step:
    offer = offers.get((decision.rotation_id, decision.pass_number, decision.chosen_id))
    tone, end = ENDS[Offer.State(offer.state)] if offer else ("", "")
    if offer and offer.claimed_by:
        winner = f"by {names.get(offer.user_id or 0, 'somebody')}," if decision.chosen_id is None else ""
        end = " ".join(part for part in (end, winner, ACTS.get(offer.claimed_by, "")) if part)
    chosen = names.get(decision.chosen_id or 0, "") or (decision.pond.name if decision.pond else "")
    comma = "," if chosen and decision.method not in TO_A_NAME else ""
    return Step(
        at=decision.at,
        cause=CAUSES.get(decision.cause, decision.cause.capitalize()),
        what=METHODS.get(decision.method, decision.method) + comma,
        chosen=chosen,
        rule=_rule_said(decision.rule),
        pass_number=decision.pass_number,
        skipped=[(names.get(user, "Somebody"), reason) for user, reason in decision.skipped],
        aside=f"Working hours did not count: {decision.get_aside_display()}." if decision.aside else "",
        tone=tone,
        end=end,
        ended_at=offer.closed_at if offer else None,
        receipt=_receipt(offer) if offer and offer.state == Offer.State.CLAIMED else "",
    )


def _receipt(offer: Offer) -> str:
    """The clock's arithmetic of a claim (R11), in the reader's time."""
    assert offer.closed_at is not None  # offer_closed_once
    offered, deadline, claimed = (_said(at) for at in (offer.offered_at, offer.deadline, offer.closed_at))
    runs = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in offer.runs]
    window = sum((end - start for start, end in runs), timedelta()) or offer.deadline - offer.offered_at
    paused = f", as its clock stands still in pauses (it ran from {_said(runs[0][0])})" if _was_paused(offer) else ""
    taken, act = lasting(offer.closed_at - offer.offered_at), ACTS.get(offer.claimed_by, "")
    words = (
        f"Offered {offered} for {lasting(window)}, so until {deadline}{paused}. Claimed {claimed}, after {taken}, {act}"
    )
    return f"{words.rstrip(', ')}."


def _was_paused(offer: Offer) -> bool:
    return len(offer.runs) > 1 or any(datetime.fromisoformat(start) > offer.offered_at for start, _ in offer.runs)


def _said(moment: datetime) -> str:
    return dated(moment, "M j, g:i A")
