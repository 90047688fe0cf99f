"""From a report to the list behind its figure and on to the lead (A1–A3), by keyboard; in both themes and on a phone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm.organization.models import Unit, User
from tests.browser.conftest import SignIn
from tests.browser.keys import press
from tests.browser.test_batches import is_right_on_any_screen
from tests.factories.leads import make_lead
from tests.support.product import Product


@pytest.fixture
def leads(running_product: Product) -> None:
    """What came to Lakeside of a source of its own: one of Ana’s own now, hidden ones of hers beside it."""
    with running_product.database():
        unit, ana = Unit.objects.get(name="Lakeside"), User.objects.get(email="ana@harbor.example")
        came = {"origin": "company", "origin_unit": unit, "source": "Billboard"}
        now = timezone.now()
        make_lead(unit, agent=ana, first_name="Ivy", last_name="Waits", created_at=now - timedelta(days=300), **came)
        make_lead(ana, first_name="Gus", last_name="Given", last_contact_at=now - timedelta(days=2), **came)
        make_lead(ana, first_name="Sam", last_name="Secretson", hidden=True)


def count_of(page: Page) -> str:
    return page.locator("h1 .count, .page-header .count").first.inner_text()


def test_a3_from_the_report_to_the_list_to_the_lead_by_keyboard(leads: None, sign_in: SignIn) -> None:
    page = sign_in("broker@harbor.example")
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page.get_by_role("columnheader", name="Never contacted")).to_be_visible()
    expect(page.locator("main")).to_contain_text("leads, ")
    is_right_on_any_screen(page)
    page.get_by_label("Rows").select_option(label="By source")
    press(page.get_by_role("button", name="Show"))
    figure = page.get_by_role("row", name="Billboard").get_by_role("link").first
    said = figure.inner_text()
    press(figure)
    expect(page.locator("main")).to_contain_text("company-originated")
    assert count_of(page) == said
    is_right_on_any_screen(page)
    for key in ("j", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile(r"/people/\w{12}/$"))


def test_a2_from_the_board_to_the_leads_that_wait(leads: None, sign_in: SignIn) -> None:
    page = sign_in("ana@harbor.example")
    page.goto("/reports/board/")
    expect(page.get_by_role("heading", name=re.compile("untouched first"))).to_be_visible()
    is_right_on_any_screen(page)
    page.get_by_label("Last contact", exact=True).select_option("never")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page.get_by_role("link", name="Ivy Waits").first).to_be_visible()
    expect(page.get_by_role("link", name="Gus Given")).to_have_count(0)
    page.get_by_role("link", name="Open these leads in People").press("Enter")
    expect(page.get_by_role("link", name="Ivy Waits").first).to_be_visible()


def test_a2_a_manager_sees_hidden_leads_of_the_board_redacted(leads: None, sign_in: SignIn) -> None:
    page = sign_in("broker@harbor.example")
    page.goto("/reports/board/?agent=Ana")
    redacted = page.get_by_role("row", name="Sam")
    expect(redacted.first).to_contain_text("hidden by its owner")
    assert "Secretson" not in page.content()
    is_right_on_any_screen(page)
    page.get_by_role("row", name="Ana").get_by_role("link").nth(1).press("Enter")
    expect(page.locator("main")).to_contain_text("of Ana")
