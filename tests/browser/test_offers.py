"""Cards of offers on Today, on a phone and on a desk."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from leads.models import Lead
from tests.browser.conftest import SignIn
from tests.support.axe import assert_fits
from tests.support.product import Product

LONG = "Alejandra Fernanda Gutierrez-Villanueva de la Cruz Montero"
WIDTHS = (360, 1280)
OUTSIDE = """card => [...card.querySelectorAll(".button, .countdown")].filter(
    one => one.getBoundingClientRect().right > card.getBoundingClientRect().right).length"""


def add_lead(page: Page, name: str) -> Lead:
    page.goto("/people/add/")
    page.get_by_label("First name").fill(name)
    page.get_by_label("Owned by").select_option(label="Lakeside (team)")
    page.get_by_label("Hand to the team’s rotation").check()
    page.get_by_role("button", name="Add the lead").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    return Lead.objects.get(public_id=page.url.rstrip("/").rsplit("/", 1)[1])


@pytest.mark.parametrize("name", [LONG, "W" * 70])
def test_an_offer_with_a_long_name_fits_its_card(running_product: Product, sign_in: SignIn, name: str) -> None:
    with running_product.database():
        lead = add_lead(sign_in("lead@harbor.example"), name)
        offers = lead.offers.filter(state="open")
        offers.update(deadline=timezone.now() + timedelta(minutes=10))  # the first of hers, so that it has a card
        holder = offers.select_related("user").get().user
    assert holder is not None
    page = sign_in(holder.email)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 780})
        page.goto("/")
        card = page.locator(".offer", has_text=name)
        expect(card.get_by_role("button", name=f"Pass on {name}")).to_be_visible()
        assert card.evaluate(OUTSIDE) == 0
        assert_fits(page)
        page.goto(f"/people/{lead.public_id}/")
        expect(page.locator("#lead-routing .countdown")).to_be_visible()
        assert page.locator("#lead-routing").evaluate(OUTSIDE) == 0
