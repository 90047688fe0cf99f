"""Every place where leads are shown, told of or counted, and what it must say: nothing but what V2's table gives (V1).

A surface looks, as one person, and says what it found; `expects` says what the oracle has it find. Whoever adds such a
place adds a surface for it: test_surfaces.py holds this list against the addresses that the endpoint table marks `leads`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse

from crm.organization.models import User
from leads.services.creating import owners_for_new_leads
from permissions.catalog import BUILT_IN
from permissions.policy.services import read_policy
from tests.factories import marks
from tests.factories.marks import Told, told
from tests.leads.imports.files import bring
from tests.properties import details, oracle
from tests.properties.details import BASE
from tests.properties.world import Lead, World
from tests.properties.worlds import Built

LEVELS = oracle.LEVELS


@dataclass
class Visit:
    """A person of a world who looks around. `number` is the lead she asks about; `other` and `turn` are drawn with it."""

    world: World
    built: Built
    person: int
    number: int
    other: int = 0
    turn: int = 0
    client: ClassVar[Client] = Client()

    @property
    def user(self) -> User:
        return self.built.users[self.person]

    @property
    def lead(self) -> Lead:
        return self.world.leads[self.number]

    @cached_property
    def levels(self) -> list[str]:
        return [oracle.level(self.world, self.person, lead) for lead in self.world.leads]

    def at_least(self, level: str) -> set[int]:
        return {n for n, found in enumerate(self.levels) if LEVELS.index(found) >= LEVELS.index(level)}

    def has(self, permission: str) -> bool:
        profile = self.world.people[self.person].profile
        return profile is not None and permission in BUILT_IN[profile][1]

    def get(self, name: str, *args: object, htmx: bool = False, **query: Any) -> str:
        """All that the answer says, headers first."""
        return said(self.client.get(reverse(name, args=args), query, headers={"HX-Request": "true"} if htmx else None))

    def one_of(self, *choices: Any) -> Any:
        return choices[self.turn % len(choices)]


def said(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return f"{response.status_code} {dict(response.headers)}\n{content.decode()}"


# --- what is expected -------------------------------------------------------------------------------------------------


def seen(visit: Visit) -> Told:
    """All she may see, redacted where it is."""
    return {n: "redacted" if visit.levels[n] == "redacted" else "view" for n in visit.at_least("redacted")}


def read(visit: Visit) -> Told:
    """All she may read in full: where a concealed fact is asked for."""
    return dict.fromkeys(visit.at_least("view"), "view")


def that_one(level: str, permission: str = "") -> Callable[[Visit], Told]:
    """The lead asked about, from this level on, for those whose profile has the permission."""

    def expected(visit: Visit) -> Told:
        allowed = visit.number in visit.at_least(level) and (not permission or visit.has(permission))
        return {visit.number: "view"} if allowed else {}

    return expected


def nothing(visit: Visit) -> Told:
    return {}


# --- the register -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Surface:
    name: str
    addresses: frozenset[str]
    look: Callable[[Visit], Any]
    expects: Callable[[Visit], Any]

    def check(self, visit: Visit) -> None:
        """Nothing of the visit stays."""
        cache.clear()
        with transaction.atomic():
            visit.client.force_login(visit.user)
            found = self.look(visit)
            transaction.set_rollback(True)
        expected = self.expects(visit)
        assert found == expected, (
            f"{self.name} as person {visit.person}, about lead {visit.number}, turn {visit.turn}: {found}, not {expected}"
        )


SURFACES: dict[str, Surface] = {}


def surface(*addresses: str, expects: Callable[[Visit], Any]) -> Callable[[Callable[[Visit], Any]], Any]:
    """Register what is shown at these addresses, by their names in the endpoint table."""

    def register(look: Callable[[Visit], Any]) -> Callable[[Visit], Any]:
        name = look.__name__
        SURFACES[name] = Surface(name, frozenset(addresses), look, expects)
        return look

    return register


# --- people -----------------------------------------------------------------------------------------------------------


@surface("people", expects=seen)
def people(visit: Visit) -> Told:
    stage = BASE + visit.world.people[visit.person].company
    shown = ({}, {"sort": "score"}, {"sort": "active"}, {"score_max": "100"}, {"active": "7d"}, {"stage": stage})
    return told(visit.get("people", **visit.one_of(*shown)))


@surface("people", expects=lambda visit: len(seen(visit)))
def people_counted(visit: Visit) -> int:
    found = re.search(r'class="count">([\d,]+)<', visit.get("people", sort=visit.one_of("score", "-active")))
    assert found
    return int(found[1].replace(",", ""))


@surface("people", expects=read)
def people_by_something_concealed(visit: Visit) -> Told:
    return told(visit.get("people", sort=visit.one_of("created", "-created")))


def administers(visit: Visit) -> bool:
    """Has a company admin's profile and reach."""
    own = visit.world.people[visit.person].company
    company = next(n for n, unit in enumerate(visit.world.units) if unit.company == own)
    return visit.has("manage_policy") and oracle.manages_unit(visit.world, visit.person, company)


