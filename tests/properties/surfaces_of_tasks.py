"""The surfaces of tasks: of which leads the list, one task and a lead's page tell."""

from __future__ import annotations

from leads.models import Lead
from tests.factories import marks
from tests.factories.leads import make_task
from tests.factories.marks import Told, told
from tests.properties.surfaces import Visit, read, surface, that_one


@surface("tasks", "task", expects=that_one("view"))
def tasks_of_a_lead(visit: Visit) -> Told:
    """One that she once planned with the lead, in the list or on a page of its own."""
    lead = Lead._base_manager.get(public_id=marks.public_id(visit.number))
    if lead.company_id != visit.user.company_id:
        return {}
    made = make_task(visit.user, lead)
    found = told(visit.get("tasks") if visit.turn % 2 else visit.get("task", made.pk))
    return {number: level for number, level in found.items() if number == visit.number or number not in read(visit)}


@surface("lead-tasks", expects=that_one("view"))
def planned_with_a_lead(visit: Visit) -> Told:
    answer = visit.get("lead-tasks", marks.public_id(visit.number), htmx=bool(visit.turn % 2))
    return told(answer, marks.public_id(visit.number)) | ({visit.number: "view"} if answer[:3] == "200" else {})


@surface("lead-task", expects=that_one("work"))
def planning_with_a_lead(visit: Visit) -> Told:
    asked = marks.public_id(visit.number)  # what she typed herself tells her nothing
    return told(visit.get("lead-task", asked), asked)
