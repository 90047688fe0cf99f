"""Every address says who may knock, and strangers are sent to sign in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from crm.core.doors import mark_of
from tests.architecture.tree import assert_only

SAMPLES = {"int": "1", "str": "x", "slug": "x", "uuid": "9b2f5f0e-9c4d-4b1e-8f7e-0d1c2b3a4f5e", "path": "x"}
PUBLIC = {  # besides the pages of the sign-in library, which have their own checks
    "healthz",
    "invitation-accept",  # its token is the key
    "live",  # asks the session by itself, so as not to touch the database
}


def addresses(resolver: URLResolver | None = None, before: str = "/") -> Iterator[tuple[str, str, Any]]:
    """Every address as (path with sample values, name, view)."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = before + sample(pattern)
        if isinstance(pattern, URLPattern):
            yield path, pattern.name or path, pattern.callback
        else:
            yield from addresses(pattern, path)


def sample(pattern: URLPattern | URLResolver) -> str:
    text = str(pattern.pattern)
    for name, converter in pattern.pattern.converters.items():
        kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
        text = text.replace(f"<{kind}:{name}>", SAMPLES[kind]).replace(f"<{name}>", SAMPLES[kind])
    return text


def is_of_the_sign_in_library(view: Any) -> bool:
    return str(getattr(getattr(view, "view_class", view), "__module__", "")).startswith("allauth.")


ALL = list(addresses())
GUARDED = [(path, name) for path, name, view in ALL if (mark := mark_of(view)) and not mark.public]


@pytest.mark.parametrize(("path", "name", "view"), ALL, ids=[name for _, name, _ in ALL])
def test_every_address_has_a_door(path: str, name: str, view: Any) -> None:
    assert mark_of(view) is not None, f"{path}: put @door or @public on {view}"


def test_public_addresses_are_few_and_known() -> None:
    public = {
        name for _, name, view in ALL if (mark := mark_of(view)) and mark.public and not is_of_the_sign_in_library(view)
    }
    assert_only(public, PUBLIC)


@pytest.mark.django_db
def test_the_live_poll_tells_strangers_nothing(client: Client) -> None:
    assert client.get("/live/").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "name"), GUARDED, ids=[name for _, name in GUARDED])
@pytest.mark.parametrize("method", ["get", "post"])
def test_strangers_are_sent_to_sign_in(client: Client, path: str, name: str, method: str) -> None:
    response = getattr(client, method)(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")
    assert getattr(client, method)(path, headers={"HX-Request": "true"}).status_code == 401
