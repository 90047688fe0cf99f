"""Assigning many leads in any role (M1): who loses a slot, who keeps sight by another one, and the way back."""

from __future__ import annotations

import pytest
from django.test import Client

from crm.notifications.models import Notification
from leads.batches.verb import NotNowError
from leads.models import Assignment, SlotRole
from tests.factories.leads import assign, make_lead, offer
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, drafted, outcomes, run, undo
from tests.leads.batches.test_verbs import facts, level, sight

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def test_m1_any_role_can_be_given_in_mass_and_taken_back(harbor: Brokerage) -> None:
    scout = SlotRole.objects.create(company=harbor.company, code="scout", name="Scout")
    first, second = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.lakeside)
    assign(first, harbor.ana, "lender")
    assign(second, harbor.dee, "lender")
    offered = offer(first, harbor.ana)
    for role in ("lender", "assistant", scout.code):
        slots = list(Assignment.objects.order_by("lead", "role").values("lead", "role", "user", "since"))
        batch = drafted(harbor.lead, "assign", [first, second], user=harbor.ben, role=role)
        before = {
            user: [level(user, lead) for lead in (first, second)] for user in (harbor.ana, harbor.ben, harbor.dee)
        }
        foreseen = sight(batch)
        batch = run(batch)
        assert set(Assignment.objects.filter(role=role).values_list("user", flat=True)) == {harbor.ben.pk}
        assert facts(batch) == ["assigned"] * 2
        assert foreseen[("assigned", "none", "work")] == {harbor.ben.pk: 2}
        assert level(harbor.ana, first) == "WORK", "she is its Agent still"
        if role == "lender":
            assert foreseen[("assigned", "work", "none")] == {harbor.dee.pk: 1}
        assert outcomes(done(harbor.lead, "assign", [first], user=harbor.ben, role=role)) == {first.pk: "there"}
        run(undo(harbor.lead, batch))
        assert list(Assignment.objects.order_by("lead", "role").values("lead", "role", "user", "since")) == slots
        assert {user: [level(user, lead) for lead in (first, second)] for user in before} == before
    offered.refresh_from_db()
    assert offered.state == "open", "what is on offer is the Agent’s slot"
    told = Notification.objects.filter(user=harbor.ben).order_by("pk").values_list("title", flat=True)
    assert list(told) == [f"2 leads are assigned to you as {name}" for name in ("Lender", "Assistant", "Scout")]
    with pytest.raises(NotNowError, match="role is not"):
        drafted(harbor.lead, "assign", [first], user=harbor.ben, role="covered")


def test_m1_the_role_is_chosen_on_the_page(client: Client, harbor: Brokerage) -> None:
    SlotRole.objects.create(company=harbor.company, code="scout", name="Scout")
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    client.force_login(harbor.lead)
    there = client.post("/batches/", {"verb": "assign", "lead": lead.public_id})["Location"]
    html = client.get(there).content.decode()
    assert [name in html for name in ("Agent", "Assistant", "Lender", "Scout")] == [True] * 4
    html = client.post(there, {"user": harbor.ben.pk, "role": "scout"}, follow=True).content.decode()
    assert "Assign to Ben as Scout" in html
    assert client.post(there, {"user": harbor.ben.pk, "role": "covered"}).status_code == 422
