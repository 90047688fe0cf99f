"""The surfaces of calling: what is said of a lead's numbers, and to whoever would call one."""

from __future__ import annotations

from django.urls import reverse

from tests.factories import marks
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, said, surface, that_one


@surface("lead-calling", expects=that_one("view"))
def lead_calling(visit: Visit) -> Told:
    """Its fragment does not name the lead, but is there only for those who may read it."""
    answer = visit.get("lead-calling", marks.public_id(visit.number), htmx=bool(visit.turn % 2))
    return told(answer, marks.public_id(visit.number)) | ({visit.number: "view"} if answer[:3] == "200" else {})


@surface("lead-call", "lead-text", "lead-callback", "lead-call-logged", expects=that_one("view"))
def calling_it(visit: Visit) -> Told:
    """Nothing is called: the number is not the lead's. Who only reads it is told that it is not hers to call."""
    name = visit.one_of("lead-call", "lead-text", "lead-callback")
    answer = visit.client.post(reverse(name, args=[marks.public_id(visit.number)]), {"number": "0", "at": ""})
    found = told(said(answer), marks.public_id(visit.number))
    return found | ({visit.number: "view"} if answer.status_code in (403, 422) else {})
