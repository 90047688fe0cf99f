"""The benchmark's company is what it says it is, and what is compared by hand is the same question. No times here."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.db.models import Count, F
from django.http import QueryDict
from django.urls import reverse

from crm.bench import due, exporting, hopper, importing, lead, lead_reports, live, people, reports
from crm.bench.askers import ROLES, asking
from crm.bench.building import PEOPLE, SMALL_AGENT, TEAMS, TIMELINE_ENTRIES, build_company, build_keys, build_leads
from crm.bench.database import connected_to
from crm.bench.figures import Figure
from crm.bench.lifted import INDEXES, lifted_indexes
from dialer.models import AgentSession, HopperEntry
from dialer.services.loading import load
from dialer.services.serving import next_lead
from leads.filters import LeadFilter
from leads.models import Assignment, ContactPoint, Lead, LeadSearch
from permissions.access import Level, Lock
from permissions.models import LedgerEntry
from routing.models import Offer, RosterMember, Rotation
from routing.tasks import expire_all

LEADS = 2000


@pytest.fixture
def bench(db):
    company = build_company()
    build_leads(company, 1, LEADS, LEADS)
    build_keys(LEADS)
    return company


def one(sql, params=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()[0]


def test_the_company_is_built_as_described(bench):
    assert bench.people.count() == PEOPLE
    assert bench.units.filter(kind="team").count() == TEAMS
    assert Lead.objects.count() == LeadSearch.objects.count() == LEADS
    assert ContactPoint.objects.count() == 2 * LEADS
    assert LedgerEntry.objects.filter(kind="created").count() == LEADS
    assert LedgerEntry.objects.filter(kind="assigned").count() == Assignment.objects.count()
    small = bench.people.get(email=SMALL_AGENT)
    assert Lead.objects.visible_to(small).count() == 300
    busiest = Lead.objects.annotate(acts=Count("activities")).latest("acts")
    assert busiest.acts >= TIMELINE_ENTRIES
    assert busiest in Lead.objects.visible_to(small)


def test_slots_and_locks_agree(bench):
    """Leads are written together with what the slot trigger would make of their assignments."""
    for slot in Assignment.objects.values("lead_id", "user_id", "role", "lead__agent_id", "lead__locks"):
        assert Lock.ASSIGNED.of(slot["user_id"]) in slot["lead__locks"]
        assert slot["role"] != "agent" or slot["user_id"] == slot["lead__agent_id"]
    counted = one("SELECT sum(cardinality(slot_locks)) FROM leads_lead")
    assert counted == Assignment.objects.values("lead", "user").distinct().count()


@pytest.mark.parametrize("role", ROLES)
def test_by_hand_is_the_same_question(bench, role):
    with asking(role) as asker:
        for level in (Level.REDACTED, Level.VIEW):
            seen, params = asker.seen(level)
            by_hand = set(Lead.objects.raw(f"SELECT id FROM leads_lead WHERE {seen}", params))
            assert by_hand == set(Lead.objects.visible_to(asker.keyring, level))
        for question in people.questions(asker):
            data = QueryDict(urlencode(question.query))
            chosen = LeadFilter(data, Lead.objects.all(), keyring=asker.keyring, actor=asker.user)
            assert chosen.level == question.level
            assert one(*question.by_hand(asker, people.COUNT)) == chosen.qs.count()


def test_leads_that_managers_see_redacted_are_asked_for(bench):
    for role in ("company admin", "team lead"):
        with asking(role) as asker:
            asked = [question for question in people.questions(asker) if question.name.endswith("hidden e-mail")]
            assert [one(*question.by_hand(asker, people.COUNT)) for question in asked] == [0]


def test_shares_and_offers_are_keys(bench):
    with asking("agent, 2,000 shares") as asker:
        assert len(asker.keyring.leads) == LEADS
    with asking("agent, 20 shares") as asker:
        assert len(asker.keyring.leads_at(Level.VIEW)) >= 20


def test_a_figure_names_ours_and_the_database_s_own(bench, monkeypatch):
    monkeypatch.setattr(people, "RUNS", 2)
    monkeypatch.setattr(lead, "RUNS", 2)
    with asking("team lead") as asker:
        client = people.signed_in(asker)
        page, count = people.measure(client, asker, people.Question("people first page"))
    told = json.loads(str(page))
    assert {"figure", "role", "ours_ms", "raw_ms", "ratio", "request_ms_median", "queries", "target", "ok"} <= set(told)
    assert count.figure == "people first page, count"
    assert count.ours_ms > 0
    assert isinstance(next(lead.figures()), Figure)
    assert client.get(reverse("people"), {"q": "no such name"}).status_code == 200


def test_indexes_come_back_as_they_were(committing_db):
    def indexes():
        with connection.cursor() as cursor:
            cursor.execute(INDEXES, [["leads_lead", "leads_leadsearch"]])
            return sorted(cursor.fetchall())

    with connected_to(committing_db, as_owner=True):
        before = indexes()
        with lifted_indexes(["leads_lead", "leads_leadsearch"], say=lambda words: None):
            assert indexes() == []
        assert indexes() == before


def test_the_file_to_import_has_nobody_twice(tmp_path):
    importing.write_file(tmp_path / "leads.csv", range(500))
    lines = (tmp_path / "leads.csv").read_text().splitlines()
    assert lines[0] == importing.HEADER
    assert len({line.split(",")[10] for line in lines[1:]}) == 500


def test_an_export_is_fetched_whole(bench):
    with asking("company admin") as asker:
        batch = exporting.exported(asker, "csv")
        assert batch.changed == batch.total > LEADS / 2
        figure = exporting.fetched(asker, batch)
    assert figure.figure == f"file of {batch.changed:,} leads, csv"
    assert min(figure.ours_rows_per_s, figure.raw_rows_per_s) > 0


@pytest.fixture
def kept_connection():
    """A request would close the connection on which the test rolls back."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_a_quiet_poll_asks_nothing_of_the_database(
    bench, kept_connection, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(live, "PEOPLE", 40)
    with live.open_tabs() as tabs:
        assert live.poll_all(tabs) == 40
        assert live.measured("nothing new", tabs, news_for=[]).queries == 0
        with django_capture_on_commit_callbacks(execute=True):
            live.bump([tabs[0].user.pk], "offers")
        assert live.measured("news for one", tabs, news_for=[]).queries > 0


