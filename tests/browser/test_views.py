"""Views of People by keyboard alone: a list is narrowed, saved, shared, opened by a colleague and changed (L6)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from crm.organization.models import User
from leads.models import Lead, SavedView
from permissions.keyring import load_keyring
from tests.browser.conftest import SignIn
from tests.browser.keys import press, write
from tests.browser.test_batches import is_right_on_any_screen
from tests.support.axe import assert_clean
from tests.support.product import Product

NAME = "Hot and hers 🔥"


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


def saved_by(lead: Page) -> None:
    """The best leads, as a view for Lakeside."""
    lead.goto("/people/")
    facets = menu(lead, "Filter")
    press(facets.locator("summary", has_text="Score"))
    write(facets.get_by_label("Score from"), "60")
    press(facets.get_by_role("button", name="Show people"))
    expect(lead.locator(".filter-chip")).to_contain_text("60")
    views = menu(lead, "Views")
    write(views.get_by_label("Name"), NAME)
    write(views.get_by_label("Who has it"), "Lakeside")
    press(views.get_by_role("button", name="Save view"))
    expect(title(lead)).to_contain_text(NAME)
    is_right_on_any_screen(lead)


def with_other_columns(lead: Page) -> None:
    """The same view with the phone and without the origin, saved again."""
    look = menu(lead, "Sort and columns")
    press(look.get_by_label("Phone"), "Space")
    press(look.get_by_label("Origin"), "Space")
    press(look.get_by_role("button", name="Apply"))
    expect(lead.get_by_role("columnheader", name="Phone")).to_be_visible()
    expect(lead.get_by_role("columnheader", name="Origin")).to_have_count(0)
    is_right_on_any_screen(lead)
    press(lead.get_by_role("button", name="Save changes"))
    expect(lead.get_by_text(f"{NAME} is saved.")).to_be_visible()
    expect(lead.get_by_role("button", name="Save changes")).to_have_count(0)


def test_l6_the_keyboard_alone_saves_a_view_shares_it_and_a_colleague_opens_it(
    harbor: Product, sign_in: SignIn
) -> None:
    lead = sign_in("lead@harbor.example")
    saved_by(lead)
    with_other_columns(lead)

    ana = sign_in("ana@harbor.example")
    ana.keyboard.press("g")
    ana.keyboard.press("p")
    ana.wait_for_url("**/people/")
    press(menu(ana, "Views").get_by_role("link", name=re.compile(NAME)))
    expect(title(ana)).to_contain_text(NAME)
    expect(ana.get_by_role("columnheader", name="Phone")).to_be_visible()
    shown = ana.locator("[data-row] .row-link").all_inner_texts()
    hers = Lead.objects.visible_to(load_keyring(User.objects.get(email="ana@harbor.example"))).filter(score__gte=60)
    assert shown
    assert set(shown) <= {one.name for one in hers.order_by("pk")}
    press(ana.get_by_role("link", name="Score", exact=True))
    expect(ana.get_by_role("button", name="Save changes")).to_have_count(0)
    press(ana.get_by_role("link", name="Save as new view"))
    expect(title(ana)).to_have_text("Views")
    is_right_on_any_screen(ana)
    write(ana.locator("main").get_by_label("Name"), "Mine, best first")
    press(ana.get_by_role("button", name="Save view"))
    expect(title(ana)).to_contain_text("Mine, best first")
    assert SavedView.objects.get(name="Mine, best first").unit is None


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
