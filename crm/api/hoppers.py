"""Leads put into the hopper of a campaign (D6): as they are sent, or later by their ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Path, Router

from crm.api.answers import once
from crm.api.asking import needs
from crm.api.problems import PROBLEMS
from crm.api.schemas import Entered, HopperIn, HopperOut, Inserted, NewLeadIn
from crm.organization.models import User
from crm.organization.people import signed_in
from dialer.models import Campaign
from dialer.services.inserting import ENTERED, NOT_HERS, enter
from leads.models import Lead
from permissions.access import Keyring, Level
from permissions.keyring import load_keyring
from permissions.tokens.services import Scope

router = Router(tags=["Campaigns"], auth=needs(Scope.LEADS_WRITE))


@router.post("/{campaign_id}/hopper", response={200: HopperOut, **PROBLEMS}, url_name="hopper")
def put_into_a_hopper(
    request: HttpRequest, campaign_id: Annotated[int, Path(ge=1, le=2**62)], sent: HopperIn
) -> HttpResponse:
    """Put up to 1,000 leads into the hopper of a campaign at once. Each has its own outcome."""
    actor = signed_in(request)
    campaign = Campaign.objects.fed_by(actor).whole().filter(pk=campaign_id).first()
    if campaign is None:
        raise Http404

    def do() -> tuple[int, HopperOut]:
        why = put(actor, load_keyring(actor), campaign, sent.leads)
        results = [Entered(id=pk, in_hopper=why[pk] == ENTERED, detail=why[pk]) for pk in sent.leads]
        return 200, HopperOut(results=results)

    return once(request, do)


def put(actor: User, keyring: Keyring, campaign: Campaign, ids: Collection[str]) -> dict[str, str]:
    """Why each of these leads is not in the hopper."""
    seen = Lead.objects.visible_to(keyring, Level.VIEW).filter(public_id__in=set(ids)).order_by("pk")
    known = dict(seen.values_list("public_id", "pk"))
    why = enter(actor=actor, keyring=keyring, campaign=campaign, leads=known.values())
    return {pk: why[known[pk]] if pk in known else NOT_HERS for pk in ids}


def put_as_sent(
    actor: User, sent: Sequence[NewLeadIn], done: Sequence[Inserted], campaigns: Collection[Campaign]
) -> None:
    """Those among the leads just sent that are to enter at once; of the others nothing is said."""
    keyring = load_keyring(actor)  # that knows what has become hers by now
    for campaign in campaigns:
        here = [
            one
            for lead, one in zip(sent, done, strict=True)
            if one.id and lead.hopper and lead.campaign_id == campaign.pk
        ]
        why = put(actor, keyring, campaign, [one.id for one in here]) if here else {}
        for one in here:
            one.in_hopper, one.detail = why[one.id] == ENTERED, why[one.id]
