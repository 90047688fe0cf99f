"""V5: whatever is asked of the list of people, it answers the same whichever way the concealed facts of a lead are."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.core.pagination import write_cursor
from crm.organization.models import User
from dialer.models import Campaign
from leads.filters import SORT_WORDS, LeadFilter
from leads.models import Activity, Lead, LeadShare
from leads.search import reindex
from leads.services.creating import add_contact_points, source_named
from permissions.grants import give
from tests.factories.campaigns import make_campaign
from tests.factories.leads import assign, make_lead
from tests.factories.scenes import Brokerage, brokerage
from tests.support.sameness import shapes_asked, without_tokens

pytestmark = pytest.mark.django_db
ONE: dict[str, Any] = {
    "last_name": "Alphason",
    "company_name": "Alpha Ltd",
    "street": "1 Alpha Street",
    "city": "Alphaville",
    "state": "NY",
    "postal_code": "10001",
    "time_zone": "America/New_York",
    "language": "en",
    "kind": "investor",
    "tags": ["alpha", "warm"],
    "price_min": 100_000,
    "price_max": 200_000,
    "custom": {"hobby": "alpha"},
    "do_not_call": True,
    "created_at": datetime(2026, 1, 5, 12, tzinfo=UTC),
    "last_contact_at": datetime(2026, 1, 6, 12, tzinfo=UTC),
}
OTHER: dict[str, Any] = {
    "last_name": "Betason",
    "company_name": "",
    "street": "",
    "city": "Betaville",
    "state": "CA",
    "postal_code": "90001",
    "time_zone": "America/Los_Angeles",
    "language": "es",
    "kind": "",
    "tags": [],
    "price_min": None,
    "price_max": None,
    "custom": {},
    "do_not_call": False,
    "created_at": datetime(2026, 6, 5, 12, tzinfo=UTC),
    "last_contact_at": None,
}


@dataclass
class Scene:
    harbor: Brokerage
    lead: Lead
    clients: dict[str, Client]


@pytest.fixture
def scene(db: None) -> Scene:
    """Ana's hidden lead beside one that all managers read; their managers, and a colleague who sees neither."""
    harbor = brokerage()
    still = {"last_activity_at": timezone.now() - timedelta(days=3, hours=12), "score": 50}
    for name in ("Alpha source", "Beta source"):
        source_named(harbor.company.pk, name)
    make_lead(harbor.lakeside, first_name="Maya", tags=["warm"], state="NY", source="Alpha source", **still)
    lead = make_lead(harbor.ana, hidden=True, first_name="Sam", **still)
    make_campaign(harbor.lakeside, scope="personal")
    people = {"lead": harbor.lead, "office": harbor.north_admin, "company": harbor.broker, "stranger": harbor.eve}
    return Scene(harbor, lead, {name: signed_in(user) for name, user in people.items()})


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@contextmanager
def turned(scene: Scene, facts: dict[str, Any]) -> Iterator[None]:
    """The lead with these facts and what else goes with them."""
    harbor, lead, is_one = scene.harbor, scene.lead, facts is ONE
    with transaction.atomic():
        source = source_named(harbor.company.pk, "Alpha source" if is_one else "Beta source")
        origin = {"origin": "company", "origin_unit": harbor.south} if is_one else {}
        Lead.objects.filter(pk=lead.pk).update(source=source, created_by=harbor.ana, **facts, **origin)
        add_contact_points(lead, "US", *((["2015550123"], ["alpha@mail.example"]) if is_one else ([], [])))
        if is_one:
            assign(lead, harbor.ben)
            give(LeadShare, obj=lead, user=harbor.dee, verb="view_lead", given_by=harbor.ana, until=None)
            Activity.objects.create(company=harbor.company, lead=lead, kind="note", actor=harbor.ana, body="alpha")
        calls = {"direction": "out", "outcome": "busy"} if is_one else {"direction": "in", "outcome": "reached"}
        Activity.objects.create(company=harbor.company, lead=lead, kind="call", actor=harbor.ana, **calls)
        reindex([lead.pk])
        yield
        transaction.set_rollback(True)


