"""A1–A3: what reports say is what a slow and obvious count says, and each figure leads to as many leads."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.organization.models import Company, Unit, User
from leads.models import Lead, Stage
from permissions.access import Level, Privacy
from permissions.door import access_to
from permissions.keyring import load_keyring
from tests.factories.leads import make_lead, make_task
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.routing.reporting import page, rows

pytestmark = pytest.mark.django_db
AGES = (0, 1, 6, 8, 29, 31, 80, 400)  # days, of leads and of contacts
LINK = re.compile(r'<a href="(/people/\?figure=[^"]+)">(?:And |Beside these )?([\d,]+)')
COUNT = re.compile(r'class="count">([\d,]+)')
WHO = ("broker", "north_admin", "lead", "ana")


@dataclass
class Scene:
    harbor: Brokerage
    now: datetime

    def people(self) -> list[User]:
        return [self.harbor.ana, self.harbor.ben, self.harbor.dee, self.harbor.eve, self.harbor.lead]

    def units(self) -> list[Unit]:
        return [
            self.harbor.whole,
            self.harbor.north,
            self.harbor.lakeside,
            self.harbor.hilltop,
            self.harbor.harborfront,
        ]


@pytest.fixture
def scene(db: None) -> Scene:
    return Scene(brokerage(), timezone.now())


@contextmanager
def filled(scene: Scene, policy: str, seed: int) -> Iterator[None]:
    """Leads in all states; those that have changed hands keep where they came from."""
    dice = random.Random(seed)  # no secret
    stages = list(Stage.objects.filter(company=scene.harbor.company).order_by("pk"))
    with transaction.atomic():
        Company.objects.filter(pk=scene.harbor.company.pk).update(personal_leads=policy)
        for _ in range(14):
            make_one(scene, dice, stages)
        yield
        transaction.set_rollback(True)


def make_one(scene: Scene, dice: random.Random, stages: list[Stage]) -> None:
    def ago() -> datetime:
        return scene.now - timedelta(days=dice.choice(AGES), minutes=5)

    unit, person = dice.choice(scene.units()), dice.choice(scene.people())
    personal, origin = dice.random() < 0.5, dice.choice([None, *scene.units()])
    lead = make_lead(
        person if personal else unit,
        agent=dice.choice([None, None, *scene.people()]),
        privacy=dice.choice(list(Privacy)) if personal else None,
        hidden=personal and dice.random() < 0.4,
        origin="company" if origin else "agent",
        origin_unit=origin,
        source=dice.choice(["", "Zillow", "Website"]),
        stage=dice.choice(stages),
        created_at=ago(),
        last_contact_at=dice.choice([None, ago()]),
        removed_at=dice.choice([None, None, None, None, scene.now]),
    )
    if dice.random() < 0.3:
        make_task(dice.choice(scene.people()), lead, due_at=scene.now + timedelta(days=dice.choice([-1, 1])))


# --- Counted slowly ---------------------------------------------------------------------------------------------------


@dataclass
class Slow:
    """A person's leads by the one function, and whose figures are hers: by the words of P2."""

    scene: Scene
    who: str

    @property
    def viewer(self) -> User:
        found: User = getattr(self.scene.harbor, self.who)
        return fresh(found)

    @property
    def units(self) -> list[Unit]:
        harbor = self.scene.harbor
        below = {
            "broker": [*self.scene.units(), harbor.south],
            "north_admin": [harbor.north, harbor.lakeside, harbor.hilltop],
            "lead": [harbor.lakeside],
        }
        return below.get(self.who, [])

    @property
    def team(self) -> set[int]:
        harbor = self.scene.harbor
        of = {harbor.lakeside: [harbor.ana, harbor.ben, harbor.lead], harbor.hilltop: [harbor.dee]}
        of |= {harbor.harborfront: [harbor.eve], harbor.north: [harbor.north_admin], harbor.whole: [harbor.broker]}
        return {self.viewer.pk} | {person.pk for unit in self.units for person in of.get(unit, [])}

    def leads(self, *levels: Level) -> list[Lead]:
        keyring = load_keyring(self.viewer)
        found = Lead.objects.select_related("stage", "source").order_by("pk")
        return [lead for lead in found if access_to(keyring, lead).level in levels]

    def read(self) -> list[Lead]:
        return self.leads(Level.VIEW, Level.WORK, Level.MANAGE)

    def is_hers(self, lead: Lead) -> bool:
        units = {unit.pk for unit in self.units}
        people = self.team if units else {self.viewer.pk}
        of_units = bool({lead.origin_unit_id, lead.owner_unit_id} & units)
        return self.who == "broker" or lead.owner_user_id == self.viewer.pk or of_units or lead.holder_id in people

    def originated(self, days: int) -> list[Lead]:
        since = self.scene.now - timedelta(days=days)
        return [one for one in self.read() if one.origin == "company" and one.created_at > since and self.is_hers(one)]

    def held(self) -> list[Lead]:
        units = {unit.pk for unit in self.units}
        return [
            lead
            for lead in self.read()
            if lead.holder_id in self.team or (lead.holder_id is None and lead.owner_unit_id in units)
        ]


