"""The demo's leads: made up from a fixed seed, dated back from now, and written in sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from crm.demo import words
from crm.demo.holdings import Holding
from crm.organization.models import Company, Unit, User
from leads.models import Activity, Assignment, ContactPoint, CustomField, Lead, Source, Stage
from leads.search import reindex
from leads.services.creating import ownership_of
from permissions.ledger import record_select

STAGE_ODDS = (20, 30, 20, 12, 6, 6, 4, 2)  # of the built-in stages, for leads somebody works
SKIPS_TO = {"Lost": "Contacted", "Archived": "Contacted"}  # these are reached from here, not by all steps between
OLDEST_DAYS = 75
ROLES = Assignment.Role

# of personal leads with an origin unit, the unit had them first
CREATED = """
SELECT company_id, 'created', created_by_id, id, origin_unit_id,
    CASE WHEN origin_unit_id IS NULL THEN owner_user_id END, 'demo'
FROM leads_lead WHERE id = ANY(%s) ORDER BY id
"""
GIVEN = """
SELECT company_id, 'owner_changed', id, origin_unit_id, owner_user_id, 'demo'
FROM leads_lead WHERE id = ANY(%s) AND owner_user_id IS NOT NULL AND origin_unit_id IS NOT NULL ORDER BY id
"""
HIDDEN = """
SELECT company_id, 'hidden', owner_user_id, id, 'demo' FROM leads_lead WHERE id = ANY(%s) AND hidden ORDER BY id
"""
ASSIGNED = """
SELECT company_id, 'assigned', lead_id, role, user_id, 'demo'
FROM leads_assignment WHERE lead_id = ANY(%s) ORDER BY lead_id, role
"""


@dataclass
class Draft:
    """A lead before it is written, and what will hang on it. `worker` is who does things with it, if anybody."""

    lead: Lead
    worker: User | None
    points: list[ContactPoint] = field(default_factory=list)
    slots: list[Assignment] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)


class Writer:
    """Makes the leads of one company up. The same `random` and `now` give the same leads."""

    def __init__(
        self, company: Company, units: dict[str, Unit], people: dict[str, User], random: Random, now: datetime
    ) -> None:
        self.company, self.units, self.people = company, units, people
        self.random, self.now = random, now
        self.stages = list(Stage.objects.filter(company=company).order_by("position"))
        self.sources = [Source(company=company, name=name) for name in words.SOURCES[company.name]]
        Source.objects.bulk_create(self.sources)
        self.taken: Counter[str] = Counter()

    def draft(self, holding: Holding, number: int) -> Draft:
        """Lead `number` of the holding."""
        owner = self.units.get(holding.owner) or self.people[holding.owner]
        agent = self.people.get(holding.agents[number % len(holding.agents)])
        worker = agent or (owner if isinstance(owner, User) else None)
        created = self.now - timedelta(days=OLDEST_DAYS) * self.random.random() ** 2 - timedelta(minutes=20)
        ownership = ownership_of(owner, self.company)
        if holding.came_from:
            ownership |= {"origin": Lead.Origin.COMPANY, "origin_unit": self.units[holding.came_from]}
        ownership["hidden"] = number < holding.hidden
        lead = Lead(
            company=self.company,
            created_at=created,
            created_by=owner if isinstance(owner, User) and not holding.came_from else None,
            **ownership,
            **self.who_and_what(worker),
        )
        draft = Draft(lead, worker, points=self.points(lead))
        assistant = self.people.get(holding.assistant) if number % 4 == 3 else None
        for role, person in ((ROLES.AGENT, agent), (ROLES.ASSISTANT, assistant)):
            if person is not None:
                draft.slots.append(Assignment(company=self.company, lead=lead, role=role, user=person, since=created))
        self.live_through(draft)
        return draft

    def who_and_what(self, worker: User | None) -> dict[str, Any]:
        """Names, place, interest. Leads that nobody works are new."""
        pick, chance = self.random.choice, self.random.random
        city, state, postal, _, zone = pick(words.CITIES)
        low = self.random.randrange(8, 40) * 25_000
        sells = self.company.name == "Summit Insurance"
        buys = not sells and chance() < 0.8
        return {
            "first_name": pick(words.FIRST_NAMES),
            "last_name": pick(words.SURNAMES),
            "company_name": pick(words.EMPLOYERS) if chance() < 0.12 else "",
            "street": f"{self.random.randrange(1, 480)} {pick(words.STREETS)}",
            "city": city,
            "state": state,
            "postal_code": f"{postal}{self.random.randrange(1, 99):02}",
            "time_zone": zone,
            "language": "Spanish" if chance() < 0.08 else "English",
            "kind": Lead.Kind.INSURANCE if sells else pick(["buyer", "buyer", "buyer", "seller", "renter", "investor"]),
            "source": pick(self.sources),
            "stage": self.random.choices(self.stages, STAGE_ODDS)[0] if worker else self.stages[0],
            "tags": sorted(self.random.sample(words.TAGS[self.company.name], pick([0, 0, 1, 1, 2]))),
            "score": self.random.randrange(5, 99),
            "price_min": low if buys else None,
            "price_max": low + self.random.randrange(2, 12) * 25_000 if buys else None,
            "custom": {"policy": pick(["Home", "Car", "Life", "Home and car"])} if sells else {},
            "do_not_call": chance() < 0.03,
        }

    def points(self, lead: Lead) -> list[ContactPoint]:
        """An e-mail at example.com and a phone of the kind kept free for fiction, neither given twice."""
        name = f"{lead.first_name}.{lead.last_name}".lower()
        area = next(area for city, _, _, area, _ in words.CITIES if city == lead.city)
        self.taken.update([name, area])
        again = f"{self.taken[name]}" if self.taken[name] > 1 else ""
        phone = f"555-{100 + self.taken[area] % 100:04}"
        return [
            ContactPoint(company=self.company, lead=lead, kind=kind, value=value, raw=raw, position=position)
            for position, (kind, value, raw) in enumerate(
                [
                    (ContactPoint.Kind.EMAIL, f"{name}{again}@example.com", f"{name}{again}@example.com"),
                    (ContactPoint.Kind.PHONE, f"+1{area}{phone.replace('-', '')}", f"({area}) {phone}"),
                ]
            )
        ]

    def live_through(self, draft: Draft) -> None:
        """Give the lead its past: it asked, was called, written to, and moved stage by stage to where it is."""
        lead, acts = draft.lead, draft.activities
        if lead.origin == Lead.Origin.COMPANY:
            source = lead.source.name if lead.source else ""
            self.add(draft, "inquiry", direction="in", body=f"Asked for a call ({source}).", automatic=True, actor=None)
        for before, after in self.steps_to(lead.stage):
            self.add(draft, "call", direction="out", outcome=self.random.choice(["no_answer", "voicemail"]))
            self.add(draft, "call", direction="out", outcome="reached", body=self.said(words.NOTES))
            self.add(draft, "stage", body=f"{before.name} → {after.name}")
            if self.random.random() < 0.5:
                self.add(
                    draft, "email", direction=self.random.choice(["out", "out", "in"]), body=self.said(words.EMAILS)
                )
        if draft.worker and self.random.random() < 0.6:
            self.add(draft, "note", body=self.said(words.NOTES))
        time = (self.now - lead.created_at) * self.random.uniform(0.3, 0.98)
        moments = [lead.created_at, *sorted(lead.created_at + time * self.random.random() for _ in acts[1:])]
        for activity, moment in zip(acts, moments, strict=False):
            activity.at = moment
        contacts = [act.at for act in acts if act.kind in {"call", "email"}]
        lead.last_activity_at = moments[-1]
        lead.last_contact_at = max(contacts, default=None)

    def steps_to(self, stage: Stage) -> list[tuple[Stage, Stage]]:
        """The stage changes that lead to `stage`."""
        via = SKIPS_TO.get(stage.name)
        way = [one for one in self.stages[: stage.position] if via is None or one.position <= self._position(via)]
        return list(pairwise([*way, stage]))

    def _position(self, name: str) -> int:
        return next(stage.position for stage in self.stages if stage.name == name)

    def said(self, texts: Mapping[str, Sequence[str]]) -> str:
        return self.random.choice(texts[self.company.name])

    def add(self, draft: Draft, kind: str, **values: Any) -> None:
        act = Activity(**{"company": self.company, "lead": draft.lead, "kind": kind, "actor": draft.worker} | values)
        draft.activities.append(act)


def write(writer: Writer, holdings: Sequence[Holding]) -> list[Lead]:
    """Write the holdings' leads with all that hangs on them, each table in one go."""
    drafts = [writer.draft(holding, number) for holding in holdings for number in range(holding.count)]
    drafts.sort(key=lambda draft: draft.lead.created_at)
    if writer.company.name == "Summit Insurance":
        CustomField.objects.create(company=writer.company, key="policy", label="Policy")
    leads = Lead.objects.bulk_create([draft.lead for draft in drafts])
    ContactPoint.objects.bulk_create([point for draft in drafts for point in draft.points])
    Activity.objects.bulk_create([act for draft in drafts for act in draft.activities])
    Assignment.objects.bulk_create([slot for draft in drafts for slot in draft.slots])
    ids = [lead.pk for lead in leads]
    reindex(ids)
    owner = ("to_unit_id", "to_user_id", "why")
    record_select(("company_id", "kind", "actor_id", "lead_id", *owner), CREATED, [ids])
    record_select(("company_id", "kind", "lead_id", "from_unit_id", "to_user_id", "why"), GIVEN, [ids])
    record_select(("company_id", "kind", "actor_id", "lead_id", "why"), HIDDEN, [ids])
    record_select(("company_id", "kind", "lead_id", "role", "to_user_id", "why"), ASSIGNED, [ids])
    return leads
