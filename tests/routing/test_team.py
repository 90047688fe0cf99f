"""The team's pages: reading them, and what managers change there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.organization.models import User
from permissions.models import LedgerEntry
from routing.forms import PlaceForm, PolicyForm
from routing.models import Offer, RosterMember, RoutingPolicy
from routing.services.board import board_of
from routing.services.team import ChangedMeanwhileError, PolicyValues, save_policy
from tests.factories.leads import make_lead
from tests.factories.people import fresh, join, leave_company, make_manager, make_member
from tests.factories.scenes import Brokerage, stranger
from tests.routing.scenes import holders, lakeside, make_policy, offered, on_roster, route

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
POLICY = {"round_robin": "on", "minutes": "60", "passes": "2", "fallback": ""}


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


def get(client: Client, user: User, path: str, **headers: str) -> HttpResponse:
    client.force_login(user)
    return client.get(path, headers=headers or None)  # type: ignore[return-value]


def page(client: Client, user: User, harbor: Brokerage) -> str:
    response = get(client, user, f"/team/{harbor.lakeside.pk}/")
    assert response.status_code == 200
    return response.content.decode()


def post(client: Client, actor: User, harbor: Brokerage, path: str, /, **data: Any) -> HttpResponse:
    client.force_login(actor)
    page = "routing" if path == "policy/" else "team"
    return client.post(f"/{page}/{harbor.lakeside.pk}/{path}", data)  # type: ignore[return-value]


def place(harbor: Brokerage, user: User) -> RosterMember:
    return RosterMember.objects.get(unit=harbor.lakeside, user=user)


def changes(harbor: Brokerage) -> list[tuple[str, Any]]:
    """What the ledger says of this unit's roster and policy, in order."""
    facts = LedgerEntry.objects.filter(kind="policy_changed", to_unit_id=harbor.lakeside.pk).order_by("pk")
    return list(facts.values_list("why", "detail"))


def order(harbor: Brokerage) -> list[str]:
    return [place.user.name for place in RosterMember.objects.filter(unit=harbor.lakeside).in_order()]


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_the_team_list_shows_ones_own_units_first(client: Client, harbor: Brokerage) -> None:
    join(harbor.ana, harbor.south)
    response = get(client, harbor.ana, "/team/").content.decode()
    assert [name in response for name in ("Lakeside", "South", "Hilltop")] == [True, True, False]
    whole = get(client, harbor.broker, "/team/").content.decode()
    assert whole.index(harbor.company.name) < whole.index("Harborfront") < whole.index("South")


def test_the_team_list_of_one_unit_is_that_unit(client: Client, harbor: Brokerage) -> None:
    assert get(client, harbor.ana, "/team/")["Location"] == f"/team/{harbor.lakeside.pk}/"


def test_the_team_list_of_nobodys_member_says_what_to_do(client: Client, harbor: Brokerage) -> None:
    loner = make_member(harbor.lakeside)
    loner.memberships.all().delete()
    assert "You are in no team yet" in get(client, loner, "/team/").content.decode()


def test_r3_the_roster_is_shown_in_order_with_each_ones_state(client: Client, harbor: Brokerage) -> None:
    User.objects.filter(pk=harbor.ben.pk).update(available=False)
    shown = page(client, harbor.lead, harbor)
    assert shown.index("Ana") < shown.index("Ben")
    for words in ("Taking leads", "Not taking leads", "1 of 2 take leads", "After <strong>2 passes</strong>"):
        assert words in shown


def test_o6_members_read_the_roster_and_managers_change_it(client: Client, harbor: Brokerage) -> None:
    for user in (harbor.lead, harbor.north_admin, harbor.broker):
        shown = page(client, user, harbor)
        assert f"/routing/{harbor.lakeside.pk}/" in shown
        assert "Move Ben up" in shown
    shown = page(client, harbor.ana, harbor)
    assert "Taking leads" in shown
    assert not [words for words in ("/routing/", "Move Ben", "Pause Ben", "Add to roster") if words in shown]


