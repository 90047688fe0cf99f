"""A lead given away by mistake, after its new owner has worked it: asked for and given back, by keyboard alone (P4)."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from crm.organization.models import Unit, User
from leads.models import Lead
from permissions.models import LedgerEntry
from tests.browser.conftest import SignIn
from tests.browser.keys import press, reach, write
from tests.support.axe import assert_clean
from tests.support.product import Product

GIVER, GETTER = "lead@harbor.example", "ben@harbor.example"


def give_away(page: Page, name: str) -> None:
    """To the wrong colleague, with all that is said before."""
    press(page.get_by_role("link", name="Transfer", exact=True))
    write(page.get_by_label("New owner"), "Ben Brooks")
    press(page.get_by_role("button", name="Go on"))
    expect(page.get_by_text("only Ben Brooks can give it back")).to_be_visible()
    assert_clean(page)
    press(page.get_by_role("button", name="Change 1 lead"))
    expect(page.get_by_role("row", name=name)).to_contain_text("Changed", timeout=20_000)


def work(page: Page, lead: Lead) -> None:
    page.goto(f"/people/{lead.public_id}/")
    note = page.locator("#composer [name=body]")
    write(note, "She wants to see it on Sunday.")
    press(page.locator("#composer").get_by_role("button", name="Save"))
    expect(page.locator("#timeline")).to_contain_text("on Sunday")


def undo_too_late(page: Page) -> None:
    """Nothing is taken from somebody who has begun to work with it."""
    press(page.get_by_role("button", name="Undo"))
    expect(page.get_by_text("Its new owner has worked it").first).to_be_visible()


def ask_for(page: Page, lead: Lead) -> None:
    page.goto(f"/people/{lead.public_id}/")
    expect(page.get_by_role("link", name="Transfer", exact=True)).to_have_count(0)
    press(page.get_by_role("link", name="Ask for a change"))
    dialog = page.get_by_role("dialog", name="Ask about")
    choices, wanted = dialog.get_by_role("radio"), dialog.get_by_label("Give it back to Lakeside")
    reach(choices.first)
    for _ in range(choices.count()):
        if not wanted.is_checked():
            page.keyboard.press("ArrowDown")
    expect(wanted).to_be_checked()
    write(dialog.get_by_label("Why"), "I picked the wrong Ben.")
    assert_clean(page)
    press(dialog.get_by_role("button", name="Ask"))
    expect(page.get_by_text("You are told as soon as it is answered.")).to_be_visible()


def give_back(page: Page, name: str) -> None:
    page.goto("/requests/")
    expect(page.get_by_text("I picked the wrong Ben.")).to_be_visible()
    assert_clean(page)
    press(page.get_by_role("button", name=f"Accept: {name}"))
    expect(page.get_by_role("button", name=f"Accept: {name}")).to_have_count(0)


def test_p4_a_lead_given_away_by_mistake_is_asked_for_and_comes_back(running_product: Product, sign_in: SignIn) -> None:
    with running_product.database():
        lakeside, ben = Unit.objects.get(name="Lakeside"), User.objects.get(email=GETTER)
        lead = Lead.objects.filter(owner_unit=lakeside, removed_at=None).exclude(last_name="").order_by("pk")[0]
        Lead.objects.filter(pk=lead.pk).update(first_name="Mistaken")
        name = f"Mistaken {lead.last_name}"
        his, hers = sign_in(GIVER), sign_in(GETTER)
        his.goto(f"/people/{lead.public_id}/")
        give_away(his, name)
        assert Lead.objects.get(pk=lead.pk).owner_user == ben
        work(hers, lead)
        undo_too_late(his)
        ask_for(his, lead)
        give_back(hers, name)
        assert Lead.objects.get(pk=lead.pk).owner_unit == lakeside
        his.goto(f"/people/{lead.public_id}/")
        expect(his.get_by_role("link", name="Transfer", exact=True)).to_be_visible()
        facts = LedgerEntry.objects.filter(lead_id=lead.pk, kind="owner_changed").order_by("pk")
        assert list(facts.values_list("to_user_id", "to_unit_id"))[-2:] == [(ben.pk, None), (None, lakeside.pk)]
