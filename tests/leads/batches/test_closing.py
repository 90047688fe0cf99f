"""Closing a unit (O4): its leads, people, teams, ponds and rosters go where it was said, and come back with an undo."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from crm.organization.models import Membership, Unit, User
from leads.batches.drafting import draft, preview
from leads.batches.running import carry_on
from leads.batches.sight import named
from leads.batches.verb import NotNowError
from leads.models import Assignment, Batch, ImportRun, Lead, Pond, PondMember
from permissions.models import LedgerEntry
from permissions.profiles.services import profiles_for
from routing.models import Offer, RosterMember, RoutingPolicy
from tests.factories.leads import assign, in_pond, make_lead, make_pond, offer
from tests.factories.people import fresh, make_manager
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.batches.doing import queued, run, undo
from tests.leads.batches.test_departing import foreseen, levels, slots, turns
from tests.routing.scenes import make_policy, on_roster

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def kit(actor: User, unit: Unit, to: Unit) -> Batch:
    made = draft(actor=fresh(actor), verb="close", scope={"unit": unit.pk})
    return preview(actor=fresh(actor), batch=made, params={"to": f"unit-{to.pk}", "keep_assistants": False})


def everything() -> list[Any]:
    """All that a closing touches; offers and rotations end for good, and memberships that came with it are ended."""
    rows: list[Any] = [
        Unit.objects.order_by("pk").values("pk", "closed_at", "parent"),
        Membership.objects.current().order_by("pk").values("pk", "unit", "user", "role"),
        Pond.objects.order_by("pk").values("pk", "unit", "closed_at"),
        PondMember.objects.order_by("pk").values("pk", "pond", "user"),
        RosterMember.objects.order_by("unit", "user").values("unit", "user", "position", "weight", "credit"),
        RoutingPolicy.objects.order_by("unit").values("unit", "fallback"),
        Assignment.objects.order_by("lead", "role").values("lead", "role", "user", "pond", "until"),
        Lead.objects.order_by("pk").values("pk", "owner_unit", "owner_user", "origin_unit", "locks"),
    ]
    return [list(one) for one in rows]


def owners(*leads: Lead) -> set[Any]:
    return {Lead.objects.get(pk=lead.pk).owner for lead in leads}


def test_o4_all_of_a_team_goes_to_its_office_and_comes_back(harbor: Brokerage) -> None:
    make_policy(harbor.lakeside, fallback=harbor.lead)
    on_roster(harbor.lakeside, harbor.ana, harbor.ben)
    pond = make_pond(harbor.lakeside, harbor.ana)
    worked, general = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.lakeside)
    pooled = in_pond(make_lead(harbor.lakeside), pond)
    personal = make_lead(harbor.ana)
    before, level = everything(), levels([worked, general, pooled])
    batch = kit(harbor.broker, harbor.lakeside, harbor.north)
    assert (batch.total, everything()) == (3, before)
    batch = run(batch)
    assert (batch.state, batch.changed) == ("done", 3)
    assert owners(worked, general, pooled) == {harbor.north}
    assert owners(personal) == {harbor.ana}
    assert (slots(worked), slots(general), slots(pooled)) == ({"agent": harbor.ana}, {}, {"agent": pond})
    assert Unit.objects.get(pk=harbor.lakeside.pk).closed_at
    assert Pond.objects.get(pk=pond.pk).unit == harbor.north
    assert not RosterMember.objects.exists()
    roles = Membership.objects.current().filter(unit=harbor.north).order_by("user__name").values_list("user", "role")
    people = (harbor.ana, harbor.ben, harbor.lead)
    assert [row for row in roles if row[1] == "member"] == [(user.pk, "member") for user in people]
    assert not Membership.objects.current().filter(unit=harbor.lakeside).exists()
    assert foreseen(batch) == turns(level, levels([worked, general, pooled]))
    said = LedgerEntry.objects.filter(why__in=["unit closed", "pond"], batch_id=batch.pk)
    assert said.count() == 2
    run(undo(harbor.broker, batch))
    assert everything() == before


def test_o4_who_left_meanwhile_does_not_come_back_with_the_unit(harbor: Brokerage) -> None:
    make_policy(harbor.lakeside)
    on_roster(harbor.lakeside, harbor.ana, harbor.ben)
    batch = run(kit(harbor.broker, harbor.lakeside, harbor.north))
    made = draft(actor=fresh(harbor.broker), verb="depart", scope={"person": harbor.ben.pk, "unit": harbor.north.pk})
    run(preview(actor=fresh(harbor.broker), batch=made, params={"to": {}}))
    run(undo(harbor.broker, batch))
    here = Membership.objects.current().filter(unit=harbor.lakeside)
    assert set(here.filter(user__in=[harbor.ana, harbor.ben]).values_list("user", flat=True)) == {harbor.ana.pk}
    assert list(RosterMember.objects.filter(unit=harbor.lakeside).values_list("user", flat=True)) == [harbor.ana.pk]


def test_o4_an_office_with_teams_goes_to_the_company(harbor: Brokerage) -> None:
    lead = make_lead(harbor.north, agent=harbor.ana)
    team_s = make_lead(harbor.lakeside, agent=harbor.ana)
    before = everything()
    batch = run(kit(harbor.broker, harbor.north, harbor.whole))
    assert (batch.state, batch.problem, owners(lead), owners(team_s)) == ("done", "", {harbor.whole}, {harbor.lakeside})
    assert {unit.parent for unit in Unit.objects.filter(kind="team", name__in=["Lakeside", "Hilltop"])} == {
        harbor.whole
    }
    assert slots(lead) == {"agent": harbor.ana}
    run(undo(harbor.broker, batch))
    assert everything() == before


def test_o4_m1_who_may_not_work_them_there_is_followed_by_the_routing(harbor: Brokerage) -> None:
    make_policy(harbor.south)
    on_roster(harbor.south, harbor.eve)
    lead, offered = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.lakeside, agent=harbor.ben)
    assign(lead, harbor.ben, "assistant")
    open_offer = offer(offered, harbor.ben)
    pooled = in_pond(make_lead(harbor.lakeside), make_pond(harbor.lakeside, harbor.ana))
    before = levels([pooled])
    batch = run(kit(harbor.broker, harbor.lakeside, harbor.south))
    assert (batch.state, owners(lead, offered, pooled)) == ("done", {harbor.south})
    assert (slots(lead), slots(offered)) == ({"agent": harbor.eve}, {"agent": harbor.eve})
    assert Offer.objects.get(pk=open_offer.pk).state == "withdrawn"
    assert slots(pooled) == {"agent": harbor.eve}
    closed, leads = levels([lead, offered, pooled]), [lead, offered, pooled]
    assert foreseen(run(undo(harbor.broker, batch))) == turns(closed, levels(leads))
    assert levels([pooled]) == before


def test_m4_a_closing_goes_in_chunks_and_takes_what_comes_meanwhile(harbor: Brokerage) -> None:
    leads = [make_lead(harbor.lakeside) for _ in range(3)]
    batch = queued(kit(harbor.broker, harbor.lakeside, harbor.north))
    with mock.patch("leads.batches.running.CHUNK", 2):
        assert carry_on(batch.pk, chunks=1)
        assert owners(*leads) == {harbor.north, harbor.lakeside}
        assert Unit.objects.get(pk=harbor.lakeside.pk).closed_at is None
        late = make_lead(harbor.lakeside)
        assert not carry_on(batch.pk)
    assert owners(*leads, late) == {harbor.north}
    assert not Lead.objects.filter(owner_unit__closed_at__isnull=False).exists()


def test_o4_what_cannot_be_closed(harbor: Brokerage) -> None:
    for actor in (harbor.north_admin, harbor.lead, harbor.ana):
        with pytest.raises(PermissionDenied):
            kit(actor, harbor.lakeside, harbor.north)
    with pytest.raises(NotNowError, match="itself is not closed"):
        kit(harbor.broker, harbor.whole, harbor.north)
    with pytest.raises(NotNowError, match="choose another"):
        kit(harbor.broker, harbor.lakeside, harbor.lakeside)
    first, second = kit(harbor.broker, harbor.lakeside, harbor.north), kit(harbor.broker, harbor.north, harbor.whole)
    run(first)
    with pytest.raises(NotNowError, match="closed already"):
        kit(harbor.broker, harbor.lakeside, harbor.north)
    run(second)
    with pytest.raises(NotNowError, match="Open that again first"):
        undo(harbor.broker, first)


def test_o4_a_unit_is_not_closed_under_an_import(harbor: Brokerage) -> None:
    ImportRun.objects.create(
        company=harbor.company, created_by=harbor.broker, owner_unit=harbor.lakeside, state=ImportRun.State.RUNNING
    )
    with pytest.raises(NotNowError, match="import"):
        kit(harbor.broker, harbor.lakeside, harbor.north)


def test_o4_its_name_may_be_taken_when_it_is_to_come_back(harbor: Brokerage) -> None:
    batch = run(kit(harbor.broker, harbor.lakeside, harbor.north))
    Unit.objects.create(company=harbor.company, kind="team", parent=harbor.north, name="lakeside")
    with pytest.raises(NotNowError, match="another unit of the name"):
        undo(harbor.broker, batch)


def test_o5_under_company_only_the_company_takes_over(harbor: Brokerage) -> None:
    harbor.company.personal_leads = "company_only"
    harbor.company.save()
    make_lead(harbor.lakeside)
    with pytest.raises(NotNowError):
        kit(harbor.broker, harbor.lakeside, harbor.north)
    assert run(kit(harbor.broker, harbor.lakeside, harbor.whole)).changed == 1


def test_p3_closing_changes_owners_and_needs_the_right_to(harbor: Brokerage) -> None:
    profile = profiles_for(harbor.broker).get(code="company_admin")
    profile.permissions = [held for held in profile.permissions if held != "change_owner"]
    profile.save()
    with pytest.raises(PermissionDenied, match="owner"):
        kit(harbor.broker, harbor.lakeside, harbor.north)


def test_o4_from_the_units_page_to_the_preview(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, agent=harbor.ana)
    client.force_login(harbor.broker)
    there = f"/departures/units/{harbor.lakeside.pk}/"
    assert there in client.get(f"/admin/organization/unit/{harbor.lakeside.pk}/change/").content.decode()
    assert "/departures/" not in client.get(f"/admin/organization/unit/{harbor.whole.pk}/change/").content.decode()
    html = client.get(there).content.decode()
    assert "Leads it owns" in html
    assert "become members of North" in html
    assert client.post(there, {"to": harbor.lakeside.pk}).status_code == 422
    html = client.post(there, {"to": harbor.south.pk}, follow=True).content.decode()
    assert "Close Lakeside" in html
    assert f'href="{there}"' in html, "the way back"
    assert "South will own its leads" in html
    assert client.get(f"/departures/units/{harbor.whole.pk}/").status_code == 403
    for user, answer in ((stranger(), 404), (harbor.north_admin, 403), (make_manager(harbor.whole, "Second"), 200)):
        client.force_login(user)
        assert client.get(there).status_code == answer


def test_m4_one_line_for_people_whose_sight_changes_in_two_ways(harbor: Brokerage) -> None:
    """She managed both, and sees one as a member of the office and works the other."""
    make_lead(harbor.lakeside, agent=harbor.lead)
    make_lead(harbor.lakeside)
    batch = kit(harbor.broker, harbor.lakeside, harbor.north)
    assert set(foreseen(batch)) == {(harbor.lead.pk, "manage", "work"), (harbor.lead.pk, "manage", "view")}
    [line] = named((batch.preview or {})["sight"], fresh(harbor.broker))
    assert (line.group, line.names, line.others) == ("Can do less", [("Lead", 2)], 0)
