"""The surfaces of reports that count leads: the company's and a team's, the leads below, and the lists behind."""

from __future__ import annotations

import re

from tests.factories.marks import Told, told
from tests.properties import oracle
from tests.properties.oracle import holder
from tests.properties.surfaces import Visit, surface
from tests.properties.surfaces_of_reports import rows_of
from tests.properties.world import Lead

REPORT = "report", "report-file"


def managed(visit: Visit) -> set[int]:
    return {n for n in range(len(visit.world.units)) if oracle.manages_unit(visit.world, visit.person, n)}


def team(visit: Visit) -> set[int]:
    """Herself, and whoever is in a unit she manages, or left the company as such."""
    world, hers = visit.world, managed(visit)
    people = range(len(world.people))
    return {visit.person} | {n for n in people if any(m.unit in hers for m in oracle.lasting_memberships(world, n))}


def has_all(visit: Visit) -> bool:
    return any(visit.world.units[n].kind == "company" for n in managed(visit))


def in_scope(visit: Visit, lead: Lead) -> bool:
    """P2: all for a company's managers; else what her units generated or own, and what her people have; her own."""
    hers = managed(visit)
    if has_all(visit) or visit.person in (holder(lead), lead.owner_person):
        return True
    return bool(hers) and bool({lead.origin_unit, lead.owner_unit} & hers or holder(lead) in team(visit))


def readable(visit: Visit) -> dict[int, Lead]:
    return {n: visit.world.leads[n] for n in visit.at_least("view")} if visit.has("view_reports") else {}


def hidden(visit: Visit) -> set[int]:
    leads = enumerate(visit.world.leads)
    return (
        {n for n, lead in leads if visit.levels[n] == "redacted" and lead.hidden}
        if visit.has("view_reports")
        else set()
    )


def originated(visit: Visit) -> set[int]:
    return {n for n, lead in readable(visit).items() if lead.origin_unit is not None and in_scope(visit, lead)}


def brought(visit: Visit) -> set[int]:
    """A1: never under `private`, of today or of when they became personal."""
    own = visit.world.companies[visit.world.people[visit.person].company]
    if own.policy == "private":
        return set()
    leads = {n: lead for n, lead in readable(visit).items() if lead.origin_unit is None and in_scope(visit, lead)}
    return {n for n, lead in leads.items() if lead.became_personal_under in ("visible", "managed")}


def held(visit: Visit) -> set[int]:
    leads, people, hers = readable(visit), team(visit), managed(visit)
    if has_all(visit):
        return set(leads)
    return {
        n for n, lead in leads.items() if holder(lead) in people or (holder(lead) is None and lead.owner_unit in hers)
    }


def kept(visit: Visit) -> set[int]:
    return {n for n in hidden(visit) if has_all(visit) or visit.world.leads[n].owner_person in team(visit)}


def noted(shown: str, words: str) -> int:
    found = re.search(rf"(?:And|these) ([\d,]+) leads? {words}", shown)
    return int(found[1]) if found else 0


@surface(*REPORT, expects=lambda visit: (len(originated(visit)), len(brought(visit)), len(hidden(visit))))
def company_leads_counted(visit: Visit) -> tuple[int, int, int]:
    by = visit.one_of("unit", "source", "agent", "stage", "follow")
    shown = visit.get("report", "leads", by=by)
    total = sum(int(row["Leads"]) for row in rows_of(visit, "leads", by=by))
    return total, noted(shown, "of (?:the agents’|your) own"), noted(shown, "that (?:its|their) owners? hides?")


@surface(*REPORT, expects=lambda visit: dict.fromkeys(originated(visit), "view"))
def company_leads_by_source(visit: Visit) -> Told:
    return told(str(rows_of(visit, "leads", by="source")))


@surface(*REPORT, expects=lambda visit: (len(held(visit)), len(kept(visit))))
def team_board_counted(visit: Visit) -> tuple[int, int]:
    rows = rows_of(visit, "board")
    return sum(int(row["Leads"]) for row in rows), sum(int(row.get("Hidden from you", 0)) for row in rows)


def on_board(visit: Visit) -> Told:
    return dict.fromkeys(kept(visit), "redacted") | dict.fromkeys(held(visit), "view")


@surface("report", expects=on_board)
def team_board_listed(visit: Visit) -> Told:
    return told(visit.get("report", "board"))


FIGURES = {"originated": originated, "brought": brought, "held": held, "hidden": hidden, "kept": kept}


def behind(visit: Visit) -> Told:
    """Whoever has no reports may follow a link to one's list all the same: it has nothing but what she may see."""
    what = visit.one_of(*FIGURES)
    return dict.fromkeys(FIGURES[what](visit), "redacted" if what in ("hidden", "kept") else "view")


@surface("people", expects=lambda visit: behind(visit) if visit.has("view_reports") else {})
def people_behind_a_figure_of_leads(visit: Visit) -> Told:
    return told(visit.get("people", figure=visit.one_of(*FIGURES))) if visit.has("view_reports") else {}
