"""The departing agent, by keyboard alone: what she worked goes to a pond and back to a roster, and comes back (O4)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from crm.organization.models import Unit, User
from leads.models import Assignment
from tests.browser.conftest import SignIn
from tests.browser.test_batches import is_right_on_any_screen
from tests.factories.leads import make_lead, make_pond
from tests.support.product import Product


@pytest.fixture
def broker_page(running_product: Product, sign_in: SignIn) -> Page:
    return sign_in("broker@harbor.example")


def press(page: Page, role: str, name: str) -> None:
    page.get_by_role(role, name=name, exact=True).focus()  # type: ignore[arg-type]
    page.keyboard.press("Enter")


def test_o4_the_departing_agents_leads_go_to_pond_and_roster_and_come_back(
    broker_page: Page, running_product: Product
) -> None:
    page = broker_page
    with running_product.database():
        lakeside = Unit.objects.get(name="Lakeside")
        whole = Unit.objects.get(company=lakeside.company, kind="company")
        cal = User.objects.get(email="cal@harbor.example")
        make_pond(lakeside, name="Departed")
        pooled, routed = make_lead(lakeside, agent=cal), make_lead(whole, agent=cal)
        page.goto(f"/admin/organization/user/{cal.pk}/change/")
        press(page, "link", "Departure")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Departure of Cal Chen")
        is_right_on_any_screen(page)
        page.locator(f"[name=unit-{lakeside.pk}]").focus()
        page.keyboard.type("Departed")
        press(page, "button", "Preview")
        expect(page.get_by_text("Cal Chen can no longer sign in")).to_be_visible()
        is_right_on_any_screen(page)
        press(page, "button", "Go ahead")
        expect(page.get_by_role("heading", name="Every lead")).to_be_visible(timeout=20_000)
        is_right_on_any_screen(page)
        assert str(Assignment.objects.get(lead=pooled, role="agent").pond) == "Departed"
        assert not Assignment.objects.filter(lead=routed, user=cal).exists()
        assert not User.objects.get(pk=cal.pk).is_active
        press(page, "button", "Undo")
        press(page, "button", "Undo it")
        expect(page.locator("#run")).to_contain_text("Undone", timeout=20_000)
        assert User.objects.get(pk=cal.pk).is_active
        assert Assignment.objects.get(lead=pooled, role="agent").user == cal
        assert Assignment.objects.get(lead=routed, role="agent").user == cal
