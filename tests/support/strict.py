"""Every test is strict: pages are looked over, template variables must exist, and rows come in no order nobody asked for.

A plugin of pytest; tests/architecture/test_strictness.py shows that each of these bites.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse
from django.template import Engine
from django.test.client import Client

LEFTOVERS = re.compile(r"\{\{|\{%|\{#")
ADDRESSES = {"href", "src", "action", "formaction", "hx-get", "hx-post"}
DATA_ONLY = {"application/json", "application/ld+json"}


class UndefinedVariableError(AssertionError):
    """A template of ours shows a variable that its view does not give it."""


class Page(HTMLParser):
    """Finds in a page what the content security policy forbids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") not in DATA_ONLY):
            self.faults.append(f"inline <{tag}>")
        self.faults += [f"{name}= on <{tag}>" for name in given if name == "style" or name.startswith("on")]
        scripts = [given[name] for name in ADDRESSES & given.keys()]
        self.faults += [f"script in an address on <{tag}>" for url in scripts if (url or "").startswith("javascript:")]


def faults_of(response: Any) -> list[str]:
    """What is wrong with a page, in words."""
    if response.streaming or not response.headers.get("Content-Type", "").startswith("text/html"):
        return []
    text = response.content.decode(response.charset)
    leftovers = [f"left over template syntax: {text[one.start() :][:60]!r}" for one in LEFTOVERS.finditer(text)]
    return leftovers + Page(text).faults


class Undefined(str):
    """Stands in for variables that are not there, and fails where one of our own templates shows it."""

    __slots__ = ()

    def __contains__(self, part: object) -> bool:
        return part == "%s"

    def __mod__(self, name: object) -> str:
        template = being_rendered()
        if template.startswith(str(settings.BASE_DIR / "templates")):
            raise UndefinedVariableError(f"{template} shows {name}, which it is not given")
        return ""


def being_rendered() -> str:
    """The file of the template whose node is at work, as the call stack tells."""
    frame = inspect.currentframe()
    while frame is not None:
        origin = getattr(frame.f_locals.get("self"), "origin", None)
        if frame.f_code.co_name == "render" and origin is not None:
            return str(origin.name)
        frame = frame.f_back
    return ""


@pytest.fixture(autouse=True, scope="session")
def _strict(django_test_environment: None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "request", looked_over(Client.request))
        patch.setattr(QuerySet, "_fetch_all", shuffled(QuerySet._fetch_all))
        patch.setattr(Engine.get_default(), "string_if_invalid", Undefined("undefined"))
        yield


def looked_over(request: Any) -> Any:
    def looked_over_request(self: Client, **environ: Any) -> HttpResponse:
        response: HttpResponse = request(self, **environ)
        assert not faults_of(response), f"{environ.get('PATH_INFO')}: {'; '.join(faults_of(response))}"
        return response

    return looked_over_request


def shuffled(fetch_all: Any) -> Any:
    """The database may return unordered rows in any order; here it is never the one they were written in."""

    def fetch_all_backwards(self: QuerySet[Any]) -> None:
        is_new = self._result_cache is None
        fetch_all(self)
        rows = self._result_cache
        if is_new and rows and len(rows) > 1 and not self.ordered and not self.query.is_sliced:
            rows.reverse()

    return fetch_all_backwards
