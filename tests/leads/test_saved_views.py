"""L6: saved views of People: filters, sort and columns under a name, private or shared with a unit."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.organization.models import Unit, User
from leads.models import Lead, SavedView
from leads.services.saved_views import MOST_VIEWS, forget_in_views, save_view
from tests.factories.leads import make_lead, make_stage
from tests.factories.people import fresh, leave_company, make_member
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
HOT = "score_min=80&sort=-score&columns=phone&columns=score"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def post(client: Client, user: User, path: str, **data: Any) -> Any:
    client.force_login(user)
    return client.post(f"/people/views/{path}", data)


def get(client: Client, user: User, path: str) -> str:
    client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def make(user: User, name: str = "Hot", query: str = HOT, unit: Unit | None = None) -> SavedView:
    return save_view(actor=fresh(user), name=name, query=query, unit=unit)


def links(html: str) -> dict[str, str]:
    """The views a page lists, with where they lead."""
    found = re.findall(r'<a class="row-link truncate" href="([^"]+)">([^<]+)</a>', html)
    return {name: there.replace("&amp;", "&") for there, name in found}


def listed(client: Client, user: User) -> set[str]:
    return set(links(get(client, user, "/people/views/")))


# --- saving and opening -----------------------------------------------------------------------------------------------


def test_l6_a_view_keeps_filters_sort_and_columns(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Hot", last_name="", score=90, phones=["201 555 0123"])
    make_lead(harbor.ana, first_name="Cold", last_name="", score=10)
    answer = post(client, harbor.ana, "", name="  Hot   ones 🔥 ", query=HOT)
    view = SavedView.objects.get()
    assert (view.name, view.company, view.created_by, view.unit) == ("Hot ones 🔥", harbor.company, harbor.ana, None)
    assert answer["Location"] == f"/people/?score_min=80&sort=-score&columns=phone&columns=score&view={view.pk}"
    html = get(client, harbor.ana, answer["Location"])
    assert re.search(r"<h1>Hot ones 🔥 <span", html)
    assert "<title>Hot ones 🔥" in html
    assert "(201) 555-0123" in html
    assert "Cold" not in html
    assert "Save changes" not in html
    assert links(get(client, harbor.ana, "/people/views/")) == {"Hot ones 🔥": answer["Location"]}


def test_l6_the_menu_and_its_page_are_one(client: Client, harbor: Brokerage) -> None:
    view = make(harbor.ana)
    client.force_login(harbor.ana)
    part = client.get(f"/people/views/?{HOT}&view={view.pk}", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert re.search(r'<a class="menu-item" href="[^"]+" aria-current="true">', part)
    assert f'name="query" value="{HOT.replace("&", "&amp;")}"' in part
    whole = get(client, harbor.ana, f"/people/views/?{HOT}")
    assert "Score from: 80" in whole


def test_l6_what_is_changed_is_said_and_saved_under_the_same_name(client: Client, harbor: Brokerage) -> None:
    view = make(harbor.ana)
    changed = f"score_min=50&view={view.pk}"
    html = get(client, harbor.ana, f"/people/?{changed}")
    assert "Save changes" in html
    assert f'href="/people/views/?{changed.replace("&", "&amp;")}">Save as new view' in html
    answer = post(client, harbor.ana, f"{view.pk}/save/", query=changed)
    assert answer["Location"] == f"/people/?{changed}"
    view.refresh_from_db()
    assert (view.name, view.query) == ("Hot", "score_min=50")
    assert "Save changes" not in get(client, harbor.ana, f"/people/?{changed}&sort=-active")


def test_l6_the_order_of_what_is_asked_changes_nothing(client: Client, harbor: Brokerage) -> None:
    view = make(harbor.ana, query="kind=buyer&kind=seller&columns=score&columns=phone")
    html = get(client, harbor.ana, f"/people/?columns=phone&columns=score&kind=seller&kind=buyer&view={view.pk}")
    assert "Save changes" not in html
    assert "Save changes" in get(client, harbor.ana, f"/people/?kind=seller&view={view.pk}")


def test_l6_an_open_view_stays_open_while_one_works_with_it(client: Client, harbor: Brokerage) -> None:
    view = make(harbor.ana)
    for _ in range(51):
        make_lead(harbor.ana, score=90)
    html = get(client, harbor.ana, f"/people/?{view.query}&view={view.pk}")
    kept = [link for link in re.findall(r'href="/people/\?([^"]+)"', html) if "mine=" not in link]
    assert len([link for link in kept if f"view={view.pk}" in link]) >= 3
    for path in ("filters", "display"):
        assert f'name="view" value="{view.pk}"' in get(client, harbor.ana, f"/people/{path}/?{HOT}&view={view.pk}")


def test_l6_everybody_sees_by_a_view_what_she_may_see(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Anas", last_name="", score=90)
    make_lead(harbor.ben, first_name="Bens", last_name="", score=90)
    make_lead(harbor.ana, first_name="Sam", last_name="Secret", score=90, hidden=True)
    view = make(harbor.ana, query="score_min=80", unit=harbor.lakeside)
    seen = {}
    for user in (harbor.ana, harbor.ben, harbor.lead):
        html = get(client, user, f"/people/?{view.query}&view={view.pk}")
        seen[user.pk] = {name for name in ("Anas", "Bens", "Sam", "Secret") if name in html}
    assert seen == {
        harbor.ana.pk: {"Anas", "Sam", "Secret"},
        harbor.ben.pk: {"Bens"},
        harbor.lead.pk: {"Anas", "Bens", "Sam"},
    }


# --- sharing ----------------------------------------------------------------------------------------------------------


def test_l6_a_view_is_private_until_it_is_shared_with_a_unit(client: Client, harbor: Brokerage) -> None:
    view = make(harbor.ana)
    for other in (harbor.ben, harbor.lead, harbor.broker, harbor.eve, stranger()):
        assert listed(client, other) == set()
    post(client, harbor.ana, f"{view.pk}/", name="Hot", unit=harbor.lakeside.pk)
    assert {user.pk for user in (harbor.ana, harbor.ben, harbor.lead) if listed(client, user) == {"Hot"}} == {
        *(harbor.ana.pk, harbor.ben.pk, harbor.lead.pk)
    }
    for other in (harbor.dee, stranger()):
        assert listed(client, other) == set()
    post(client, harbor.ana, f"{view.pk}/", name="Hot")
    assert listed(client, harbor.ben) == set()


def test_l6_units_below_have_it_too(client: Client, harbor: Brokerage) -> None:
    make(harbor.broker, "Everybody’s", unit=harbor.whole)
    make(harbor.north_admin, "North’s", unit=harbor.north)
    assert listed(client, harbor.ana) == {"Everybody’s", "North’s"}
    south = make_member(harbor.south)
    assert listed(client, south) == {"Everybody’s"}
    assert listed(client, stranger()) == set()


def test_l6_one_shares_with_units_one_is_in_or_manages(client: Client, harbor: Brokerage) -> None:
    tries = [
        *((harbor.ana, harbor.lakeside, 302), (harbor.ana, harbor.north, 422), (harbor.ana, harbor.hilltop, 422)),
        *((harbor.lead, harbor.whole, 422), (harbor.north_admin, harbor.lakeside, 302)),
        *((harbor.broker, harbor.hilltop, 302), (stranger(), harbor.lakeside, 422)),
    ]
    for number, (user, unit, status) in enumerate(tries):
        answer = post(client, user, "", name=f"View {number}", query="", unit=unit.pk)
        assert (number, answer.status_code) == (number, status)


def test_l6_only_its_maker_changes_a_view(client: Client, harbor: Brokerage) -> None:
    view = make(harbor.ana, unit=harbor.lakeside)
    for other in (harbor.ben, harbor.lead):
        assert post(client, other, f"{view.pk}/", name="Mine", unit=harbor.lakeside.pk).status_code == 403
        assert post(client, other, f"{view.pk}/save/", query="").status_code == 403
        assert post(client, other, f"{view.pk}/delete/").status_code == 403
        html = get(client, other, f"/people/?score_min=1&view={view.pk}")
        assert "Save changes" not in html
        assert "Save as new view" in html
        assert "made it and shares it" in get(client, other, f"/people/views/{view.pk}/")
    view.refresh_from_db()
    assert (view.name, view.query, view.unit) == ("Hot", HOT, harbor.lakeside)


def test_l6_a_manager_of_the_unit_may_take_it_from_there(client: Client, harbor: Brokerage) -> None:
    view = make(harbor.ana, unit=harbor.lakeside)
    assert post(client, harbor.ben, f"{view.pk}/unshare/").status_code == 403
    assert post(client, harbor.lead, f"{view.pk}/unshare/").status_code == 302
    assert post(client, harbor.lead, f"{view.pk}/unshare/").status_code == 404
    assert listed(client, harbor.ana) == {"Hot"}
    assert listed(client, harbor.ben) == set()


def test_l6_what_a_unit_has_stays_when_its_maker_leaves(client: Client, harbor: Brokerage) -> None:
    make(harbor.ana, "Private")
    view = make(harbor.ana, unit=harbor.lakeside)
    leave_company(harbor.ana)
    assert listed(client, harbor.ben) == {"Hot"}
    assert post(client, harbor.lead, f"{view.pk}/unshare/").status_code == 302
    assert listed(client, harbor.ben) == set()


def test_l6_a_unit_that_is_closed_or_gone_has_none(client: Client, harbor: Brokerage) -> None:
    team = Unit.objects.create(company=harbor.company, name="Pop-up", kind="team", parent=harbor.north)
    make_member(team)
    view = make(harbor.broker, unit=team)
    member = User.objects.get(memberships__unit=team)
    assert listed(client, member) == {"Hot"}
    Unit.objects.filter(pk=team.pk).update(closed_at=timezone.now())
    assert listed(client, member) == set()
    assert get(client, harbor.broker, f"/people/views/{view.pk}/")
    SavedView.objects.filter(pk=view.pk).update(unit=None)
    assert listed(client, harbor.broker) == {"Hot"}


# --- strangers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "save/", "delete/", "unshare/"])
def test_v3_a_view_of_others_does_not_exist(client: Client, harbor: Brokerage, path: str) -> None:
    private, shared = make(harbor.ana), make(harbor.ana, "Shared", unit=harbor.lakeside)
    tries = [(harbor.ben, private.pk), (harbor.broker, private.pk), (stranger(), private.pk), (stranger(), shared.pk)]
    for user, pk in [*tries, (harbor.ana, 999_999)]:
        assert post(client, user, f"{pk}/{path}", name="Mine", query="").status_code == 404
        if not path:
            assert client.get(f"/people/views/{pk}/").status_code == 404
    assert SavedView.objects.filter(name__in=("Hot", "Shared")).count() == 2


def test_v3_opening_a_view_of_others_tells_nothing_of_it(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ben, first_name="Bens")
    view = make(harbor.ana, "Anas secret plan")
    told = []
    for pk in (view.pk, 999_999_999):
        html = get(client, harbor.ben, f"/people/?view={pk}")
        assert "The view you opened is not there any more." in html
        assert "Bens" in html
        told.append(re.sub(r"\w{64}", "", html).replace(f"view={pk}", "…"))
    assert told[0] == told[1]
    assert "secret plan" not in told[0]


def test_v7_who_looks_through_her_eyes_does_not_see_what_she_keeps_for_herself(
    client: Client, harbor: Brokerage
) -> None:
    make(harbor.ana, "Private")
    make(harbor.ana, "Shared", unit=harbor.lakeside)
    client.force_login(harbor.broker)
    client.post(f"/view-as/{harbor.ana.pk}/")
    assert set(links(client.get("/people/views/").content.decode())) == {"Shared"}


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": " \u202e "}, "A name stands on one line"),
        ({"name": "x" * 61}, "at most 60 characters"),
        ({"name": "hOT"}, "You have a view of that name already."),
        ({"query": "score_min=x"}, "could not be read"),
        ({"query": f"q={'x' * 5_000}"}, "too many filters"),
        ({"query": "&".join(["kind=buyer"] * 300)}, ""),
        ({"query": "a&" * 1_500}, "too many filters"),
        ({"unit": "x"}, "Select a valid choice"),
        ({"unit": "999999999999999999999"}, "Select a valid choice"),
    ],
)
def test_l6_what_is_wrong_is_said_and_what_was_typed_is_kept(
    client: Client, harbor: Brokerage, wrong: dict[str, str], words: str
) -> None:
    make(harbor.ana)
    sent = {"name": "Warm & <b>new</b>", "query": "state=NJ"} | wrong
    answer = post(client, harbor.ana, "", **sent)
    if not words:
        assert answer.status_code == 302
        return
    html = answer.content.decode()
    assert (answer.status_code, words in html) == (422, True)
    assert "<b>new" not in html
    if "query" not in wrong:
        assert 'name="query" value="state=NJ"' in html
    assert SavedView.objects.count() == 1


def test_l6_a_hostile_query_keeps_what_the_list_knows_alone(client: Client, harbor: Brokerage) -> None:
    hostile = "state=NJ&company=1&locks=1&cursor=forged&view=7&next=//evil.example&<script>=1&q=%00&state=%F0%9F"
    assert post(client, harbor.ana, "", name="Odd", query=hostile).status_code in (302, 422)
    post(client, harbor.ana, "", name="Odd 2", query="state=NJ&company=1&cursor=x&view=7&next=//evil.example")
    assert SavedView.objects.get(name="Odd 2").query == "state=NJ"


def test_l6_sent_twice_it_is_saved_once(client: Client, harbor: Brokerage) -> None:
    token = re.search(r'name="token" value="([^"]+)"', get(client, harbor.ana, "/people/views/"))
    assert token
    sent = {"name": "Hot", "query": HOT, "token": token[1]}
    first, second = (post(client, harbor.ana, "", **sent) for _ in range(2))
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]
    assert SavedView.objects.count() == 1
    assert post(client, harbor.ana, "", name="HOT", query="").status_code == 422
    assert post(client, harbor.ben, "", name="Hot", query="").status_code == 302


def test_l6_a_view_of_what_is_gone_opens_and_says_so(client: Client, harbor: Brokerage) -> None:
    stage = make_stage(harbor.company, "Warm")
    view = make(harbor.ana, query=f"stage={stage.pk}&owner=person-{harbor.ben.pk}", unit=harbor.lakeside)
    make_lead(harbor.ana, first_name="Anas")
    stage.delete()
    html = get(client, harbor.ana, f"/people/?{view.query}&view={view.pk}")
    assert "A part of this view is gone" in html
    assert "filter-chip is-wrong" in html
    assert "Anas" not in html
    assert view.name in html
    mended = f"owner=person-{harbor.ben.pk}&view={view.pk}"
    assert post(client, harbor.ana, f"{view.pk}/save/", query=mended)["Location"] == f"/people/?{mended}"
    view.refresh_from_db()
    assert view.query == f"owner=person-{harbor.ben.pk}"
    refused = post(client, harbor.ana, f"{view.pk}/save/", query="score_min=x&state=NJ")
    assert refused["Location"] == "/people/?score_min=x&state=NJ"
    assert "could not be read" in client.get(refused["Location"]).content.decode()


@pytest.mark.parametrize("given", ["x", "-1", "1e3", "٣", "99999999999999999999", "%00", "'; --"])
def test_l6_a_view_that_is_none_is_no_error(client: Client, harbor: Brokerage, given: str) -> None:
    client.force_login(harbor.ana)
    assert client.get(f"/people/?{urlencode({'view': given})}").status_code == 200


def test_l6_there_is_a_most_of_them(client: Client, harbor: Brokerage) -> None:
    SavedView.objects.bulk_create(
        SavedView(company=harbor.company, created_by=harbor.ana, name=f"V{n}") for n in range(MOST_VIEWS)
    )
    answer = post(client, harbor.ana, "", name="One more", query="")
    assert answer.status_code == 422
    assert "Delete one first" in answer.content.decode()


def test_l6_deleting_one_leaves_the_leads(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, score=90)
    view = make(harbor.ana)
    assert post(client, harbor.ana, f"{view.pk}/delete/").status_code == 302
    assert post(client, harbor.ana, f"{view.pk}/delete/").status_code == 404
    assert (SavedView.objects.count(), Lead.objects.filter(owner_user=harbor.ana).count()) == (0, 1)


def test_l6_people_ask_of_views_only_where_one_is_open(client: Client, harbor: Brokerage) -> None:
    view = make(harbor.ana)
    get(client, harbor.ana, "/people/")
    asked = []
    for query in ("", f"?{view.query}&view={view.pk}"):
        with CaptureQueriesContext(connection) as captured:
            get(client, harbor.ana, f"/people/{query}")
        asked.append(sum("leads_savedview" in one["sql"] for one in captured))
    assert asked == [0, 1]


def test_l6_the_list_of_views_asks_no_more_the_more_there_are(client: Client, harbor: Brokerage) -> None:
    def queries() -> int:
        get(client, harbor.ben, "/people/views/")
        with CaptureQueriesContext(connection) as captured:
            get(client, harbor.ben, "/people/views/")
        return len(captured)

    make(harbor.ana, unit=harbor.lakeside)
    few = queries()
    for number in range(20):
        make(harbor.ana, f"More {number}", unit=harbor.lakeside)
    assert queries() == few


def test_m9_what_is_erased_is_taken_out_of_views(harbor: Brokerage) -> None:
    searched = make(harbor.ana, "Searched", "q=Maya%20Okafor&state=NJ")
    named = make(harbor.ana, "About Maya Okafor", "state=NJ")
    called = make(harbor.ana, "Phone", "q=%28201%29%20555-0123")
    others = make(harbor.ana, "Maya’s list", "q=Mayan&tag=hot")
    foreign = save_view(actor=stranger(), name="Maya Okafor", query="q=maya", unit=None)
    forget_in_views(harbor.company.pk, ["5550123", "maya@mail.example"], ["maya", "okafor", "maya okafor"])
    for view in (searched, named, called, others, foreign):
        view.refresh_from_db()
    assert (searched.name, searched.query) == ("Searched", "state=NJ")
    assert (named.name, named.query) == (f"View {named.pk}", "state=NJ")
    assert (called.name, called.query) == ("Phone", "")
    assert (others.name, others.query) == ("Maya’s list", "q=Mayan&tag=hot")
    assert (foreign.name, foreign.query) == ("Maya Okafor", "q=maya")
