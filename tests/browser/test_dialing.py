"""The dialer in browsers, by keyboard: own leads first, then by skill; skip, callback, sale; a call that comes in."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from urllib.parse import urlencode

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from twilio.request_validator import RequestValidator

from crm.organization.models import Unit, User
from dialer.hours import EVERYWHERE
from dialer.models import (
    AgentSession,
    AgentSkill,
    Automation,
    CallingHours,
    Campaign,
    Disposition,
    PhoneAccount,
    PhoneNumber,
)
from leads.models import Lead, Task
from tests.browser.conftest import DEMO_PASSWORD, SignIn
from tests.browser.keys import press, write
from tests.dialer.hoppers import ALL_DAY, make_leads
from tests.dialer.twilio_service import OURS, SID, TOKEN
from tests.factories.campaigns import make_campaign, make_filter
from tests.support.axe import assert_clean, assert_fits
from tests.support.product import Product, wait_until

SKILLS = {"ana": "AZ", "ben": "CA"}
HER_PHONE = "+12015550177"


def person(name: str) -> User:
    return User.objects.select_related("company").get(email=f"{name}@harbor.example")


@pytest.fixture
def lakeside(running_product: Product) -> Iterator[Unit]:
    """The team of the running product, in whose database this process looks; everybody may be called at any hour."""
    with running_product.database():
        unit = Unit.objects.select_related("company").get(name="Lakeside")
        version = CallingHours.objects.filter(company=unit.company).count() + 1
        hours = {EVERYWHERE: [ALL_DAY]}
        CallingHours.objects.create(company=unit.company, version=version, as_of=date(2026, 1, 1), states=hours)
        yield unit
        AgentSession.objects.live().update(ended_at=Now(), lead=None, state="ready", pause_reason="")


def open_campaign(unit: Unit, name: str, **settings: object) -> Campaign:
    """Of leads with a tag of its own, each agent with her state as her skill."""
    asked = make_filter(unit, ("tag", "is", name), name=f"{name}: leads")
    campaign = make_campaign(unit, *map(person, SKILLS), name=name, lead_filter=asked, agent_skills=True, **settings)
    for agent, state in SKILLS.items():
        skill = make_filter(unit, ("state", "is", state), name=f"{name}: {state}")
        AgentSkill.objects.update_or_create(
            user=person(agent), defaults={"company": unit.company, "lead_filter": skill}
        )
    return campaign


def lead_named(name: str, unit: Unit, agent: str = "", **fields: object) -> Lead:
    [lead] = make_leads(unit, 1, agent=person(agent) if agent else None, **fields)
    Lead.objects.filter(pk=lead.pk).update(first_name=name)
    return lead


def before(page: Page, name: str) -> None:
    expect(page.locator("#desk-name")).to_have_text(name, timeout=20_000)


def say(page: Page, words: str, key: str) -> None:
    """The call is over, and what came of it, by keys alone."""
    page.keyboard.press("c")
    expect(page.locator("#desk")).to_contain_text("On a call")
    page.keyboard.press("h")
    expect(page.locator("#desk")).to_contain_text("Wrap-up")
    page.keyboard.press(key)
    expect(page.locator("label.disposition", has_text=words).locator("input")).to_be_checked()


def save(page: Page) -> None:
    press(page.get_by_role("button", name="Save and next"))


def shop(unit: Unit) -> tuple[Campaign, dict[str, Lead]]:
    """The campaign, a sale in which makes whoever sold the owner; and its leads by name."""
    campaign = open_campaign(unit, "Keys", order="oldest", reinsert_skipped=True)
    sale = Disposition.objects.get(company=unit.company, name="Sale")
    owned = {"company": unit.company, "unit": unit, "author": person("broker")}
    Automation.objects.create(name="Sold", trigger="disposition", disposition=sale, new_owner="submitter", **owned)
    own = (("Ada", "ana", "NY"), ("Asa", "ana", "NY"), ("Bea", "ben", "NY"))
    general = (("Zoe", "", "AZ"), ("Cleo", "", "CA"), ("Wyn", "", "WY"))
    return campaign, {
        name: lead_named(name, unit, agent, tags=["Keys"], state=state) for name, agent, state in (*own, *general)
    }


def work_as_ana(page: Page) -> None:
    """Her own first: one skipped, one promised a call; then Arizona, a sale; then what she skipped; then lunch."""
    before(page, "Ada")
    assert_clean(page)
    page.keyboard.press("s")
    before(page, "Asa")
    say(page, "Callback", "5")
    assert_clean(page)
    page.get_by_label("Call again at").fill(f"{timezone.now() + timedelta(days=2):%Y-%m-%d}T10:00")
    write(page.get_by_label("Note"), "After the holidays")
    save(page)
    before(page, "Zoe")
    say(page, "Sale", "6")
    save(page)
    before(page, "Ada")
    say(page, "Talked", "1")
    press(page.get_by_role("button", name="Save and pause"))
    press(page.get_by_role("button", name="Lunch"))
    expect(page.locator("#desk")).to_contain_text("Lunch")


def work_as_ben(page: Page) -> None:
    """His own, then California; that in Wyoming is for neither."""
    before(page, "Bea")
    say(page, "No answer", "2")
    save(page)
    before(page, "Cleo")
    say(page, "Not interested", "7")
    save(page)
    expect(page.locator("#desk")).to_contain_text("No lead is waiting for you")


def test_d7_to_d13_two_agents_one_campaign_own_first_then_by_skill(lakeside: Unit, sign_in: SignIn) -> None:
    campaign, leads = shop(lakeside)
    ana, ben = sign_in("ana@harbor.example"), sign_in("ben@harbor.example")
    for page in (ana, ben):
        page.goto("/dialer/desk/")
        press(page.get_by_role("button", name=f"Log in to {campaign.name}"))
    work_as_ana(ana)
    work_as_ben(ben)
    task = Task.objects.get(lead=leads["Asa"])
    assert (task.kind, task.user) == ("callback", person("ana"))
    wait_until(lambda: Lead.objects.get(pk=leads["Zoe"].pk).owner_user == person("ana"), 20, "the sale’s automation")
    ana.goto(f"/people/{leads['Zoe'].public_id}/")
    expect(ana.locator("#timeline")).to_contain_text("automation Sold")
    for page in (ana, ben):
        page.goto("/dialer/desk/")
        press(page.get_by_role("button", name="Log out"))
    wait_until(lambda: not AgentSession.objects.live().filter(campaign=campaign).exists(), 10, "logging out")


def test_d9_the_desk_on_a_phone_and_without_scripts(lakeside: Unit, browser: Browser, running_product: Product) -> None:
    campaign = open_campaign(lakeside, "Plain")
    lead_named("Una", lakeside, "ben", tags=["Plain"])
    context = browser.new_context(base_url=running_product.base_url, java_script_enabled=False)
    page = context.new_page()
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/accounts/login/?next=/dialer/desk/")
    page.locator("input[name=login]").fill("ben@harbor.example")
    page.locator("input[name=password]").fill(DEMO_PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.get_by_role("button", name=f"Log in to {campaign.name}").click()
    wait_until(lambda: campaign.hopper.exists() or AgentSession.objects.filter(lead__first_name="Una").exists(), 20)
    page.get_by_role("button", name="Next lead").click()
    before(page, "Una")
    page.get_by_role("button", name="Call (").click()
    page.get_by_label("Note").fill("Likes the pier")
    page.get_by_role("button", name="The call is over").click()
    expect(page.locator("#desk")).to_contain_text("Wrap-up")
    expect(page.get_by_label("Note")).to_have_value("Likes the pier")
    page.get_by_label("Talked").check()
    page.get_by_role("button", name="Save and pause").click()
    page.get_by_role("button", name="Meeting").click()
    expect(page.locator("#desk")).to_contain_text("Meeting")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name=f"Log in to {campaign.name}")).to_be_visible()
    context.close()
    assert Lead.objects.get(first_name="Una").activities.filter(kind="call", body__contains="the pier").count() == 1


def go_to_work(page: Page, campaign: Campaign) -> None:
    page.goto("/dialer/desk/")
    press(page.get_by_role("button", name=f"Log in to {campaign.name}"))


def test_d5_a_lead_that_is_taken_away_leaves_an_open_desk_within_three_seconds(lakeside: Unit, sign_in: SignIn) -> None:
    campaign = open_campaign(lakeside, "Taken", order="oldest")
    lead, _ = (lead_named(name, lakeside, "ana", tags=["Taken"]) for name in ("Tia", "Uma"))
    ana, broker = sign_in("ana@harbor.example"), sign_in("broker@harbor.example")
    broker.goto(f"/people/{lead.public_id}/")
    go_to_work(ana, campaign)
    before(ana, "Tia")
    broker.get_by_role("button", name="Mark do not call").click()
    expect(broker.get_by_role("button", name="May be called again")).to_be_visible()
    expect(ana.locator("#desk-name")).to_have_text("Uma", timeout=4_000)  # of which one to draw both pages
    expect(ana.locator("#toasts")).to_contain_text("The lead before you is gone")


def test_d9_what_is_typed_of_a_call_outlives_a_reload_and_is_let_go_of_with_it(lakeside: Unit, sign_in: SignIn) -> None:
    campaign = open_campaign(lakeside, "Draft", order="oldest")
    for name in ("Dot", "Eli"):
        lead_named(name, lakeside, "ana", tags=["Draft"])
    ana = sign_in("ana@harbor.example")
    note, at = ana.get_by_label("Note"), ana.get_by_label("Call again at")
    go_to_work(ana, campaign)
    before(ana, "Dot")
    ana.keyboard.press("c")
    write(note, "Prefers <mornings> 🌞")
    ana.get_by_label("Callback").check()
    at.fill("2031-01-01T10:00")
    ana.reload()
    expect(note).to_have_value("Prefers <mornings> 🌞")
    expect(ana.get_by_label("Callback")).to_be_checked()
    expect(at).to_have_value("2031-01-01T10:00")
    ana.get_by_role("button", name="The call is over").click()
    expect(ana.locator("#desk")).to_contain_text("Wrap-up")
    ana.get_by_label("Talked").check()
    note.fill("Prefers evenings")
    ana.goto("/people/")
    ana.goto("/dialer/desk/")
    expect(note).to_have_value("Prefers evenings")
    expect(ana.get_by_label("Talked")).to_be_checked()
    save(ana)
    before(ana, "Eli")
    ana.keyboard.press("c")
    expect(note).to_have_value("")
    assert not ana.evaluate("sessionStorage.getItem('desk-draft')")
    note.fill("Not for the next person")
    ana.goto("/")
    assert "Not for" in ana.evaluate("sessionStorage.getItem('desk-draft')")
    ana.locator("#person form[action$='/logout/']").evaluate("form => form.requestSubmit()")
    expect(ana.locator("input[name=login]")).to_be_visible()
    assert ana.evaluate("Object.keys(sessionStorage).filter(key => !key.startsWith('htmx'))") == []


@contextmanager
def phone_of(unit: Unit) -> Iterator[PhoneAccount]:
    """The company has a number with a provider, for as long as this lasts; whoever holds a lead has a phone."""
    number = PhoneNumber.objects.create(company=unit.company, number=OURS, unit=unit)
    account = PhoneAccount.objects.create(company=unit.company, account_sid=SID, auth_token=TOKEN)
    account.refresh_from_db()
    User.objects.filter(pk=person("ana").pk).update(phone=HER_PHONE)
    try:
        yield account
    finally:
        PhoneNumber.objects.filter(pk=number.pk).update(active=False)
        PhoneAccount.objects.filter(pk=account.pk).update(active=False)
        User.objects.filter(pk=person("ana").pk).update(out_of_office_until=None)


def hears(product: Product, account: PhoneAccount, what: str, **sent: str) -> str:
    """What the product answers the provider."""
    there = f"{product.base_url}/dialer/phone/{account.public_id}/{what}/"
    signature = RequestValidator(TOKEN).compute_signature(there, sent)
    asked = urllib.request.Request(there, urlencode(sent).encode(), {"X-Twilio-Signature": signature})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return str(answer.read().decode())


def test_d12_a_call_to_an_absent_owner_goes_to_voicemail_and_is_on_the_timeline(
    lakeside: Unit, running_product: Product, sign_in: SignIn
) -> None:
    lead = lead_named("Ines", lakeside, "ana")
    caller = lead.contact_points.get().value
    with phone_of(lakeside) as account:
        rung = hears(running_product, account, "voice", To=OURS, From=caller, CallSid="CA-there")
        assert rung.count("<Number") == 1
        assert HER_PHONE in rung
        User.objects.filter(pk=person("ana").pk).update(out_of_office_until=timezone.now() + timedelta(hours=1))
        away = hears(running_product, account, "voice", To=OURS, From=caller, CallSid="CA-away")
        assert "<Record" in away
        assert "<Number" not in away
    ana = sign_in("ana@harbor.example")
    ana.goto(f"/people/{lead.public_id}/")
    expect(ana.locator("#timeline")).to_contain_text("A call came in: no answer")
    ana.goto("/")
    expect(ana.locator("main")).to_contain_text("they called and nobody answered")
    assert_fits(ana)
