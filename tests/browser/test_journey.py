"""The main job end to end, in browsers, on the running product: leads arrive, are offered, claimed, or move on."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from crm.organization.models import Unit, User
from leads.models import Lead
from permissions.models import LedgerEntry
from routing.models import Offer, RosterMember, RoutingPolicy
from tests.browser.conftest import SignIn
from tests.support.axe import assert_clean
from tests.support.product import Product, wait_until

ROWS = 500
PICTURES = settings.DATA / "screenshots"  # `make screenshots` takes the README's from here
WIDE = {"width": 1360, "height": 860}
LEAD = "lead@harbor.example"


@pytest.fixture
def leads_csv(tmp_path: Path) -> Path:
    """A file as brokerages send it: many people, two phones each, a column nobody knows."""
    path = tmp_path / "autumn-fair.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["first_name", "last_name", "city", "state", "zip", "phone1", "phone2", "email", "booth"])
        for n in range(ROWS):
            name = (f"Fair{n:03d}", "Visitor")
            place = ("Newark", "NJ", "7102")
            rows.writerow(
                [*name, *place, f"201-555-{n:04d}", f"(973) 555-{n:04d}", f"fair{n}@example.com", f"B{n % 9}"]
            )
    return path


@pytest.fixture
def harbor(running_product: Product) -> Iterator[Product]:
    """The running product, with this process looking into its database; Lakeside's hour is an hour again afterwards."""
    with running_product.database():
        yield running_product
        set_window(timedelta(minutes=60))


def set_window(window: timedelta) -> None:
    RoutingPolicy.objects.filter(unit=lakeside()).update(claim_window=window)


def lakeside() -> Unit:
    return Unit.objects.get(name="Lakeside")


def person(name: str) -> User:
    return User.objects.get(email=f"{name}@harbor.example")


def picture(page: Page, name: str) -> None:
    """A picture of the page as the README shows it."""
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=PICTURES / f"{name}.png")


def add_lead(page: Page, first_name: str) -> str:
    """As a team lead, by hand, into Lakeside's rotation; its public id."""
    page.goto("/people/add/")
    page.get_by_label("First name").fill(first_name)
    page.get_by_label("Last name").fill("Quickly")
    page.get_by_label("E-mails").fill(f"{first_name}@example.com")
    page.get_by_label("Owned by").select_option(label="Lakeside (team)")
    page.get_by_label("Hand to the team’s rotation").check()
    page.get_by_role("button", name="Add the lead").click()
    expect(page.get_by_role("heading", name=f"{first_name} Quickly")).to_be_visible()
    return page.url.rstrip("/").rsplit("/", 1)[1]


def test_a_file_of_leads_is_owned_spread_offered_and_claimed(harbor: Product, leads_csv: Path, sign_in: SignIn) -> None:
    said = harbor.manage("import_leads", str(leads_csv), "--as", LEAD, "--owner", "Lakeside", "--route").stdout
    assert said.splitlines()[-1] == f"imported {ROWS}, skipped 0, rejected 0"
    again = harbor.manage("import_leads", str(leads_csv), "--as", LEAD, "--owner", "Lakeside", "--route").stdout
    assert again.splitlines()[-1] == f"imported 0, skipped {ROWS}, rejected 0"

    leads = Lead.objects.filter(owner_unit=lakeside(), first_name__startswith="Fair")
    assert leads.count() == ROWS
    assert set(leads.values_list("postal_code", flat=True)) == {"07102"}
    spread = Counter(leads.values_list("agent__email", flat=True))
    assert set(spread) == {f"{name}@harbor.example" for name in ("ana", "ben", "cal")}
    assert max(spread.values()) - min(spread.values()) <= 1
    assert Offer.objects.filter(lead__in=leads, state="open").values("lead").distinct().count() == ROWS

    ana = sign_in("ana@harbor.example")
    ana.goto("/")
    expect(ana.locator("#offers .countdown").first).to_have_text(re.compile(r"\d"))
    before = ana.locator("#offers .countdown").first.inner_text()
    expect(ana.locator("#offers .countdown").first).not_to_have_text(before)
    picture(ana, "today")

    ana.locator("#offers h3 a").first.click()
    ana.wait_for_url("**/people/*/")
    lead = Lead.objects.get(public_id=ana.url.rstrip("/").rsplit("/", 1)[1])
    assert lead.offers.get().state == "open"  # opening it has claimed nothing
    ana.keyboard.press("c")
    ana.get_by_label(re.compile("Outcome|What came of it", re.IGNORECASE)).select_option(label="Reached")
    ana.locator("#composer [name=body]").fill("Wants to see the house on Pier Road on Saturday.")
    ana.locator("#composer").get_by_role("button", name="Save").click()
    expect(ana.locator("#timeline")).to_contain_text("Pier Road")
    offer = lead.offers.get()
    assert (offer.state, offer.claimed_by) == ("claimed", "call")
    assert LedgerEntry.objects.filter(lead_id=lead.pk, kind="claimed", to_user_id=person("ana").pk).count() == 1


