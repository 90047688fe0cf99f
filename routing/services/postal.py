"""Postal codes that rules ask for and that no lead can have (R12). What there is of them in the US the library knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import zipcodes

from leads.states import code_of
from routing.rules import Conditions

LONGEST = 16  # characters that a lead's has
MOST_NAMED = 3
BEGINS = re.compile(r"(\d{1,5})|(\d{5})-\d{0,4}", re.ASCII)  # of a code of the US, with or without its last four
NONE = "No postal code begins with {}."
NEVER = "It never matches: no postal code begins with {}."
ELSEWHERE = "It never matches: postal codes that begin with {} are in {}, not in {}."


def postal_notes(conditions: Conditions, region: str) -> list[str]:
    """What is wrong with the postal codes of a rule in this country (ISO)."""
    given: Sequence[str] = conditions.get("postal_code") or ()
    if region != "US":
        return _said(given, [value for value in given if len(value) > LONGEST])
    states = {value: states_of(value) for value in given}
    notes = _said(given, [value for value in given if not states[value]])
    wanted, there = (
        {code_of(state) for state in conditions.get("state") or ()},
        frozenset[str]().union(*states.values()),
    )
    if wanted and there and wanted.isdisjoint(there):
        real = [value for value in given if states[value]]
        notes.append(ELSEWHERE.format(_any(real), _any(sorted(there)), _any(sorted(wanted))))
    return notes


def _said(given: Sequence[str], wrong: Sequence[str]) -> list[str]:
    return [(NEVER if len(wrong) == len(given) else NONE).format(_any(wrong))] if wrong else []


@lru_cache(2000)
def states_of(beginning: str) -> frozenset[str]:
    """The states whose postal codes begin so; none where no code does."""
    found = BEGINS.fullmatch(beginning.strip())
    return frozenset(_states(found[1] or found[2])) if found else frozenset()


def _states(digits: str) -> Iterator[str]:
    for row in zipcodes.similar_to(digits):  # type: ignore[no-untyped-call]
        yield row["state"]


def _any(words: Sequence[str]) -> str:
    named = list(words[:MOST_NAMED])
    more = [f"{len(words) - MOST_NAMED} more"] if len(words) > MOST_NAMED else []
    *some, last = [*named, *more]
    return f"{', '.join(some)} or {last}" if some else last
