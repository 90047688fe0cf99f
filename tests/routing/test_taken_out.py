"""A lead that gets another owner or is released leaves its rotation, whoever else acts at that moment (M2, R5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.core.exceptions import PermissionDenied

from crm.notifications.models import Notification
from crm.organization.models import Unit, User
from leads.models import Lead
from leads.services.transferring import release_leads, transfer_leads
from permissions.access import Level
from permissions.models import LedgerEntry
from routing.models import Offer, Rotation
from routing.services.claiming import TooLateError, claim_by_button
from routing.services.handing_out import expire_due
from tests.factories.leads import make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage
from tests.routing.scenes import lakeside, offered
from tests.routing.test_claims import facts, fall_due, level
from tests.support.racing import together


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return lakeside()


@pytest.fixture
def committed(committing_db: str) -> Brokerage:
    return lakeside()


def transfer(actor: User, to: Unit | User, lead: Lead) -> None:
    transfer_leads(actor=fresh(actor), lead_ids=[lead.pk], to=to, why="by hand")


def ended(lead: Lead) -> tuple[str, str]:
    """How its only offer and its rotation ended."""
    return Offer.objects.get(lead=lead).state, Rotation.objects.get(lead=lead).outcome


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("title", flat=True))[1:]


def test_m2_a_transfer_withdraws_the_offer_and_tells_who_lost_it(harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    transfer(harbor.lead, harbor.ben, offer.lead)
    assert ended(offer.lead) == ("withdrawn", "taken_out")
    assert level(harbor.ana, offer.lead) == Level.NONE
    assert told(harbor.ana) == ["An offer was withdrawn"]
    assert facts(offer.lead)["withdrawn"] == 1
    assert LedgerEntry.objects.get(lead_id=offer.lead_id, kind="withdrawn").actor == harbor.lead


def test_m2_the_agent_it_was_offered_to_may_become_its_owner(harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    transfer(harbor.lead, harbor.ana, offer.lead)
    assert ended(offer.lead) == ("withdrawn", "taken_out")
    assert level(harbor.ana, offer.lead) == Level.MANAGE
    assert Lead.objects.filter(agent=harbor.ana, pk=offer.lead_id).in_id_order().exists()
    assert told(harbor.ana) == ["{lead} is yours now"]


def test_m2_to_another_unit_what_was_only_offered_is_not_kept(harbor: Brokerage) -> None:
    offered_only, claimed = offered(harbor.lakeside), offered(harbor.lakeside)
    claim_by_button(lead=claimed.lead, user=claimed.user)
    for offer in (offered_only, claimed):
        transfer(harbor.lead, harbor.north, offer.lead)
        offer.lead.refresh_from_db()
    assert offered_only.lead.agent is None
    assert claimed.lead.agent == claimed.user
    assert ended(claimed.lead) == ("claimed", "claimed")


def test_m2_a_release_ends_the_offer(harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    release_leads(actor=harbor.lead, lead_ids=[offer.lead_id], why="by hand")
    assert ended(offer.lead) == ("withdrawn", "taken_out")
    assert told(harbor.ana) == ["An offer was withdrawn"]
    assert not expire_due()


def attempt(act: Callable[[], object]) -> str:
    try:
        act()
    except (TooLateError, PermissionDenied) as error:
        return type(error).__name__
    return "done"


def test_m2_transfer_and_claim_at_once(committed: Brokerage) -> None:
    for _ in range(15):
        offer = offered(committed.lakeside)
        moved, claimed = together(
            partial(attempt, partial(transfer, committed.lead, committed.broker, offer.lead)),
            partial(attempt, partial(claim_by_button, lead=offer.lead, user=offer.user)),
        )
        offer.lead.refresh_from_db()
        assert moved == "done"
        assert (offer.lead.owner, offer.lead.agent) == (committed.broker, committed.broker)
        assert ended(offer.lead) == (("claimed", "claimed") if claimed == "done" else ("withdrawn", "taken_out"))
        assert facts(offer.lead)["claimed"] + facts(offer.lead)["withdrawn"] == 1


def test_m2_transfer_and_expiry_at_once(committed: Brokerage) -> None:
    for _ in range(15):
        offer = offered(committed.lakeside)
        fall_due(pk=offer.pk)
        together(partial(transfer, committed.lead, committed.broker, offer.lead), expire_due)
        offer.lead.refresh_from_db()
        assert (offer.lead.owner, offer.lead.agent) == (committed.broker, committed.broker)
        assert not Offer.objects.filter(lead=offer.lead, state="open").exists()
        assert Rotation.objects.get(lead=offer.lead).outcome == "taken_out"


def test_m2_of_two_transfers_at_once_the_later_needs_the_right_that_is_left(committed: Brokerage) -> None:
    for _ in range(15):
        lead = make_lead(committed.lakeside)
        answers = together(
            partial(attempt, partial(transfer, committed.lead, committed.ana, lead)),
            partial(attempt, partial(transfer, committed.north_admin, committed.ben, lead)),
        )
        lead.refresh_from_db()
        assert sorted(answers) == ["PermissionDenied", "done"]
        assert lead.owner == lead.agent == (committed.ana if answers[0] == "done" else committed.ben)
        assert facts(lead) == {"owner_changed": 1, "assigned": 1}
