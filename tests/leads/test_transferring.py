"""Another owner, and letting go: who may, and what becomes of slots, shares, privacy and the ledger (M1, M2, M8, P4)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models.functions import Now

from crm.notifications.models import Notification
from crm.organization.models import Company, Unit, User
from leads.models import Assignment, Lead, LeadShare, Pond
from leads.services.sharing import share_lead
from leads.services.transferring import release_leads, targets_for, transfer_leads
from leads.timeline import timeline_of
from permissions.access import Level, Privacy
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from permissions.profiles.services import give_profile
from tests.factories.leads import assign, make_lead
from tests.factories.people import fresh, join, leave_company, leave_unit, make_member
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def transfer(actor: User, to: Unit | User, *leads: Lead, **fields: Any) -> list[int]:
    ids = [lead.pk for lead in leads]
    moved = transfer_leads(actor=fresh(actor), lead_ids=ids, to=to, why="by hand", **fields)
    for lead in leads:
        lead.refresh_from_db()
    return moved


def release(actor: User, *leads: Lead, **fields: Any) -> list[int]:
    ids = [lead.pk for lead in leads]
    released = release_leads(actor=fresh(actor), lead_ids=ids, why="by hand", **fields)
    for lead in leads:
        lead.refresh_from_db()
    return released


def level(user: User, lead: Lead) -> Level:
    lead.refresh_from_db()
    return access_to(load_keyring(fresh(user)), lead).level


def slots(lead: Lead) -> dict[str, User | Pond | None]:
    taken = Assignment.objects.filter(lead=lead).select_related("user", "pond").order_by("pk")
    return {slot.role: slot.user or slot.pond for slot in taken}


def facts(lead: Lead, *names: str) -> list[tuple[Any, ...]]:
    return list(LedgerEntry.objects.filter(lead_id=lead.pk).order_by("pk").values_list("kind", *names))


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("title", flat=True))


def owned_alone(lead: Lead, owner: Unit | User) -> bool:
    return lead.owner == owner and (lead.owner_unit is None) != (lead.owner_user is None)


# --- From a unit to a person ------------------------------------------------------------------------------------------


def test_m2_to_a_person_she_takes_the_agent_slot_and_managers_lose_manage(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ben)
    assert transfer(harbor.lead, harbor.ana, lead) == [lead.pk]
    assert owned_alone(lead, harbor.ana)
    assert (lead.agent, lead.origin, lead.origin_unit) == (harbor.ana, "company", harbor.lakeside)
    assert level(harbor.ana, lead) == Level.MANAGE
    assert level(harbor.lead, lead) == Level.VIEW  # the policy is `visible`
    assert level(harbor.ben, lead) == Level.NONE
    assert facts(lead, "actor", "from_unit_id", "from_user_id", "to_unit_id", "to_user_id", "role", "why") == [
        ("owner_changed", harbor.lead.pk, harbor.lakeside.pk, None, None, harbor.ana.pk, "", "by hand"),
        ("unassigned", harbor.lead.pk, None, harbor.ben.pk, None, None, "agent", "by hand"),
        ("assigned", harbor.lead.pk, None, None, None, harbor.ana.pk, "agent", "by hand"),
    ]


def test_m2_other_slots_and_shares_end_and_assistants_may_be_kept(harbor: Brokerage) -> None:
    for keep, expected in ((False, {"agent"}), (True, {"agent", "assistant"})):
        lead = make_lead(harbor.lakeside, agent=harbor.ben)
        assign(lead, harbor.dee, "assistant")
        assign(lead, harbor.eve, "lender")
        share_lead(keyring=load_keyring(harbor.lead), actor=harbor.lead, lead=lead, user=harbor.ana, verb="view_lead")
        transfer(harbor.lead, harbor.ben, lead, keep_assistants=keep)
        assert set(slots(lead)) == expected
        assert slots(lead)["agent"] == harbor.ben
        assert not LeadShare.grants().exists()
        assert ("assigned",) not in facts(lead)  # Ben had the Agent slot already
        assert ("revoked", harbor.ana.pk) in facts(lead, "from_user_id")
        assert level(harbor.eve, lead) == Level.NONE


def test_m2_an_assistant_who_becomes_the_owner_is_its_agent_alone(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ben)
    assign(lead, harbor.ana, "assistant")
    transfer(harbor.lead, harbor.ana, lead, keep_assistants=True)
    assert slots(lead) == {"agent": harbor.ana}


def test_m2_a_pond_and_a_cover_end_when_a_person_becomes_the_owner(harbor: Brokerage) -> None:
    pond = Pond.objects.create(company=harbor.company, unit=harbor.lakeside, name="Cold")
    pooled, covered = make_lead(harbor.lakeside), make_lead(harbor.lakeside)
    Assignment.objects.create(company=harbor.company, lead=pooled, role="agent", pond=pond)
    Assignment.objects.create(company=harbor.company, lead=covered, role="agent", user=harbor.ana, until=Now())
    assign(covered, harbor.ben, "covered")
    transfer(harbor.lead, harbor.ana, pooled, covered)
    assert slots(pooled) == slots(covered) == {"agent": harbor.ana}
    assert not Assignment.objects.filter(until__isnull=False).exists()


@pytest.mark.parametrize("policy", ["private", "visible", "managed"])
def test_m2_it_becomes_personal_under_the_policy_of_that_time(policy: str) -> None:
    harbor = brokerage(policy)
    lead = make_lead(harbor.lakeside)
    transfer(harbor.lead, harbor.ana, lead)
    assert lead.privacy == Privacy[policy.upper()]
    assert (level(harbor.lead, lead) == Level.MANAGE) == (policy == "managed")


def test_m2_only_she_can_give_it_back_except_under_managed(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    transfer(harbor.lead, harbor.ana, lead)
    for manager in (harbor.lead, harbor.north_admin, harbor.broker):
        with pytest.raises(PermissionDenied):
            transfer(manager, harbor.lakeside, lead)
    transfer(harbor.ana, harbor.lakeside, lead)
    assert owned_alone(lead, harbor.lakeside)
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="managed")
    transfer(harbor.lead, harbor.ana, lead)
    transfer(harbor.lead, harbor.lakeside, lead)
    assert owned_alone(lead, harbor.lakeside)


# --- To a unit, and from person to person -----------------------------------------------------------------------------


def test_m2_to_a_unit_the_slots_that_are_still_allowed_stay(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, agent=harbor.ana)
    assign(lead, harbor.dee, "assistant")
    assign(lead, harbor.eve, "lender")
    transfer(harbor.ana, harbor.lakeside, lead)
    assert slots(lead) == {"agent": harbor.ana}
    assert level(harbor.ana, lead) == Level.WORK
    transfer(harbor.lead, harbor.north, lead)
    assert slots(lead) == {"agent": harbor.ana}  # she is a member below North
    assert (lead.privacy, lead.hidden, lead.origin) == (None, False, "agent")


def test_m1_of_the_companys_leads_anyone_active_may_be_an_assignee(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    assign(lead, harbor.eve, "lender")
    gone = make_member(harbor.lakeside, "Gone")
    assign(lead, gone, "assistant")
    leave_company(gone)
    transfer(harbor.broker, harbor.whole, lead)
    assert slots(lead) == {"agent": harbor.ana, "lender": harbor.eve}


def test_m1_former_members_are_no_assignees_of_the_unit(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, agent=harbor.ana)
    join(harbor.ana, harbor.south)
    leave_unit(harbor.ana, harbor.lakeside)
    transfer(harbor.ana, harbor.south, lead)
    assert slots(lead) == {"agent": harbor.ana}
    transfer(harbor.broker, harbor.lakeside, lead)
    assert slots(lead) == {}
    assert level(harbor.ana, lead) == Level.NONE


def test_m1_a_pond_of_its_line_stays_and_another_does_not(harbor: Brokerage) -> None:
    ponds = {
        unit: Pond.objects.create(company=harbor.company, unit=unit, name=unit.name)
        for unit in (harbor.lakeside, harbor.north, harbor.harborfront)
    }
    leads = {unit: make_lead(harbor.whole) for unit in ponds}
    for unit, lead in leads.items():
        Assignment.objects.create(company=harbor.company, lead=lead, role="agent", pond=ponds[unit])
    transfer(harbor.broker, harbor.lakeside, *leads.values())
    assert slots(leads[harbor.lakeside]) == {"agent": ponds[harbor.lakeside]}
    assert slots(leads[harbor.north]) == {"agent": ponds[harbor.north]}
    assert slots(leads[harbor.harborfront]) == {}
    lines = [event.line for event in timeline_of(leads[harbor.harborfront]).events]
    assert "Taken out of its pond by <strong>Broker</strong> (by hand)" in lines


def test_v4_a_lead_that_stops_being_personal_stops_being_hidden(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, hidden=True)
    transfer(harbor.ana, harbor.lakeside, lead)
    assert not lead.hidden
    assert facts(lead) == [("owner_changed",), ("shown",)]


def test_o5_from_person_to_person_nothing_private_is_exposed() -> None:
    harbor = brokerage("private")
    lead = make_lead(harbor.ana, hidden=True)
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="managed")
    transfer(harbor.ana, harbor.ben, lead)
    assert owned_alone(lead, harbor.ben)
    assert (lead.privacy, lead.hidden, lead.agent) == (Privacy.PRIVATE, True, harbor.ben)
    assert level(harbor.lead, lead) == level(harbor.ana, lead) == Level.NONE


# --- Who may, and to whom ---------------------------------------------------------------------------------------------


def test_m2_the_same_owner_again_changes_nothing(harbor: Brokerage) -> None:
    unit_lead, hers = make_lead(harbor.lakeside, agent=harbor.ben), make_lead(harbor.ana, agent=harbor.ben)
    assert transfer(harbor.lead, harbor.lakeside, unit_lead) == []
    assert transfer(harbor.ana, harbor.ana, hers) == []
    assert facts(unit_lead) == facts(hers) == []
    assert hers.agent == harbor.ben


def test_p3_without_the_permission_or_the_level_nothing_is_transferred(harbor: Brokerage) -> None:
    lead, hers = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.ana)
    for actor, which in ((harbor.ana, lead), (harbor.lead, hers), (harbor.eve, lead), (stranger(), lead)):
        with pytest.raises(PermissionDenied):
            transfer(actor, harbor.lakeside, which)
    give_profile(harbor.lead, "agent")  # reach, and the permission: it is her role that counts
    transfer(harbor.lead, harbor.ben, lead)
    with pytest.raises(PermissionDenied):
        transfer(harbor.lead, harbor.lakeside, make_lead(harbor.lakeside), hers)


def test_p3_many_at_once_need_mass_edit_and_are_all_or_nothing(harbor: Brokerage) -> None:
    hers = [make_lead(harbor.ana) for _ in range(2)]
    with pytest.raises(PermissionDenied, match="one by one"):
        transfer(harbor.ana, harbor.lakeside, *hers)
    leads = [make_lead(harbor.lakeside) for _ in range(3)]
    with pytest.raises(PermissionDenied):
        transfer(harbor.lead, harbor.ana, *leads, make_lead(harbor.hilltop))
    assert {lead.owner for lead in leads} == {harbor.lakeside}
    assert transfer(harbor.lead, harbor.ana, *leads, batch_id=7) == [lead.pk for lead in leads]
    assert {row[-1] for lead in leads for row in facts(lead, "batch_id")} == {7}


def test_o6_only_to_people_and_units_she_can_see(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    gone, closed = leave_company(make_member(harbor.lakeside, "Gone")), harbor.hilltop
    Unit.objects.filter(pk=closed.pk).update(closed_at=Now())
    outsider = stranger()
    for target in (harbor.eve, harbor.south, gone, closed, outsider):
        with pytest.raises(ValidationError):
            transfer(harbor.lead, target, lead)
    assert lead.owner == harbor.lakeside
    transfer(harbor.lead, harbor.whole, lead)  # a unit above those she manages


def test_o5_under_company_only_leads_go_to_the_company_alone(harbor: Brokerage) -> None:
    hers, lead = make_lead(harbor.ana), make_lead(harbor.lakeside)
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="company_only")
    for target in (harbor.ben, harbor.lakeside, harbor.north):
        with pytest.raises(ValidationError):
            transfer(harbor.broker, target, lead)
        with pytest.raises(ValidationError):
            transfer(harbor.ana, target, hers)
    people, units = targets_for(fresh(harbor.ana))
    assert (list(people), list(units)) == ([], [harbor.whole])
    transfer(harbor.ana, harbor.whole, hers)
    transfer(harbor.lead, harbor.whole, lead)
    assert owned_alone(hers, harbor.whole)


# --- Release ----------------------------------------------------------------------------------------------------------


def test_m2_a_release_clears_the_agent_slot_and_keeps_the_owner(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    assign(lead, harbor.ben, "assistant")
    assert release(harbor.lead, lead) == [lead.pk]
    assert (lead.owner, lead.agent, set(slots(lead))) == (harbor.lakeside, None, {"assistant"})
    assert facts(lead, "from_user_id", "actor") == [("released", harbor.ana.pk, harbor.lead.pk)]
    assert "<strong>Ana</strong> is released from it by <strong>Lead</strong> (by hand)" in [
        event.line for event in timeline_of(lead).events
    ]
    assert release(harbor.lead, lead) == []
    assert len(facts(lead)) == 1


def test_v2_an_agent_may_clear_her_own_slot_and_no_other(harbor: Brokerage) -> None:
    hers, bens = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.lakeside, agent=harbor.ben)
    assign(bens, harbor.ana, "assistant")
    release(harbor.ana, hers)
    assert level(harbor.ana, hers) == Level.NONE
    with pytest.raises(PermissionDenied):
        release(harbor.ana, bens)


def test_m2_a_released_personal_lead_is_a_units_and_nobodys_to_work(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, agent=harbor.ana)
    with pytest.raises(ValidationError):
        release(harbor.ana, lead)
    with pytest.raises(PermissionDenied):
        release(harbor.lead, lead, to=harbor.lakeside)
    release(harbor.ana, lead, to=harbor.lakeside)
    assert (lead.owner, lead.holder_id) == (harbor.lakeside, None)
    assert facts(lead) == [("owner_changed",), ("released",)]


# --- Telling ----------------------------------------------------------------------------------------------------------


def test_m8_an_owner_is_told_when_somebody_else_moves_her_leads() -> None:
    harbor = brokerage("managed")
    leads = [make_lead(harbor.ana) for _ in range(3)]
    transfer(harbor.lead, harbor.lakeside, leads[0])
    transfer(harbor.lead, harbor.lakeside, *leads[1:])
    assert told(harbor.ana) == ["{own lead} went to Lakeside", "2 leads of yours went to Lakeside"]
    assert told(harbor.lead) == []


@pytest.mark.parametrize(("company", "person", "count"), [("user_choice", False, 0), ("off", True, 0)])
def test_m8_the_switches_of_company_and_person(company: str, person: bool, count: int) -> None:
    harbor = brokerage("managed")
    Company.objects.filter(pk=harbor.company.pk).update(owner_notifications=company)
    User.objects.filter(pk=harbor.ana.pk).update(owner_notifications=person)
    transfer(harbor.lead, harbor.lakeside, make_lead(harbor.ana))
    assert len(told(harbor.ana)) == count


def test_m8_nobody_is_told_of_what_she_did_herself(harbor: Brokerage) -> None:
    transfer(harbor.ana, harbor.lakeside, make_lead(harbor.ana))
    assert told(harbor.ana) == []
    transfer(harbor.lead, harbor.ana, make_lead(harbor.lakeside, first_name="Maya"))
    assert told(harbor.ana) == ["{lead} is yours now"]
