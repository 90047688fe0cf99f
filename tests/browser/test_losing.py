"""What is lost amid work, and what is not: a session that ends, a lead that moves on while its page is open."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from crm.organization.models import Unit
from routing.models import Offer
from tests.browser.conftest import DEMO_PASSWORD, SignIn
from tests.support.axe import assert_clean
from tests.support.product import Product

LEAD, OTHER = "lead@harbor.example", "broker@harbor.example"
TYPED = "Asked for the keys of Pier Road."


def add_lead(page: Page, first_name: str) -> Offer:
    """By hand, into Lakeside's rotation; the offer it is now."""
    page.goto("/people/add/")
    expect(page.get_by_label("First name")).to_be_focused()
    page.keyboard.type(first_name)
    page.get_by_label("Owned by").select_option(label="Lakeside (team)")
    page.get_by_label("Hand to the team’s rotation").check()
    page.get_by_role("button", name="Add the lead").click()
    expect(page.get_by_role("heading", name=first_name)).to_be_visible()
    return Offer.objects.select_related("user", "lead").get(lead__first_name=first_name, state="open")


def save_note(page: Page) -> None:
    page.locator("#composer").get_by_role("button", name="Save").click()


def sign_in_again(page: Page, email: str) -> None:
    """In another tab, by the link of the message."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in in another tab").click()
    other = opened.value
    expect(other.locator("input[name=login]")).to_be_focused()
    other.keyboard.type(email)
    other.locator("input[name=password]").fill(DEMO_PASSWORD)
    other.locator("input[name=password]").press("Enter")
    expect(other.locator("#person")).to_be_attached()
    other.close()


@pytest.mark.parametrize("cookies", ["sessionid", None], ids=["session", "session and form token"])
def test_a_session_that_ends_loses_nothing_that_was_typed(
    running_product: Product, sign_in: SignIn, cookies: str | None
) -> None:
    page = sign_in(LEAD)
    with running_product.database():
        add_lead(page, f"Session {cookies}")
    here = page.url
    page.locator("#composer [name=body]").fill(TYPED)
    page.context.clear_cookies(name=cookies)
    save_note(page)
    message = page.get_by_text("Your session has ended or changed")
    expect(message).to_have_count(1)
    assert page.url == here
    expect(page.locator("#composer [name=body]")).to_have_value(TYPED)
    sign_in_again(page, LEAD)
    save_note(page)  # its form token is old by now; the page gets the new one by itself
    expect(page.locator("#timeline")).to_contain_text(TYPED)
    expect(page.locator("#composer [name=body]")).to_have_value("")
    expect(message).to_have_count(0)


def test_what_one_typed_is_not_sent_in_the_name_of_another(running_product: Product, sign_in: SignIn) -> None:
    page = sign_in(LEAD)
    with running_product.database():
        add_lead(page, "Namesake")
    page.locator("#composer [name=body]").fill(TYPED)
    page.context.clear_cookies()
    save_note(page)
    sign_in_again(page, OTHER)
    save_note(page)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("Your session has ended or changed")).to_have_count(1)
    expect(page.locator("#composer [name=body]")).to_have_value(TYPED)
    expect(page.locator("#timeline")).not_to_contain_text(TYPED)


def test_a_lead_that_moved_on_leaves_its_open_page(running_product: Product, sign_in: SignIn) -> None:
    with running_product.database():
        offer = add_lead(sign_in(LEAD), "Fleeting")
        hers = sign_in(offer.user.email)
        hers.goto(f"/people/{offer.lead.public_id}/")
        hers.get_by_text("How was this routed?").click()
        hers.locator("#composer [name=body]").fill(TYPED)
        hers.evaluate("document.body.dispatchEvent(new CustomEvent('live:offers'))")
        hers.wait_for_load_state("networkidle")
        expect(hers.locator("#way")).to_have_attribute("open", "")
        elsewhere = hers.context.new_page()
        elsewhere.goto(f"/people/{offer.lead.public_id}/")
        elsewhere.get_by_role("button", name="Pass").click()
        elsewhere.wait_for_url("**/")
        elsewhere.close()
    expect(hers.get_by_role("heading", name="This lead is not yours any more")).to_be_visible()
    expect(hers.locator("#composer, #lead-stage, #lead-routing")).to_have_count(0)
    expect(hers.get_by_label("What you were writing")).to_have_value(TYPED)
    expect(hers.locator("#toasts .toast")).to_have_count(0)
    assert_clean(hers)


def test_a_note_on_a_lead_that_moved_on_is_refused_once(running_product: Product, sign_in: SignIn) -> None:
    with running_product.database():
        offer = add_lead(sign_in(LEAD), "Gone")
        hers = sign_in(offer.user.email)
        hers.route("**/live/**", lambda route: route.fulfill(status=204))  # she is not told
        hers.goto(f"/people/{offer.lead.public_id}/")
        hers.wait_for_load_state("networkidle")
        hers.locator("#composer [name=body]").fill(TYPED)
        elsewhere = hers.context.new_page()
        elsewhere.goto(f"/people/{offer.lead.public_id}/")
        elsewhere.get_by_role("button", name="Pass").click()
        elsewhere.wait_for_url("**/")
        elsewhere.close()
    save_note(hers)
    expect(hers.get_by_label("What you were writing")).to_have_value(TYPED)
    expect(hers.locator("#toasts .toast")).to_have_count(0)


def test_a_zoomed_agent_reaches_all_of_a_roster_and_every_filter(running_product: Product, sign_in: SignIn) -> None:
    with running_product.database():
        lakeside = Unit.objects.get(name="Lakeside").pk
    page = sign_in("ana@harbor.example")
    page.set_viewport_size({"width": 640, "height": 400})
    for address in (f"/team/{lakeside}/", "/people/filters/", "/people/"):
        page.goto(address)
        assert_clean(page)
