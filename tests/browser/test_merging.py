"""Two leads of one person made one, and parted again, by keyboard alone (I6, M6)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from leads.models import Lead
from leads.services.creating import add_contact_points
from tests.browser.conftest import SignIn
from tests.browser.test_batches import is_right_on_any_screen
from tests.support.product import Product


@pytest.fixture
def twins_page(running_product: Product, sign_in: SignIn) -> Iterator[Page]:
    """The duplicates of a broker, two leads of Lakeside's among them."""
    with running_product.database():
        kept, other = Lead.objects.filter(owner_unit__name="Lakeside", removed_at=None).order_by("pk")[:2]
        Lead.objects.filter(pk=kept.pk).update(first_name="Maya", last_name="Stone", company_name="")
        Lead.objects.filter(pk=other.pk).update(first_name="May", last_name="Stone", company_name="Stone & Sons")
        for lead in (kept, other):
            add_contact_points(lead, "US", [], ["maya.stone@example.com"])
        page = sign_in("broker@harbor.example")
        page.goto("/duplicates/")
        yield page


def test_i6_the_keyboard_alone_merges_two_leads_and_parts_them_again(twins_page: Page) -> None:
    page = twins_page
    is_right_on_any_screen(page)
    page.get_by_role("link", name="Compare May Stone with the first").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Merge two leads")
    is_right_on_any_screen(page)
    old = page.url.rstrip("/").rpartition("/")[2]
    page.get_by_role("group", name="First name").get_by_label("Maya").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("group", name="First name").get_by_label("May", exact=True)).to_be_checked()
    page.keyboard.press("ArrowUp")
    page.get_by_role("button", name="Merge").press("Enter")
    expect(page.get_by_role("row", name=re.compile("Maya Stone"))).to_contain_text("Merged")
    is_right_on_any_screen(page)
    result = page.url
    page.goto(f"/people/{old}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Maya Stone")
    expect(page.get_by_text("A duplicate was merged into it")).to_be_visible()
    page.goto(result)
    page.get_by_role("button", name="Undo").press("Enter")
    page.get_by_role("button", name=re.compile("Undo 2 leads")).press("Enter")
    expect(page.locator("#run")).to_contain_text("Undone", timeout=20_000)
    page.goto(f"/people/{old}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("May Stone")
