"""V7 in the browser: under the banner nothing is written, and tabs from before notice."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import SignIn
from tests.support.axe import assert_clean, assert_fits

ELSE = "You are somebody else in this browser by now."


def test_v7_a_company_admin_looks_as_an_agent_and_changes_nothing(sign_in: SignIn) -> None:
    page = sign_in("broker@harbor.example")
    other = page.context.new_page()
    other.goto("/people/")
    page.locator("button[popovertarget=person]").click()
    page.get_by_role("link", name="View as").click()
    assert_clean(page)
    page.get_by_role("button", name="View as Ana").click()
    banner = page.get_by_role("region", name="Viewing as somebody else")
    expect(banner).to_contain_text("Ana")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ana")
    assert_clean(page)
    expect(other.get_by_text(ELSE)).to_be_visible()

    page.goto("/people/?mine=1")
    page.locator("a.row-link").last.click()
    page.locator("#composer [name=body]").fill("Not hers to write.")
    page.locator("#composer").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Nothing was changed: stop viewing first.")).to_be_visible()
    expect(page.locator("#composer [name=body]")).to_have_value("Not hers to write.")

    page.set_viewport_size({"width": 360, "height": 740})
    expect(banner).to_be_in_viewport()
    assert_fits(page)
    page.mouse.wheel(0, 2000)
    expect(banner).to_be_in_viewport()

    other.reload()
    other.get_by_role("button", name="Stop").click()
    expect(other.get_by_text("This is your own Fairlead again.")).to_be_visible()
    expect(page.get_by_text(ELSE)).to_be_visible()
    page.locator("#composer").get_by_role("button", name="Save").click()
    expect(page.get_by_text(ELSE)).to_have_count(1)
    page.reload()
    expect(banner).to_have_count(0)
