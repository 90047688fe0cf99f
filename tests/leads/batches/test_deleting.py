"""Deleting leads: who may (P3), what ends by it, who is told (M8), and the way back (M6)."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from crm.core.pagination import capped_count
from crm.notifications.models import Notification
from crm.organization.models import Unit
from leads.batches.undoing import why_not_undo
from leads.models import Assignment, Batch, Lead
from leads.models.request import State
from leads.services.asking import ask
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry, Profile
from permissions.profiles.services import give_profile
from routing.models import Offer
from tests.factories.leads import assign, make_lead, offer
from tests.factories.people import fresh, leave_company
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, drafted, outcomes, run, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def facts(batch: Batch) -> list[str]:
    return list(LedgerEntry.objects.filter(batch_id=batch.pk).order_by("pk").values_list("kind", flat=True))


def sees(harbor: Brokerage, lead: Lead) -> set[str]:
    lead.refresh_from_db()
    people = (harbor.broker, harbor.lead, harbor.ana, harbor.ben)
    return {one.name for one in people if access_to(load_keyring(fresh(one)), lead).level > Level.NONE}


def test_p3_deleting_takes_both_the_standing_and_the_permission(harbor: Brokerage) -> None:
    hers, team = make_lead(harbor.lead), make_lead(harbor.lakeside)
    anas, others = make_lead(harbor.ana), make_lead(harbor.hilltop)
    batch = done(harbor.lead, "delete", [hers, team, anas, others])
    assert outcomes(batch) == {hers.pk: "changed", team.pk: "unit", anas.pk: "personal"}
    batch = done(harbor.broker, "delete", [team, anas, others])
    assert outcomes(batch) == {team.pk: "changed", anas.pk: "personal", others.pk: "changed"}


def test_p3_with_the_permission_an_agent_deletes_leads_of_units_that_she_works(harbor: Brokerage) -> None:
    worked, free = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.lakeside)
    held = [*harbor.ana.holding.profile.permissions, "delete_unit_lead", "view_unit_lead", "mass_edit_lead"]
    Profile.objects.create(company=harbor.company, code="tidy", name="Tidy", permissions=held)
    give_profile(harbor.ana, "tidy")
    assert outcomes(done(harbor.ana, "delete", [worked, free])) == {worked.pk: "changed", free.pk: "unit"}


def test_m6_all_that_people_had_with_a_deleted_lead_ends_and_an_undo_gives_back_what_can_return(
    harbor: Brokerage,
) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    assign(lead, harbor.ben, "assistant")
    offer(lead, harbor.ana)
    asked = ask(asker=harbor.ben, lead=lead, kind="transfer")
    since = Assignment.objects.get(lead=lead, role="assistant").since
    assert sees(harbor, lead) == {"Broker", "Lead", "Ana", "Ben"}
    batch = done(harbor.broker, "delete", [lead])
    assert (sees(harbor, lead), lead.agent_id, lead.assignments.count()) == (set(), None, 0)
    assert Offer.objects.get(lead=lead).state == Offer.State.WITHDRAWN
    asked.refresh_from_db()
    assert asked.state == State.LAPSED
    assert set(facts(batch)) >= {"deleted", "unassigned"}
    back = run(undo(harbor.broker, batch))
    assert outcomes(back) == {lead.pk: "changed"}
    assert sees(harbor, lead) == {"Broker", "Lead", "Ana", "Ben"}
    assert (lead.removed_at, lead.agent_id) == (None, harbor.ana.pk)
    assert Assignment.objects.get(lead=lead, role="assistant").since == since
    assert "restored" in facts(back)
    again = run(undo(harbor.broker, back))
    assert (outcomes(again), sees(harbor, lead)) == ({lead.pk: "changed"}, set())
    assert "deleted" in facts(again)


def test_m6_a_deleted_lead_does_not_return_to_who_has_left_nor_to_a_closed_unit(harbor: Brokerage) -> None:
    worked, orphan = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.harborfront)
    batch = done(harbor.broker, "delete", [worked, orphan])
    leave_company(harbor.ana)
    Unit.objects.filter(pk=harbor.harborfront.pk).update(closed_at=Now())
    assert outcomes(run(undo(harbor.broker, batch))) == {worked.pk: "changed", orphan.pk: "left"}
    assert not Assignment.objects.filter(lead=worked).exists()


def test_m6_only_who_did_it_and_managers_of_the_company_bring_leads_back(harbor: Brokerage) -> None:
    batch = done(harbor.lead, "delete", [make_lead(harbor.lead)])
    assert why_not_undo(fresh(harbor.north_admin), batch) == "Only Lead can undo this."
    assert why_not_undo(fresh(harbor.lead), batch) == ""


def test_m8_owners_are_told_of_what_somebody_else_deletes() -> None:
    harbor = brokerage("managed")
    leads = [make_lead(harbor.ana), make_lead(harbor.ana), make_lead(harbor.lakeside)]
    batch = done(harbor.broker, "delete", leads)
    told = Notification.objects.get(user=harbor.ana)
    assert (told.title, told.body) == ("2 leads of yours were deleted", "By Broker.")
    run(undo(harbor.broker, batch))
    assert [one.title for one in Notification.objects.order_by("pk")] == [told.title, "2 leads of yours came back"]
    assert not Notification.objects.exclude(user=harbor.ana).exists()


def test_m4_deleted_leads_are_in_no_count_and_no_later_batch(harbor: Brokerage) -> None:
    kept, gone = make_lead(harbor.lakeside, first_name="Kept"), make_lead(harbor.lakeside, first_name="Gone")
    foreseen = drafted(harbor.broker, "delete", [gone])
    assert foreseen.preview is not None
    assert {one["after"] for one in foreseen.preview["sight"]} == {"none"}
    run(foreseen)
    assert capped_count(Lead.objects.visible_to(fresh(harbor.broker))) == (1, False)
    assert list(outcomes(done(harbor.broker, "delete", ""))) == [kept.pk]


def test_m6_one_lead_is_deleted_from_its_page_and_brought_back(harbor: Brokerage, client: Client) -> None:
    lead = make_lead(harbor.ana, first_name="Maya", last_name="Stone")
    client.force_login(harbor.ana)
    page = reverse("lead", args=[lead.public_id])
    assert reverse("lead-delete", args=[lead.public_id]) in client.get(page).content.decode()
    answer = client.post(reverse("lead-delete", args=[lead.public_id]), follow=True)
    said = answer.content.decode()
    assert "Undo" in said
    assert "Maya" in said
    assert page not in said
    assert client.get(page).status_code == 404
    batch = Batch.objects.get()
    answer = client.post(reverse("batch-undo", args=[batch.public_id]), follow=True)
    undoing = Batch.objects.get(undoes=batch)
    client.post(reverse("batch-confirm", args=[undoing.public_id]))
    assert client.get(page).status_code == 200
