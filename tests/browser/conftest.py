"""Chromium on the running product. A page whose scripts fail, or that the content policy stops, fails its test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

from tests.support import chromium
from tests.support.product import Product

# Playwright keeps an event loop in this thread, which Django would take for asynchronous code
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
DEMO_PASSWORD = "fairlead-demo"
PICTURES = settings.DATA / "browser"  # of pages whose test failed

FAILED = pytest.StashKey[bool]()

NewPage = Callable[[], Page]
SignIn = Callable[[str], Page]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    item.stash.setdefault(FAILED, False)
    item.stash[FAILED] |= report.failed
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    if path is None:
        pytest.skip(chromium.NONE)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=ARGUMENTS)


class Watch:
    """Notes what must not happen on a page."""

    def __init__(self, page: Page) -> None:
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))
        page.on("console", self.on_console)
        page.on("response", self.on_response)

    def on_console(self, message: ConsoleMessage) -> None:
        # a 404 asked for on purpose is reported there too: on_response tells the bad ones
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console: {message.text}")

    def on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status} from {response.url}")


@pytest.fixture
def new_page(browser: Browser, running_product: Product, request: pytest.FixtureRequest) -> Iterator[NewPage]:
    """Makes pages on the product, each with cookies of its own: one per person in the story."""
    pages: list[tuple[Page, Watch]] = []

    def make() -> Page:
        context = browser.new_context(base_url=running_product.base_url, locale="en-US", reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(10_000)
        pages.append((page, Watch(page)))
        return page

    yield make
    for number, (page, _) in enumerate(pages):
        if request.node.stash.get(FAILED, False):
            page.screenshot(path=PICTURES / f"{request.node.name}-{number}.png", full_page=True)
        page.context.close()
    assert [fault for _, watch in pages for fault in watch.faults] == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """One page, nobody signed in."""
    return new_page()


@pytest.fixture
def sign_in(new_page: NewPage) -> SignIn:
    """`sign_in("ana@harbor.example")`: a page of its own, on which that person of the demo has signed in."""

    def sign_in(email: str) -> Page:
        page = new_page()
        page.goto("/accounts/login/")
        page.locator("input[name=login]").fill(email)
        page.locator("input[name=password]").fill(DEMO_PASSWORD)
        page.locator("input[name=password]").press("Enter")
        page.wait_for_url(lambda url: "/accounts/login/" not in url)
        return page

    return sign_in
