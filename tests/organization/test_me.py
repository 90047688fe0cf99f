"""A person's own settings."""

from __future__ import annotations

import pytest
from django.test import Client

from crm.organization.models import Company, OwnerNotifications, User
from permissions.models import Profile
from permissions.profiles.services import give_profile
from tests.factories.scenes import Brokerage, brokerage

pytestmark = pytest.mark.django_db
MINE = {"name": "Ana Alvarez", "phone": "201 555 0100", "time_zone": "America/Denver", "hide_from_team": "on"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def saved(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_saves_what_is_hers_to_decide(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    assert client.get("/me/").status_code == 200
    assert client.post("/me/", MINE | {"is_staff": "on", "company": "99", "email": "x@example.com"}).status_code == 302
    ana = saved(harbor.ana)
    assert (ana.name, ana.time_zone, ana.hide_from_team) == ("Ana Alvarez", "America/Denver", True)
    assert (ana.is_staff, ana.company_id, ana.email) == (False, harbor.ana.company_id, harbor.ana.email)


def test_keeps_what_was_typed_and_says_what_is_wrong(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    answer = client.post("/me/", MINE | {"time_zone": "Mars/Olympus"})
    assert answer.status_code == 422
    assert "Mars/Olympus" in answer.content.decode()
    assert saved(harbor.ana).time_zone == harbor.ana.time_zone


def test_v4_the_switch_for_new_leads_is_there_for_whoever_may_hide(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    client.post("/me/", MINE | {"hide_new_leads": "on"})
    assert not saved(harbor.ana).hide_new_leads
    Profile.objects.create(company=harbor.company, code="hider", name="Hider", permissions=["hide_lead"])
    give_profile(harbor.ana, "hider")
    client.post("/me/", MINE | {"hide_new_leads": "on"})
    assert saved(harbor.ana).hide_new_leads


def test_m8_being_told_of_others_acts_is_hers_to_switch_off(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    assert 'name="owner_notifications"' in client.get("/me/").content.decode()
    client.post("/me/", MINE)
    assert not saved(harbor.ana).owner_notifications


def test_m8_the_switch_is_gone_where_the_company_tells_nobody(client: Client, harbor: Brokerage) -> None:
    Company.objects.update(owner_notifications=OwnerNotifications.OFF)
    client.force_login(harbor.ana)
    assert "owner_notifications" not in client.get("/me/").content.decode()
    client.post("/me/", MINE)
    assert saved(harbor.ana).owner_notifications


def test_strangers_sign_in_first(client: Client) -> None:
    assert client.get("/me/").headers["Location"].startswith("/accounts/login/")
