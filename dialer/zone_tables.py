"""What the installed libraries know of where numbers and postal codes are. Nothing of theirs is kept in our own files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from importlib.metadata import version
from typing import NamedTuple
from zoneinfo import available_timezones

import zipcodes
from phonenumbers.tzdata import TIMEZONE_DATA

NOWHERE = frozenset({"1"})  # prefixes that only say a continent: numbers that are free of charge, and the like
SHAPE = "2"  # of what we keep of it
AREA_CODE = 4  # digits with the country's, in North America
SOURCES = ("phonenumbers", "zipcodes", "tzdata")
Zones = tuple[str, ...]


class Place(NamedTuple):
    zones: Zones
    state: str


def versions() -> str:
    return " ".join([SHAPE, *(f"{name} {version(name)}" for name in SOURCES)])


def every_zone() -> list[str]:
    """Each of which a lead may be set to by hand."""
    return sorted(available_timezones())


def areas() -> dict[str, Zones]:
    """The zones of numbers by how they begin."""
    known = available_timezones()
    found = {prefix: tuple(sorted(known.intersection(zones))) for prefix, zones in TIMEZONE_DATA.items()}
    return {prefix: zones for prefix, zones in found.items() if zones and prefix not in NOWHERE}


def deeper(prefixes: Iterable[str]) -> set[str]:
    """The area codes of North America within which there are longer ones."""
    return {prefix[:AREA_CODE] for prefix in prefixes if prefix.startswith("1") and len(prefix) > AREA_CODE}


def places() -> dict[str, Place]:
    """Zone and state of postal codes of the United States: by three digits where those say it all, else by five."""
    regions: dict[str, dict[str, Place]] = defaultdict(dict)
    known = available_timezones()
    for row in zipcodes.list_all():  # type: ignore[no-untyped-call]
        if row["timezone"] in known:
            regions[row["zip_code"][:3]][row["zip_code"]] = Place((row["timezone"],), row["state"])
    found: dict[str, Place] = {}
    for region, codes in regions.items():
        one = set(codes.values())
        found |= {region: one.pop()} if len(one) == 1 else codes
    return found
