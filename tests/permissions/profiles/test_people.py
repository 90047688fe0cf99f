"""P1 in the browser: who has which profile."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client

from crm.organization.models import User
from permissions.models import ProfileHolder
from permissions.profiles.services import give_profile
from tests.factories.people import make_manager, make_member
from tests.factories.scenes import Brokerage, brokerage
from tests.permissions.scenes import facts, own, post, profile, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def give(client: Client, actor: User, user: User, code: str, seen: str = "agent") -> HttpResponse:
    return post(client, actor, f"/profiles/people/{user.pk}/", {"profile": code, "seen": seen, "q": "an"})


def code_of(user: User) -> str:
    return str(ProfileHolder.objects.get(user=user).profile.code)


def test_p1_people_are_found_by_name(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    page = text(client.get("/profiles/people/"))  # type: ignore[arg-type]
    assert all(f"Profile of {name}" in page for name in ("Ana", "Ben", "Broker", "North Admin"))
    found = text(client.get("/profiles/people/", {"q": "AN"}))  # type: ignore[arg-type]
    assert "Profile of Ana" in found
    assert "Profile of Ben" not in found
    assert "No one whose profile" in text(client.get("/profiles/people/", {"q": "100%\x00"}))  # type: ignore[arg-type]


def test_p1_a_given_profile_holds_on_the_next_request_and_stands_in_the_ledger(
    client: Client, harbor: Brokerage
) -> None:
    ana = Client()
    ana.force_login(harbor.ana)
    assert ana.get("/people/add/").status_code == 200
    own(harbor, "Looker", "view_reports")
    assert give(client, harbor.broker, harbor.ana, "looker")["Location"] == "/profiles/people/?q=an"
    assert ana.get("/people/add/").status_code == 403
    detail = {"before": "agent", "after": "looker"}
    assert facts(harbor, "profile given") == [(harbor.broker.pk, harbor.ana.pk, detail)]
    give(client, harbor.broker, harbor.ana, "looker")  # the same click twice
    assert len(facts(harbor, "profile given")) == 1


def test_p1_only_who_manages_users_gives_profiles(client: Client, harbor: Brokerage) -> None:
    for user in (harbor.ana, harbor.lead, harbor.north_admin):
        assert give(client, user, harbor.ben, "company_admin").status_code == 403
        assert client.get("/profiles/people/").status_code == 403
        assert "/profiles/" not in text(client.get("/"))  # type: ignore[arg-type]
    assert code_of(harbor.ben) == "agent"
    client.force_login(harbor.broker)
    assert 'href="/profiles/"' in text(client.get("/admin/"))  # type: ignore[arg-type]
    assert 'href="/admin/ledger/"' in text(client.get("/profiles/"))  # type: ignore[arg-type]


def test_p1_who_manages_a_unit_gives_its_people_no_more_than_she_has(client: Client, harbor: Brokerage) -> None:
    hr = own(harbor, "People", "manage_users", "view_unit_lead", *profile(harbor, "agent").permissions)
    strong = own(harbor, "Strong", "view_ledger")
    give_profile(harbor.north_admin, hr.code)
    assert give(client, harbor.north_admin, harbor.eve, hr.code).status_code == 404  # an agent of South
    assert give(client, harbor.north_admin, harbor.broker, "agent", "company_admin").status_code == 404
    give(client, harbor.north_admin, harbor.ana, "company_admin")
    assert code_of(harbor.ana) == "agent"
    give(client, harbor.north_admin, harbor.ana, hr.code)
    assert code_of(harbor.ana) == hr.code
    give_profile(harbor.ben, strong.code)
    give(client, harbor.north_admin, harbor.ben, "agent", strong.code)
    assert code_of(harbor.ben) == strong.code
    page = text(client.get("/profiles/people/"))  # type: ignore[arg-type]
    assert "Profile of Ana" in page
    assert "Profile of Ben" not in page
    assert client.get("/profiles/").status_code == 403


@pytest.mark.parametrize("code", ["", "emperor"])
def test_p1_a_profile_that_is_not_there_is_not_given(client: Client, harbor: Brokerage, code: str) -> None:
    give(client, harbor.broker, harbor.ana, code)
    assert "There is no such profile." in text(client.get("/profiles/people/"))  # type: ignore[arg-type]
    assert (code_of(harbor.ana), facts(harbor, "profile given")) == ("agent", [])


def test_p1_the_last_company_manager_does_not_lose_her_profile(client: Client, harbor: Brokerage) -> None:
    give(client, harbor.broker, harbor.broker, "agent", "company_admin")
    assert "One must keep that" in text(client.get("/"))  # type: ignore[arg-type]
    assert code_of(harbor.broker) == "company_admin"
    make_manager(harbor.whole)
    assert give(client, harbor.broker, harbor.broker, "agent", "company_admin")["Location"] == "/"
    assert code_of(harbor.broker) == "agent"


def test_p1_a_profile_given_meanwhile_is_not_replaced_unseen(client: Client, harbor: Brokerage) -> None:
    give_profile(harbor.ana, "team_lead")
    give(client, harbor.broker, harbor.ana, "office_admin")
    page = text(client.get("/profiles/people/"))  # type: ignore[arg-type]
    assert "Somebody changed this meanwhile: the profile of Ana is Team lead now" in page
    assert code_of(harbor.ana) == "team_lead"


def test_p1_somebody_without_a_profile_gets_one(client: Client, harbor: Brokerage) -> None:
    bare = make_member(harbor.lakeside, "Bare", profile="")
    client.force_login(harbor.broker)
    assert '<option value="" selected>None' in text(client.get("/profiles/people/", {"q": "bare"}))  # type: ignore[arg-type]
    give(client, harbor.broker, bare, "agent", "")
    assert code_of(bare) == "agent"
