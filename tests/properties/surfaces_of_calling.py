"""The surfaces of calling: what is said of a lead's numbers."""

from __future__ import annotations

from tests.factories import marks
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, surface, that_one


@surface("lead-calling", expects=that_one("view"))
def lead_calling(visit: Visit) -> Told:
    """Its fragment does not name the lead, but is there only for those who may read it."""
    answer = visit.get("lead-calling", marks.public_id(visit.number), htmx=bool(visit.turn % 2))
    return told(answer, marks.public_id(visit.number)) | ({visit.number: "view"} if answer[:3] == "200" else {})
