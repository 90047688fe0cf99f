"""The design system as a person meets it: the gallery, the frame around it, and the signed-out pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from crm.core.gallery import PARTS
from tests.browser.conftest import NewPage, SignIn
from tests.support.axe import assert_clean, assert_fits, violations
from tests.support.product import Product

PHONE = {"width": 360, "height": 780}
ZOOMED = {"width": 640, "height": 400}  # 1280 x 800 at 200 %
STAFF = "broker@harbor.example"
MAKE_STAFF = "from crm.organization.models import User; User.objects.filter(email='{}').update(is_staff=True)"


@pytest.fixture
def staff_page(running_product: Product, sign_in: SignIn) -> Page:
    running_product.python(MAKE_STAFF.format(STAFF))
    return sign_in(STAFF)


def test_the_gallery_is_accessible_in_both_themes_and_fits_a_phone(staff_page: Page) -> None:
    for part in PARTS:
        staff_page.set_viewport_size({"width": 1280, "height": 800})
        answer = staff_page.goto(f"/gallery/?part={part}")
        assert answer is not None
        assert answer.ok
        assert len(answer.body()) < 60_000
        assert_clean(staff_page)
        for size in (ZOOMED, PHONE):
            staff_page.set_viewport_size(size)
            assert_fits(staff_page)


def test_menus_and_dialogs_are_accessible_when_open(staff_page: Page) -> None:
    staff_page.goto("/gallery/?part=overlays")
    for opener in ("person", "availability", "notifications", "menu-words"):
        staff_page.locator(f"[popovertarget={opener}]").click()
        expect(staff_page.locator(f"#{opener}")).to_be_visible()
        assert violations(staff_page) == []
        staff_page.keyboard.press("Escape")
        expect(staff_page.locator(f"[popovertarget={opener}]")).to_be_focused()
    staff_page.keyboard.press("?")
    expect(staff_page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert_clean(staff_page)


def test_on_a_phone_the_rest_of_the_rail_hangs_on_more(sign_in: SignIn) -> None:
    page = sign_in(STAFF)
    page.set_viewport_size(PHONE)
    page.goto("/team/")
    rail, more = page.get_by_role("navigation", name="Main"), page.get_by_role("button", name="More")
    bar = rail.locator(".rail-bar")
    assert bar.evaluate("bar => bar.scrollWidth <= bar.clientWidth")
    expect(rail.get_by_role("link", name="Team")).to_be_hidden()
    more.press("Enter")
    expect(rail.get_by_role("link", name="Team")).to_have_attribute("aria-current", "page")
    assert_clean(page)
    assert_fits(page)
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(rail.get_by_role("link", name="Import")).to_be_focused()
    rail.get_by_role("link", name="Reports").press("Enter")
    page.wait_for_url("**/reports/**")
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/team/**")
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(more).to_be_hidden()
    expect(rail.get_by_role("link", name="Reports")).to_be_visible()


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/password/reset/", "/accounts/signup/"])
def test_signed_out_pages_are_accessible(new_page: NewPage, address: str) -> None:
    page = new_page()
    page.set_viewport_size(PHONE)
    page.goto(address)
    assert_clean(page)
    assert_fits(page)


def test_keys_go_search_and_can_be_switched_off(staff_page: Page) -> None:
    staff_page.goto("/gallery/")
    staff_page.keyboard.press("/")
    expect(staff_page.locator("#search")).to_be_focused()
    staff_page.keyboard.press("g")  # typed, not obeyed
    expect(staff_page.locator("#search")).to_have_value("g")
    staff_page.keyboard.press("Escape")
    staff_page.keyboard.press("?")
    staff_page.get_by_label("Single-key shortcuts on this device").click()
    staff_page.keyboard.press("Escape")
    staff_page.keyboard.press("/")
    expect(staff_page.locator("#search")).not_to_be_focused()
    staff_page.evaluate("localStorage.clear()")
    staff_page.keyboard.press("g")
    staff_page.keyboard.press("p")
    staff_page.wait_for_url("**/people/")


def test_rows_are_walked_and_selected_by_keyboard(staff_page: Page) -> None:
    staff_page.goto("/gallery/?part=people")
    bar = staff_page.get_by_role("group", name="Selection")
    expect(bar).to_be_hidden()
    for key in "jjx":
        staff_page.keyboard.press(key)
    expect(staff_page.get_by_role("link", name="Jonas Lindqvist")).to_be_focused()
    expect(bar).to_contain_text("1 selected")
    staff_page.get_by_label("Tick all on this page").check()
    expect(bar).to_contain_text("6 selected")
    staff_page.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()


def test_the_browser_remembers_theme_density_and_rail(staff_page: Page) -> None:
    staff_page.goto("/gallery/")
    staff_page.locator("[popovertarget=person]").click()
    staff_page.get_by_text("Dark", exact=True).click()
    staff_page.get_by_text("Compact", exact=True).click()
    staff_page.keyboard.press("Escape")
    staff_page.get_by_role("button", name="Narrow the rail").click()
    staff_page.reload()
    root = staff_page.locator("html")
    for name, value in (("theme", "dark"), ("density", "compact"), ("rail", "narrow")):
        expect(root).to_have_attribute(f"data-{name}", value)


def test_a_countdown_keeps_to_the_servers_clock_and_tells_when_it_is_over(staff_page: Page) -> None:
    staff_page.goto("/gallery/")
    staff_page.evaluate(
        """() => {
          addEventListener("offer:due", () => (document.title = "due"));
          const server = Date.now() + 3600_000;  // an hour ahead of this browser
          const time = document.createElement("time");
          time.className = "countdown";
          time.dataset.now = new Date(server).toISOString();
          time.dataset.deadline = new Date(server + 2000).toISOString();
          time.innerHTML = "<span data-left></span>";
          document.querySelector("main").prepend(time);
        }"""
    )
    expect(staff_page.locator("main > time")).to_have_class("countdown is-urgent")
    expect(staff_page.locator("#announcer")).to_contain_text("One minute left")
    expect(staff_page.locator("main > time")).to_have_class("countdown is-due")
    expect(staff_page).to_have_title("due")