def untouched(lead: Lead) -> bool:
    return lead.stage.kind == "open" and lead.last_contact_at is None


def pipeline(leads: list[Lead], key: Any, now: datetime) -> dict[str, tuple[int, ...]]:
    """By name: all, contacted, in the last week, open, won, lost, archived, personal."""
    found: dict[str, tuple[int, ...]] = {}
    for lead in leads:
        contact, kind = lead.last_contact_at, lead.stage.kind
        week = contact is not None and contact > now - timedelta(days=7)
        kinds = (kind == one for one in ("open", "won", "lost", "archived"))
        facts = (True, contact is not None, week, *kinds, lead.owner_user_id is not None)
        before = found.get(key(lead), (0,) * len(facts))
        found[key(lead)] = tuple(map(sum, zip(before, facts, strict=True)))
    return found


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    policy=st.sampled_from(["private", "visible", "managed", "company_only"]),
    who=st.sampled_from(WHO),
)
def test_a1_a2_reports_say_what_a_slow_count_says(scene: Scene, seed: int, policy: str, who: str) -> None:
    client, slow = Client(), Slow(scene, who)
    names = {user.pk: user.name for user in User.objects.order_by("pk")}
    units = {unit.pk: unit.name for unit in Unit.objects.order_by("pk")}
    keys = {
        "unit": lambda lead: units[lead.origin_unit_id],
        "source": lambda lead: lead.source.name if lead.source else "No source",
        "agent": lambda lead: names.get(lead.holder_id, "Nobody"),
        "stage": lambda lead: lead.stage.name,
    }
    columns = ("Leads", "Contacted", "In the last 7 days", "Open", "Won", "Lost", "Archived", "Agents’ own now")
    with filled(scene, policy, seed):
        for by, key in keys.items():
            found = rows(client, slow.viewer, "leads", by=by, period="90")
            said = {name: tuple(int(row[column]) for column in columns) for name, row in found.items()}
            assert said == pipeline(slow.originated(90), key, scene.now)
        board = rows(client, slow.viewer, "board")
        held = Counter(names.get(lead.holder_id or 0, "Nobody") for lead in slow.held())
        waiting = Counter(names.get(lead.holder_id or 0, "Nobody") for lead in slow.held() if untouched(lead))
        kept = [lead for lead in slow.leads(Level.REDACTED) if lead.hidden and lead.owner_user_id in slow.team]
        assert {name: int(row["Leads"]) for name, row in board.items() if row["Leads"] != "0"} == held
        assert {name: int(row["Untouched"]) for name, row in board.items() if row["Untouched"] != "0"} == waiting
        assert sum(int(row.get("Hidden from you", 0)) for row in board.values()) == len(kept)


# --- The lists behind -------------------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    asked=st.sampled_from(
        [("leads", by, {}) for by in ("unit", "source", "agent", "stage", "follow")]
        + [("leads", "agent", {"agent": "Ana"}), ("leads", "source", {"unit": "lakeside"}), ("board", "", {})]
        + [("board", "", {"unit": "lakeside"}), ("leads", "unit", {"period": "7"})]
    ),
    policy=st.sampled_from(["private", "visible"]),
    who=st.sampled_from(("broker", "north_admin", "lead")),
)
def test_a3_each_figure_leads_to_as_many_leads(scene: Scene, seed: int, asked: Any, policy: str, who: str) -> None:
    name, by, query = asked
    client, viewer = Client(), getattr(scene.harbor, who)
    if "unit" in query:
        query = {"unit": scene.harbor.lakeside.pk}
    with filled(scene, policy, seed):
        shown = page(client, viewer, name, by=by, **{"period": "365"} | query)
        links = {unescape(url): int(count.replace(",", "")) for url, count in LINK.findall(shown)}
        assert links or "<table" not in shown
        assert links == {url: listed(client, url) for url in links}


def listed(client: Client, url: str) -> int:
    found = COUNT.search(client.get(url).content.decode())
    assert found
    return int(found[1].replace(",", ""))
