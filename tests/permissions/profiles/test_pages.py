"""P1, P2 in the browser: the grid of profiles, and profiles of one's own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from permissions.catalog import Permission
from permissions.joining import invitations
from permissions.models import Profile
from permissions.profiles.services import MOST_CUSTOM, RefusedError, give_profile, listed, save_ticks
from permissions.profiles.wording import GROUPS
from tests.factories.people import fresh, leave_company, make_manager, make_member
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.permissions.scenes import facts, own, post, profile, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def shown(harbor: Brokerage) -> dict[str, Any]:
    """The fields of the form as the page shows it now."""
    found = listed(harbor.company.pk)
    seen = json.dumps({row.pk: row.permissions for row in found})
    return {"seen": seen} | {f"p{row.pk}": list(row.permissions) for row in found}


def toggled(fields: dict[str, Any], row: Profile, *permissions: str) -> dict[str, Any]:
    return fields | {f"p{row.pk}": sorted(set(fields[f"p{row.pk}"]) ^ set(permissions))}


def holds(harbor: Brokerage, code: str, permission: str) -> bool:
    return permission in profile(harbor, code).permissions


# --- The grid ---------------------------------------------------------------------------------------------------------


def test_p2_every_permission_is_explained_once() -> None:
    named = [permission for _, rows in GROUPS for permission, label, words in rows if label and words]
    assert sorted(named) == sorted(Permission)


def test_p1_the_grid_shows_built_in_profiles_first_and_how_many_have_each(client: Client, harbor: Brokerage) -> None:
    own(harbor)
    leave_company(harbor.dee)
    client.force_login(harbor.broker)
    page = text(client.get("/profiles/"))  # type: ignore[arg-type]
    order = [
        page.index(f'">{name}</span><small>')
        for name in ("Agent", "Team lead", "Office admin", "Company admin", "Assistant")
    ]
    assert order == sorted(order)
    assert "Agent</span><small>3 people" in page  # Dee left
    assert "Company admin</span><small>1 person" in page
    assert len(re.findall(r'type="checkbox" aria-labelledby="\w+ p\d+" name="p', page)) == 5 * len(Permission)
    ticked = re.findall(r'name="p\d+" value="\w+" checked', page)
    assert len(ticked) == sum(len(row.permissions) for row in listed(harbor.company.pk))


def test_p1_a_change_holds_on_the_next_request_and_stands_in_the_ledger(client: Client, harbor: Brokerage) -> None:
    ana = Client()
    ana.force_login(harbor.ana)
    assert ana.get("/people/add/").status_code == 200
    agent, lead = profile(harbor, "agent"), profile(harbor, "team_lead")
    fields = toggled(toggled(shown(harbor), agent, "add_lead", "hide_lead"), lead, "view_ledger")
    assert post(client, harbor.broker, "/profiles/", fields).status_code == 302
    assert ana.get("/people/add/").status_code == 403
    after = sorted({*agent.permissions, "hide_lead"} - {"add_lead"})
    assert profile(harbor, "agent").permissions == after
    assert facts(harbor) == [
        (harbor.broker.pk, None, {"profile": "agent", "before": sorted(agent.permissions), "after": after}),
        (
            harbor.broker.pk,
            None,
            {
                "profile": "team_lead",
                "before": sorted(lead.permissions),
                "after": sorted([*lead.permissions, "view_ledger"]),
            },
        ),
    ]
    assert "Saved: Agent, Team lead" in text(client.get("/profiles/"))  # type: ignore[arg-type]


def test_p1_a_profile_may_allow_nothing_and_saving_without_a_change_says_so(client: Client, harbor: Brokerage) -> None:
    fields = shown(harbor)
    post(client, harbor.broker, "/profiles/", fields)
    assert facts(harbor) == []
    assert "Nothing was changed" in text(client.get("/profiles/"))  # type: ignore[arg-type]
    del fields[f"p{profile(harbor, 'agent').pk}"]
    assert post(client, harbor.broker, "/profiles/", fields).status_code == 302
    assert profile(harbor, "agent").permissions == []


PLACES = [
    ("get", "/profiles/"),
    ("post", "/profiles/"),
    ("post", "/profiles/add/"),
    ("post", "/profiles/{pk}/rename/"),
    ("post", "/profiles/{pk}/delete/"),
]


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_p1_only_company_managers_with_the_verb_edit_profiles(
    client: Client, harbor: Brokerage, method: str, path: str
) -> None:
    mine = own(harbor)
    reachless = make_member(harbor.lakeside, profile="company_admin")
    verbless = make_manager(harbor.whole, profile="agent")
    for user in (harbor.ana, harbor.lead, harbor.north_admin, reachless, verbless):
        client.force_login(user)
        data = toggled(shown(harbor), mine, "add_lead") | {"name": "New", "copied_from": mine.pk}
        assert getattr(client, method)(path.format(pk=mine.pk), data).status_code == 403
    assert Profile.objects.get(pk=mine.pk).permissions == []
    assert (Profile.objects.filter(company=harbor.company).count(), facts(harbor)) == (5, [])


@pytest.mark.parametrize(
    "path", ["/profiles/add/", "/profiles/1/rename/", "/profiles/1/delete/", "/profiles/people/1/"]
)
def test_p1_changes_are_posted(client: Client, harbor: Brokerage, path: str) -> None:
    client.force_login(harbor.broker)
    assert client.get(path).status_code == 405
    assert client.put("/profiles/").status_code == client.post("/profiles/people/").status_code == 405


def test_p1_another_company_s_profiles_are_not_there(client: Client, harbor: Brokerage) -> None:
    mine, other = own(harbor), stranger()
    assert post(client, other, f"/profiles/{mine.pk}/rename/", {"name": "Ours"}).status_code == 404
    assert post(client, other, f"/profiles/{mine.pk}/delete/").status_code == 404
    assert post(client, other, "/profiles/add/", {"name": "Ours", "copied_from": mine.pk}).status_code == 422
    assert post(client, other, f"/profiles/people/{harbor.ana.pk}/", {"profile": "agent"}).status_code == 404
    fields = toggled(shown(harbor), mine, "add_lead")
    post(client, other, "/profiles/", fields)
    assert Profile.objects.get(pk=mine.pk).permissions == []
    page = text(client.get("/profiles/people/"))  # type: ignore[arg-type]
    assert "Stranger" in page
    assert "Ana" not in page
    assert facts(harbor) == []


def test_p1_unknown_permissions_are_refused_and_the_ticks_kept(client: Client, harbor: Brokerage) -> None:
    agent = profile(harbor, "agent")
    response = post(client, harbor.broker, "/profiles/", toggled(shown(harbor), agent, "hide_lead", "rule_the_world"))
    assert response.status_code == 422
    assert "There is no such permission" in text(response)
    assert f'name="p{agent.pk}" value="hide_lead" checked' in text(response)
    assert not holds(harbor, "agent", "hide_lead")
    ticks = {agent.pk: frozenset({"rule_the_world"})}
    with pytest.raises(RefusedError, match="no such permission"):
        save_ticks(actor=fresh(harbor.broker), ticks=ticks, seen={agent.pk: frozenset(agent.permissions)})


@pytest.mark.parametrize("seen", ["", "[", "[1]", '{"a": []}', '{"1": 7}', "null"])
def test_p1_a_form_that_does_not_say_what_it_showed_is_refused(client: Client, harbor: Brokerage, seen: str) -> None:
    agent = profile(harbor, "agent")
    response = post(client, harbor.broker, "/profiles/", toggled(shown(harbor), agent, "hide_lead") | {"seen": seen})
    assert response.status_code == 422
    assert "Open the page again" in text(response)
    assert f'name="p{agent.pk}" value="hide_lead" checked' in text(response)
    assert not holds(harbor, "agent", "hide_lead")


def test_p1_the_last_company_manager_keeps_the_profiles(client: Client, harbor: Brokerage) -> None:
    admin, gone = profile(harbor, "company_admin"), leave_company(make_manager(harbor.whole))
    make_member(harbor.lakeside, profile="company_admin")  # has the verb, and no reach
    fields = toggled(shown(harbor), admin, "manage_profiles", "hide_lead")
    response = post(client, harbor.broker, "/profiles/", fields)
    assert (response.status_code, facts(harbor)) == (422, [])
    assert "One must keep that" in text(response)
    assert f'name="p{admin.pk}" value="hide_lead" checked' in text(response)
    assert holds(harbor, "company_admin", "manage_profiles")
    assert not gone.is_active
    keeper = own(harbor, "Keeper", "manage_profiles")
    give_profile(make_manager(harbor.whole), keeper.code)
    assert (
        post(client, harbor.broker, "/profiles/", toggled(shown(harbor), admin, "manage_profiles")).status_code == 302
    )
    assert client.get("/profiles/").status_code == 403


def test_p1_a_concurrent_change_is_refused_once(client: Client, harbor: Brokerage) -> None:
    agent, lead = profile(harbor, "agent"), profile(harbor, "team_lead")
    mine = toggled(shown(harbor), agent, "hide_lead")
    post(client, harbor.broker, "/profiles/", toggled(toggled(shown(harbor), agent, "add_lead"), lead, "view_ledger"))
    added = own(harbor, "Added meanwhile", "view_reports")
    response = post(client, harbor.broker, "/profiles/", mine)
    assert response.status_code == 422
    page = text(response)
    assert "Somebody changed this meanwhile: Agent. " in page
    for row, code in ((agent, "hide_lead"), (agent, "add_lead"), (lead, "view_ledger"), (added, "view_reports")):
        assert f'name="p{row.pk}" value="{code}" checked' in page
    again = toggled(shown(harbor), agent, "hide_lead", "add_lead")
    assert again["seen"] in page
    assert post(client, harbor.broker, "/profiles/", again).status_code == 302
    assert holds(harbor, "agent", "hide_lead")
    assert holds(harbor, "agent", "add_lead")
    assert holds(harbor, "team_lead", "view_ledger")
    assert holds(harbor, added.code, "view_reports")


def test_p1_a_change_of_another_profile_is_no_conflict(client: Client, harbor: Brokerage) -> None:
    mine = toggled(shown(harbor), profile(harbor, "agent"), "hide_lead")
    post(client, harbor.broker, "/profiles/", toggled(shown(harbor), profile(harbor, "team_lead"), "view_ledger"))
    assert post(client, harbor.broker, "/profiles/", mine).status_code == 302
    assert holds(harbor, "agent", "hide_lead")
    assert holds(harbor, "team_lead", "view_ledger")


def test_p1_many_profiles_are_shown_a_few_at_a_time_and_the_others_stay_as_they_are(
    client: Client, harbor: Brokerage
) -> None:
    mine = [own(harbor, f"Regional assistant {number}", "add_lead") for number in range(MOST_CUSTOM)]
    client.force_login(harbor.broker)
    for number, shown_here in ((1, mine[:2]), (2, mine[2:8]), (3, mine[8:14]), (4, mine[14:])):
        response = client.get(f"/profiles/?page={number}")
        assert len(response.content) < 60_000
        page = text(response)  # type: ignore[arg-type]
        assert [row for row in mine if f'id="p{row.pk}"' in page] == shown_here
        assert re.findall(r">(\d+–\d+)<", page) == ["1–6", "7–12", "13–18", "19–24"]
    seen = {row.pk: row.permissions for row in mine[14:]}
    ticks = {f"p{row.pk}": ["add_lead"] for row in mine[15:]} | {f"p{mine[14].pk}": ["add_lead", "hide_lead"]}
    answer = post(client, harbor.broker, "/profiles/?page=4", {"seen": json.dumps(seen), **ticks})
    assert answer.headers["Location"] == "/profiles/?page=4"
    assert [detail["profile"] for _, _, detail in facts(harbor)] == [mine[14].code]
    assert holds(harbor, mine[14].code, "hide_lead")


# --- Profiles of one's own --------------------------------------------------------------------------------------------


def test_p1_a_profile_of_ones_own_is_copied_renamed_and_deleted(client: Client, harbor: Brokerage) -> None:
    lead = profile(harbor, "team_lead")
    post(client, harbor.broker, "/profiles/add/", {"name": " Field  coach ", "copied_from": lead.pk})
    coach = profile(harbor, "field_coach")
    assert (coach.name, coach.permissions) == ("Field coach", sorted(lead.permissions))
    post(client, harbor.broker, f"/profiles/{coach.pk}/rename/", {"name": "Coach"})
    assert profile(harbor, "field_coach").name == "Coach"
    post(client, harbor.broker, "/profiles/add/", {"name": "Field coach", "copied_from": lead.pk})
    assert profile(harbor, "field_coach_2").name == "Field coach"
    post(client, harbor.broker, f"/profiles/{coach.pk}/delete/")
    assert not Profile.objects.filter(pk=coach.pk).exists()
    changes = [(detail["profile"], bool(detail["before"]), bool(detail["after"])) for _, _, detail in facts(harbor)]
    assert changes == [
        ("field_coach", False, True),
        ("field_coach", True, True),
        ("field_coach_2", False, True),
        ("field_coach", True, False),
    ]


@pytest.mark.parametrize("name", ["", "  ", "assistant", "Agent", "two\nlines", "x" * 81])
def test_p1_a_name_that_cannot_be_is_refused_and_stays_typed(client: Client, harbor: Brokerage, name: str) -> None:
    own(harbor)
    other = own(harbor, "Other")
    new = post(client, harbor.broker, "/profiles/add/", {"name": name, "copied_from": other.pk})
    old = post(client, harbor.broker, f"/profiles/{other.pk}/rename/", {"name": name})
    for response in (new, old):
        assert response.status_code == 422
        assert not name.strip() or f'value="{name}"' in text(response)
    assert Profile.objects.filter(company=harbor.company).count() == 6
    assert Profile.objects.get(pk=other.pk).name == "Other"
    assert facts(harbor) == []


def test_p1_there_are_at_most_twenty_of_ones_own(client: Client, harbor: Brokerage) -> None:
    for number in range(MOST_CUSTOM):
        own(harbor, f"Own {number}")
    agent = profile(harbor, "agent")
    response = post(client, harbor.broker, "/profiles/add/", {"name": "One more", "copied_from": agent.pk})
    assert response.status_code == 422
    assert "at most 20" in text(response)
    assert Profile.objects.filter(company=harbor.company).count() == 24
    assert len(response.content) < 60_000


def test_p1_built_in_profiles_keep_name_and_place(client: Client, harbor: Brokerage) -> None:
    agent = profile(harbor, "agent")
    assert post(client, harbor.broker, f"/profiles/{agent.pk}/rename/", {"name": "Helper"}).status_code == 422
    post(client, harbor.broker, f"/profiles/{agent.pk}/delete/")
    assert "is built in" in text(client.get("/profiles/"))  # type: ignore[arg-type]
    assert profile(harbor, "agent").name == "Agent"


def test_p1_a_profile_that_somebody_has_or_is_promised_stays(client: Client, harbor: Brokerage) -> None:
    mine, promised = own(harbor), own(harbor, "Promised")
    give_profile(harbor.ana, mine.code)
    person = {"email": "new@example.com", "name": "New", "role": "member", "profile": promised.code}
    invitations.invite(actor=fresh(harbor.broker), unit=harbor.lakeside, **person)
    for row, words in ((mine, "still somebody's profile"), (promised, "Somebody is invited")):
        post(client, harbor.broker, f"/profiles/{row.pk}/delete/")
        assert words in text(client.get("/profiles/"))  # type: ignore[arg-type]
        assert Profile.objects.filter(pk=row.pk).exists()
    assert facts(harbor) == []
