"""The surfaces of exports: the file holds the leads that one may take out, and no other."""

from __future__ import annotations

from leads.batches.drafting import confirm, draft, preview
from leads.batches.running import carry_on
from leads.batches.scope import matching
from leads.exporting import COLUMNS
from tests.factories.marks import Told, told
from tests.properties import oracle
from tests.properties.surfaces import Visit, surface
from tests.properties.surfaces_of_batches import may


def exportable(visit: Visit) -> Told:
    """P3, slowly."""
    if not may(visit):
        return {}
    world, person = visit.world, visit.person
    found: Told = {}
    for number, lead in enumerate(world.leads):
        manages = oracle.level(world, person, lead) == "manage"
        personal = lead.owner_person is not None
        works = not personal and ("c", "work") in oracle.reasons(world, person, lead)
        if (manages or works) and visit.has("export_personal_lead" if personal else "export_unit_lead"):
            found[number] = "view"
    return found


@surface("batch-file", expects=exportable)
def leads_taken_out(visit: Visit) -> Told:
    if not may(visit):
        return {}
    actor = visit.built.users[visit.person]
    batch = draft(actor=actor, verb="export", scope=matching(""))
    preview(actor=actor, batch=batch, params={"format": "csv", "columns": list(COLUMNS)})
    confirm(actor=actor, batch=batch)
    carry_on(batch.pk)
    return told(visit.get("batch-file", batch.public_id))
