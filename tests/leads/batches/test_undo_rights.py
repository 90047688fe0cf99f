"""M6, P3, O5: an undo leaves alone what others have claimed, and is no way around a right that is gone."""

from __future__ import annotations

import pytest

from crm.organization.models import Company
from leads.models import ContactPoint, Lead
from routing.models import Offer
from routing.services.claiming import claim
from tests.factories.leads import assign, make_lead
from tests.factories.people import fresh, leave_unit
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, drafted, outcomes, run, undo
from tests.leads.batches.test_closing import kit as closing
from tests.leads.batches.test_departing import kit as departure
from tests.routing.scenes import on_roster

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.mark.parametrize("act", ["call", "button"])
def test_m6_what_the_routing_handed_on_and_an_agent_claimed_stays_hers(harbor: Brokerage, act: str) -> None:
    on_roster(harbor.lakeside, harbor.ana)
    claimed, open_still = make_lead(harbor.lakeside, agent=harbor.ben), make_lead(harbor.lakeside, agent=harbor.ben)
    batch = run(departure(harbor.broker, harbor.ben))
    assert Offer.objects.filter(user=harbor.ana, state="open").count() == 2
    assert claim(lead_id=claimed.pk, user=fresh(harbor.ana), act=act)
    undone = run(undo(harbor.broker, batch))
    assert outcomes(undone) == {claimed.pk: "claimed", open_still.pk: "changed"}
    assert [Lead.objects.get(pk=lead.pk).agent for lead in (claimed, open_still)] == [harbor.ana, harbor.ben]


def test_m6_after_a_closing_too(harbor: Brokerage) -> None:
    on_roster(harbor.north, harbor.lead)
    lead = make_lead(harbor.hilltop, agent=harbor.eve)  # of another office: she may not work leads of North
    batch = run(closing(harbor.broker, harbor.hilltop, harbor.north))
    assert claim(lead_id=lead.pk, user=fresh(harbor.lead), act="call")
    undone = run(undo(harbor.broker, batch))
    assert outcomes(undone) == {lead.pk: "claimed"}
    assert Lead.objects.get(pk=lead.pk).agent == harbor.lead


def test_p3_whoever_lost_her_reach_undoes_and_redoes_nothing(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ben)
    batch = done(harbor.north_admin, "assign", [lead], user=harbor.ana, role="agent")
    leave_unit(harbor.north_admin, harbor.north)
    assert outcomes(undo(harbor.north_admin, batch)) == {lead.pk: "closed"}
    assert Lead.objects.get(pk=lead.pk).agent == harbor.ana


@pytest.mark.parametrize("policy", ["visible", "private"])
def test_o5_undoing_an_undo_takes_the_right_to_do_it(policy: str) -> None:
    harbor = brokerage("managed")
    lead = make_lead(harbor.ana)
    batch = done(harbor.broker, "owner", [lead], to=f"person-{harbor.ben.pk}", keep_assistants=False)
    back = run(undo(harbor.broker, batch))
    assert Lead.objects.get(pk=lead.pk).owner == harbor.ana
    Company.objects.update(personal_leads=policy)
    assert outcomes(undo(harbor.broker, back)) == {lead.pk: "closed"}
    Company.objects.update(personal_leads="managed")
    assert outcomes(undo(harbor.broker, back)) == {lead.pk: ""}


def test_m6_an_owner_who_gave_a_lead_away_gets_it_back_and_may_give_it_anew(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    assign(lead, harbor.ana)
    batch = done(harbor.broker, "owner", [lead], to=f"person-{harbor.ana.pk}", keep_assistants=False)
    back = run(undo(harbor.broker, batch))
    again = run(undo(harbor.broker, back))
    assert (back.changed, again.changed) == (1, 1)
    assert Lead.objects.get(pk=lead.pk).owner == harbor.ana


def test_i6_a_mass_merge_does_not_go_by_keys_that_are_switched_off(harbor: Brokerage) -> None:
    twins = [make_lead(harbor.lakeside) for _ in range(2)]
    for twin in twins:
        ContactPoint.objects.create(company=harbor.company, lead=twin, kind="email", value="maya@mail.example")
    batch = drafted(harbor.broker, "merge", twins)
    Company.objects.update(duplicate_keys=["phone_name"])
    assert (run(batch).state, "no duplicates any more" in batch.problem) == ("failed", True)
    assert Lead.objects.filter(removed_at=None).count() == 2
