"""Every address of the resolver, and which of them a path leads to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Address:
    """`route` is what `resolve()` calls it; `name` is empty for the few that have none; `parts` are its arguments."""

    route: str
    name: str
    view: Any
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return self.name or f"/{self.route}"


def addresses(resolver: URLResolver | None = None, before: str = "", space: str = "") -> Iterator[Address]:
    for pattern in (resolver or get_resolver()).url_patterns:
        text = str(pattern.pattern)
        route = before + (text.removeprefix("^") if before else text)
        if isinstance(pattern, URLPattern):
            name = f"{space}{pattern.name}" if pattern.name else ""
            yield Address(route, name, pattern.callback, tuple(pattern.pattern.regex.groupindex))
        else:
            yield from addresses(pattern, route, f"{space}{pattern.namespace}:" if pattern.namespace else space)


def is_of_the_sign_in_library(view: Any) -> bool:
    return str(getattr(getattr(view, "view_class", view), "__module__", "")).startswith("allauth.")
