"""Taking leads out of their rotation because somebody decided over them: another owner, released, deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from crm.notifications.services import Message, bump, notify
from leads.models import Lead
from leads.services.assigning import clear_agent_slots
from routing.models import Offer, Rotation
from routing.services.handing_out import close_offers, recipients_of


def take_out(*, company_id: int, lead_ids: Collection[int], actor_id: int | None) -> None:
    """End the leads' rotations and withdraw their open offers. The caller holds the leads.

    An agent who had one only on offer loses its Agent slot too, unless she is its owner now.
    """
    about = Q(lead__pk__any_of={*lead_ids})
    Rotation.objects.filter(about, ended_at=None).update(ended_at=Now(), outcome=Rotation.Outcome.TAKEN_OUT)
    offers = Offer.objects.filter(about, state=Offer.State.OPEN).order_by("pk").select_for_update()
    offered = {offer.lead_id: offer for offer in offers}
    if not offered:
        return
    ids = [offer.pk for offer in offered.values()]
    watching = recipients_of(ids)
    close_offers(ids, state=Offer.State.WITHDRAWN, actor_id=actor_id)
    held = Lead.objects.filter(pk__in=offered).in_id_order().values_list("pk", "agent", "owner_user")
    hers = {pk for pk, _, owner in held if owner and owner == offered[pk].user_id}
    losing = [pk for pk, agent, _ in held if agent and agent == offered[pk].user_id and pk not in hers]
    clear_agent_slots(losing, actor_id=actor_id, why="offer withdrawn")
    alone = {pk: offer.user_id for pk, offer in offered.items() if offer.user_id}
    lost = {user for pk, user in alone.items() if pk not in hers} | set(watching)
    _tell(company_id, lost - {actor_id})
    bump([*alone.values(), *watching], "offers")


def _tell(company_id: int, user_ids: Iterable[int]) -> None:
    """No name: the lead is not theirs to know any more."""
    title, body = "An offer was withdrawn", "Somebody else decided over the lead. There is nothing left for you to do."
    url = reverse("today")
    notify(company_id, [Message(user_id, "withdrawn", title, body, url) for user_id in sorted(user_ids)])