# --- what may be asked ------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["Alphason", "alpha", "Betason", "Sam", "Maya", "a", "2015550123", "(201) 555-0123", "0123", "alpha@mail.example"]
)
PLACES = st.sampled_from(["lakeside", "north", "south"]).map("unit-{}".format)
PEOPLE = st.sampled_from(["ana", "ben", "dee", "eve", "lead", "broker"]).map("person-{}".format)
DAYS = st.sampled_from(["2026-01-04", "2026-01-05", "2026-01-06", "2026-06-05", "2026-06-06", "2025-01-01", "nonsense"])
SCORES = st.sampled_from(["0", "49", "50", "51", "100", "x"])
TIMES = st.sampled_from(["2026-03-01T00:00:00+00:00", "2030-01-01T00:00:00+00:00"])
CURSORS = [
    st.tuples(st.just(sort), of, st.sampled_from([0, 2**40]))
    for sort, of in (("score", st.sampled_from([50, 51])), ("created_at", TIMES), ("last_activity_at", TIMES))
]
ASKED: dict[str, st.SearchStrategy[str]] = {
    "q": WORDS | st.text(max_size=5),
    "like": WORDS | st.text(max_size=5),
    "mine": st.just("1"),
    "stage": st.sampled_from(["stage-New", "stage-Contacted", "0", "x"]),
    "owner": PLACES | PEOPLE | st.sampled_from(["me", "nobody"]),
    "assigned": PEOPLE | st.sampled_from(["me", "nobody"]),
    "holder": PEOPLE | st.sampled_from(["me", "nobody"]),
    "unclaimed": st.sampled_from(["yes", "x"]),
    "offers": st.sampled_from(["offered.0-4000000000", "seen.0-4000000000", "skipped.0-4000000000", "x"]),
    "figure": st.sampled_from([
        *("hidden", "kept", "hidden.open", "kept.won", "originated", "brought", "held", "overdue", "held.personal"),
        *("hidden.touched-", "kept.0-4000000000", "hidden.unsourced", "hidden.nobody", "x"),
    ]),
    "campaign": st.sampled_from(["0", "1.hours", "campaign-scope", "campaign-do_not_call", "campaign-hours", "x"]),
    "called": st.sampled_from(["never", "1d", "7d", "over-7d", "x"]),
    "contacted": st.sampled_from(["never", "1d", "7d", "over-7d", "x"]),
    "outcome": st.sampled_from(["busy", "reached", "x"]),
    "attempts_min": SCORES,
    "attempts_max": SCORES,
    "source": st.sampled_from(["source-Alpha source", "source-Beta source", "0", "x"]),
    "kind": st.sampled_from(["investor", "buyer", "nonsense"]),
    "state": st.sampled_from(["NY", "ny", "CA", "ZZ"]),
    "tag": st.sampled_from(["alpha", "warm", "Alpha", "cold"]),
    "origin": st.sampled_from(["agent", "company", "x"]),
    "pond": st.sampled_from(["0", "x"]),
    "imported": st.sampled_from(["0", "x"]),
    "hidden": st.sampled_from(["yes", "no", "x"]),
    "score_min": SCORES,
    "score_max": SCORES,
    "active": st.sampled_from(["1d", "7d", "over-7d", "over-90d", "x"]),
    "created_since": DAYS,
    "sort": st.sampled_from([*(key for key, _ in SORT_WORDS), "last_name", "-source", "x"]),
    "columns": st.sampled_from(["next", "phone", "email", "tags", "price", "created", "contacted", "owner", "x"]),
    "view": st.sampled_from(["0", "1", "x"]),
    "cursor": st.one_of(CURSORS).map(list).map(write_cursor) | st.text(max_size=5),
}  # fmt: skip
QUERIES = st.lists(
    st.sampled_from(sorted(ASKED)).flatmap(lambda name: st.tuples(st.just(name), ASKED[name])), max_size=4
)


def written(scene: Scene, query: list[tuple[str, str]]) -> dict[str, list[str]]:
    """The query with the ids of what it names."""
    harbor = scene.harbor
    sent: dict[str, list[str]] = {}
    for name, value in query:
        kind, _, rest = value.partition("-")
        if kind in ("unit", "person"):
            value = f"{kind}-{getattr(harbor, rest).pk}"
        elif kind == "stage":
            value = str(harbor.company.stages.get(name=rest).pk)
        elif kind == "source":
            found = source_named(harbor.company.pk, rest)
            value = str(found and found.pk)
        elif kind == "campaign":
            pk = Campaign.objects.get(company=harbor.company).pk
            value = str(pk) if rest == "scope" else f"{pk}.{rest}"
        sent.setdefault(name, []).append(value)
    return sent


def answer(client: Client, name: str, sent: dict[str, list[str]]) -> tuple[int, str, list[str]]:
    """Status, page, and the shapes of the queries."""
    with shapes_asked() as shapes:
        response: Any = client.get(reverse(name), sent)
    return response.status_code, without_tokens(response.content.decode()), shapes


def test_v5_every_filter_is_asked() -> None:
    assert set(ASKED) == {*LeadFilter.base_filters, "cursor"}


def test_v5_the_two_ways_differ_for_whoever_may_read(scene: Scene) -> None:
    pages = []
    for facts in (ONE, OTHER):
        with turned(scene, facts):
            pages.append(answer(signed_in(scene.harbor.ana), "people", {}))
    assert "Alphason" in pages[0][1]
    assert "Betason" in pages[1][1]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=QUERIES,
    page=st.sampled_from(["people", "people", "people", "people-filters", "people-display", "people-views"]),
    person=st.sampled_from(["lead", "office", "company", "stranger"]),
)
def test_v5_concealed_facts_change_no_answer(
    scene: Scene, query: list[tuple[str, str]], page: str, person: str
) -> None:
    sent = written(scene, query)
    answers = []
    for facts in (ONE, OTHER):
        with turned(scene, facts):
            answers.append(answer(scene.clients[person], page, sent))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("person", ["lead", "office", "company", "stranger"])
def test_v5_concealed_facts_change_no_report(scene: Scene, person: str) -> None:
    reports = [("leads", {"by": by}) for by in ("unit", "source", "agent", "stage", "follow")]
    days = {"period": "days", "since": "2026-01-01", "until": "2026-01-31"}
    asked = [*reports, ("leads", days), ("board", {}), ("board", {"silence": "never"})]
    answers: list[list[tuple[Any, ...]]] = []
    for facts in (ONE, OTHER):
        with turned(scene, facts):
            client = scene.clients[person]
            pages = [client.get(reverse("report", args=[name]), query) for name, query in asked]
            answers.append([(page.status_code, without_tokens(page.content.decode())) for page in pages])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("sort", ["score", "-active"])
def test_v5_a_cursor_shows_nothing_of_the_lead_it_stands_at(scene: Scene, sort: str) -> None:
    for number in range(60):
        lead = make_lead(scene.harbor.ana, pk=7_000_000_000 + number, hidden=True, score=77)
    html = scene.clients["lead"].get(reverse("people"), {"sort": sort}).content.decode()
    cursor = re.search(r"cursor=([\w=-]+)", html)
    assert cursor
    shown = urlsafe_b64decode(cursor[1] + "=" * (-len(cursor[1]) % 4))
    assert [text for text in (str(lead.pk)[:-1], "2026", "score", "last_activity") if text.encode() in shown] == []