def test_o6_a_unit_above_is_shown_without_its_roster_or_strange_people(client: Client, harbor: Brokerage) -> None:
    on_roster(harbor.whole, harbor.eve)
    shown = get(client, harbor.lead, f"/team/{harbor.whole.pk}/").content.decode()
    assert "Eve" not in shown
    assert "Roster" not in shown


def test_a_unit_one_cannot_see_is_not_there(client: Client, harbor: Brokerage) -> None:
    for user in (harbor.eve, harbor.dee, stranger()):
        assert get(client, user, f"/team/{harbor.lakeside.pk}/").status_code == 404
        for path in ("policy/", "roster/", f"roster/{harbor.ana.pk}/pause/", f"roster/{harbor.ana.pk}/"):
            assert post(client, user, harbor, path, paused="1").status_code == 404
    assert get(client, harbor.broker, "/team/999999/").status_code == 404
    assert place(harbor, harbor.ana).paused is False


def test_r3_todays_share_is_shown_beside_a_fair_one(harbor: Brokerage) -> None:
    RosterMember.objects.filter(user=harbor.ana).update(weight=3)
    for _ in range(4):
        offered(harbor.lakeside)
    board = board_of(harbor.lakeside)
    assert [(line.received, line.share, line.fair, line.open) for line in board.lines] == [
        (3, 75, 75, 3),
        (1, 25, 25, 1),
    ]


def test_claims_and_misses_of_today_are_counted(harbor: Brokerage) -> None:
    offers = [offered(harbor.lakeside) for _ in range(6)]
    mine = [offer.pk for offer in offers if offer.user == harbor.ana]
    for pk, state in zip(mine, ("claimed", "expired", "declined"), strict=True):
        Offer.objects.filter(pk=pk).update(state=state, closed_at=Now())
    line = board_of(harbor.lakeside).lines[0]
    assert (line.claimed, line.missed, line.passed, line.open, line.received) == (1, 1, 1, 0, 3)


def test_the_unit_page_takes_the_same_queries_for_few_people_and_many(client: Client, harbor: Brokerage) -> None:
    path, counts = f"/team/{harbor.lakeside.pk}/", []
    get(client, harbor.lead, path)
    for _ in range(2):
        with CaptureQueriesContext(connection) as found:
            client.get(path)
        counts.append(len(found))
        on_roster(harbor.lakeside, *(make_member(harbor.lakeside) for _ in range(4)))
        offered(harbor.lakeside)
    assert counts[0] == counts[1]


def test_people_are_found_by_name(client: Client, harbor: Brokerage) -> None:
    shown = get(client, harbor.lead, f"/team/{harbor.lakeside.pk}/?q=ana").content.decode()
    people = shown[shown.index(">People</h2>") :]
    assert "Ana" in people
    assert "Ben" not in people


# --- The roster -------------------------------------------------------------------------------------------------------


def test_r3_a_member_is_added_at_the_end_with_no_credit(client: Client, harbor: Brokerage) -> None:
    for _ in range(3):
        offered(harbor.lakeside)
    late = make_member(harbor.lakeside, "Cal")
    assert post(client, harbor.lead, harbor, "roster/", user=late.pk).status_code == 302
    added = place(harbor, late)
    assert (added.position, added.enrolled, added.credit, added.weight) == (3, True, 0, 1)
    assert changes(harbor) == [("roster", {"change": "added", "position": 3})]
    post(client, harbor.lead, harbor, "roster/", user=late.pk)
    assert len(changes(harbor)) == 1


def test_r3_a_member_of_a_unit_below_can_be_on_the_roster(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.north_admin)
    client.post(f"/team/{harbor.north.pk}/roster/", {"user": harbor.dee.pk})
    assert RosterMember.objects.filter(unit=harbor.north, user=harbor.dee).exists()


