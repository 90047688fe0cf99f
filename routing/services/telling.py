"""Telling people what routing has for them: one message per person, however many leads she got."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from crm.core.templatetags.core import dated
from crm.notifications.services import Message, bump, notify
from crm.notifications.subjects import Subject
from crm.organization.models import User
from permissions.access import Level
from permissions.door import access_to
from permissions.managers import keyrings_of
from routing.clock import in_words
from routing.models import Offer, OfferRecipient
from routing.services.choosing import Placement
from routing.services.roster import Roster

Later = Mapping[tuple[int, timedelta], datetime]  # by unit and window the deadlines that pauses have put off


def tell(
    placed: Sequence[tuple[Roster, Placement]], lost: Iterable[int] = (), later: Later = MappingProxyType({})
) -> None:
    """Whoever got something, and to whom it was offered among others; whoever lost something sees it go."""
    got: dict[tuple[int, int], list[Placement]] = defaultdict(list)
    for roster, placement in placed:
        for user_id in placement.several or ([placement.user_id] if placement.user_id else []):
            got[roster.unit.pk, user_id].append(placement)
    rosters, url = {roster.unit.pk: roster for roster, _ in placed}, reverse("today")
    messages: dict[int, list[Message]] = defaultdict(list)
    for (unit_id, user_id), theirs in got.items():
        roster = rosters[unit_id]
        messages[roster.unit.company_id].append(_message(roster, user_id, theirs, url, later))
    for company_id, told in messages.items():
        notify(company_id, told)
    bump([*(user_id for _, user_id in got), *lost], "offers")


def _message(roster: Roster, user_id: int, placed: Sequence[Placement], url: str, later: Later) -> Message:
    """Of one lead it names it; of several it leads to `url`, where all are."""
    single, offered = len(placed) == 1, [one for one in placed if one.on_offer]
    title = f"{len(placed):,} new leads from {roster.unit.name}"
    if single:
        title = "Offered to you: {lead}" if offered else "Assigned to you: {lead}"
    return Message(
        user_id=user_id,
        kind="offer" if offered else "assigned",
        title=title,
        body=_terms(roster, user_id, offered[0], later) if offered else "Yours to work.",
        url="" if single else url,
        lead_id=placed[0].lead_id if single else None,
    )


def _terms(roster: Roster, user_id: int, offered: Placement, later: Later) -> str:
    """How long she has to claim it; by when, in her time, where pauses have put that off (R7)."""
    if len(offered.several) > 1:
        return "Whoever claims it first has it."
    deadline = later.get((roster.unit.pk, offered.window))
    time = f"within {in_words(offered.window)}" if deadline is None else f"by {_in_her_time(roster, user_id, deadline)}"
    return f"Claim {time}, or it goes to the next agent."


def _in_her_time(roster: Roster, user_id: int, moment: datetime) -> str:
    """`9:21 PM`, with the day where it is not today."""
    zone = next((one.user.time_zone for one in roster.members if one.user_id == user_id), roster.unit.time_zone)
    with timezone.override(zone):
        today = timezone.localdate(moment) == timezone.localdate(roster.now)
        return dated(moment, "g:i A" if today else "D, M j, g:i A", roster.now)


def offered_among_others(asked: Mapping[User, Collection[int]]) -> dict[tuple[int, int], Subject]:
    """Of these leads, those on offer to their reader and to others, which she may not read yet: her page has the offer."""
    leads = {pk for wanted in asked.values() for pk in wanted}
    among = OfferRecipient.objects.filter(
        user__in=asked, ended_at=None, offer__lead__in=leads, offer__state=Offer.State.OPEN
    )
    keyrings, url = keyrings_of(asked.keys()), reverse("today")
    return {
        (one.user_id, one.offer.lead_id): Subject(one.offer.lead.first_name or "a lead", url)
        for one in among.select_related("offer__lead").order_by("pk")
        if access_to(keyrings[one.user_id], one.offer.lead).level == Level.REDACTED
    }


def offered_until(user: User, lead_id: int | None) -> datetime | None:
    """When her time for this lead is up, or for the last of several; None where nothing is offered to her any more."""
    offers = Offer.objects.open_for(user).filter(deadline__gt=Now())
    if lead_id is not None:
        offers = offers.filter(lead=lead_id)
    return offers.order_by("-deadline").values_list("deadline", flat=True).first()


def tell_slower(offer: Offer, winner: User, others: Iterable[int]) -> None:
    """Those to whom it was offered, too. No name of the lead: it is not theirs to know any more."""
    title, url = "A lead was claimed by a colleague", reverse("today")
    said = f"{winner.name} was first. There is nothing left for you to do."
    people = [user for user in others if user != winner.pk]
    notify(offer.company_id, [Message(user, "withdrawn", title, said, url) for user in people])
    bump(people, "offers")
