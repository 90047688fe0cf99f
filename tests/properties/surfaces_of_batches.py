"""The surfaces of mass actions: what they count and foresee, and what they say of each lead afterwards."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from django.urls import reverse

from leads.batches.drafting import confirm, draft, preview
from leads.batches.running import carry_on
from leads.batches.scope import matching
from leads.models import Batch
from tests.factories import marks
from tests.factories.marks import Told, told
from tests.properties import oracle
from tests.properties.surfaces import LEVELS, Visit, said, seen, surface, that_one


def may(visit: Visit) -> bool:
    return visit.world.people[visit.person].active and visit.has("mass_edit_lead")


def begun(visit: Visit, **chosen: Any) -> str:
    """The address of a mass action she has begun; none where she may not."""
    answer = visit.client.post(reverse("batches"), {"verb": "tags", **chosen})
    return answer.headers.get("Location", "") if answer.status_code == 302 else ""


@surface("batch", expects=lambda visit: len(seen(visit)) if may(visit) else 0)
def mass_action_counted(visit: Visit) -> int:
    there = begun(visit, all="1")
    found = re.search(r'class="count">([\d,]+) (?:people|person)<', said(visit.client.get(there))) if there else None
    return int(found[1].replace(",", "")) if found else 0


@surface("batch", expects=that_one("work", "mass_edit_lead"))
def mass_action_foreseen(visit: Visit) -> Told:
    """Its examples, of one lead given by hand."""
    there = begun(visit, lead=marks.public_id(visit.number))
    return told(said(visit.client.post(there, {"add": "new"}, follow=True)) if there else "")


def done(visit: Visit) -> Batch | None:
    """A mass action of the other person, over all that she sees."""
    if not may(replace(visit, person=visit.other)):
        return None
    actor = visit.built.users[visit.other]
    batch = draft(actor=actor, verb="tags", scope=matching(""))
    batch = preview(actor=actor, batch=batch, params={"add": ["new"], "remove": []})
    confirm(actor=actor, batch=batch)
    carry_on(batch.pk)
    return batch


def seen_of_the_other(visit: Visit) -> Told:
    """To her who did it, and to managers of the company: the leads of it that they see now."""
    world, person, other = visit.world, visit.person, visit.other
    company = next(n for n, unit in enumerate(world.units) if unit.company == world.people[other].company)
    hers = replace(visit, person=other)
    if not may(hers) or (person != other and not oracle.manages_unit(world, person, company)):
        return {}
    return {n: level for n, level in seen(visit).items() if n in seen(hers)}


@surface("batch", expects=seen_of_the_other)
def mass_action_done(visit: Visit) -> Told:
    batch = done(visit)
    return told(visit.get("batch", batch.public_id, htmx=bool(visit.turn % 2))) if batch else {}


def left_alone(visit: Visit) -> Told:
    hers = replace(visit, person=visit.other)
    skipped = [n for n, level in enumerate(hers.levels) if LEVELS.index(level) < LEVELS.index("work")]
    return {n: level for n, level in seen_of_the_other(visit).items() if n in skipped}


@surface("batch-skipped", expects=left_alone)
def mass_action_skipped(visit: Visit) -> Told:
    batch = done(visit)
    return told(visit.get("batch-skipped", batch.public_id)) if batch else {}


@surface("batches", expects=lambda visit: {})
def mass_actions(visit: Visit) -> Told:
    """Counts, and never a lead."""
    done(visit)
    return told(visit.get("batches"))
