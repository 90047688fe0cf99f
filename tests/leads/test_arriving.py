"""Leads that come in by themselves: whose they are, who works them, and people who are known already (C6–C8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import Company, Reregistration, Unit, User
from leads.models import Activity, Assignment, Conflict, ContactPoint, Lead
from leads.services.arriving import Arrival, Outcome, take_in
from permissions.models import LedgerEntry
from routing.models import Decision, Offer
from tests.factories.leads import assign, in_pond, make_lead, make_pond
from tests.factories.people import leave_company
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.routing.scenes import on_roster

pytestmark = pytest.mark.django_db
PHONE, EMAIL = "201 555 0123", "Maya@Mail.example"


@pytest.fixture
def harbor() -> Brokerage:
    harbor = brokerage()
    on_roster(harbor.lakeside, harbor.ana, harbor.ben)
    return harbor


def arrival(owner: Unit | User, ref: int = 1, **facts: Any) -> Arrival:
    known = {"first_name": "Maya", "last_name": "Okafor"}
    return Arrival(**{"ref": ref, "owner": owner, "why": "Website", "fields": known, "emails": [EMAIL], **facts})


def comes(harbor: Brokerage, *arrivals: Arrival) -> list[Outcome]:
    return take_in(Company.objects.get(pk=harbor.company.pk), arrivals)


def lead_of(outcome: Outcome) -> Lead:
    return Lead.objects.select_related("owner_unit", "owner_user", "agent", "source").get(pk=outcome.lead_id)


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


def set_policy(harbor: Brokerage, **values: Any) -> None:
    Company.objects.filter(pk=harbor.company.pk).update(**values)


# --- new people -------------------------------------------------------------------------------------------------------


def test_c7_a_units_lead_follows_its_routing(harbor: Brokerage) -> None:
    [outcome] = comes(harbor, arrival(harbor.lakeside, phones=[PHONE], source="Web", said="Is it free?"))
    lead = lead_of(outcome)
    assert (outcome.is_new, lead.owner, lead.origin, lead.origin_unit) == (
        True,
        harbor.lakeside,
        "company",
        harbor.lakeside,
    )
    assert Offer.objects.get(lead=lead, state="open").user in (harbor.ana, harbor.ben)
    assert str(lead.source) == "Web"
    points = set(ContactPoint.objects.filter(lead=lead).values_list("kind", "value"))
    assert points == {("email", "maya@mail.example"), ("phone", "+12015550123")}
    assert Activity.objects.get(lead=lead, kind="inquiry").body == "Is it free?"
    created = LedgerEntry.objects.get(lead_id=lead.pk, kind="created")
    assert (created.actor_id, created.why, created.to_unit_id) == (None, "Website", harbor.lakeside.pk)


def test_c7_a_persons_lead_stays_with_her_even_paused(harbor: Brokerage) -> None:
    User.objects.filter(pk=harbor.ana.pk).update(available=False)
    [outcome] = comes(harbor, arrival(harbor.ana, hidden=True))
    lead = lead_of(outcome)
    assert (lead.owner, lead.origin, lead.hidden) == (harbor.ana, "agent", True)
    assert not Offer.objects.exists()
    assert told(harbor.ana) == ["assigned"]
    assert LedgerEntry.objects.filter(lead_id=lead.pk, kind="hidden").exists()


def test_c6_a_named_agent_gets_it_and_the_rotation_leaves_it_alone(harbor: Brokerage) -> None:
    [outcome] = comes(harbor, arrival(harbor.lakeside, agent=harbor.ben))
    assert lead_of(outcome).agent == harbor.ben
    assert not Decision.objects.exists()
    assert told(harbor.ben) == ["assigned"]


def test_c6_who_may_not_work_it_is_not_given_it(harbor: Brokerage) -> None:
    for agent in (harbor.eve, stranger()):
        [outcome] = comes(harbor, arrival(harbor.lakeside, agent=agent, emails=[f"m{agent.pk}@mail.example"]))
        assert lead_of(outcome).agent != agent
        assert Offer.objects.filter(lead=outcome.lead_id).exists()


def test_o5_under_company_only_the_company_owns_it_and_she_works_it(harbor: Brokerage) -> None:
    set_policy(harbor, personal_leads="company_only")
    [outcome] = comes(harbor, arrival(harbor.ana, hidden=False))
    lead = lead_of(outcome)
    assert (lead.owner, lead.agent, lead.origin) == (harbor.whole, harbor.ana, "agent")


def test_a_senders_clock_that_is_ahead_puts_nothing_into_the_future(harbor: Brokerage) -> None:
    [outcome] = comes(harbor, arrival(harbor.ana, happened_at=timezone.now() + timedelta(days=2)))
    assert Activity.objects.get(lead=outcome.lead_id, kind="inquiry").at <= timezone.now()


def test_what_cannot_be_read_is_kept_in_words(harbor: Brokerage) -> None:
    [outcome] = comes(harbor, arrival(harbor.ana, emails=["nonsense@"], phones=["call me"]))
    body = Activity.objects.get(lead=outcome.lead_id, kind="inquiry").body
    assert "nonsense@" in body
    assert "call me" in body


# --- people who are known ---------------------------------------------------------------------------------------------


def test_c8_a_held_lead_stays_and_its_holder_is_told(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana, emails=[EMAIL])
    [outcome] = comes(harbor, arrival(harbor.lakeside, phones=[PHONE], said="Still there?"))
    assert outcome == Outcome(1, lead.pk)
    assert not Decision.objects.exists()
    assert told(harbor.ana) == ["inquiry"]
    assert Activity.objects.get(lead=lead, kind="inquiry").body == "Still there?"
    assert ContactPoint.objects.filter(lead=lead, kind="phone").exists()


def test_c8_an_offered_lead_gets_no_second_turn(harbor: Brokerage) -> None:
    [first] = comes(harbor, arrival(harbor.lakeside))
    [second] = comes(harbor, arrival(harbor.lakeside))
    assert (second.lead_id, second.is_new) == (first.lead_id, False)
    assert Offer.objects.filter(lead=first.lead_id).count() == 1


@pytest.mark.parametrize("how", ["unheld", "in a pond", "holder gone"])
def test_c8_a_lead_that_nobody_holds_is_routed_as_new(harbor: Brokerage, how: str) -> None:
    lead = make_lead(harbor.lakeside, emails=[EMAIL])
    if how == "in a pond":
        in_pond(lead, make_pond(harbor.lakeside, harbor.ana))
    if how == "holder gone":
        assign(lead, harbor.dee)
        leave_company(harbor.dee)
    [outcome] = comes(harbor, arrival(harbor.lakeside))
    assert outcome.lead_id == lead.pk
    offer = Offer.objects.get(lead=lead)
    assert Assignment.objects.get(lead=lead, role="agent").user == offer.user
    assert lead_of(outcome).owner == harbor.lakeside


@pytest.mark.parametrize("policy", Reregistration.values)
def test_c8_somebodys_personal_lead_follows_the_policy(harbor: Brokerage, policy: str) -> None:
    set_policy(harbor, reregistration=policy)
    hers = make_lead(harbor.dee, emails=[EMAIL])
    [outcome] = comes(harbor, arrival(harbor.lakeside))
    if policy == Reregistration.KEEP:
        assert outcome == Outcome(1, hers.pk)
        assert told(harbor.dee) == ["inquiry"]
        assert not Offer.objects.exists()
    else:
        assert outcome.is_new
        assert lead_of(outcome).owner == harbor.lakeside
        pairs = [(one.known, one.arrived_id) for one in Conflict.objects.order_by("pk")]
        assert pairs == ([(hers, outcome.lead_id)] if policy == Reregistration.DISPUTE else [])
        assert told(harbor.dee) == []
        assert not Activity.objects.filter(lead=hers).exists()


@pytest.mark.parametrize("policy", Reregistration.values)
def test_c8_her_own_lead_is_hers_whatever_the_policy(harbor: Brokerage, policy: str) -> None:
    set_policy(harbor, reregistration=policy)
    hers = make_lead(harbor.ana, emails=[EMAIL])
    assert comes(harbor, arrival(harbor.ana)) == [Outcome(1, hers.pk)]


def test_c8_leads_of_people_who_left_are_as_if_unknown(harbor: Brokerage) -> None:
    hers = make_lead(harbor.dee, emails=[EMAIL])
    leave_company(harbor.dee)
    [outcome] = comes(harbor, arrival(harbor.lakeside))
    assert outcome.is_new
    assert outcome.lead_id != hers.pk


def test_c8_deleted_leads_and_other_companies_are_unknown(harbor: Brokerage) -> None:
    make_lead(brokerage().lakeside, emails=[EMAIL])
    gone = make_lead(harbor.lakeside, emails=[EMAIL])
    Lead.objects.filter(pk=gone.pk).update(removed_at="2026-01-01T00:00Z")
    [outcome] = comes(harbor, arrival(harbor.lakeside))
    assert outcome.is_new


def test_c8_the_same_person_twice_at_once_is_one_lead(harbor: Brokerage) -> None:
    outcomes = comes(harbor, *(arrival(harbor.lakeside, ref=ref, said=f"Inquiry {ref}") for ref in range(4)))
    assert len({one.lead_id for one in outcomes}) == 1
    assert [one.is_new for one in sorted(outcomes, key=lambda one: one.ref)] == [True, False, False, False]
    assert Activity.objects.filter(kind="inquiry").count() == 4
    assert Offer.objects.count() == 1


def test_c8_the_nearest_of_several_is_taken(harbor: Brokerage) -> None:
    make_lead(harbor.dee, emails=[EMAIL])
    units = make_lead(harbor.lakeside, agent=harbor.ana, emails=[EMAIL])
    hers = make_lead(harbor.ben, emails=[EMAIL])
    assert comes(harbor, arrival(harbor.hilltop)) == [Outcome(1, units.pk)]
    assert comes(harbor, arrival(harbor.ben)) == [Outcome(1, hers.pk)]


def test_c3_what_makes_no_lead_is_told_of_people_who_are_known_only(harbor: Brokerage) -> None:
    assert comes(harbor, arrival(harbor.lakeside, makes_lead=False)) == [Outcome(1, None)]
    lead = make_lead(harbor.lakeside, agent=harbor.ana, emails=[EMAIL])
    assert comes(harbor, arrival(harbor.lakeside, makes_lead=False)) == [Outcome(1, lead.pk)]


def test_many_at_once_take_as_many_queries_as_few(harbor: Brokerage, django_assert_max_num_queries: Any) -> None:
    few = [arrival(harbor.lakeside, ref=n, emails=[f"a{n}@mail.example"]) for n in range(60)]
    with django_assert_max_num_queries(60):
        assert len(comes(harbor, *few)) == 60
