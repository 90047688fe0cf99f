"""Ponds on a phone."""

from __future__ import annotations

from tests.browser.conftest import SignIn
from tests.support.axe import assert_fits

PHONE = {"width": 360, "height": 780}
LONG = "Donaudampfschifffahrtsgesellschaftskapitaene"


def test_a_pond_with_a_long_word_for_a_name_fits_a_phone(sign_in: SignIn) -> None:
    page = sign_in("broker@harbor.example")
    page.set_viewport_size(PHONE)
    page.goto("/ponds/add/")
    page.get_by_role("textbox", name="Name").fill(LONG)
    page.get_by_role("button", name="Add pond").click()
    page.get_by_role("heading", name=LONG).first.wait_for()
    assert_fits(page)
    other = "Its leads" if page.url.endswith("/settings/") else "Settings"
    page.get_by_role("link", name=other, exact=True).click()
    page.get_by_role("heading", name=LONG).first.wait_for()
    assert_fits(page)
    page.goto("/ponds/")
    assert_fits(page)
