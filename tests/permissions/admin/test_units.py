"""Units in the admin: added, renamed, moved, and the whitelist of teams."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from crm.organization.models import Unit
from permissions.door import locked
from permissions.joining.units import change_unit
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from permissions.profiles.services import give_profile
from tests.factories.leads import make_lead
from tests.factories.people import fresh, join, make_manager, make_member, make_team
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.permissions.admin.walk import address, signed_in, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def client(harbor: Brokerage) -> Client:
    return signed_in(harbor.broker)


def save(client: Client, unit: Unit, **changes: Any) -> HttpResponse:
    path = address(Unit, "change", unit.pk)
    values = {field.name: field.value() for field in client.get(path).context["adminform"].form} | changes
    return client.post(path, {name: value for name, value in values.items() if value not in (None, False)})  # type: ignore[return-value]


def facts(harbor: Brokerage) -> list[tuple[Any, ...]]:
    found = LedgerEntry.objects.filter(company=harbor.company, kind="policy_changed").order_by("pk")
    return list(found.values_list("actor", "why", "from_unit_id", "to_unit_id", "detail"))


def test_o2_units_are_added_where_the_tree_allows(client: Client, harbor: Brokerage) -> None:
    added = client.post(address(Unit, "add"), {"kind": "team", "name": "Pier '); --", "parent": harbor.south.pk})
    assert added.status_code == 302
    pier = Unit.objects.get(name="Pier '); --")
    assert (pier.company, pier.parent, pier.time_zone) == (harbor.company, harbor.south, harbor.south.time_zone)
    assert facts(harbor) == [(harbor.broker.pk, "unit added", None, harbor.south.pk, {"unit": pier.pk})]
    for kind, parent in (("office", harbor.south), ("team", harbor.lakeside), ("company", harbor.whole)):
        page = client.post(address(Unit, "add"), {"kind": kind, "name": "Nowhere", "parent": parent.pk})
        assert page.status_code == 422
        assert "Nowhere" in text(page)
    page = client.post(address(Unit, "add"), {"kind": "team", "name": "LAKESIDE", "parent": harbor.south.pk})
    assert "This name is taken already." in text(page)
    assert not Unit.objects.filter(name="Nowhere").exists()


def test_o2_moving_a_team_changes_at_once_who_manages_it(client: Client, harbor: Brokerage) -> None:
    south = make_manager(harbor.south, "South Admin")
    lead = locked(make_lead(harbor.lakeside))
    assert load_keyring(fresh(south)).access(lead).level == 0
    assert save(client, harbor.lakeside, parent=harbor.south.pk).status_code == 302
    assert load_keyring(fresh(south)).access(lead).level == 4
    assert load_keyring(fresh(harbor.north_admin)).access(lead).level == 0
    moved = (harbor.broker.pk, "unit moved", harbor.north.pk, harbor.south.pk, {"unit": harbor.lakeside.pk})
    assert facts(harbor) == [moved]


@pytest.mark.parametrize("target", ["hilltop", "lakeside", "stranger", "nothing"])
def test_o2_a_unit_moves_only_where_the_tree_allows(client: Client, harbor: Brokerage, target: str) -> None:
    strange = Unit.objects.get(company=stranger().company)
    parent = {"stranger": strange.pk, "nothing": ""}.get(target) or getattr(harbor, target, strange).pk
    page = save(client, harbor.lakeside, parent="" if target == "nothing" else parent)
    assert page.status_code == 422
    assert Unit.objects.get(pk=harbor.lakeside.pk).parent == harbor.north
    page = save(client, harbor.north, parent=harbor.south.pk)
    assert "An office hangs under the company" in text(page)


def test_o5_the_whitelist_is_of_teams_and_stands_in_the_ledger(client: Client, harbor: Brokerage) -> None:
    save(client, harbor.lakeside, may_change_ownership="on")
    save(client, harbor.lakeside, may_change_ownership="on")
    assert Unit.objects.get(pk=harbor.lakeside.pk).may_change_ownership
    detail = {"unit": harbor.lakeside.pk, "after": True}
    assert facts(harbor) == [(harbor.broker.pk, "ownership whitelist", None, None, detail)]
    save(client, harbor.north, may_change_ownership="on")
    assert not Unit.objects.get(pk=harbor.north.pk).may_change_ownership


def test_m1_a_team_is_not_moved_away_from_leads_its_people_work(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.north, agent=harbor.ana)
    make_lead(harbor.whole, agent=harbor.ben)
    answer = save(client, harbor.lakeside, parent=harbor.south.pk)
    assert "In North: Ana works 1 lead there. Hand that on first." in answer.content.decode()
    assert Unit.objects.get(pk=harbor.lakeside.pk).parent == harbor.north
    join(harbor.ana, harbor.hilltop)
    save(client, harbor.lakeside, parent=harbor.south.pk)
    assert Unit.objects.get(pk=harbor.lakeside.pk).parent == harbor.south, "by Hilltop she still belongs to North"
    assert lead.assignments.get().user == harbor.ana


def test_o5_the_whitelist_needs_the_verb_of_policy(client: Client, harbor: Brokerage) -> None:
    profile = harbor.broker.holding.profile
    profile.permissions = sorted({*profile.permissions} - {"manage_policy"})
    profile.save()
    save(client, harbor.lakeside, may_change_ownership="on", name="Lake")
    lake = Unit.objects.get(pk=harbor.lakeside.pk)
    assert (lake.name, lake.may_change_ownership) == ("Lake", False)


def test_the_company_keeps_its_place_and_its_name(client: Client, harbor: Brokerage) -> None:
    assert (
        save(client, harbor.whole, name="Other", parent=harbor.north.pk, time_zone="America/Denver").status_code == 302
    )
    whole = Unit.objects.get(pk=harbor.whole.pk)
    assert (whole.name, whole.parent, whole.time_zone) == (harbor.whole.name, None, "America/Denver")


def test_who_manages_but_one_office_shapes_nothing(harbor: Brokerage) -> None:
    give_profile(harbor.north_admin, "company_admin")
    with pytest.raises(Exception, match="managers of the company"):
        change_unit(actor=fresh(harbor.north_admin), unit=harbor.lakeside, parent=harbor.whole)
    with pytest.raises(Exception, match="managers of the company"):
        change_unit(actor=stranger(), unit=harbor.lakeside, parent=harbor.whole)


def test_units_are_listed_as_the_tree_stands(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        make_member(make_team(harbor.whole, f"Zone {_}"))
    client.get(address(Unit, "changelist"))
    with django_assert_max_num_queries(5):
        page = client.get(address(Unit, "changelist"))
    names = [unit.name for unit in page.context["cl"].result_list]
    assert names[:7] == [harbor.whole.name, "North", "Hilltop", "Lakeside", "South", "Harborfront", "Zone 0"]
    assert [unit.members for unit in page.context["cl"].result_list][:4] == [1, 1, 1, 3]
