"""O1–O3: the tree of units and who is in it."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from crm.organization.models import Membership, Unit, User
from crm.organization.services import add_member, create_unit, create_user
from tests.factories.people import company_unit, join, leave_unit, make_company, make_office, make_team, make_user
from tests.factories.scenes import brokerage

pytestmark = pytest.mark.django_db


def test_o2_a_company_has_exactly_one_company_unit() -> None:
    company = make_company()
    assert company_unit(company).parent is None
    with pytest.raises(IntegrityError, match="unit_one_company_unit"), transaction.atomic():
        Unit.objects.create(company=company, kind="company", name="Second")


@pytest.mark.parametrize("kind", ["office", "team"])
def test_o2_a_team_carries_nothing(kind: str) -> None:
    team = make_team(make_office(make_company()))
    with pytest.raises(ValidationError, match="An office hangs under the company"):
        create_unit(parent=team, kind=kind, name="Below")


def test_o2_an_office_hangs_under_the_company_and_a_team_under_either() -> None:
    office = make_office(make_company())
    with pytest.raises(ValidationError):
        create_unit(parent=office, kind="office", name="Below")
    assert make_team(office).parent == office
    assert make_team(company_unit(office.company)).parent == company_unit(office.company)


def test_o2_a_unit_stays_in_its_company() -> None:
    unit = make_office(make_company())
    unit.parent = company_unit(make_company())
    with pytest.raises(ValidationError, match="An office hangs under the company"):
        unit.full_clean()


def test_o3_a_person_is_in_many_units_but_once_in_each() -> None:
    harbor = brokerage()
    join(harbor.ana, harbor.hilltop)
    assert set(Unit.objects.joined_by(harbor.ana)) == {harbor.lakeside, harbor.hilltop}
    add_member(unit=harbor.lakeside, user=harbor.ana, role="admin")
    assert Membership.objects.get(unit=harbor.lakeside, user=harbor.ana).role == "admin"
    with pytest.raises(IntegrityError, match="membership_once"), transaction.atomic():
        Membership.objects.create(company=harbor.company, unit=harbor.lakeside, user=harbor.ana)


def test_o3_a_membership_that_ended_keeps_its_dates() -> None:
    harbor = brokerage()
    leave_unit(harbor.ana, harbor.lakeside)
    assert harbor.lakeside not in Unit.objects.joined_by(harbor.ana)
    join(harbor.ana, harbor.lakeside)
    old, new = Membership.objects.filter(user=harbor.ana).order_by("pk")
    assert old.ended_at is not None
    assert new.ended_at is None


def test_o1_nobody_is_in_another_companys_unit() -> None:
    outsider = make_user(make_company())
    unit = company_unit(make_company())
    with pytest.raises(ValidationError, match="stays within one company"):
        add_member(unit=unit, user=outsider)
    assert unit.memberships.count() == 0


def test_o1_an_email_signs_in_one_person_of_the_installation() -> None:
    create_user(company=make_company(), email=" Ana@Example.com ", name="Ana")
    with pytest.raises(ValidationError):
        create_user(company=make_company(), email="ANA@example.com", name="Another Ana")
    with pytest.raises(IntegrityError, match="user_email_lower"), transaction.atomic():
        User.objects.filter(email="ana@example.com").update(email="Ana@example.com")


def test_o2_managers_manage_what_is_below_them_only() -> None:
    harbor = brokerage()
    assert set(Unit.objects.managed_by(harbor.north_admin)) == {harbor.north, harbor.lakeside, harbor.hilltop}
    assert set(Unit.objects.managed_by(harbor.lead)) == {harbor.lakeside}
    assert set(Unit.objects.managed_by(harbor.broker)) == set(Unit.objects.filter(company=harbor.company))
    assert set(Unit.objects.managed_by(harbor.ana)) == set()
    assert set(User.objects.managed_by(harbor.north_admin)) == {harbor.ana, harbor.ben, harbor.dee}
    assert set(User.objects.managed_by(harbor.lead)) == {harbor.ana, harbor.ben}
