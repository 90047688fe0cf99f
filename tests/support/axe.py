"""axe-core on a page. It is evaluated from outside, since the page's content policy would refuse it as a script."""

from __future__ import annotations

from functools import cache

from playwright.sync_api import Page

from tests.support.environment import ROOT

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEMES = ("light", "dark")
AT_REST = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const moving = () => document.getAnimations().filter((one) => one.playState === "running");
  await frame();
  for (let still = 0; still < 2; still = moving().length ? 0 : still + 1) {  // the end of one may start another
    await Promise.allSettled(moving().map((one) => one.finished));
    await frame();
  }
}"""


@cache
def source() -> str:
    return (ROOT / "node_modules/axe-core/axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is now, in words."""
    page.evaluate(AT_REST)  # a colour on its way to another is neither
    page.evaluate(f"() => {{ {source()} }}")
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html']}" for one in found["violations"]]


def assert_clean(page: Page) -> None:
    """No violation in either theme."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        found = violations(page)
        assert not found, f"{page.url} in the {theme} theme: {found}"


def assert_fits(page: Page) -> None:
    """Nothing is wider than the window."""
    room = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert room <= 0, f"{page.url} is {room} px wider than its window"
