"""Templates and style sheets keep to the content security policy and to the tokens."""

from __future__ import annotations

import re

from tests.architecture.tree import assert_only, files, name_of
from tests.support.strict import Page

COLOUR = re.compile(r"#[0-9a-f]{3,8}\b(?![\w-])|\b(?:rgb|rgba|hsl|hsla|hwb|lab|lch|oklab|oklch)\(", re.IGNORECASE)
NAMED = re.compile(
    r":[^;{}]*\b(?<![\w-])(white|black|red|green|blue|gr[ae]y|silver|orange|yellow|purple|navy|teal|gold)(?![\w-])[^;{}]*;"
)
COMMENT = re.compile(r"/\*.*?\*/|\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)


def html() -> list[tuple[str, str]]:
    return [(name_of(path), path.read_text()) for path in files("templates", ".html")]


def test_templates_have_no_inline_script_or_style() -> None:
    faults = {name: Page(TAG.sub("", text)).faults for name, text in html()}
    assert {name: found for name, found in faults.items() if found} == {}


def test_only_the_tokens_name_a_colour() -> None:
    sheets = [path for path in files("static", ".css") if path.name != "tokens.css"]
    sources = [(name_of(path), path.read_text()) for path in [*sheets, *files("static", ".js")]]
    found = {name: COLOUR.findall(COMMENT.sub("", text)) for name, text in sources}
    found |= {
        name: found[name] + NAMED.findall(COMMENT.sub("", text)) for name, text in sources if name.endswith("css")
    }
    assert {name: colours for name, colours in found.items() if colours} == {}


def test_templates_name_no_colour() -> None:
    attribute = re.compile(r"(?:fill|stroke|color|bgcolor|stop-color)=[\"'](?!none|currentColor)[^\"'{]", re.IGNORECASE)
    found = {name: attribute.findall(text) for name, text in html()}
    assert {name: colours for name, colours in found.items() if colours} == {}


def test_templates_load_nothing_from_elsewhere() -> None:
    foreign = re.compile(r"(?:src|href)=[\"'](?:https?:)?//", re.IGNORECASE)
    assert [name for name, text in html() if foreign.search(text)] == []


def test_templates_do_not_switch_escaping_off() -> None:
    switched_off = re.compile(r"\|\s*safe\b|autoescape off|\|\s*safeseq")
    found = {name for name, text in html() if switched_off.search(text)}
    assert_only(found, {"templates/django/forms/field.html"})  # help texts, which come from our own code


def test_forms_send_ids_without_thousands_separators() -> None:
    """`{{ stage.pk }}` shows 1234 as 1,234, which no form reads back."""
    sent = re.compile(r"=[\"'][^\"'<>]*\{\{ *(?:[\w.]*\.)?pk *\}\}")
    assert {name: sent.findall(text) for name, text in html() if sent.search(text)} == {}
