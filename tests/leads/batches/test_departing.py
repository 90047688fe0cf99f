"""The departure kit (O4): what stays goes where it was said, nothing is left with her, and all of it comes back."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from crm.organization.models import Membership, User
from leads.batches.drafting import draft, preview
from leads.batches.verb import NotNowError
from leads.models import Assignment, Batch, Lead, PondMember
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from routing.models import Offer, RosterMember, RoutingPolicy
from tests.factories.leads import assign, make_lead, make_pond, offer
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, run, undo
from tests.routing.scenes import make_policy, on_roster

pytestmark = pytest.mark.django_db
UNTIL = "2999-01-01T00:00:00+00:00"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def kit(actor: User, person: User, **to: str) -> Batch:
    made = draft(actor=fresh(actor), verb="depart", scope={"person": person.pk})
    return preview(actor=fresh(actor), batch=made, params={"to": to})


def slots(lead: Lead) -> dict[str, object]:
    return {slot.role: slot.user or slot.pond for slot in lead.assignments.order_by("role")}


def level(user: User, lead: Lead) -> Level:
    lead.refresh_from_db()
    return access_to(load_keyring(fresh(user)), lead).level


def everything() -> list[Any]:
    """All that a departure touches; offers and rotations end for good, and a place on a roster is a new one."""
    rows: list[Any] = [
        User.objects.order_by("pk").values("pk", "is_active", "left_at"),
        Membership.objects.order_by("pk").values("pk", "ended_at", "role"),
        PondMember.objects.order_by("pond", "user").values("pond", "user", "may_claim"),
        RosterMember.objects.order_by("unit", "user").values("unit", "user", "weight", "paused", "enrolled"),
        RoutingPolicy.objects.order_by("unit").values("unit", "fallback"),
        Assignment.objects.order_by("lead", "role").values("lead", "role", "user", "pond", "until"),
        Lead.objects.order_by("pk").values("pk", "owner_unit", "owner_user", "hidden", "locks"),
    ]
    return [list(one) for one in rows]


def has_nothing(user: User) -> User:
    """The person who left, without a slot, a membership or a place anywhere."""
    gone = User.objects.get(pk=user.pk)
    assert (gone.is_active, gone.left_at is not None) == (False, True)
    assert not Assignment.objects.filter(user=gone).exists()
    assert not Membership.objects.current().filter(user=gone).exists()
    assert not RosterMember.objects.filter(user=gone).exists()
    assert not RoutingPolicy.objects.filter(fallback=gone).exists()
    assert not PondMember.objects.filter(user=gone).exists()
    return gone


def test_o4_what_stays_goes_where_it_was_said_and_all_of_it_comes_back(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana, harbor.ben)
    make_policy(harbor.whole)
    make_policy(harbor.lakeside, fallback=harbor.ana)
    on_roster(harbor.whole, harbor.dee)
    on_roster(harbor.lakeside, harbor.ana, weight=3)
    teams, offices, wholes = (
        make_lead(unit, agent=harbor.ana) for unit in (harbor.lakeside, harbor.north, harbor.whole)
    )
    assisted, personal = make_lead(harbor.lakeside, agent=harbor.ben), make_lead(harbor.ana, hidden=True)
    assign(assisted, harbor.ana, "assistant")
    others = make_lead(harbor.dee)
    assign(others, harbor.ana, "lender")
    before = everything()
    to = {str(harbor.lakeside.pk): f"pond-{pond.pk}", str(harbor.north.pk): f"person-{harbor.ben.pk}"}
    batch = kit(harbor.broker, harbor.ana, **to)
    assert (batch.total, everything()) == (4, before)
    batch = run(batch)
    assert (batch.state, batch.changed) == ("done", 4)
    assert (slots(teams), slots(offices)) == ({"agent": pond}, {"agent": harbor.ben})
    assert slots(wholes) == {"agent": harbor.dee}
    assert Offer.objects.get(lead=wholes).state == "open"
    assert (slots(assisted), slots(others)) == ({"agent": harbor.ben}, {})
    gone = has_nothing(harbor.ana)
    personal.refresh_from_db()
    assert (personal.owner, personal.hidden, level(harbor.lead, personal)) == (gone, True, Level.REDACTED)
    assert LedgerEntry.objects.get(kind="left").batch_id == batch.pk
    run(undo(harbor.broker, batch))
    assert everything() == before
    assert not Offer.objects.filter(state="open").exists()


def test_o4_covers_return_and_what_others_cover_for_her_goes_on(harbor: Brokerage) -> None:
    bens, anas = make_lead(harbor.lakeside, agent=harbor.ben), make_lead(harbor.lakeside, agent=harbor.ana)
    done(harbor.lead, "cover", [bens], user=harbor.ana, until=UNTIL)
    done(harbor.lead, "cover", [anas], user=harbor.ben, until=UNTIL)
    batch = run(kit(harbor.broker, harbor.ana, **{str(harbor.lakeside.pk): f"person-{harbor.lead.pk}"}))
    assert batch.changed == 2
    assert (slots(bens), slots(anas)) == ({"agent": harbor.ben}, {"agent": harbor.lead})


def test_o4_offers_are_withdrawn(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    offered = offer(lead, harbor.ana)
    run(kit(harbor.broker, harbor.ana, **{str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"}))
    offered.refresh_from_db()
    assert (offered.state, slots(lead)) == ("withdrawn", {"agent": harbor.ben})


def test_o4_a_lead_she_got_after_the_preview_does_not_stay_with_her(harbor: Brokerage) -> None:
    batch = kit(harbor.broker, harbor.ana)
    late = make_lead(harbor.lakeside, agent=harbor.ana)
    batch = run(batch)
    assert (batch.state, batch.changed, slots(late)) == ("done", 0, {})
    run(undo(harbor.broker, batch))
    assert User.objects.get(pk=harbor.ana.pk).is_active


def test_o4_o7_who_may_not_leave_so(harbor: Brokerage) -> None:
    with pytest.raises(NotNowError, match="somebody else"):
        kit(harbor.broker, harbor.broker)
    second = fresh(harbor.ana)
    for actor in (harbor.lead, harbor.north_admin, second):
        with pytest.raises(PermissionDenied):
            kit(actor, harbor.ben)
    batch = kit(harbor.broker, harbor.ana, **{str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"})
    run(kit(harbor.broker, harbor.ben))
    assert "Ben is not active" in run(batch).problem
    assert User.objects.get(pk=harbor.ana.pk).is_active


def test_o4_from_her_page_in_the_admin_to_the_preview(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, agent=harbor.ana)
    make_lead(harbor.ana)
    client.force_login(harbor.broker)
    there = f"/departures/{harbor.ana.pk}/"
    assert there in client.get(f"/admin/organization/user/{harbor.ana.pk}/change/").content.decode()
    html = client.get(there).content.decode()
    assert "1 lead of Lakeside that she works go" in html
    assert "1 personal lead that you see stays" in html
    assert client.post(there, {f"unit-{harbor.lakeside.pk}": f"person-{harbor.eve.pk}"}).status_code == 422
    answer = client.post(there, {f"unit-{harbor.lakeside.pk}": f"person-{harbor.ben.pk}"}, follow=True)
    html = answer.content.decode()
    assert "Departure of Ana" in html
    assert "Go ahead" in html
    assert client.post("/batches/", {"verb": "depart", "lead": "x"}).status_code == 403
    assert "Departure" not in client.get("/people/").content.decode()
