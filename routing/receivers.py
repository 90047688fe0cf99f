"""What routing hears from the leads' room, inside the transaction of its cause."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import QuerySet
from django_filters import ChoiceFilter

from crm.notifications.live import register_count
from crm.notifications.standing import register_end
from crm.notifications.subjects import register_subjects
from crm.organization.models import Unit, User
from leads import signals
from leads.filters import LeadFilter
from leads.models import Lead
from leads.services.holdings import register_holdings
from leads.services.running_ponds import register_users
from permissions.access import Key, Level, Reason
from permissions.joining.memberships import register_tie
from permissions.keyring import Gives, register_source
from routing.capture.leaving import bring_channels_back, channels_held, close_channels, hand_channels_on
from routing.models import Offer
from routing.querysets import offered_to
from routing.reports.counting import CountedFilter
from routing.reports.links import FIGURE, FILTER
from routing.reports.listing import AskedFilter
from routing.services.claiming import claim, may_claim
from routing.services.handing_out import route_leads
from routing.services.leaving import clear_roster, held_by, held_there, join_rosters, leave_rosters
from routing.services.ponds import ponds_used
from routing.services.telling import offered_among_others, offered_until
from routing.services.withdrawing import take_out

YES = [("yes", "yes")]
OFFERED: Gives = {"offered": Key(Level.WORK, Reason.OFFERED), "among": Key(Level.REDACTED, Reason.OFFERED)}


def on_worked(sender: object, lead: Lead, actor: User, act: str, **kwargs: Any) -> None:
    """Working an offered lead claims it (R6)."""
    claim(lead_id=lead.pk, user=actor, act=act)


def on_worked_in_mass(sender: object, lead_ids: Collection[int], actor: User, act: str, **kwargs: Any) -> None:
    """It claims what is offered to her among them, where the company counts that (R6)."""
    if may_claim(actor, act, by_hand=False):
        for lead_id in Offer.objects.open_for(actor).filter(lead__in=lead_ids).values_list("lead", flat=True):
            claim(lead_id=lead_id, user=actor, act=act, by_hand=False)


def on_ready(
    sender: object, company_id: int, unit_id: int, lead_ids: Sequence[int], but: int | None = None, **kwargs: Any
) -> None:
    route_leads(company_id=company_id, unit_id=unit_id, lead_ids=lead_ids, but=but)


def on_taken_out(sender: object, company_id: int, lead_ids: Sequence[int], actor_id: int | None, **kwargs: Any) -> None:
    """Given to another owner or Agent, released or removed: the rotation has nothing to hand out any more (M2)."""
    take_out(company_id=company_id, lead_ids=lead_ids, actor_id=actor_id)


def on_departing(sender: object, user: User, units: Collection[int] | None, **kwargs: Any) -> dict[str, Any]:
    return leave_rosters(user, units) | (close_channels(user) if units is None else {})


def on_closing(sender: object, unit: Unit, **kwargs: Any) -> dict[str, Any]:
    return clear_roster(unit) | hand_channels_on(unit)


def on_coming_back(sender: object, user: User, kept: dict[str, Any], **kwargs: Any) -> None:
    if __name__ in kept:
        join_rosters(user.company_id, kept[__name__])
        bring_channels_back(kept[__name__])


def on_reopening(sender: object, unit: Unit, kept: dict[str, Any], **kwargs: Any) -> None:
    if __name__ in kept:
        join_rosters(unit.company_id, kept[__name__])
        bring_channels_back(kept[__name__])


def given_by_offers(company_id: int, people: Collection[int]) -> list[QuerySet[Any, Any]]:
    """Leads in an open offer to one of these people (V2, rule d); what several have on offer is redacted to all of them."""
    return offered_to(company_id, people)


def unclaimed(leads: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
    """On offer to an agent who has not claimed it (M5)."""
    return leads.filter(pk__in=Offer.objects.filter(state=Offer.State.OPEN).order_by().values("lead"))


def connect() -> None:
    signals.worked.connect(on_worked, dispatch_uid="routing.claim")
    signals.worked_in_mass.connect(on_worked_in_mass, dispatch_uid="routing.claim")
    signals.ready_for_routing.connect(on_ready, dispatch_uid="routing.route")
    signals.owner_changed.connect(on_taken_out, dispatch_uid="routing.owner_changed")
    signals.reassigned.connect(on_taken_out, dispatch_uid="routing.reassigned")
    signals.removed.connect(on_taken_out, dispatch_uid="routing.removed")
    signals.released.connect(on_taken_out, dispatch_uid="routing.released")
    signals.departing.connect(on_departing, dispatch_uid="routing.departing")
    signals.coming_back.connect(on_coming_back, dispatch_uid="routing.departing")
    signals.closing.connect(on_closing, dispatch_uid="routing.closing")
    signals.reopening.connect(on_reopening, dispatch_uid="routing.closing")
    register_source(given_by_offers, OFFERED)
    register_holdings(held_by)
    register_holdings(channels_held)
    register_users(ponds_used)
    register_tie(held_there)
    LeadFilter.register("unclaimed", ChoiceFilter(label="Waits to be claimed", choices=YES, method=unclaimed))
    LeadFilter.register(FILTER, AskedFilter(label="Offers"))
    LeadFilter.register(FIGURE, CountedFilter(label="Figure"))
    register_end("offer", offered_until)
    register_subjects(offered_among_others)
    register_count("offers", lambda user: Offer.objects.open_for(user).filter(lead__removed_at=None).count())