def test_r3_only_active_members_can_be_added(client: Client, harbor: Brokerage) -> None:
    gone = leave_company(make_member(harbor.lakeside))
    for user_id in (harbor.eve.pk, stranger().pk, gone.pk, "", "x", "²", "9" * 30):
        assert post(client, harbor.lead, harbor, "roster/", user=user_id).status_code == 302
    assert order(harbor) == ["Ana", "Ben"]
    assert "Only active members" in page(client, harbor.lead, harbor)


def test_r3_pausing_keeps_place_and_credit_and_open_offers(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    before = place(harbor, offer.user)
    for _ in range(2):
        assert post(client, harbor.lead, harbor, f"roster/{offer.user.pk}/pause/", paused="1").status_code == 302
    after = place(harbor, offer.user)
    assert after.paused
    assert (after.position, after.credit) == (before.position, before.credit)
    assert len(changes(harbor)) == 1
    offer.refresh_from_db()
    assert offer.state == "open"
    assert offered(harbor.lakeside).user != offer.user
    assert "Offers somebody has stay hers" in page(client, harbor.lead, harbor)
    post(client, harbor.lead, harbor, f"roster/{offer.user.pk}/pause/", paused="0")
    assert place(harbor, offer.user).paused is False


def test_pausing_somebody_who_is_not_on_the_roster_is_not_there(client: Client, harbor: Brokerage) -> None:
    assert post(client, harbor.lead, harbor, f"roster/{harbor.eve.pk}/pause/", paused="1").status_code == 404


def test_r3_the_order_changes_one_place_a_click_even_when_clicked_twice(client: Client, harbor: Brokerage) -> None:
    cal = make_member(harbor.lakeside, "Cal")
    on_roster(harbor.lakeside, cal)
    for _ in range(2):
        post(client, harbor.lead, harbor, f"roster/{cal.pk}/move/", before=harbor.ben.pk)
    assert order(harbor) == ["Ana", "Cal", "Ben"]
    post(client, harbor.lead, harbor, f"roster/{harbor.ana.pk}/move/", after=cal.pk)
    assert order(harbor) == ["Cal", "Ana", "Ben"]
    assert len(changes(harbor)) == 2
    for nonsense in ({"before": harbor.ben.pk}, {"after": harbor.eve.pk}, {}):
        post(client, harbor.lead, harbor, f"roster/{cal.pk}/move/", **nonsense)
    assert order(harbor) == ["Cal", "Ana", "Ben"]


def test_r3_weight_and_enrolment_are_set_with_before_and_after_in_the_ledger(client: Client, harbor: Brokerage) -> None:
    path = f"roster/{harbor.ana.pk}/"
    form = get(client, harbor.lead, f"/team/{harbor.lakeside.pk}/{path}", **HTMX).content.decode()
    assert '<dialog id="place"' in form
    seen = {"seen": '[true, false, 1, null, null, "[]", ""]'}
    response = post(client, harbor.lead, harbor, path, weight="4", paused="on", **seen)
    assert response.status_code == 302
    changed = place(harbor, harbor.ana)
    assert (changed.weight, changed.enrolled, changed.paused) == (4, False, True)
    before = {"enrolled": True, "paused": False, "weight": 1}
    before |= {"daily_cap": None, "open_cap": None, "hours": "[]", "states": ""}
    after = before | {"enrolled": False, "paused": True, "weight": 4}
    assert changes(harbor) == [("roster", {"change": "set", "before": before, "after": after})]


@pytest.mark.parametrize("weight", ["0", "11", "-1", "much", "", "1.5"])
def test_r3_a_weight_is_one_to_ten_and_a_refused_one_stays_typed(
    client: Client, harbor: Brokerage, weight: str
) -> None:
    response = post(client, harbor.lead, harbor, f"roster/{harbor.ana.pk}/", weight=weight, enrolled="on", paused="on")
    shown = response.content.decode()
    assert response.status_code == 422
    assert "errorlist" in shown
    assert not weight or f'value="{weight}"' in shown
    assert place(harbor, harbor.ana).weight == 1
    assert changes(harbor) == []


def test_taking_somebody_off_the_roster_leaves_her_offers(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    for _ in range(2):
        response = post(client, harbor.lead, harbor, f"roster/{offer.user.pk}/remove/")
        assert response.status_code == 302
    assert not RosterMember.objects.filter(unit=harbor.lakeside, user=offer.user).exists()
    offer.refresh_from_db()
    assert offer.state == "open"
    assert [detail["change"] for _, detail in changes(harbor)] == ["removed"]


def test_changes_are_for_managers_with_the_verb(client: Client, harbor: Brokerage) -> None:
    """403 for members, for a manager whose profile lacks it, and for whoever has the verb without the reach."""
    verbless = make_manager(harbor.lakeside, profile="agent")
    reachless = make_member(harbor.lakeside, profile="office_admin")
    acts = {
        "policy/": POLICY,
        "roster/": {"user": harbor.lead.pk},
        f"roster/{harbor.ben.pk}/": {"weight": "5"},
        f"roster/{harbor.ben.pk}/pause/": {"paused": "1"},
        f"roster/{harbor.ben.pk}/move/": {"before": harbor.ana.pk},
        f"roster/{harbor.ben.pk}/remove/": {},
    }
    for user in (harbor.ana, verbless, reachless):
        for path, data in acts.items():
            assert post(client, user, harbor, path, **data).status_code == 403, (user, path)
    assert order(harbor) == ["Ana", "Ben"]
    assert changes(harbor) == []


def test_changes_are_posted(client: Client, harbor: Brokerage) -> None:
    for path in ("roster/", f"roster/{harbor.ana.pk}/pause/", f"roster/{harbor.ana.pk}/remove/"):
        assert get(client, harbor.lead, f"/team/{harbor.lakeside.pk}/{path}").status_code == 405
    assert get(client, harbor.lead, f"/routing/{harbor.lakeside.pk}/policy/").status_code == 405


# --- The policy -------------------------------------------------------------------------------------------------------


def typed(harbor: Brokerage, **changes: str) -> dict[str, str]:
    """The form as it is shown, with changes."""
    shown = PolicyForm(actor=fresh(harbor.lead), unit=harbor.lakeside).initial
    return POLICY | {"fallback": f"person-{harbor.lead.pk}", "seen": shown["seen"]} | changes


def test_r6_the_claim_window_and_the_passes_are_saved_with_before_and_after(client: Client, harbor: Brokerage) -> None:
    assert post(client, harbor.lead, harbor, "policy/", **typed(harbor, minutes="15", passes="3")).status_code == 302
    policy = RoutingPolicy.objects.get(unit=harbor.lakeside)
    assert (policy.claim_window, policy.passes) == (timedelta(minutes=15), 3)
    before = {"round_robin": True, "minutes": 60, "passes": 2, "fallback_id": harbor.lead.pk}
    before |= {"fallback_pond_id": None, "pauses": "[]"}
    assert changes(harbor) == [("routing", {"before": before, "after": before | {"minutes": 15, "passes": 3}})]
    assert "<strong>15 minutes</strong>" in page(client, harbor.ana, harbor)
    post(client, harbor.lead, harbor, "policy/", **typed(harbor, minutes="15", passes="3"))
    assert len(changes(harbor)) == 1


def test_r6_open_offers_keep_their_deadline_when_the_window_changes(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    post(client, harbor.lead, harbor, "policy/", **typed(harbor, minutes="1"))
    deadline = offer.deadline
    offer.refresh_from_db()
    assert offer.deadline == deadline


@pytest.mark.parametrize(
    ("field", "value"),
    [("minutes", "0"), ("minutes", "1441"), ("minutes", "an hour"), ("passes", "0"), ("passes", "11")],
)
def test_r6_bad_input_is_refused_in_words_and_stays_typed(
    client: Client, harbor: Brokerage, field: str, value: str
) -> None:
    response = post(client, harbor.lead, harbor, "policy/", **typed(harbor, **{field: value}))
    shown = response.content.decode()
    assert response.status_code == 422
    assert f'value="{value}"' in shown
    assert "errorlist" in shown
    assert changes(harbor) == []


def test_r8_the_fallback_is_an_active_member_of_the_unit_or_of_one_above(client: Client, harbor: Brokerage) -> None:
    gone = leave_company(make_member(harbor.lakeside))
    for user in (harbor.eve, harbor.dee, stranger(), gone):
        response = post(client, harbor.lead, harbor, "policy/", **typed(harbor, fallback=f"person-{user.pk}"))
        assert response.status_code == 422
        assert "Choose an active member" in response.content.decode()
    for user in (harbor.ben, harbor.north_admin, harbor.broker):
        assert (
            post(client, harbor.lead, harbor, "policy/", **typed(harbor, fallback=f"person-{user.pk}")).status_code
            == 302
        )
        assert RoutingPolicy.objects.get(unit=harbor.lakeside).fallback == user


def test_r2_round_robin_off_gives_all_to_number_one_and_the_page_says_so(client: Client, harbor: Brokerage) -> None:
    off = typed(harbor)
    del off["round_robin"]
    post(client, harbor.lead, harbor, "policy/", **off)
    leads = [make_lead(harbor.lakeside) for _ in range(3)]
    route(harbor.lakeside, *leads)
    assert holders(leads) == [harbor.ana.pk] * 3
    assert not Offer.objects.filter(lead__in=leads).exists()
    shown = page(client, harbor.ben, harbor)
    assert "Round robin is off" in shown
    assert "now <strong>Ana</strong>, without a timer" in shown
    RosterMember.objects.filter(user=harbor.ana).update(paused=True)
    assert "now <strong>Ben</strong>, without a timer" in page(client, harbor.ben, harbor)


def test_a_policy_changed_meanwhile_is_refused_once_and_what_was_typed_is_kept(
    client: Client, harbor: Brokerage
) -> None:
    mine = typed(harbor, minutes="15")
    make_policy(harbor.lakeside, window=timedelta(minutes=30), fallback=harbor.lead)
    response = post(client, harbor.lead, harbor, "policy/", **mine)
    shown = response.content.decode()
    assert response.status_code == 422
    assert all(words in shown for words in ("Somebody changed this", "30 minutes", 'value="15"'))
    assert RoutingPolicy.objects.get(unit=harbor.lakeside).claim_window == timedelta(minutes=30)
    again = typed(harbor, minutes="15")
    assert again["seen"].replace('"', "&quot;") in shown
    assert post(client, harbor.lead, harbor, "policy/", **again).status_code == 302


def test_a_place_changed_meanwhile_is_refused_once(harbor: Brokerage) -> None:
    lead, member = fresh(harbor.lead), place(harbor, harbor.ana)
    shown = PlaceForm(actor=lead, unit=harbor.lakeside, member=member).initial["seen"]
    RosterMember.objects.filter(pk=member.pk).update(paused=True)
    data = QueryDict(mutable=True)
    data.update({"weight": "2", "enrolled": "on", "seen": shown})
    form = PlaceForm(data, actor=lead, unit=harbor.lakeside, member=member)
    assert form.is_valid()
    assert not form.save()
    assert "weight 1, enrolled, paused" in str(form.errors)
    assert place(harbor, harbor.ana).paused


def test_the_service_itself_compares_under_the_units_lock(harbor: Brokerage) -> None:
    values = PolicyValues(True, 5, 2, None, None, "[]")
    with pytest.raises(ChangedMeanwhileError):
        save_policy(actor=fresh(harbor.lead), unit=harbor.lakeside, values=values, seen=values)


def test_htmx_gets_the_unit_alone_with_its_message(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.lead)
    path = f"/team/{harbor.lakeside.pk}/roster/{harbor.ana.pk}/pause/"
    shown = client.post(path, {"paused": "1"}, headers=HTMX, follow=True).content.decode()
    assert [words in shown for words in ("<html", 'id="unit"', "Ana is paused")] == [False, True, True]