def test_a_lead_left_alone_is_with_the_next_agent_within_five_seconds(harbor: Product, sign_in: SignIn) -> None:
    team_lead = sign_in(LEAD)
    agents = {email: sign_in(email) for email in ("ana@harbor.example", "ben@harbor.example", "cal@harbor.example")}
    set_window(timedelta(seconds=3))
    public_id = add_lead(team_lead, "Hasty")
    lead = Lead.objects.get(public_id=public_id)
    set_window(timedelta(minutes=60))  # the clock of an offer is fixed when it is made
    first = lead.offers.order_by("pk")[0]

    his = agents[first.user.email]
    assert his.goto(f"/people/{public_id}/").status == 200
    wait_until(lambda: Offer.objects.filter(lead=lead).count() == 2, 12, "the next offer")
    first.refresh_from_db()
    second = lead.offers.order_by("pk")[1]
    assert first.state == "expired"
    assert second.user_id != first.user_id
    assert second.offered_at - first.deadline < timedelta(seconds=5)
    assert his.goto(f"/people/{public_id}/").status == 404

    hers = agents[second.user.email]
    assert hers.goto(f"/people/{public_id}/").status == 200
    team_lead.goto(f"/people/{public_id}/")
    team_lead.get_by_text("How was this routed?").click()
    expect(team_lead.locator("main")).to_contain_text(first.user.name)
    expect(team_lead.locator("main")).to_contain_text(second.user.name)
    picture(team_lead, "lead")


def test_an_offer_appears_on_todays_page_by_itself_and_a_pass_hands_it_on(harbor: Product, sign_in: SignIn) -> None:
    RosterMember.objects.filter(unit=lakeside()).exclude(user=person("cal")).update(paused=True)
    try:
        cal = sign_in("cal@harbor.example")
        cal.goto("/")
        assert "Sudden" not in cal.locator("#offers").inner_text()
        set_window(timedelta(minutes=2))  # among the most urgent of all her offers
        public_id = add_lead(sign_in(LEAD), "Sudden")
        expect(cal.locator("#offers")).to_contain_text("Sudden Quickly", timeout=5_000)
        RosterMember.objects.filter(unit=lakeside(), user=person("ben")).update(paused=False)
        cal.get_by_role("button", name="Pass on Sudden Quickly").click()
        expect(cal.locator("#offers")).not_to_contain_text("Sudden Quickly")
        assert Lead.objects.get(public_id=public_id).agent == person("ben")
        assert cal.goto(f"/people/{public_id}/").status == 404
    finally:
        RosterMember.objects.filter(unit=lakeside()).update(paused=False)


@pytest.mark.parametrize("stranger", ["eve@harbor.example", "boss@summit.example", "sue@summit.example"])
def test_strangers_find_nothing_by_list_search_count_or_address(
    harbor: Product, sign_in: SignIn, stranger: str
) -> None:
    lead = Lead.objects.filter(owner_unit=lakeside()).exclude(last_name="").order_by("pk")[0]
    page = sign_in(stranger)
    page.goto(f"/people/?q={lead.last_name}+{lead.first_name}")
    expect(page.get_by_role("heading", level=1)).to_have_text("People 0")
    assert page.locator(f"a[href*='{lead.public_id}']").count() == 0
    known, guessed = page.goto(f"/people/{lead.public_id}/"), page.goto("/people/aaaaaaaaaaaa/")
    assert (known.status, guessed.status) == (404, 404)
    assert page.goto(f"/routing/lead/{lead.public_id}/").status == 404


@pytest.mark.parametrize("manager", [LEAD, "north@harbor.example", "broker@harbor.example"])
def test_managers_see_all_of_the_teams_leads(harbor: Product, sign_in: SignIn, manager: str) -> None:
    lead = Lead.objects.filter(owner_unit=lakeside()).order_by("pk")[0]
    page = sign_in(manager)
    assert page.goto(f"/people/{lead.public_id}/").status == 200
    page.goto("/people/")
    assert_clean(page)
    if manager == LEAD:
        page.goto("/people/?sort=-score")
        picture(page, "people")


def test_m7_the_ledger_verifies_after_all_of_it(harbor: Product) -> None:
    said = harbor.manage("verify_ledger").stdout
    assert re.search(r"Harbor Realty: [\d,]+ entries in \d+ seals, verified", said)