def seen_by_both(visit: Visit) -> Told:
    """V7: as another she sees what both may see; where she may not view as another, all is as before."""
    world, person, other = visit.world, visit.person, visit.other
    if not administers(visit) or other == person or other not in oracle.people_to_choose(world, person):
        return seen(visit)
    hers = replace(visit, person=other)
    both = {n: min(visit.levels[n], hers.levels[n], key=LEVELS.index) for n in range(len(world.leads))}
    return {n: "redacted" if level == "redacted" else "view" for n, level in both.items() if level != "none"}


@surface("people", expects=seen_by_both)
def people_as_another(visit: Visit) -> Told:
    visit.client.post(reverse("view-as-begin", args=[BASE + visit.other]))
    return told(visit.get("people"))


@surface("people", expects=that_one("view"))
def people_searched(visit: Visit) -> Told:
    number = visit.number
    phone = marks.phone(number)
    text = visit.one_of(
        f"hown{number}x", f"ecret{number}x", f"ecret{number}x lt", phone, f"({phone[:3]}) {phone[3:6]} {phone[6:]}",
        marks.email(number)[1:],
    )  # fmt: skip
    return told(visit.get("people", q=text), text)


@surface("people", expects=that_one("view"))
def people_filtered(visit: Visit) -> Told:
    number = visit.number
    sent = visit.one_of({"tag": marks.tag(number)}, {"state": marks.state(number)}, {"source": str(BASE + number)})
    return told(visit.get("people", **sent), *sent.values())


@surface("people", expects=lambda visit: {n: level for n, level in seen(visit).items() if visit.world.leads[n].hidden})
def people_hidden(visit: Visit) -> Told:
    return told(visit.get("people", hidden="yes"))


@surface("people", expects=lambda visit: {n: "view" for n in read(visit) if visit.world.leads[n].origin_unit is None})
def people_of_agents(visit: Visit) -> Told:
    return told(visit.get("people", origin="agent"))


@surface("people-filters", "lead-add", expects=read)
def sources_to_choose(visit: Visit) -> Told:
    if visit.turn % 2 and visit.has("add_lead"):
        return told(visit.get("lead-add"))
    return told(visit.get("people-filters", htmx=visit.turn % 4 == 0))


def choosable(visit: Visit) -> set[str]:
    """O6, as the lists write it; she herself is `me`."""
    people = {f"person-{BASE + n}" for n in oracle.people_to_choose(visit.world, visit.person) - {visit.person}}
    units = {f"unit-{BASE + n}" for n in oracle.units_to_choose(visit.world, visit.person)}
    return people | units if visit.turn % 2 else people


@surface("people-filters", expects=choosable)
def people_and_units_to_choose(visit: Visit) -> set[str]:
    page = visit.get("people-filters", facet=visit.one_of("assigned", "owner"), htmx=True)
    return set(re.findall(r'value="((?:person|unit)-\d+)"', page))


# --- one lead ---------------------------------------------------------------------------------------------------------


def page_of(visit: Visit, name: str) -> Told:
    there = marks.public_id(visit.number)
    return told(visit.get(name, there, htmx=visit.turn % 3 == 0), there)


@surface("lead", expects=that_one("view"))
def lead_page(visit: Visit) -> Told:
    return page_of(visit, "lead")


@surface("lead-routing", expects=that_one("view"))
def lead_routing(visit: Visit) -> Told:
    """Its fragment does not name the lead, but is there only for those who may read it."""
    answer = visit.get("lead-routing", marks.public_id(visit.number), htmx=bool(visit.turn % 2))
    return told(answer, marks.public_id(visit.number)) | ({visit.number: "view"} if answer[:3] == "200" else {})


@surface("lead-edit", expects=that_one("work"))
def lead_form(visit: Visit) -> Told:
    return {n: level for n, level in page_of(visit, "lead-edit").items() if n == visit.number or n not in read(visit)}


@surface("lead-sharing", expects=that_one("manage", "share_lead"))
def lead_sharing(visit: Visit) -> Told:
    return page_of(visit, "lead-sharing")


@surface("lead-assign", expects=that_one("manage"))
def lead_assigning(visit: Visit) -> Told:
    return page_of(visit, "lead-assign")


@surface("lead-transfer", expects=that_one("manage", "change_owner"))
def lead_transferring(visit: Visit) -> Told:
    return page_of(visit, "lead-transfer")


def explained(visit: Visit) -> tuple[int, str]:
    """V6: to whoever may read the lead; about herself, and for managers about those they manage or can see."""
    world, person, other = visit.world, visit.person, visit.other
    if visit.number not in visit.at_least("view"):
        return 404, ""
    manages = any(oracle.manages_unit(world, person, unit) for unit in range(len(world.units)))
    if other != person and not manages:
        return 403, ""
    colleague = world.people[other].company == world.people[person].company
    known = other in oracle.people_to_choose(world, person) or bool(oracle.managing_roles(world, person, other))
    if other != person and not (colleague and known):
        return 404, ""
    return 200, oracle.level(world, other, visit.lead)


