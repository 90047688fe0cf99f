"""A page used by its keys alone."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

MOST_STEPS = 120


def reach(target: Locator) -> None:
    """Press Tab until it has the focus, as somebody without a mouse does."""
    expect(target).to_be_visible()
    for _ in range(MOST_STEPS):
        if target.evaluate("one => one === document.activeElement"):
            return
        target.page.keyboard.press("Tab")
    raise AssertionError(f"{target} cannot be reached by Tab.")


def press(target: Locator, key: str = "Enter") -> None:
    reach(target)
    target.page.keyboard.press(key)


def write(target: Locator, text: str) -> None:
    """Type into a field; in a list, go to what begins so."""
    reach(target)
    target.page.keyboard.type(text)
