"""Claiming and declining: conditional writes, so that each offer ends exactly once (R5)."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models.functions import Now

from crm.notifications.services import bump
from crm.organization.models import Claiming, User
from leads.models import Lead
from leads.services.assigning import fill_slots
from permissions.ledger import record_select
from routing.models import Offer, Rotation
from routing.services.handing_out import Ended, pass_on, recipients_of
from routing.services.telling import tell_slower

CONTACT = {"call", "text", "email"}
CLAIMS: dict[str, set[str]] = {  # R6; opening or viewing never claims
    Claiming.STRICT: {*CONTACT, "button"},
    Claiming.BROAD: {*CONTACT, "note", "task", "meeting", "stage", "drip", "button"},
}

# the wall clock and not the transaction's: who waited for the lead past the deadline is too late
CLAIM = """
WITH claimed AS (
    UPDATE routing_offer AS offer
    SET state = 'claimed', closed_at = clock_timestamp(), claimed_by = %(act)s, user_id = %(user)s
    WHERE lead_id = %(lead)s AND state = 'open' AND deadline > clock_timestamp()
        AND (user_id = %(user)s OR EXISTS (SELECT FROM routing_offerrecipient AS recipient
            WHERE offer_id = offer.id AND recipient.user_id = %(user)s AND ended_at IS NULL))
    RETURNING id, company_id, lead_id, user_id, pass_number
)
"""
CLAIMED = """
SELECT company_id, 'claimed', user_id, lead_id, user_id, 'routing',
    jsonb_build_object('offer', id, 'pass', pass_number, 'act', %(act)s::text)
FROM claimed
"""


class TooLateError(Exception):
    """The offer is no longer open to her: claimed, expired, passed on or withdrawn."""


def ways_to_claim(user: User) -> str:
    """What claims a lead beside the button, in her company, in a sentence."""
    if user.company.claiming == Claiming.STRICT:
        return "A call, a text or an e-mail claims it, too."
    return "A call, a note or another stage claims it, too."


def may_claim(user: User, act: str, *, by_hand: bool = True) -> bool:
    """Whether such an act claims a lead, as her company has it (R6)."""
    return act in CLAIMS[user.company.claiming] and (by_hand or user.company.bulk_claims)


@transaction.atomic
def claim(*, lead_id: int, user: User, act: str, by_hand: bool = True) -> bool:
    """Claim the lead for her where it is offered to her and in time: whether it was. The caller may hold the lead."""
    if not may_claim(user, act, by_hand=by_hand):
        return False
    Lead.objects.filter(pk=lead_id).in_id_order().first()
    params = {"lead": lead_id, "user": user.pk, "act": act}
    columns = ("company_id", "kind", "actor_id", "lead_id", "to_user_id", "why", "detail")
    if not record_select(columns, CLAIMED, params, changing=CLAIM):
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE routing_rotation SET ended_at = now(), outcome = %s WHERE lead_id = %s AND ended_at IS NULL",
            [Rotation.Outcome.CLAIMED, lead_id],
        )
    _take_from_others(lead_id, user)
    bump([user.pk], "offers")
    return True


def _take_from_others(lead_id: int, user: User) -> None:
    """Where it was offered to several: it is hers now, and the others are told (R1)."""
    offer = Offer.objects.filter(lead=lead_id, user=user, state=Offer.State.CLAIMED).order_by("-pk")[0]
    watching = recipients_of([offer.pk])
    if watching:
        fill_slots([(lead_id, user.pk)], actor_id=user.pk, why="claimed")
        offer.recipients.filter(ended_at=None).update(ended_at=Now())
        tell_slower(offer, user, watching)


def claim_by_button(*, lead: Lead, user: User) -> None:
    """Claim, or raise TooLateError with what became of it."""
    if claim(lead_id=lead.pk, user=user, act="button"):
        return
    if lead.offers.filter(user=user, state=Offer.State.CLAIMED).exists():
        return  # a second click
    raise TooLateError("This offer has ended. The lead has gone to the next agent.")


@transaction.atomic
def decline(*, lead: Lead, user: User) -> None:
    """Pass: her offer ends now and the next agent gets the lead at once. Raises TooLateError where it was not open."""
    Lead.objects.filter(pk=lead.pk).in_id_order().first()
    hers = Offer.objects.open_for(user).filter(lead=lead).values("pk")
    offer = Offer.objects.filter(pk__in=hers, state=Offer.State.OPEN).select_for_update().first()
    if offer is None:
        raise TooLateError("This offer has already ended.")
    if offer.company_id != user.company_id:
        raise PermissionDenied
    bump([user.pk], "offers")
    if offer.user_id is None:
        offer.recipients.filter(user=user, ended_at=None).update(ended_at=Now(), passed=True)
        if recipients_of([offer.pk]):
            return  # the others still have it
    ended = Ended(offer.pk, offer.lead_id, offer.rotation_id, offer.unit_id, offer.user_id)
    pass_on([ended], state=Offer.State.DECLINED, actor_id=user.pk)
