"""D3: the compiled condition matches what a slow and obvious reading of the filter matches, over random leads."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.organization.models import User
from dialer.filtering import FIELDS, Shape, read
from dialer.services.matching import matching
from leads.models import Lead, Pond
from leads.services.creating import source_named
from tests.dialer.filters import KNOWN, WORDS, filters, means
from tests.factories.leads import assign, in_pond, make_lead, make_pond, make_stage
from tests.factories.scenes import Brokerage, brokerage

pytestmark = pytest.mark.django_db
NOW = timezone.now()
TEXTS = ["", "AZ", "az", "Az", "CA", "850", "85001", "Mesa", "MESA East", "a%b", "_", "it's", "back\\slash", "é", '"']


class World:
    """Leads of all sorts; a filter's small numbers stand for some of what there is."""

    def __init__(self) -> None:
        self.harbor: Brokerage = brokerage()
        self.units, self.people = [self.harbor.lakeside, self.harbor.north], [self.harbor.ana, self.harbor.ben]
        self.stages = [make_stage(self.harbor.company, name) for name in ("One", "Two")]
        self.sources = [source_named(self.harbor.company.pk, name) for name in ("Zillow", "Open house")]
        self.ponds = [make_pond(self.harbor.lakeside), make_pond(self.harbor.lakeside)]
        self.inside: dict[int, set[int]] = {}
        dice = random.Random(7)
        self.leads = [self.lead(dice) for _ in range(60)]

    def lead(self, dice: random.Random) -> Lead:
        def moment() -> datetime | None:
            return dice.choice([None, NOW, NOW - timedelta(days=3), NOW - timedelta(days=400)])

        owner: Any = dice.choice([*self.units, *self.people])
        low = dice.choice([None, 1, 200_000])
        lead = make_lead(
            owner,
            stage=dice.choice(self.stages),
            source=dice.choice(["", "Zillow", "Open house"]),
            **{name: dice.choice(TEXTS) for name in ("state", "city", "postal_code", "language")},
            tags=dice.choice([[], ["VIP"], ["vip", 'say "x"'], ["it's", "a%"], ["é"]]),
            kind=dice.choice(["", "buyer", "seller"]),
            score=dice.choice([0, 1, 50, 100]),
            price_min=low,
            price_max=dice.choice([None, (low or 0) + 200_000]),
            custom=dice.choice([{}, self.custom(dice), self.custom(dice)]),
            created_at=moment() or NOW,
            last_activity_at=moment() or NOW,
            last_contact_at=moment(),
            attempts=dice.choice([0, 1, 50]),
            last_called_at=moment(),
            last_outcome=dice.choice(["", "busy", "reached"]),
        )
        return self.handed_out(lead, dice)

    def custom(self, dice: random.Random) -> dict[str, str]:
        return {
            "hobby": dice.choice(TEXTS),
            "rooms": dice.choice(["", "1", "50.5", "1,000", "200000", "-2.5", "many", "1e9", "9" * 40, "٣"]),
            "moved": dice.choice(["", "2026-01-01", "2026-06-15", "soon", "2026-13-45"]),
            "2025": dice.choice(TEXTS),
        }

    def handed_out(self, lead: Lead, dice: random.Random) -> Lead:
        where: Pond | User | None = dice.choice([None, None, *self.ponds, *self.people])
        if isinstance(where, User) and lead.owner_user_id is None:
            assign(lead, where)
        if isinstance(where, Pond):
            in_pond(lead, where)
            self.inside[lead.pk] = {where.pk}
        lead.refresh_from_db()
        return lead

    def meant(self, raw: list[Any]) -> list[Any]:
        """The filter with the ids of what its numbers stand for."""
        lists: dict[str, list[Any]] = {"stage": self.stages, "source": self.sources, "pond": self.ponds}
        return [[[self._meant(item, lists) for item in group] for group in one] for one in raw]

    def _meant(self, item: dict[str, str], lists: dict[str, list[Any]]) -> dict[str, str]:
        kind, dash, number = item["value"].rpartition("-")
        known = lists.get(item["field"]) or {"unit": self.units, "person": self.people}.get(kind)
        if known is None or number not in ("1", "2") or KNOWN[item["field"]].shape != Shape.ONE_OF:
            return item
        return item | {"value": f"{kind}{dash}{known[int(number) - 1].pk}"}


@pytest.fixture
def world(db: None) -> World:
    return World()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=filters())
def test_d3_the_condition_matches_what_the_filter_says(world: World, raw: list[Any]) -> None:
    found = read(world.meant(raw), KNOWN)
    rows = Lead.objects.filter(matching(found, KNOWN, NOW)).order_by("pk")
    expected = [lead.pk for lead in world.leads if means(found, lead, world.inside.get(lead.pk, set()), NOW)]
    assert list(rows.values_list("pk", flat=True)) == sorted(expected)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=12), field=st.sampled_from([one.key for one in FIELDS] + ["custom:rooms", "custom:2025"]))
def test_d3_no_value_reaches_the_database_as_more_than_a_value(world: World, text: str, field: str) -> None:
    """Whatever is read is answered: no error of the database, whatever the text."""
    for operator in KNOWN[field].operators:
        try:
            found = read([[[{"field": field, "operator": operator.value, "value": text}]]], KNOWN)
        except ValueError:
            continue
        Lead.objects.filter(matching(found, KNOWN)).count()


def test_d3_the_obvious_way_tells_leads_apart(world: World) -> None:
    """The property would hold of an empty world, too."""
    for field in KNOWN.values():
        for operator in field.operators:
            answers = set()
            for value in [*WORDS, "1", "50", "7", "2026-06-15", "person-1", "unit-1", "buyer", "busy", "company"]:
                try:
                    raw = [[[{"field": field.key, "operator": operator.value, "value": value}]]]
                    found = read(world.meant(raw), KNOWN)
                except ValueError:
                    continue
                answers |= {means(found, lead, world.inside.get(lead.pk, set()), NOW) for lead in world.leads}
            assert answers == {True, False}, (field.key, operator)


def test_d3_it_is_one_condition_of_one_statement(world: World) -> None:
    one = {"field": "tag", "operator": "is", "value": "'; DROP TABLE leads_lead; --"}
    found = read([[[one]]], KNOWN)
    sql, params = Lead.objects.filter(matching(found, KNOWN)).query.sql_with_params()
    assert "DROP" not in sql
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) AS found", params)
        assert cursor.fetchone() == (0,)
