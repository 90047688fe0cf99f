"""An import as a person does it: a file, its columns, a bar that moves, and what came of it (I1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from leads.models import Lead
from tests.browser.conftest import SignIn
from tests.support.axe import assert_clean, assert_fits
from tests.support.product import Product

PHONE = {"width": 360, "height": 780}
WIDE = {"width": 1280, "height": 800}


@pytest.fixture
def lead_page(running_product: Product, sign_in: SignIn) -> Iterator[Page]:
    """Lakeside's lead, on the page of imports."""
    with running_product.database():
        page = sign_in("lead@harbor.example")
        page.goto("/import/")
        yield page


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "garden-party.csv"
    rows = [f"Guest{n},Party,Newark,7102,201-555-{n:04d},guest{n}@party.example,Table {n % 9}" for n in range(3000)]
    lines = [
        "First name,Last name,City,Zip,Mobile,E-mail,Seat",
        *rows,
        "Nobody,Party,Newark,7102,none,no mail,",
        rows[0],
    ]
    path.write_text("\n".join(lines))
    return path


def is_right_on_any_screen(page: Page) -> None:
    page.set_viewport_size(PHONE)
    assert_fits(page)
    page.set_viewport_size(WIDE)
    assert_clean(page)


def test_i1_from_a_file_to_leads_with_progress_and_a_report(lead_page: Page, file: Path) -> None:
    page = lead_page
    is_right_on_any_screen(page)
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("3,002 rows, 7 columns")).to_be_visible()
    expect(page.get_by_label("Seat becomes")).to_have_value("custom:")
    rotation = page.get_by_label("Hand to the team’s rotation")
    expect(rotation).to_be_disabled()
    page.get_by_label("Owned by").select_option(label="Lakeside (team)")
    expect(rotation).to_be_enabled()
    is_right_on_any_screen(page)

    page.get_by_label("City becomes").select_option("state")
    page.get_by_label("Zip becomes").select_option("state")
    page.get_by_role("button", name="Import 3,002 rows").click()
    expect(page.get_by_text("State is taken from “City” already.")).to_be_visible()
    expect(page.get_by_label("Owned by")).to_have_value(re.compile("^unit-"))
    page.get_by_label("City becomes").select_option("city")
    page.get_by_label("Zip becomes").select_option("postal_code")
    page.get_by_role("button", name="Import 3,002 rows").click()

    expect(page.get_by_text("3,000 leads added.")).to_be_visible(timeout=60_000)
    expect(page.locator("#run")).to_contain_text("E-mail: “no” is not an e-mail address.")
    is_right_on_any_screen(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Rejected rows").click()
    assert "Nobody,Party,Newark,7102,none,no mail,,3002,E-mail: “no” is not" in Path(download.value.path()).read_text()
    assert Lead.objects.filter(last_name="Party", owner_unit__name="Lakeside", postal_code="07102").count() == 3000
    page.get_by_role("link", name="Show these people").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("People")
