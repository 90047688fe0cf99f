"""What a campaign's settings allow beside each other (D2): on the form's side, and in the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from dialer.campaigns import METHODS_THAT_OWN, Settings, refusals
from dialer.models import Campaign
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.scenes import Brokerage, brokerage

EVERY = [
    {"kind": kind, "dial_method": method, "secondary_priority": order, "enforce_lead_ownership": enforce}
    for kind, method, order, enforce in product(
        Campaign.Kind.values, Campaign.Method.values, Campaign.Priority.values, (True, False)
    )
]
AT_REST: dict[str, Any] = {"may_skill": True}


def refused(settings: dict[str, Any]) -> set[str]:
    """Which fields the rule of D2 wants changed, said once more and plainly."""
    if not settings["enforce_lead_ownership"]:
        return set()
    wanted = {
        "kind": {"normal"},
        "dial_method": {"preview", "preview_inbound"},
        "secondary_priority": {"fifo"},
    }
    return {name for name, allowed in wanted.items() if settings[name] not in allowed}


@pytest.mark.parametrize("settings", EVERY, ids=lambda one: "-".join(map(str, one.values())))
def test_d2_ownership_wants_a_normal_preview_campaign_that_is_first_in_first_out(settings: dict[str, Any]) -> None:
    said = refusals(Settings(**settings, **AT_REST))
    assert set(said) == refused(settings)
    assert all(words.endswith(".") for words in said.values())


@pytest.mark.django_db
def test_d2_the_database_refuses_what_the_form_refuses() -> None:
    harbor = brokerage()
    for settings in EVERY:
        if not refused(settings):
            make_campaign(harbor.lakeside, **settings)
            continue
        with pytest.raises(IntegrityError, match="campaign_ownership"), transaction.atomic():
            make_campaign(harbor.lakeside, **settings)


@pytest.mark.parametrize(
    ("enforce", "skills", "default", "there_is_one", "wrong"),
    [
        (True, False, False, False, ""),
        (True, True, False, True, ""),
        (True, True, True, True, ""),
        (True, True, False, False, "agent_skills"),
        (False, True, False, True, "agent_skills"),
        (False, True, False, False, "agent_skills"),
        (True, False, True, True, "default_skill"),
        (False, False, True, True, "default_skill"),
        (False, False, False, True, ""),
    ],
)
def test_d2_skills_want_ownership_and_a_filter(
    enforce: bool, skills: bool, default: bool, there_is_one: bool, wrong: str
) -> None:
    settings = Settings(
        enforce_lead_ownership=enforce, agent_skills=skills, has_default_skill=default, may_skill=there_is_one
    )
    assert set(refusals(settings)) == ({wrong} if wrong else set())


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"hopper_level": 0}, "hopper_level"),
        ({"hopper_level": 1}, ""),
        ({"hopper_level": 1000}, ""),
        ({"hopper_level": 1001}, "hopper_level"),
        ({"opens": time(9)}, "closes"),
        ({"closes": time(9)}, "opens"),
        ({"opens": time(9), "closes": time(9)}, "closes"),
        ({"opens": time(17), "closes": time(9)}, "closes"),
        ({"opens": time(9), "closes": time(17)}, ""),
    ],
)
def test_d1_levels_and_hours_have_their_bounds(change: dict[str, Any], wrong: str) -> None:
    assert set(refusals(replace(Settings(), **change))) == ({wrong} if wrong else set())


def test_d2_the_methods_are_those_of_the_model() -> None:
    assert set(METHODS_THAT_OWN) < set(Campaign.Method.values)
    assert not refusals(Settings())


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


@pytest.mark.parametrize(
    ("settings", "constraint"),
    [
        ({"agent_skills": True, "enforce_lead_ownership": False}, "campaign_skills"),
        ({"hopper_level": 0}, "campaign_hopper_level"),
        ({"hopper_level": 1001}, "campaign_hopper_level"),
        ({"attempt_limit": 0}, "campaign_attempts"),
        ({"opens": time(9)}, "campaign_hours"),
        ({"closes": time(9)}, "campaign_hours"),
        ({"opens": time(9), "closes": time(8)}, "campaign_hours"),
    ],
)
def test_d2_what_must_never_be_is_a_constraint(harbor: Brokerage, settings: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make_campaign(harbor.lakeside, **settings)


def test_d2_a_default_skill_wants_skills_in_the_database(harbor: Brokerage) -> None:
    one = make_filter(harbor.lakeside)
    make_campaign(harbor.lakeside, agent_skills=True, default_skill=one)
    with pytest.raises(IntegrityError, match="campaign_default_skill"), transaction.atomic():
        make_campaign(harbor.lakeside, default_skill=one)


def test_d1_members_of_the_unit_and_below_may_join_or_those_who_are_named(harbor: Brokerage) -> None:
    campaigns = {
        "all": make_campaign(harbor.north, name="all"),
        "named": make_campaign(harbor.north, harbor.ana, harbor.eve, name="named"),
        "stopped": make_campaign(harbor.north, name="stopped", active=False),
    }
    joins = {
        person.name: {one.name for one in Campaign.objects.joinable_by(person).order_by("pk")}
        for person in (harbor.ana, harbor.dee, harbor.eve, harbor.north_admin, harbor.broker)
    }
    assert joins == {
        "Ana": {"all", "named"},
        "Dee": {"all"},
        "Eve": {"named"},
        "North Admin": {"all"},
        "Broker": set(),
    }
    assert len(campaigns) == Campaign.objects.count()
