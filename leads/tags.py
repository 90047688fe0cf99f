"""Tags of a lead: “VIP” and “vip” are one, as it was written first."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain


def united(*lists: Iterable[str]) -> list[str]:
    """The tags of all of them in their order, each once."""
    found: dict[str, str] = {}
    for tag in chain(*lists):
        found.setdefault(tag.lower(), tag)
    return list(found.values())


def without(tags: Iterable[str], gone: Iterable[str]) -> list[str]:
    """The tags but for these, however they are written."""
    away = {tag.lower() for tag in gone}
    return [tag for tag in tags if tag.lower() not in away]
