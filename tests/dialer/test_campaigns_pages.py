"""The pages of campaigns and skills (D1–D3): what is saved, what is refused and why, and for whom they are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from dialer.models import AgentSkill, Campaign, Disposition
from permissions.models import LedgerEntry
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.leads import make_lead
from tests.factories.people import leave_company, leave_unit, make_manager, make_team
from tests.factories.scenes import Brokerage, brokerage, stranger


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def sent(harbor: Brokerage, **changes: Any) -> dict[str, Any]:
    """A campaign as the form sends it when nothing is changed but this; None: the field is not sent."""
    values: dict[str, Any] = {
        "name": "West",
        "active": "on",
        "scope": "below",
        "kind": "normal",
        "dial_method": "preview",
        "enforce_lead_ownership": "on",
        "hopper_level": "50",
        "order": "newest",
        "preview_seconds": "0",
        "may_skip": "on",
        "secondary_priority": "fifo",
        "open_to_members": "on",
        "version": "0",
        "step": "save",
    }
    values |= {f"d-{one.pk}": "on" for one in Disposition.objects.in_use(harbor.company.pk)}
    return {name: value for name, value in (values | changes).items() if value is not None}


def add(client: Client, harbor: Brokerage, **changes: Any) -> Any:
    return client.post(f"/dialer/campaigns/new/{harbor.north.pk}/", sent(harbor, **changes))


def test_d1_a_campaign_is_set_up_and_changed(client: Client, harbor: Brokerage) -> None:
    one, busy = make_filter(harbor.north), Disposition.objects.get(company=harbor.company, name="Busy")
    client.force_login(harbor.north_admin)
    changes: dict[str, Any] = {"lead_filter": one.pk, "agent_skills": "on", "default_skill": one.pk, "opens": "09:00"}
    changes |= {"closes": "17:30", "attempt_limit": "6", "script": "Hello {first_name|there}", f"r-{busy.pk}": "15"}
    changes |= {"open_to_members": None, "agents": [harbor.ana.pk, harbor.dee.pk]}
    assert add(client, harbor, **changes)["Location"] == "/dialer/campaigns/"
    made = Campaign.objects.get()
    assert (made.unit, made.lead_filter, made.default_skill, made.attempt_limit) == (harbor.north, one, one, 6)
    assert (str(made.opens), str(made.closes), made.reinsert_skipped) == ("09:00:00", "17:30:00", False)
    assert set(made.agents.values_list("user", flat=True)) == {harbor.ana.pk, harbor.dee.pk}
    assert made.dispositions.get(disposition=busy).recycle_after == 15
    assert made.dispositions.count() == 9
    assert "West" in client.get("/dialer/campaigns/").content.decode()

    path = f"/dialer/campaigns/{made.pk}/"
    html = client.get(path).content.decode()
    assert 'value="15"' in html
    assert 'value="17:30"' in html
    changes |= {"name": "West coast", "agents": [harbor.ana.pk], f"d-{busy.pk}": None, "version": "1"}
    assert client.post(path, sent(harbor, **changes)).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.version, made.agents.get().user) == ("West coast", 2, harbor.ana)
    assert made.dispositions.count() == 8
    facts = LedgerEntry.objects.filter(why="campaign").order_by("pk")
    assert [fact.detail["after"]["name"] for fact in facts] == ["West", "West coast"]
    assert facts[1].detail["before"]["agents"] == sorted([harbor.ana.pk, harbor.dee.pk])
    assert "Hello" not in str([fact.detail for fact in facts])


def test_d1_saving_what_is_there_changes_nothing(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.north_admin)
    add(client, harbor)
    made = Campaign.objects.get()
    client.post(f"/dialer/campaigns/{made.pk}/", sent(harbor, version="1"))
    made.refresh_from_db()
    assert (made.version, LedgerEntry.objects.filter(why="campaign").count()) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "callbacks"}, "the campaign must be normal"),
        ({"dial_method": "progressive"}, "a machine that dials ahead"),
        ({"dial_method": "inbound"}, "a machine that dials ahead"),
        ({"secondary_priority": "lifo"}, "the lead that was skipped first comes back first"),
        ({"agent_skills": "on", "enforce_lead_ownership": None}, "Skills need lead ownership enforced"),
        ({"agent_skills": "on"}, "there is none yet"),
        ({"hopper_level": "0"}, "Between 1 and 1,000"),
        ({"hopper_level": "1001"}, "Between 1 and 1,000"),
        ({"opens": "09:00"}, "Say both, or neither"),
        ({"opens": "17:00", "closes": "09:00"}, "It closes before it opens"),
        ({"attempt_limit": "0"}, "Between 1 and 1,000"),
        ({"attempt_limit": "9999"}, "Between 1 and 1,000"),
        ({"preview_seconds": "99999"}, "Between 0 and 3,600"),
        ({"script": "Hello {firstname}"}, "There is no {firstname}"),
        ({"name": "two\nlines"}, "one line"),
        ({"name": "taken"}, "There is a campaign of this name already"),
        ({"kind": "nonsense"}, "Select a valid choice"),
        ({"open_to_members": None, "agents": ["0"]}, "Select a valid choice"),
        ({"open_to_members": None}, "Nobody may join it, so it cannot run"),
        ({"lead_filter": "0"}, "Select a valid choice"),
    ],
)
def test_d2_the_form_refuses_and_says_why(
    client: Client, harbor: Brokerage, changes: dict[str, Any], said: str
) -> None:
    make_campaign(harbor.south, name="Taken")
    client.force_login(harbor.north_admin)
    response = add(client, harbor, **({"name": "Kept"} | changes))
    html = response.content.decode()
    assert response.status_code == 422
    assert said in html
    assert f'value="{changes.get("name", "Kept")}"' in html
    assert Campaign.objects.count() == 1


def test_d1_a_campaign_that_does_not_run_may_wait_for_its_people(client: Client, harbor: Brokerage) -> None:
    """It cannot be started without; also where those who were named have left."""
    client.force_login(harbor.north_admin)
    assert add(client, harbor, active=None, open_to_members=None).status_code == 302
    made = Campaign.objects.get()
    where, again = f"/dialer/campaigns/{made.pk}/", {"open_to_members": None, "version": "1"}
    refused = client.post(where, sent(harbor, **again))
    assert "Nobody may join it, so it cannot run" in refused.content.decode()
    assert client.post(where, sent(harbor, agents=[harbor.ana.pk], **again)).status_code == 302
    leave_company(harbor.ana)
    gone = {"open_to_members": None, "version": "2", "attempt_limit": "3"}
    assert client.post(where, sent(harbor, **gone)).status_code == 422
    made.refresh_from_db()
    assert (made.active, made.attempt_limit) == (True, None)


def test_d1_where_a_unit_has_no_members_yet_she_is_told(client: Client, harbor: Brokerage) -> None:
    empty = make_team(harbor.north)
    client.force_login(harbor.north_admin)
    for unit, is_told in ((empty, True), (harbor.north, False)):
        values = sent(harbor, name=f"For {unit.name}")
        page = client.post(f"/dialer/campaigns/new/{unit.pk}/", values, follow=True).content.decode()
        assert ("Nobody can join" in page) == is_told


def test_d2_without_ownership_the_rest_is_free(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.north_admin)
    free = {"kind": "callbacks", "dial_method": "progressive", "secondary_priority": "lifo"}
    assert add(client, harbor, enforce_lead_ownership=None, **free).status_code == 302


def test_d2_a_default_skill_is_refused_without_skills(client: Client, harbor: Brokerage) -> None:
    one = make_filter(harbor.whole)
    client.force_login(harbor.north_admin)
    assert "A default is for campaigns with agent skills" in add(client, harbor, default_skill=one.pk).content.decode()
    assert add(client, harbor, default_skill=one.pk, agent_skills="on").status_code == 302


def test_d1_a_campaign_has_dispositions(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.north_admin)
    none = {f"d-{one.pk}": None for one in Disposition.objects.in_use(harbor.company.pk)}
    assert "Choose at least one disposition" in add(client, harbor, **none).content.decode()


def test_d1_people_and_filters_are_those_of_the_unit(client: Client, harbor: Brokerage) -> None:
    elsewhere = make_filter(harbor.south)
    client.force_login(harbor.broker)
    refused = add(client, harbor, lead_filter=elsewhere.pk, open_to_members=None, agents=[harbor.eve.pk])
    assert refused.status_code == 422
    assert refused.content.decode().count("Select a valid choice") == 2


def test_d1_who_is_named_may_stay_though_she_moved(client: Client, harbor: Brokerage) -> None:
    made = make_campaign(harbor.north, harbor.ana, name="West")
    leave_unit(harbor.ana, harbor.lakeside)
    client.force_login(harbor.north_admin)
    changes = {"open_to_members": None, "agents": [harbor.ana.pk], "version": "1", "hopper_level": "70"}
    assert client.post(f"/dialer/campaigns/{made.pk}/", sent(harbor, **changes)).status_code == 302
    assert made.agents.count() == 1


def test_d1_of_two_who_edit_at_once_neither_undoes_the_other_unseen(client: Client, harbor: Brokerage) -> None:
    made = make_campaign(harbor.north, name="West")
    path = f"/dialer/campaigns/{made.pk}/"
    client.force_login(harbor.north_admin)
    assert client.post(path, sent(harbor, hopper_level="60", version="1")).status_code == 302
    refused = client.post(path, sent(harbor, hopper_level="70", version="1"))
    assert refused.status_code == 422
    assert "Somebody changed this campaign" in refused.content.decode()
    made.refresh_from_db()
    assert made.hopper_level == 60
    again = re.search(r'name="version" value="(\d+)"', refused.content.decode())
    assert again
    assert client.post(path, sent(harbor, hopper_level="70", version=again[1])).status_code == 302


def test_d1_the_script_is_shown_filled_in(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.north_admin)
    path = f"/dialer/campaigns/new/{harbor.north.pk}/"
    asked = {"step": "look", "script": "Hi {first_name|there}, it is {agent} of {company}. <b>"}
    shown = client.post(path, asked, headers={"HX-Request": "true"}).content.decode()
    assert f"Hi Maya, it is North Admin of {harbor.company.name}. &lt;b&gt;" in shown
    assert "<form" not in shown
    whole = client.post(path, asked | {"name": "Kept"})
    assert whole.status_code == 200
    assert 'value="Kept"' in whole.content.decode()
    assert "A brace stands alone" in client.post(path, asked | {"script": "{"}).content.decode()
    assert not Campaign.objects.exists()


def test_d1_it_says_how_many_leads_are_in_it(client: Client, harbor: Brokerage) -> None:
    """The scope decides whose; and she is told of those she may read."""
    make_lead(harbor.north, state="AZ")
    make_lead(harbor.lakeside, state="AZ")
    make_lead(harbor.lakeside, state="CA")
    make_lead(harbor.ana, state="AZ")
    make_lead(harbor.ana, state="AZ", hidden=True)
    make_lead(harbor.eve, state="AZ")
    make_lead(harbor.south, state="AZ")
    one = make_filter(harbor.north, ("state", "is", "AZ"))
    client.force_login(harbor.north_admin)
    counts = {}
    for scope in Campaign.Scope.values:
        for lead_filter in (None, one):
            made = make_campaign(harbor.north, scope=scope, lead_filter=lead_filter)
            found = re.search(r"It has (\d+) of", client.get(f"/dialer/campaigns/{made.pk}/").content.decode())
            assert found
            counts[scope, bool(lead_filter)] = int(found[1])
    assert counts == {
        ("unit", False): 1,
        ("unit", True): 1,
        ("below", False): 3,
        ("below", True): 2,
        ("personal", False): 4,
        ("personal", True): 3,
    }


def test_d1_campaigns_are_for_those_who_run_the_units_campaigns(client: Client, harbor: Brokerage) -> None:
    made = make_campaign(harbor.north, name="Mine")
    paths = [f"/dialer/campaigns/{made.pk}/", f"/dialer/campaigns/new/{harbor.north.pk}/"]
    south = make_manager(harbor.south, "South Admin")
    for user, status in ((harbor.ana, 403), (harbor.lead, 403), (south, 404), (stranger(), 404)):
        client.force_login(user)
        for path in paths:
            assert client.get(path).status_code == status
            assert client.post(path, sent(harbor, version="1")).status_code == status
        assert ("Campaigns" in client.get("/people/").content.decode()) == (status == 404)
    client.force_login(south)
    assert "Mine" not in client.get("/dialer/campaigns/").content.decode()
    assert client.get("/dialer/campaigns/new/").status_code == 200
    made.refresh_from_db()
    assert made.version == 1


def test_the_list_asks_no_more_for_more_campaigns(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: Any
) -> None:
    client.force_login(harbor.broker)
    make_campaign(harbor.north, lead_filter=make_filter(harbor.north))
    with django_assert_max_num_queries(40) as first:
        client.get("/dialer/campaigns/")
    for unit in (harbor.south, harbor.lakeside, harbor.whole):
        make_campaign(unit, lead_filter=make_filter(unit))
    with django_assert_max_num_queries(len(first)):
        client.get("/dialer/campaigns/")


# --- skills -----------------------------------------------------------------------------------------------------------


def give(client: Client, user: Any, lead_filter: Any, seen: Any = 0) -> str:
    sent = {"lead_filter": getattr(lead_filter, "pk", lead_filter), "seen": getattr(seen, "pk", seen)}
    return str(client.post(f"/dialer/skills/{user.pk}/", sent, follow=True).content.decode())


def test_d3_a_filter_is_made_somebodys_skills(client: Client, harbor: Brokerage) -> None:
    west, east = make_filter(harbor.north, name="West"), make_filter(harbor.whole, name="East")
    client.force_login(harbor.north_admin)
    html = client.get("/dialer/skills/").content.decode()
    assert "Ana" in html
    assert "Eve" not in html
    assert "Ana: West." in give(client, harbor.ana, west)
    assert AgentSkill.objects.get(user=harbor.ana).lead_filter == west
    assert "Somebody changed the skills of Ana" in give(client, harbor.ana, east)
    assert "Ana: East." in give(client, harbor.ana, east, west)
    assert "Ana: no skills." in give(client, harbor.ana, "", east)
    assert not AgentSkill.objects.exists()
    facts = LedgerEntry.objects.filter(why="skills").order_by("pk")
    assert [(fact.detail["before"], fact.detail["after"]) for fact in facts] == [
        (None, west.pk),
        (west.pk, east.pk),
        (east.pk, None),
    ]
    client.force_login(harbor.broker)
    assert "took away the skills of <strong>Ana</strong>" in client.get("/admin/ledger/").content.decode()


def test_d3_skills_are_given_by_who_runs_her_units_campaigns(client: Client, harbor: Brokerage) -> None:
    one, elsewhere = make_filter(harbor.north), make_filter(harbor.south)
    client.force_login(harbor.north_admin)
    assert client.post(f"/dialer/skills/{harbor.eve.pk}/", {"lead_filter": one.pk, "seen": 0}).status_code == 404
    assert "can no longer be chosen" in give(client, harbor.ana, elsewhere)
    assert "can no longer be chosen" in give(client, harbor.ana, "nonsense")
    assert "can no longer be chosen" in give(client, harbor.ana, one, "x")
    for user, status in ((harbor.lead, 403), (harbor.ana, 403), (stranger(), 404)):
        client.force_login(user)
        path = f"/dialer/skills/{harbor.ana.pk}/"
        assert client.post(path, {"lead_filter": one.pk, "seen": 0}).status_code == status
        assert client.get(path).status_code == 405
    assert not AgentSkill.objects.exists()


def test_d3_agents_are_found_by_name(client: Client, harbor: Brokerage) -> None:
    make_filter(harbor.north)
    client.force_login(harbor.broker)
    html = client.get("/dialer/skills/", {"q": "an\x00a"}).content.decode()
    assert "Ana" in html
    assert "Ben" not in html
    assert "Nobody of that name" in client.get("/dialer/skills/", {"q": "Zoe"}).content.decode()
