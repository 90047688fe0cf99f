"""Mass actions as a person does them: ticking by keyboard, four steps, a bar that moves, and the way back (M4, M6)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from crm.organization.models import Unit
from leads.models import Lead
from tests.browser.conftest import SignIn
from tests.leads.batches.test_crashing import MANY
from tests.support.axe import assert_clean, assert_fits
from tests.support.product import Product

PHONE = {"width": 360, "height": 780}
WIDE = {"width": 1280, "height": 800}


@pytest.fixture
def broker_page(running_product: Product, sign_in: SignIn) -> Iterator[Page]:
    with running_product.database():
        page = sign_in("broker@harbor.example")
        page.goto("/people/")
        yield page


def is_right_on_any_screen(page: Page) -> None:
    page.set_viewport_size(PHONE)
    assert_fits(page)
    page.set_viewport_size(WIDE)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert_clean(page)


def test_m4_the_keyboard_alone_moves_a_few_to_another_stage_and_back(broker_page: Page) -> None:
    page = broker_page
    page.goto(f"/people/?owner=unit-{Unit.objects.get(name='Lakeside').pk}")
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    bar = page.get_by_role("group", name="Selection")
    expect(bar).to_contain_text("2 selected")
    names = page.locator("tr:has(td.tick input:checked) .row-link").all_inner_texts()
    is_right_on_any_screen(page)
    page.keyboard.press("a")
    expect(page.locator("#mass-actions").get_by_role("button").first).to_be_focused()
    page.locator("#mass-actions").get_by_role("button", name="Change stage").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Change stage 2 people")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    is_right_on_any_screen(page)
    page.get_by_label("New stage").select_option(label="Archived")
    page.get_by_role("button", name="Preview").press("Enter")
    expect(page.get_by_text("Nobody gains or loses sight")).to_be_visible()
    is_right_on_any_screen(page)
    page.get_by_role("button", name=re.compile("Change 2 leads")).press("Enter")
    expect(page.get_by_role("heading", name="Every lead")).to_be_visible(timeout=20_000)
    for name in names:  # two may have one name
        expect(page.get_by_role("row", name=name)).to_contain_text(["Changed"] * names.count(name))
    is_right_on_any_screen(page)
    page.get_by_role("button", name="Undo").press("Enter")
    page.get_by_role("button", name=re.compile("Undo 2 leads")).press("Enter")
    expect(page.locator("#run")).to_contain_text("Undone", timeout=20_000)
    page.get_by_role("link", name="What was undone").click()
    expect(page.get_by_text("Undone by")).to_be_visible()


def test_m6_ten_thousand_change_hands_by_mistake_and_come_back(broker_page: Page) -> None:
    page = broker_page
    first = Lead.objects.filter(owner_unit__name="Hilltop").order_by("pk")[0]
    Lead.objects.filter(pk=first.pk).update(tags=["moving"])
    with connection.cursor() as cursor:
        cursor.execute(MANY, [9_999, first.pk])
        cursor.execute("UPDATE leads_lead SET tags = '{moving}' WHERE first_name LIKE 'Lead %%' AND last_name = ''")
    page.goto("/people/?tag=moving")
    page.locator("td.tick input").first.check()
    page.get_by_label("All 10,000 matching").check()
    page.get_by_role("button", name="More").click()
    page.locator("#mass-actions").get_by_role("button", name="Change owner").click()
    expect(page.get_by_text("Tag moving")).to_be_visible()
    page.get_by_label("New owner").select_option(label="Eve Ellison")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Will no longer see them")).to_be_visible()
    expect(page.get_by_text("You can undo this for 24 hours, or until Eve Ellison has worked them.")).to_be_visible()
    is_right_on_any_screen(page)
    page.get_by_role("button", name="Change 10,000 leads").click()
    expect(page.get_by_role("progressbar").first).to_be_visible()
    page.goto("/batches/")
    expect(page.get_by_role("row", name=re.compile("Change the owner to Eve Ellison")).first).to_contain_text(
        "Done", timeout=120_000
    )
    is_right_on_any_screen(page)
    assert Lead.objects.filter(owner_user__email="eve@harbor.example", tags=["moving"]).count() == 10_000
    page.get_by_role("link", name="Change the owner to Eve Ellison").first.click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo 10,000 leads").click()
    expect(page.get_by_role("heading", name="Every lead")).to_be_visible(timeout=120_000)
    assert Lead.objects.filter(owner_unit__name="Hilltop", tags=["moving"]).count() == 10_000
