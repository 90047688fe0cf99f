"""A day of tasks by keyboard alone: what is due is done, put off and planned, from Today (L5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm.organization.models import User
from leads.models import Lead, Task
from tests.browser.conftest import SignIn
from tests.browser.keys import press, reach, write
from tests.browser.test_batches import is_right_on_any_screen
from tests.support.product import Product


@pytest.fixture
def today(running_product: Product, sign_in: SignIn) -> Iterator[Page]:
    """Ana’s day: a callback and two tasks are due, and nothing that other tests left her."""
    with running_product.database():
        ana = User.objects.get(email="ana@harbor.example")
        Task.objects.open().filter(user=ana).update(dropped_at=timezone.now())
        lead = Lead.objects.filter(owner_user=ana, removed_at=None).order_by("pk")[0]
        for kind, title in (
            ("callback", "Call about the offer"),
            ("task", "Send the comps"),
            ("task", "Book the sign"),
        ):
            due = timezone.now() - timedelta(hours=1)
            said = {"kind": kind, "title": title, "due_at": due, "time_zone": "America/New_York"}
            Task.objects.create(company=ana.company, lead=lead, user=ana, created_by=ana, **said)
        page = sign_in("ana@harbor.example")
        yield page
        Task.objects.filter(company=ana.company_id).delete()


def task(title: str) -> Task:
    return Task.objects.get(title=title)


def choose_day(page: Page, digits: str, clock: str) -> None:
    """Month and day, the year, then hour and minute, in the browser’s own picker."""
    page.keyboard.type(digits)
    page.keyboard.press("ArrowRight")
    page.keyboard.type(clock)


def test_l5_the_keyboard_alone_works_off_a_day(today: Page) -> None:
    page = today
    page.goto("/")
    expect(page.get_by_role("heading", name="Callbacks due")).to_be_visible()
    is_right_on_any_screen(page)

    press(page.get_by_role("button", name="Done: Call about the offer"))
    expect(page.get_by_text("Done: Call about the offer")).to_be_visible()
    expect(page.get_by_role("heading", name="Callbacks due")).to_have_count(0)
    expect(page.get_by_role("heading", name="Tasks due")).to_be_visible()
    assert task("Call about the offer").done_at is not None

    press(page.get_by_role("link", name="Send the comps"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Task with")
    is_right_on_any_screen(page)
    reach(page.get_by_label("When"))
    choose_day(page, "12012031", "0930AM")
    press(page.get_by_role("button", name="Save"))
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert timezone.localtime(task("Send the comps").due_at).year == 2031

    page.keyboard.press("g")
    page.keyboard.press("k")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Tasks")
    is_right_on_any_screen(page)
    press(page.get_by_role("link", name="New task"))
    write(page.get_by_label("What"), "Water the plants 🌿")
    reach(page.get_by_label("When"))
    choose_day(page, "12022031", "0200PM")
    press(page.get_by_role("button", name="Plan it"))
    expect(page.get_by_text("Planned.")).to_be_visible()
    expect(page.get_by_role("link", name="Water the plants 🌿")).to_be_visible()
    assert task("Water the plants 🌿").lead is None

    page.goto("/")
    expect(page.locator("section", has_text="Tasks due").get_by_role("listitem")).to_have_count(1)
    press(page.get_by_role("button", name="Done: Book the sign"))
    expect(page.get_by_role("heading", name="Tasks due")).to_have_count(0)


def test_l5_what_is_planned_is_the_next_step_in_people(today: Page) -> None:
    page = today
    lead = task("Send the comps").lead
    assert lead
    page.goto(f"/people/{lead.public_id}/")
    press(page.get_by_role("link", name="Plan something"))
    dialog = page.get_by_role("dialog")
    write(dialog.get_by_label("What"), "Show the house")
    reach(dialog.get_by_label("When"))
    choose_day(page, "12032031", "1000AM")
    is_right_on_any_screen(page)
    press(dialog.get_by_role("button", name="Plan it"))
    expect(dialog).to_have_count(0)
    Task.objects.exclude(title="Show the house").update(done_at=timezone.now())
    page.goto(f"/people/?q={lead.last_name}")
    row = page.get_by_role("row", name=re.compile(re.escape(lead.name))).first
    expect(row).to_contain_text("Dec 3, 2031 · Show the house")
