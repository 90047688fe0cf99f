"""R8: whatever the roster, the rule, the fallback and what people do, no lead ends with nobody or goes on for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.organization.models import User
from leads.models import Lead, Pond
from routing.models import LAST, Offer, RosterMember, Rotation, Rule, RuleBook
from routing.services.claiming import claim, decline
from routing.services.handing_out import expire_due
from tests.factories.leads import make_lead, make_pond
from tests.factories.people import leave_company, make_member
from tests.factories.scenes import Brokerage, brokerage
from tests.routing.scenes import make_policy, on_roster, route

pytestmark = pytest.mark.django_db
FALLBACKS = (None, "person", "pond", "who left", "closed pond")
METHODS = (None, *Rule.Method)
WEEKEND = [[[5, 6], "00:00", "00:01"]]
MEMBER = st.fixed_dictionaries(
    {"enrolled": st.sampled_from([True, True, True, False])},
    optional={
        "paused": st.booleans(),
        "weight": st.integers(1, 10),
        "daily_cap": st.integers(0, 3),
        "open_cap": st.integers(0, 2),
        "hours": st.just(WEEKEND),
        "states": st.sampled_from([[], ["TX"], ["AZ"]]),
    },
)
ACTS = ("time", "time", "time", "decline", "claim", "pause", "leave")
STEP = st.tuples(st.sampled_from(ACTS), st.integers(0, 20))


@dataclass(frozen=True)
class Scene:
    """What is set up, and what people do then."""

    members: list[dict[str, Any]]
    passes: int
    round_robin: bool
    fallback: str | None
    method: str | None
    steps: list[tuple[str, int]]


SCENES = st.builds(
    Scene,
    members=st.lists(MEMBER, max_size=4),
    passes=st.integers(1, 3),
    round_robin=st.booleans(),
    fallback=st.sampled_from(FALLBACKS),
    method=st.sampled_from(METHODS),
    steps=st.lists(STEP, max_size=12),
)


@contextmanager
def played(scene: Scene) -> Iterator[tuple[list[User], list[Lead]]]:
    """The roster's people and three leads on their way, gone again at the end."""
    with transaction.atomic():
        harbor = brokerage()
        agents = [make_member(harbor.lakeside) for _ in scene.members]
        for agent, fields in zip(agents, scene.members, strict=True):
            on_roster(harbor.lakeside, agent, **fields)
        make_policy(
            harbor.lakeside, passes=scene.passes, round_robin=scene.round_robin, **fallback(harbor, scene.fallback)
        )
        if scene.method:
            rule(harbor, scene.method, agents)
        leads = [make_lead(harbor.lakeside, state=state) for state in ("", "TX", "AZ")]
        route(harbor.lakeside, *leads)
        yield agents, leads
        transaction.set_rollback(True)


def fallback(harbor: Brokerage, which: str | None) -> dict[str, Any]:
    if which in ("person", "who left"):
        return {"fallback": leave_company(harbor.lead) if which == "who left" else harbor.lead}
    return (
        {"fallback_pond": make_pond(harbor.lakeside, closed_at=Now() if which == "closed pond" else None)}
        if which
        else {}
    )


def rule(harbor: Brokerage, method: str, agents: list[User]) -> None:
    book = RuleBook.objects.create(company=harbor.company, unit=harbor.lakeside, state="live", created_by=harbor.broker)
    to = {"user": (agents or [harbor.ana])[0]} if method == "person" else {}
    to |= {"pond": make_pond(harbor.lakeside)} if method == "pond" else {}
    Rule.objects.create(company=harbor.company, book=book, position=LAST, method=method, **to)


def act(step: tuple[str, int], agents: list[User]) -> None:
    what, number = step
    asked = [(offer, user) for offer in Offer.objects.filter(state="open").order_by("pk") for user in had_by(offer)]
    if what == "time":
        let_time_pass()
    elif what == "pause":
        RosterMember.objects.filter(user__in=agents[number % 5 : number % 5 + 1]).update(paused=True)
    elif what == "leave":
        idle = [agent for agent in agents if not Lead.objects.filter(agent=agent, rotations__ended_at__isnull=False)]
        for agent in idle[number % 5 : number % 5 + 1]:
            leave_company(agent)
    elif asked:
        offer, user = asked[number % len(asked)]
        if what == "decline":
            decline(lead=offer.lead, user=user)
        else:
            claim(lead_id=offer.lead_id, user=user, act="button")


def had_by(offer: Offer) -> list[User]:
    among = User.objects.filter(pk__in=offer.recipients.filter(ended_at=None).values("user")).order_by("pk")
    everybody = [offer.user] if offer.user else list(among)
    return [user for user in everybody if user.is_active]


def let_time_pass() -> None:
    Offer.objects.filter(state="open").update(deadline=Now() - timedelta(minutes=5))
    expire_due()


def check(leads: list[Lead]) -> None:
    """Each on its way has one open offer; each at its end has somebody who is there to work it, or an open pond."""
    for lead in Lead.objects.filter(pk__in=[lead.pk for lead in leads]).select_related("agent").order_by("pk"):
        [way] = Rotation.objects.filter(lead=lead)
        offers = Offer.objects.filter(lead=lead, state="open").count()
        ponds = Pond.objects.filter(assignments__lead=lead, closed_at=None).count()
        assert (offers, way.outcome) == (1, "") if way.ended_at is None else offers == 0
        assert offers or ponds or (lead.agent and lead.agent.is_active), way.outcome


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scene=SCENES)
def test_r8_no_lead_ends_with_nobody(scene: Scene) -> None:
    with played(scene) as (agents, leads):
        check(leads)
        for step in scene.steps:
            act(step, agents)
            check(leads)
        for _ in range(scene.passes * (len(agents) + 1) + 1):
            let_time_pass()
        check(leads)
        assert not Rotation.objects.filter(ended_at=None).exists()
