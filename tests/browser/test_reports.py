"""Reports as people look at them: charts drawn in both themes, figures that lead to lists; and offers that are seen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm.organization.models import Unit, User
from routing.models import Offer
from tests.browser.conftest import SignIn
from tests.browser.test_batches import is_right_on_any_screen
from tests.factories.leads import make_lead, offer
from tests.routing.scenes import route
from tests.support.product import Product

BARS = """canvas => {
  const chart = Chart.getChart(canvas);
  return chart.getSortedVisibleDatasetMetas().map((set) => set.data[0].options.backgroundColor);
}"""
KEYS = "figure => [...figure.querySelectorAll('.dot')].map((dot) => getComputedStyle(dot).backgroundColor)"
DRAWN_ANEW = """canvas => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => done(canvas.toDataURL())));
})"""


@pytest.fixture
def lakeside(running_product: Product) -> str:
    """A team with a month behind it."""
    with running_product.database():
        unit = Unit.objects.get(name="Lakeside")
        agents = [User.objects.get(email=f"{name}@harbor.example") for name in ("ana", "ben", "cal")]
        for number in range(30):
            at = timezone.now() - timedelta(days=number + 1)
            times = {"offered_at": at, "deadline": at + timedelta(hours=1), "seen_at": at + timedelta(minutes=2)}
            state = ("claimed", "claimed", "expired", "declined")[number % 4]
            lead = make_lead(unit, created_at=at - timedelta(minutes=1), source="Zillow")
            closed = at + timedelta(minutes=5 + number)
            offer(lead, agents[number % 3], state=state, closed_at=closed, **times)
        route(unit, *(make_lead(unit) for _ in range(9)))
    return str(unit.pk)


def test_r11_charts_are_drawn_and_figures_lead_to_lists(lakeside: str, sign_in: SignIn) -> None:
    page = sign_in("broker@harbor.example")
    page.get_by_role("link", name="Reports", exact=True).click()
    for tab, words in (("Speed to lead", "Offered to claimed"), ("Claims", "Received"), ("Fairness", "Ideal share")):
        page.emulate_media(color_scheme="light")
        page.get_by_role("navigation", name="Reports").get_by_role("link", name=tab).click()
        expect(page.get_by_role("columnheader", name=words)).to_be_visible()
        chart = page.locator("canvas").first
        assert set(chart.evaluate(BARS)) == set(page.locator(".chart").first.evaluate(KEYS))
        light = chart.evaluate("canvas => canvas.toDataURL()")
        page.emulate_media(color_scheme="dark")
        assert chart.evaluate(DRAWN_ANEW) != light
        is_right_on_any_screen(page)
    page.goto(f"/reports/claims/?unit={lakeside}")
    page.get_by_role("row", name="Ana").get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text("offered by Ana")


def test_r11_days_of_ones_own_are_asked_for_where_they_are_wanted(lakeside: str, sign_in: SignIn) -> None:
    page = sign_in("broker@harbor.example")
    page.goto("/reports/")
    expect(page.get_by_label("From")).to_be_hidden()
    page.get_by_label("Period").select_option("days")
    expect(page.get_by_label("From")).to_be_visible()
    page.get_by_role("button", name="Show").click()
    expect(page.locator("main")).to_contain_text("Choose both days, or a period.")
    is_right_on_any_screen(page)


def seen(product: Product, agent: str) -> list[bool]:
    with product.database():
        hers = Offer.objects.filter(user__email=agent, state="open").order_by("pk")
        return [at is not None for at in hers.values_list("seen_at", flat=True)]


def test_r11_opening_today_is_seeing_ones_offers(lakeside: str, running_product: Product, sign_in: SignIn) -> None:
    with running_product.database():  # others have looked at what came before
        offers = Offer.objects.filter(state="open")
        newest = list(offers.order_by("-pk").values_list("pk", flat=True)[:9])
        offers.exclude(pk__in=newest).update(state="withdrawn", closed_at=timezone.now())
        offers.update(seen_at=None)
    page: Page = sign_in("ana@harbor.example")
    with page.expect_response("**/offers/seen/") as answer:
        page.goto("/")
    assert answer.value.status == 204
    assert all(seen(running_product, "ana@harbor.example"))
    assert not any(seen(running_product, "ben@harbor.example"))
