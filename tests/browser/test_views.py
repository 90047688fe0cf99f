"""Views of People by keyboard alone (L6)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from leads.models import SavedView
from tests.browser.conftest import SignIn
from tests.browser.keys import press, write
from tests.browser.test_batches import is_right_on_any_screen
from tests.support.axe import assert_clean
from tests.support.product import Product


@pytest.fixture
def harbor(running_product: Product) -> Iterator[Product]:
    with running_product.database():
        yield running_product
        SavedView.objects.all().delete()


def menu(page: Page, name: str) -> Locator:
    """Open a menu of the list and wait until it has loaded."""
    press(page.locator(".filters").get_by_role("button", name=name))
    opened = page.get_by_role("group", name=name, exact=True)
    expect(opened.locator("form").first).to_be_visible()
    assert_clean(page)
    return opened


def title(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def test_l6_the_keyboard_alone_renames_a_view_and_deletes_it(harbor: Product, sign_in: SignIn) -> None:
    page = sign_in("ana@harbor.example")
    page.goto("/people/views/?mine=1")
    write(page.locator("main").get_by_label("Name"), "Mine")
    press(page.get_by_role("button", name="Save view"))
    press(menu(page, "Views").get_by_role("link", name="All views and their settings"))
    expect(title(page)).to_have_text("Views")
    is_right_on_any_screen(page)
    press(page.get_by_role("link", name="Settings of Mine"))
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    is_right_on_any_screen(page)
    write(page.locator("main").get_by_label("Name"), " of today")
    press(page.get_by_role("button", name="Save", exact=True))
    expect(title(page)).to_contain_text("of today")
    page.goto(f"/people/views/{SavedView.objects.get().pk}/")
    press(page.get_by_role("button", name="Delete"))
    expect(title(page)).to_have_text("Views")
    assert not SavedView.objects.exists()
