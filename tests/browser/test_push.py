"""Being told on this device: the switch, and the real service worker showing what is pushed (R10).

Only a browser's push service is stood in for: Chromium has none without Google's servers, nor in a private window.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from crm.notifications.models import PushSubscription
from crm.organization.models import User
from tests.browser.conftest import SignIn
from tests.notifications.push_service import Browser
from tests.support.axe import violations
from tests.support.product import Product, wait_until

STAND_IN = """
const says = %s;
const made = () => localStorage.getItem("stand-in") && {
  endpoint: says.endpoint,
  options: {},
  toJSON: () => ({ endpoint: says.endpoint, keys: { p256dh: says.p256dh, auth: says.auth } }),
  unsubscribe: async () => localStorage.removeItem("stand-in"),
};
PushManager.prototype.getSubscription = async () => made() || null;
PushManager.prototype.subscribe = async (options) => {
  if (!options.userVisibleOnly || !options.applicationServerKey) throw new Error("not as agreed");
  localStorage.setItem("stand-in", "1");
  return made();
};
"""
SHOWN = """async () => {
  const registration = await navigator.serviceWorker.ready;
  return (await registration.getNotifications()).map((one) => [one.title, one.body, one.data.url]);
}"""


@pytest.fixture
def cal(running_product: Product, sign_in: SignIn) -> Page:
    """Cal's page, in a browser that may show notifications and has a push service."""
    page = sign_in("cal@harbor.example")
    page.context.grant_permissions(["notifications"], origin=running_product.base_url)
    page.add_init_script(STAND_IN % json.dumps(Browser("https://push.example/cal").says))
    return page


def hers(product: Product) -> list[PushSubscription]:
    with product.database():
        return list(PushSubscription.objects.filter(user__email="cal@harbor.example").order_by("pk"))


def switch(page: Page) -> Any:
    return page.get_by_label("Tell me on this device")


def switch_on(page: Page) -> None:
    page.goto("/notifications/devices/")
    expect(switch(page)).to_be_enabled()
    with page.expect_navigation():
        switch(page).check()
    expect(switch(page)).to_be_checked()


def push(page: Page, product: Product, **told: str) -> None:
    """As the browser hands a message of its push service to the worker."""
    devtools = page.context.new_cdp_session(page)
    found: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(one["registrationId"] for one in event["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    page.wait_for_function("navigator.serviceWorker.controller?.state === 'activated'")
    assert found
    message = {"origin": product.base_url, "registrationId": found[0], "data": json.dumps(told)}
    devtools.send("ServiceWorker.deliverPushMessage", message)


def test_r10_the_switch_tells_this_device_and_stops_again(running_product: Product, cal: Page) -> None:
    switch_on(cal)
    [device] = hers(running_product)
    assert device.endpoint == "https://push.example/cal"
    expect(cal.get_by_text("(this device)")).to_be_visible()
    expect(cal.locator("#push-said")).to_have_text("You are told here as long as you are signed in.")
    assert violations(cal) == []
    with cal.expect_navigation():
        switch(cal).uncheck()
    expect(cal.get_by_text("is not told any more")).to_be_visible()
    expect(switch(cal)).not_to_be_checked()
    assert hers(running_product) == []


def test_r10_the_worker_shows_a_push_to_its_person_alone(running_product: Product, cal: Page) -> None:
    switch_on(cal)
    with running_product.database():
        person, other = (User.objects.get(email=f"{name}@harbor.example").pk for name in ("cal", "ana"))
    offered = {
        "title": "Offered to you: Maya",
        "body": "Claim within 60 minutes.",
        "url": "/people/maya/",
        "tag": "maya",
    }
    push(cal, running_product, **offered, person=str(person))
    wait_until(lambda: cal.evaluate(SHOWN), what="a notification")
    assert cal.evaluate(SHOWN) == [["Offered to you: Maya", "Claim within 60 minutes.", "/people/maya/"]]
    push(cal, running_product, **offered | {"tag": "late"}, person=str(other))
    wait_until(lambda: len(cal.evaluate(SHOWN)) == 2, what="a second notification")
    assert ["Fairlead has news", "Sign in to read it.", "/"] in cal.evaluate(SHOWN)
    with cal.expect_navigation():
        switch(cal).uncheck()


def test_r10_signing_out_ends_it_until_she_is_back(running_product: Product, cal: Page) -> None:
    switch_on(cal)
    cal.get_by_role("button", name="Cal", exact=False).first.click()
    cal.get_by_role("button", name="Sign out").click()
    cal.wait_for_url("**/accounts/login/**")
    assert [device.session_key for device in hers(running_product)] == [""]
    cal.locator("input[name=login]").fill("cal@harbor.example")
    cal.locator("input[name=password]").fill("fairlead-demo")
    cal.locator("input[name=password]").press("Enter")
    wait_until(lambda: hers(running_product)[0].session_key != "", what="being told again")
    cal.goto("/notifications/devices/")
    with cal.expect_navigation():
        switch(cal).uncheck()


def test_r10_a_blocked_browser_is_explained(running_product: Product, cal: Page) -> None:
    cal.context.clear_permissions()
    cal.add_init_script("Object.defineProperty(Notification, 'permission', { get: () => 'denied' })")
    cal.goto("/notifications/devices/")
    expect(cal.locator("#push-said")).to_contain_text("blocked in this browser")
    expect(switch(cal)).to_be_disabled()


def test_r10_without_scripts_the_page_says_what_push_needs(running_product: Product, cal: Page) -> None:
    cookies = cal.context.cookies()
    browser = cal.context.browser
    assert browser is not None
    plain = browser.new_context(base_url=running_product.base_url, java_script_enabled=False)
    plain.add_cookies(cookies)  # type: ignore[arg-type]
    page = plain.new_page()
    page.goto("/notifications/devices/")
    expect(page.get_by_text("needs JavaScript")).to_be_visible()
    expect(switch(page)).to_be_hidden()
    plain.close()
