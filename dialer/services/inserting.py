"""Leads put into a hopper at once, as programs do it (D6): through the gates, be they the campaign’s leads or not."""

from __future__ import annotations

from collections.abc import Collection

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from crm.core.moments import database_now
from crm.notifications.live import bump
from crm.organization.models import User
from dialer.models import Campaign, HopperEntry
from dialer.services.falling import WORDS, Place, fell, steps_of_inserted
from dialer.services.reach import Reach, agents_in
from leads.models import Lead
from permissions.access import Keyring, Level

ENTERED = ""
STOPPED = "The campaign is stopped"
NOT_HERS = "There is no such lead that you may put into a hopper"
BUSY = "Somebody is changing it just now: send it again"


@transaction.atomic
def enter(*, actor: User, keyring: Keyring, campaign: Campaign, leads: Collection[int]) -> dict[int, str]:
    """Per lead why it did not enter; ENTERED where it did, or is there already. None is waited for that is being changed.

    Who runs the campaign may put in what she can read, who may join it what she works. A lead somebody holds waits for her;
    the others are given out once the next load has sorted them by skill. What nobody who is logged in then may be given
    goes at that load (D5). Raises PermissionDenied.
    """
    level = _least(actor, campaign)
    if not campaign.active:
        return dict.fromkeys(leads, STOPPED)
    agents = agents_in(campaign)
    hers = Lead.objects.visible_to(keyring, level).filter(pk__any_of=list(leads)).order_by("pk")
    may_enter = set(hers.values_list("pk", flat=True))
    held = hers.select_for_update(of=("self",), no_key=True, skip_locked=True)
    why = {pk: BUSY if pk in may_enter else NOT_HERS for pk in leads}
    taken = hers.filter(pk__any_of=list(held.values_list("pk", flat=True)))
    why |= _add(Reach.of(campaign, agents, database_now()), taken)
    bump(agents, "dialer")
    return why


def _least(actor: User, campaign: Campaign) -> Level:
    if Campaign.objects.managed_by(actor).filter(pk=campaign.pk).exists():
        return Level.VIEW
    if Campaign.objects.joinable_by(actor).filter(pk=campaign.pk).exists():
        return Level.WORK
    raise PermissionDenied("You may put leads into the hoppers of campaigns you run or may join.")


def _add(reach: Reach, held: QuerySet[Lead]) -> dict[int, str]:
    """Of leads that are held, as those are that a load takes, so that none changes hands meanwhile."""
    campaign = reach.campaign
    where = fell(steps_of_inserted(reach), campaign)
    told = list(held.annotate(fell=where).values_list("pk", "holder_id", "fell"))
    HopperEntry.objects.bulk_create(
        HopperEntry(
            company_id=campaign.company_id,
            campaign=campaign,
            lead_id=pk,
            agent_id=holder if campaign.enforce_lead_ownership else None,
            source=HopperEntry.Source.API,
            ready=holder is not None,
        )
        for pk, holder, place in told
        if place == Place.FREE
    )
    return {pk: ENTERED if place in list(Place) else WORDS[place] for pk, _, place in told}
