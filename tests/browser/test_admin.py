"""The admin as a broker meets it: every kind of page, in both themes, on a phone, by keyboard and without scripts."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.support.axe import assert_clean, assert_fits

BROKER = "broker@harbor.example"
PHONE = {"width": 360, "height": 780}
WIDE = {"width": 1280, "height": 800}


def look_over(page: Page) -> None:
    """Accessible in both themes, and no wider than a phone."""
    assert len(page.content()) < 60_000
    page.set_viewport_size(WIDE)
    assert_clean(page)
    page.set_viewport_size(PHONE)
    assert_fits(page)
    page.set_viewport_size(WIDE)


def test_every_kind_of_admin_page_is_accessible_and_fits_a_phone(sign_in: SignIn) -> None:
    page = sign_in(BROKER)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Admin").click()
    look_over(page)
    tabs = page.get_by_role("navigation", name="Admin pages")
    addresses = [link.get_attribute("href") or "" for link in tabs.get_by_role("link").all()]
    for address in addresses:
        page.goto(address)
        look_over(page)
    for label, row in (("People", "Ana Alvarez"), ("Units", "Lakeside"), ("Stages", "Contacted")):
        tabs.get_by_role("link", name=label, exact=True).click()
        page.get_by_role("link", name=row, exact=True).click()
        look_over(page)
        page.get_by_role("link", name="History").click()
        look_over(page)
    page.goto("/admin/leads/stage/add/")
    page.get_by_label("Order").fill("-1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    look_over(page)


def test_a_broker_gives_a_role_and_takes_it_away(sign_in: SignIn) -> None:
    page = sign_in(BROKER)
    page.goto("/admin/organization/user/?q=dee")
    page.get_by_role("link", name="Dee Dawson").click()
    page.get_by_label("Unit").last.select_option("Lakeside")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="Dee Dawson")).to_contain_text("Hilltop, Lakeside")
    page.get_by_role("link", name="Dee Dawson").click()
    page.get_by_label("End").last.check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="Dee Dawson")).not_to_contain_text("Lakeside")
    page.get_by_role("link", name="Dee Dawson").click()
    page.get_by_label("End").first.check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Hand that on first: by Departure")).to_be_visible()
    look_over(page)
