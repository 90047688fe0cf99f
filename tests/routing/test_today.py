"""Today: what waits for her."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.organization.models import User
from leads.models import Lead
from routing.models import Offer, RosterMember
from routing.services import desk
from routing.views.today import greeting
from tests.factories.leads import make_lead, make_stage
from tests.factories.leads import offer as make_offer
from tests.factories.people import join, make_member
from tests.factories.scenes import Brokerage, stranger
from tests.routing.scenes import lakeside, offered, on_roster

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


def today(client: Client, user: User) -> str:
    client.force_login(user)
    response = client.get("/")
    assert response.status_code == 200
    return response.content.decode()


def cold(user: User, days: int, **fields: Any) -> Lead:
    return make_lead(user, last_contact_at=timezone.now() - timedelta(days=days), **fields)


def test_today_works_for_everybody_signed_in(client: Client, harbor: Brokerage) -> None:
    for user in (harbor.broker, harbor.north_admin, harbor.lead, harbor.ana, stranger()):
        assert "Offers" in today(client, user)


def test_today_wants_somebody_signed_in(client: Client) -> None:
    assert client.get("/").status_code == 302
    assert client.get("/", headers={"HX-Request": "true"}).status_code == 401


def test_today_cannot_be_posted_to(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    assert client.post("/").status_code == 405


def test_r6_an_offer_is_shown_with_its_deadline_and_what_one_may_do(client: Client, harbor: Brokerage) -> None:
    offer = offered(
        harbor.lakeside,
        first_name="Maya",
        city="Newark",
        state="NJ",
        source="Zillow",
        phones=["(201) 555-0123"],
        price_min=450_000,
        price_max=600_000,
    )
    page = today(client, offer.user)
    for words in (
        "Maya",
        "Newark, NJ",
        "Zillow",
        "450,000 to 600,000",
        "Lakeside",
        f"/dialer/lead/{offer.lead.public_id}/",
    ):
        assert words in page
    assert f'data-deadline="{offer.deadline.isoformat(timespec="milliseconds")}"' in page
    for act in ("claim", "pass"):
        assert f'formaction="/offers/{offer.lead.public_id}/{act}/"' in page


def test_the_most_urgent_offer_comes_first(client: Client, harbor: Brokerage) -> None:
    for name, minutes in (("Calm", 50), ("Urgent", 3), ("Soon", 20)):
        make_offer(make_lead(harbor.lakeside, agent=harbor.ana, first_name=name), harbor.ana, minutes=minutes)
    page = today(client, harbor.ana)
    assert page.index("Urgent") < page.index("Soon") < page.index("Calm")


def test_r5_an_offer_past_its_deadline_is_gone_before_anybody_acted_on_it(client: Client, harbor: Brokerage) -> None:
    make_offer(make_lead(harbor.lakeside, first_name="Gone"), harbor.ana, minutes=-1)
    assert "Gone" not in today(client, harbor.ana)


def test_offers_of_others_are_nowhere_on_the_page(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside, first_name="Maya")
    other = harbor.ben if offer.user == harbor.ana else harbor.ana
    assert "Maya" not in today(client, other)
    assert "Maya" not in today(client, stranger())


def test_many_offers_show_the_first_and_how_many_there_are(client: Client, harbor: Brokerage) -> None:
    known = {"source": "Real estate portal", "city": "Newark", "state": "NJ", "phones": ["201-555-0123"]}
    for _ in range(desk.MOST_OFFERS + 3):
        make_offer(make_lead(harbor.lakeside, last_name="Whitfield", **known), harbor.ana)
        make_lead(harbor.lakeside, agent=harbor.ana, last_name="Whitfield", **known)
        cold(harbor.ana, 9, last_name="Whitfield", **known)
    page = today(client, harbor.ana)
    assert page.count("data-deadline") == desk.MOST_OFFERS
    assert f"The {desk.MOST_OFFERS} most urgent of {desk.MOST_OFFERS + 3}" in page
    assert len(page) < 60_000


def test_untouched_leads_are_hers_without_a_contact_and_not_on_offer(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, agent=harbor.ana, first_name="Untouched")
    make_lead(harbor.lakeside, agent=harbor.ana, first_name="Called", last_contact_at=timezone.now())
    make_lead(harbor.lakeside, agent=harbor.ana, first_name="Lost", stage=make_stage(harbor.company, "Gone", "lost"))
    make_lead(harbor.lakeside, agent=harbor.ben, first_name="Bens")
    make_lead(harbor.ana, first_name="Personal")
    make_lead(harbor.ana, first_name="Lentout", agent=harbor.ben)
    make_offer(make_lead(harbor.lakeside, agent=harbor.ana, first_name="Offered"), harbor.ana)
    page = today(client, harbor.ana)
    rows = page[page.index("untouched-title") : page.index("cold-title")]
    assert "Untouched" in rows
    assert "Personal" in rows
    assert not [name for name in ("Called", "Lost", "Bens", "Lentout", "Offered") if name in rows]


def test_leads_going_cold_are_held_by_her_and_a_week_silent_the_longest_first(
    client: Client, harbor: Brokerage
) -> None:
    cold(harbor.ana, 8, first_name="Eightdays")
    cold(harbor.ana, 30, first_name="Month")
    cold(harbor.ana, 6, first_name="Sixdays")
    cold(harbor.ana, 30, first_name="Bens", agent=harbor.ben)
    cold(harbor.ben, 30, first_name="Alsobens")
    page = today(client, harbor.ana)
    rows = page[page.index("cold-title") :]
    assert rows.index("Month") < rows.index("Eightdays")
    assert not [name for name in ("Sixdays", "Bens", "Alsobens") if name in rows]
    listed = client.get(desk.in_people(harbor.ana)[1]).content.decode()
    assert [name in listed for name in ("Month", "Eightdays", "Sixdays", "Bens", "Alsobens")] == [
        True,
        True,
        *[False] * 3,
    ]
    assert "contacted=over-7d" in rows


def test_managers_see_their_units_offers_and_who_is_away(client: Client, harbor: Brokerage) -> None:
    for _ in range(3):
        offered(harbor.lakeside)
    Offer.objects.filter(pk=Offer.objects.order_by("pk")[0].pk).update(deadline=timezone.now() + timedelta(minutes=9))
    User.objects.filter(pk=harbor.ben.pk).update(available=False)
    for manager in (harbor.lead, harbor.north_admin, harbor.broker):
        found = desk.units_to_watch(manager)
        assert [(w.unit.name, w.open, w.due_soon, w.paused) for w in found.rows] == [("Lakeside", 3, 1, ["Ben"])]
        assert "Paused: Ben" in today(client, manager)
    assert desk.units_to_watch(harbor.ana).rows == []
    assert "Your teams now" not in today(client, harbor.ana)


def test_an_empty_day_says_what_would_fill_it(client: Client, harbor: Brokerage) -> None:
    assert "No offers right now" in today(client, harbor.ana)
    assert "You take no turns" in today(client, harbor.eve)
    User.objects.filter(pk=harbor.ana.pk).update(available=False)
    assert "You are paused" in today(client, harbor.ana)


def test_r3_who_is_paused_on_a_roster_by_others_is_told_so(client: Client, harbor: Brokerage) -> None:
    RosterMember.objects.filter(user=harbor.ana).update(paused=True)
    assert "Whoever runs the roster of Lakeside has paused you there" in today(client, harbor.ana)
    on_roster(harbor.north, harbor.ana)
    page = today(client, harbor.ana)
    assert "No offers right now" in page
    assert "You are paused on the roster of Lakeside." in page


def test_today_takes_at_most_twelve_queries_however_much_there_is(client: Client, harbor: Brokerage) -> None:
    everybody = (harbor.ana, harbor.lead, harbor.broker)
    counts = []
    for more in (1, 8):
        for _ in range(more):
            for user in everybody:
                make_offer(make_lead(harbor.lakeside, source="Zillow"), user)
                make_lead(harbor.lakeside, agent=user)
                cold(user, 9)
            join(make_member(harbor.lakeside), harbor.hilltop)
        counts.append([queries(client, user) for user in everybody])
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 12


def queries(client: Client, user: User) -> int:
    client.force_login(user)
    client.get("/")
    with CaptureQueriesContext(
        connection,
    ) as found:
        client.get("/")
    return len(found)


@pytest.mark.parametrize(
    ("hour", "words"), [(4, "Good evening"), (5, "Good morning"), (12, "Good afternoon"), (18, "Good evening")]
)
def test_the_greeting_goes_with_her_hour(hour: int, words: str) -> None:
    assert greeting(hour) == words