@surface("lead-why", expects=explained)
def lead_explained(visit: Visit) -> tuple[int, str]:
    answer = visit.get("lead-why", marks.public_id(visit.number), person=BASE + visit.other)
    level = re.search(r'data-level="(\w+)"', answer)
    return int(answer[:3]), level[1] if level else ""


# --- those that are the same ------------------------------------------------------------------------------------------


@surface("lead-add", expects=that_one("view", "add_lead"))
def alike_by_hand(visit: Visit) -> Told:
    """Adding a lead with the phone or the e-mail of another: told only of one she may read."""
    typed = visit.one_of({"phones": marks.phone(visit.number)}, {"emails": marks.email(visit.number)})
    people, units = owners_for_new_leads(visit.user)
    owner = "me" if people else f"unit-{units[0].pk}"
    answer = visit.client.post(reverse("lead-add"), {**typed, "first_name": "Maya", "owner": owner})
    warning = said(answer).partition('role="alert"')[2].partition("</form>")[0]
    return told(warning.partition("Nothing was saved yet")[0])


@surface("import-run", "import-rows", expects=lambda visit: (that_one("view", "import_lead")(visit) != {}, {}))
def alike_in_a_file(visit: Visit) -> tuple[bool, Told]:
    """Whether the import of a file skips the lead, and what its result and its report say of others."""
    if not visit.has("import_lead"):
        return False, {}
    typed = marks.email(visit.number).upper()
    people, units = owners_for_new_leads(visit.user)
    owner = (people or units)[0]
    run = bring(visit.user, owner, f"E-mail\n{typed}\n".encode())
    report = visit.get("import-rows", run.public_id, "skipped") + visit.get("import-run", run.public_id)
    return run.skipped == 1, told(report, typed)


# --- the admin --------------------------------------------------------------------------------------------------------


@surface("admin:leads_source_changelist", expects=lambda visit: read(visit) if administers(visit) else {})
def sources_to_rename(visit: Visit) -> Told:
    return told(visit.get("admin:leads_source_changelist"))


@surface("admin:policy", expects=nothing)
def examples_of_another_policy(visit: Visit) -> Told:
    """What it says beyond what she may see: the rest are counts."""
    values = read_policy(visit.user.company_id).values()
    kept = {name: value for name, value in values.items() if value}
    other = visit.one_of("private", "visible", "managed", "company_only")
    answer = visit.client.post(reverse("admin:policy"), {**kept, "opened": json.dumps(values), "personal_leads": other})
    assert answer.status_code in (200, 403)
    allowed = seen(visit)
    return {n: level for n, level in told(said(answer)).items() if allowed.get(n) not in (level, "view")}


# --- what waits for her ----------------------------------------------------------------------------------------------


def offered(visit: Visit) -> Told:
    """Of those among others she knows no more than she may."""
    return {n: level for n, level in seen(visit).items() if visit.person in visit.world.leads[n].on_offer_to}


def waiting(visit: Visit) -> Told:
    """Her open offers, and what she has and nobody has contacted: none of them has been here."""
    leads = [(n, visit.world.leads[n]) for n in visit.at_least("work")]
    hers = [n for n, lead in leads if oracle.holder(lead) == visit.person and not lead.on_offer_to]
    return offered(visit) | dict.fromkeys(hers, "view")


def to_claim(visit: Visit) -> list[str]:
    """What the buttons call the leads that are on offer to her."""
    return [marks.public_id(n) for n in offered(visit)]


@surface("today", expects=waiting)
def today(visit: Visit) -> Told:
    return told(visit.get("today"), *to_claim(visit))


@surface("offers", expects=offered)
def offers(visit: Visit) -> Told:
    return told(visit.get("offers", htmx=True), *to_claim(visit))


@surface("live", expects=lambda visit: len(offered(visit)))
def live_count_of_offers(visit: Visit) -> int:
    counts: Mapping[str, int] = json.loads(visit.client.get(reverse("live")).content)["counts"]
    return counts["offers"]


def named_to(visit: Visit) -> Told:
    """What she was told of and may read; what is on offer to her among others by what it shows."""
    about = {n for n, lead in enumerate(visit.world.leads) if visit.person in details.people_told(lead)}
    return {n: level for n, level in seen(visit).items() if n in about and (level == "view" or n in offered(visit))}


@surface("notifications", expects=named_to)
def notifications(visit: Visit) -> Told:
    return told(visit.get("notifications", htmx=bool(visit.turn % 2)))


@surface("team-unit", expects=nothing)
def team(visit: Visit) -> Told:
    """Counts of offers, and never a lead."""
    return told(visit.get("team") + visit.get("team-unit", BASE + visit.other % len(visit.world.units)))
