"""That an agent has seen an offer: told by her page, once, and nothing more than that (R6, R11)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.organization.models import User
from routing.models import Offer
from tests.factories.scenes import Brokerage, stranger
from tests.routing.scenes import lakeside, offered

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def harbor() -> Brokerage:
    return lakeside()


def see(client: Client, user: User, *offers: Offer) -> None:
    client.force_login(user)
    sent = {"lead": [offer.lead.public_id for offer in offers]}
    assert client.post("/offers/seen/", sent, headers=HTMX).status_code == 204


def test_r11_an_offer_is_seen_once_and_not_claimed_by_it(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    see(client, offer.user, offer)
    offer.refresh_from_db()
    first = offer.seen_at
    assert first is not None
    assert offer.state == "open"
    see(client, offer.user, offer)
    offer.refresh_from_db()
    assert offer.seen_at == first


def test_r11_nobody_sees_an_offer_for_another(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    other = harbor.ben if offer.user == harbor.ana else harbor.ana
    for user in (other, harbor.lead, harbor.broker, stranger()):
        see(client, user, offer)
    offer.refresh_from_db()
    assert offer.seen_at is None


def test_r11_what_has_ended_is_seen_no_more(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    Offer.objects.filter(pk=offer.pk).update(state="expired", closed_at=timezone.now() + timedelta(hours=1))
    see(client, offer.user, offer)
    offer.refresh_from_db()
    assert offer.seen_at is None


def test_r11_today_and_the_lead_say_that_an_offer_is_seen_until_it_is(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    pages = ["/", reverse("lead-routing", args=[offer.lead.public_id])]
    client.force_login(offer.user)
    for page in pages:
        assert 'hx-post="/offers/seen/"' in client.get(page).content.decode()
    offer.refresh_from_db()
    assert offer.seen_at is None  # looking by itself writes nothing
    see(client, offer.user, offer)
    for page in pages:
        assert "/offers/seen/" not in client.get(page).content.decode()
    client.force_login(harbor.lead)
    assert "/offers/seen/" not in client.get(pages[1]).content.decode()


def test_v7_viewing_as_an_agent_her_offers_stay_unseen(client: Client, harbor: Brokerage) -> None:
    offer = offered(harbor.lakeside)
    client.force_login(harbor.broker)
    client.post(reverse("view-as-begin", args=[offer.user.pk]))
    page = client.get("/").content.decode()
    assert offer.lead.name in page
    assert "/offers/seen/" not in page


def test_r11_without_htmx_it_leads_back_and_a_get_is_refused(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    assert client.post("/offers/seen/", {"lead": "nobody"})["Location"] == "/"
    assert client.get("/offers/seen/").status_code == 405
