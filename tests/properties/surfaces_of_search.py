"""The search on top of every page (L6, V1)."""

from __future__ import annotations

from tests.factories import marks
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, surface, that_one


@surface("people-search", expects=that_one("view"))
def people_looked_up(visit: Visit) -> Told:
    """Where nobody has exactly that, others whose marks are spelled alike: of those she may read."""
    text = visit.one_of(f"ecret{visit.number}x", marks.phone(visit.number), f"hown{visit.number}x")
    found = told(visit.get("people-search", q=text, htmx=True), text)
    assert found.keys() - {visit.number} <= visit.at_least("view")
    return {number: level for number, level in found.items() if number == visit.number}
