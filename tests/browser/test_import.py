"""An import as a person does it: a file, its columns, a bar that moves, and what came of it (I1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.organization.models import User
from leads.models import Lead
from leads.xlsx import workbook
from tests.browser.conftest import SignIn
from tests.leads.imports.files import keeps_lists
from tests.support.axe import assert_clean, assert_fits
from tests.support.product import Product

PHONE = {"width": 360, "height": 780}
WIDE = {"width": 1280, "height": 800}


@pytest.fixture
def lead_page(running_product: Product, sign_in: SignIn) -> Iterator[Page]:
    """Lakeside's lead, whose files may bring fields, on the page of imports."""
    with running_product.database():
        keeps_lists(User.objects.get(email="lead@harbor.example"))
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
    page.get_by_label("CSV or Excel file").set_input_files(file)
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


def press(page: Page, name: str, key: str = "Enter", role: Any = "button") -> None:
    """Go to a control by Tab alone, and use it."""
    wanted = page.get_by_role(role, name=name).first
    expect(wanted).to_be_visible()
    for _ in range(120):
        page.keyboard.press("Tab")
        if wanted.evaluate("it => it === document.activeElement"):
            page.keyboard.press(key)
            return
    raise AssertionError(f"Tab never comes to “{name}”")


def test_i1_the_whole_way_by_keyboard(lead_page: Page, tmp_path: Path) -> None:
    """A workbook, tried first, imported, taken back; with a template saved by the way."""
    page = lead_page
    rows = [["Full name", "E-mail", "Seat"], *([f"Guest{n} Keys", f"keys{n}@party.example", n] for n in range(40))]
    path = tmp_path / "keys.xlsx"
    path.write_bytes(b"".join(workbook([*rows, ["Nobody Keys", "no mail", 1], rows[1]])))
    page.get_by_label("CSV or Excel file").set_input_files(path)
    press(page, "Upload")
    expect(page.get_by_text("42 rows, 3 columns")).to_be_visible()
    page.get_by_label("Name of the template").fill("Keys party")
    press(page, "Save as a template")
    expect(page.get_by_text("Saved as “Keys party”.")).to_be_visible()
    is_right_on_any_screen(page)
    press(page, "See first what would happen")
    expect(page.get_by_role("heading", name="What would happen")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("It has the same e-mail as line 2 of this file.")).to_be_visible()
    is_right_on_any_screen(page)
    assert not Lead.objects.filter(last_name="Keys").exists()
    press(page, "Import 42 rows")
    expect(page.get_by_text("40 leads added.")).to_be_visible(timeout=30_000)
    is_right_on_any_screen(page)
    press(page, "Take it back")
    press(page, "Take back 40 leads")
    expect(page.locator("#run")).to_contain_text("Taken back", timeout=30_000)
    assert not Lead.objects.filter(last_name="Keys", removed_at=None).exists()
    page.goto("/import/")
    expect(page.get_by_label("Name of the template")).to_have_value("Keys party")
    is_right_on_any_screen(page)