@pytest.mark.parametrize("work", [due.by_hand, expire_all])
def test_due_offers_go_to_whoever_sits_next(bench, monkeypatch, work):
    monkeypatch.setattr(due, "OFFERS", 40)
    monkeypatch.setattr(due, "BATCH", 40)
    Rotation.objects.all().delete()
    due.build()
    Offer.objects.update(deadline=F("offered_at"))
    had = dict(Offer.objects.values_list("lead", "user"))
    work()
    has = dict(Offer.objects.filter(state="open").values_list("lead", "user"))
    assert len(had) == Offer.objects.filter(state="expired").count() == 40
    assert had.keys() == has.keys()
    assert all(has[lead] != had[lead] for lead in had)
    assert dict(Assignment.objects.filter(lead__in=has, role="agent").values_list("lead", "user")) == has


def test_reports_have_something_to_say(bench, monkeypatch):
    monkeypatch.setattr(reports, "OFFERS", 64)
    Rotation.objects.all().delete()
    reports.build()
    assert Offer.objects.exclude(state="open").count() == 64
    with asking("company admin") as asker:
        client = people.signed_in(asker)
        assert all(reports.measure(client, asker, name, by).seconds > 0 for name, by in reports.ASKED)
        assert all(lead_reports.measure(client, asker, asked).queries <= 20 for asked in lead_reports.ASKED)
        fair = client.get(reverse("report-file", args=["fairness"]), {"period": "90"})
    assert RosterMember.objects.count() == 1000
    assert b"paused" in b"".join(fair.streaming_content)


def test_a_hopper_filled_by_hand_is_the_same(bench):
    """Of so few leads nobody has as many as she wants: all that may be called are in it."""
    campaign = hopper.build()
    load(campaign.pk)
    ours = set(HopperEntry.objects.values_list("lead", "agent"))
    HopperEntry.objects.all().delete()
    hopper.fill_by_hand(campaign)
    assert ours == set(HopperEntry.objects.values_list("lead", "agent"))
    assert {agent is None for _, agent in ours} == {True, False}
    session = AgentSession.objects.whole().order_by("pk")[0]
    given = hopper.claim_by_hand(session, hopper.states_of(0))
    AgentSession.objects.update(lead=None, state="ready")
    HopperEntry.objects.update(reserved_by=None)
    assert given is not None
    assert next_lead(session) == given
