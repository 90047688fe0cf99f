"""Claiming and passing from the page, and "How was this routed?"."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.notifications.models import Notification
from crm.organization.models import User
from leads.models import Lead
from permissions.models import LedgerEntry
from routing.models import Offer
from routing.services.claiming import claim
from routing.services.handing_out import expire_due
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, stranger
from tests.routing.scenes import lakeside, make_policy, offered, on_roster, route

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "offers"}


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


def post(client: Client, user: User, offer: Offer, act: str, *, htmx: bool = False) -> HttpResponse:
    client.force_login(user)
    path = f"/offers/{offer.lead.public_id}/{act}/"
    return client.post(path, headers=HTMX if htmx else None)  # type: ignore[return-value]


def overdue(offer: Offer) -> None:
    Offer.objects.filter(pk=offer.pk).update(
        offered_at=Now() - timedelta(hours=1), deadline=Now() - timedelta(minutes=5)
    )


def other(harbor: Brokerage, offer: Offer) -> User:
    return harbor.ben if offer.user == harbor.ana else harbor.ana


def ledger(lead: Lead, kind: str) -> int:
    return LedgerEntry.objects.filter(lead_id=lead.pk, kind=kind).count()


def test_r6_the_claim_button_claims_and_leads_to_the_lead(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    response = post(client, offer.user, offer, "claim")
    assert response.status_code == 302
    assert response["Location"] == f"/people/{offer.lead.public_id}/"
    offer.refresh_from_db()
    assert (offer.state, offer.claimed_by) == ("claimed", "button")
    assert ledger(offer.lead, "claimed") == 1


def test_r6_claiming_in_the_list_answers_with_the_list_and_a_link(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside, first_name="Maya", last_name="Okafor")
    response = post(client, offer.user, offer, "claim", htmx=True)
    page = response.content.decode()
    assert page.lstrip().startswith('<section id="offers"')
    assert f'Claimed. <a href="/people/{offer.lead.public_id}/">Maya Okafor</a> is yours.' in page
    assert "data-deadline" not in page


def test_claiming_on_the_lead_page_reloads_it(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    client.force_login(offer.user)
    response = client.post(f"/offers/{offer.lead.public_id}/claim/", headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == f"/people/{offer.lead.public_id}/"


def test_r5_a_double_click_claims_once_and_says_so_twice(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    for _ in range(3):
        assert "is yours" in post(client, offer.user, offer, "claim", htmx=True).content.decode()
    assert ledger(offer.lead, "claimed") == 1


def test_r8_passing_gives_the_lead_to_the_next_at_once(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    page = post(client, offer.user, offer, "pass", htmx=True).content.decode()
    assert "The next agent has it now" in page
    new = Offer.objects.get(lead=offer.lead, state="open")
    assert new.user == other(harbor, offer)
    assert client.get(f"/people/{offer.lead.public_id}/").status_code == 404


def test_r8_passing_twice_passes_once(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    post(client, offer.user, offer, "pass")
    response = post(client, offer.user, offer, "pass", htmx=True)
    assert response.status_code == 409
    assert "You passed on this offer at" in response.content.decode()
    assert ledger(offer.lead, "declined") == 1


def test_r5_a_claim_after_the_deadline_is_refused_in_place(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside, first_name="Maya")
    overdue(offer)
    response = post(client, offer.user, offer, "claim", htmx=True)
    page = response.content.decode()
    assert response.status_code == 409
    assert "This offer ended at" in page
    assert "goes to the next agent" in page
    assert "Maya" not in page
    expire_due()
    assert "went to the next agent" in post(client, offer.user, offer, "claim", htmx=True).content.decode()
    assert ledger(offer.lead, "claimed") == 0


def test_r5_a_claim_after_the_deadline_without_htmx_says_so_on_today(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    overdue(offer)
    response = post(client, offer.user, offer, "claim")
    assert response["Location"] == "/"
    assert "This offer ended at" in client.get("/").content.decode()


def test_what_was_never_offered_to_her_is_not_there(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    for user in (other(harbor, offer), harbor.lead, harbor.broker, harbor.eve, stranger()):
        for act in ("claim", "pass"):
            assert post(client, user, offer, act).status_code == 404
    client.force_login(harbor.ana)
    assert client.post("/offers/nosuchlead00/claim/").status_code == 404


def test_call_leads_to_the_composer_of_a_call(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    client.force_login(offer.user)
    assert f'href="/people/{offer.lead.public_id}/?log=call"' in client.get("/").content.decode()
    for asked, chosen in (("?log=call", "call"), ("?log=nonsense", "note"), ("", "note")):
        page = client.get(f"/people/{offer.lead.public_id}/{asked}").content.decode()
        assert f'name="kind" value="{chosen}" checked' in page


def test_offers_answer_to_their_own_methods_only(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    client.force_login(offer.user)
    assert client.get(f"/offers/{offer.lead.public_id}/claim/").status_code == 405
    assert client.get(f"/offers/{offer.lead.public_id}/pass/").status_code == 405
    assert client.post("/offers/").status_code == 405


def test_the_fragment_is_the_list_alone_and_the_address_is_todays(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    client.force_login(offer.user)
    assert client.get("/offers/")["Location"] == "/"
    page = client.get("/offers/", headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith('<section id="offers"')
    assert "1 offer<" in page
    assert "<html" not in page


def test_the_fragment_takes_the_same_queries_for_one_offer_and_for_many(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    counts = []
    for more in (1, 12):
        for _ in range(more):
            offered(harbor.lakeside, source="Zillow", phones=["201-555-0123"])
        with CaptureQueriesContext(connection) as found:
            client.get("/offers/", headers={"HX-Request": "true"})
        counts.append(len(found))
    assert counts[0] >= counts[1]


def way(client: Client, user: User, lead: Lead) -> str:
    client.force_login(user)
    response = client.get(f"/routing/lead/{lead.public_id}/", headers={"HX-Request": "true"})
    assert response.status_code == 200
    return response.content.decode()


def test_r4_how_was_this_routed_tells_every_step_and_who_was_skipped_why(client: Client, harbor: Brokerage) -> None:
    on_roster(harbor.lakeside, harbor.dee, paused=True)
    offer = offered(harbor.lakeside)
    page = way(client, harbor.lead, offer.lead)
    assert f"New lead: offered to the next in turn, <strong>{offer.user.name}</strong>" in page
    assert "Dee" in page
    assert "no longer a member" in page
    assert f"Offered to {offer.user.name}" in page
    assert "/claim/" not in page
    assert "/claim/" in way(client, offer.user, offer.lead)


def test_r4_the_newest_step_comes_first_with_what_became_of_each(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    overdue(offer)
    expire_due()
    second = other(harbor, offer)
    claim(lead_id=offer.lead.pk, user=second, act="call")
    page = way(client, harbor.lead, offer.lead)
    assert page.index("Not claimed in time") < page.index("New lead")
    assert page.index("Claimed with a call") < page.index("Ran out")
    assert "had it already this pass" in page


def test_r4_a_lead_that_was_never_routed_says_so(client: Client, harbor: Brokerage) -> None:
    assert "did not go through a rotation" in way(client, harbor.lead, make_lead(harbor.lakeside))


def test_r4_it_is_a_page_of_its_own_without_htmx(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    client.force_login(harbor.lead)
    page = client.get(f"/routing/lead/{offer.lead.public_id}/").content.decode()
    assert "<html" in page
    assert "routed?" in page


def test_v3_a_leads_way_is_told_only_to_who_may_read_it(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    hidden = make_lead(harbor.ana, hidden=True)
    asked = [(other(harbor, offer), offer.lead), (harbor.eve, offer.lead), (stranger(), offer.lead)]
    for user, lead in [*asked, (harbor.lead, hidden), (harbor.broker, hidden)]:
        client.force_login(user)
        assert client.get(f"/routing/lead/{lead.public_id}/").status_code == 404
    assert client.post(f"/routing/lead/{offer.lead.public_id}/").status_code == 405


def test_r4_names_are_fetched_once_however_long_the_way(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    route(harbor.lakeside, lead)
    way(client, harbor.lead, lead)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as found:
            client.get(f"/routing/lead/{lead.public_id}/", headers={"HX-Request": "true"})
        counts.append(len(found))
        Offer.objects.filter(lead=lead, state="open").update(
            offered_at=Now() - timedelta(hours=1), deadline=Now() - timedelta(minutes=5)
        )
        expire_due()
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("minutes", "said"), [(1, "1 minute"), (15, "15 minutes"), (60, "1 hour")])
def test_r10_the_time_to_claim_is_said_as_people_say_it(harbor: Brokerage, minutes: int, said: str) -> None:
    make_policy(harbor.lakeside, window=timedelta(minutes=minutes))
    offered(harbor.lakeside)
    assert Notification.objects.get(kind="offer").body == f"Claim within {said}, or it goes to the next agent."
