"""The timeline: one order, plain words, a page at a time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from leads.models import Activity, Lead
from leads.timeline import timeline_of
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage

pytestmark = pytest.mark.django_db
Kind = LedgerEntry.Kind


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def lines(lead: Lead) -> list[str]:
    return [re.sub(r"</?strong>", "", event.line) for event in timeline_of(lead).events]


def act(lead: Lead, actor: object = None, at: datetime | None = None, **fields: object) -> Activity:
    moment = {"at": at} if at else {}
    return Activity.objects.create(company_id=lead.company_id, lead=lead, actor=actor, **moment, **fields)


def test_m7_ledger_facts_speak_plain_words(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    ana, ben, boss = harbor.ana.pk, harbor.ben.pk, harbor.lead.pk
    deadline = (timezone.now() + timedelta(minutes=30)).isoformat()

    def fact(kind: Kind, **columns: object) -> Fact:
        return Fact(company_id=harbor.company.pk, lead_id=lead.pk, kind=kind, **columns)  # type: ignore[arg-type]

    record(
        fact(Kind.CREATED, actor_id=boss, to_unit_id=harbor.lakeside.pk, why="by hand"),
        fact(Kind.ASSIGNED, role="agent", to_user_id=ana, why="new: Lakeside"),
        fact(Kind.OFFERED, to_user_id=ana, detail={"deadline": deadline}),
        fact(Kind.EXPIRED, from_user_id=ana),
        fact(Kind.ASSIGNED, role="agent", actor_id=boss, from_user_id=ana, to_user_id=ben),
        fact(Kind.DECLINED, actor_id=ben, from_user_id=ben),
        fact(Kind.CLAIMED, actor_id=ana, to_user_id=ana, detail={"act": "call"}),
        fact(Kind.ASSIGNED, role="lender", actor_id=ben, to_user_id=ben),
        fact(Kind.UNASSIGNED, role="agent", actor_id=boss, from_user_id=ana),
        fact(Kind.OWNER_CHANGED, actor_id=boss, from_unit_id=harbor.lakeside.pk, to_user_id=ana),
        fact(Kind.HIDDEN, actor_id=ana),
        fact(Kind.SHOWN, actor_id=ana),
        fact(Kind.WITHDRAWN, from_user_id=ana),
    )
    said = list(reversed(lines(lead)))
    assert said.pop(2).startswith("Ana was offered this lead; claim by ")
    assert said == [
        "Added by Lead (by hand). Owner: Lakeside",
        "Assigned to Ana (new: Lakeside)",
        "Ana did not claim it in time",
        "Assigned to Ben, before Ana by Lead",
        "Ben passed on it",
        "Ana claimed it with a call",
        "Ben took it as Lender",
        "Ana is no longer assigned as Agent by Lead",
        "Owner: Lakeside → Ana by Lead",
        "Hidden by Ana",
        "Shown again by Ana",
        "The offer to Ana was withdrawn",
    ]


def test_l3_activities_say_who_how_and_what_came_of_it(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    act(lead, harbor.ana, kind="call", direction="out", outcome="no_answer")
    act(lead, harbor.ana, kind="call", direction="in", outcome="reached")
    act(lead, harbor.ana, kind="email", direction="out", automatic=True, bulk=True)
    act(lead, harbor.ana, kind="note", body="Hello")
    act(lead, harbor.ana, kind="stage", body="New → Qualified")
    act(lead, kind="system", body="Merged")
    assert lines(lead)[::-1] == [
        "Ana called: no answer",
        "Ana took a call: reached",
        "Ana sent an e-mail (automatic, in bulk)",
        "Ana wrote a note",
        "Ana moved the stage: New → Qualified",
        "The system noted",
    ]


def test_names_and_words_are_escaped(harbor: Brokerage) -> None:
    harbor.ana.name = "<b>Ana</b>"
    harbor.ana.save(update_fields=["name"])
    lead = make_lead(harbor.lakeside)
    act(lead, harbor.ana, kind="stage", body="<i> → <u>")
    event = timeline_of(lead).events[0]
    assert "&lt;b&gt;Ana" in event.line
    assert "<i>" not in event.line
    assert "<u>" not in event.line


def test_l3_one_order_newest_first_without_gap_or_double_at_page_ends(harbor: Brokerage) -> None:
    """At one moment facts stand above the act they came of, and no cursor loses or repeats any."""
    lead = make_lead(harbor.lakeside)
    start = timezone.now() - timedelta(days=1)
    for hour in range(4):
        for number in range(3):
            act(lead, harbor.ana, at=start + timedelta(hours=hour), kind="note", body=f"{hour}{number}")
            LedgerEntry.objects.create(
                company=harbor.company,
                kind=Kind.HIDDEN,
                lead_id=lead.pk,
                actor=harbor.ana,
                at=start + timedelta(hours=hour),
            )
    whole = timeline_of(lead)
    assert whole.earlier == ""
    assert [event.at for event in whole.events] == sorted((event.at for event in whole.events), reverse=True)
    assert [event.icon for event in whole.events[:6]] == ["eye-off"] * 3 + ["sticky-note"] * 3
    for size in (1, 4, 5, 23):
        walked, cursor = [], ""
        while True:
            stretch = timeline_of(lead, cursor, size)
            walked += stretch.events
            cursor = stretch.earlier
            if not cursor:
                break
        assert walked == whole.events


def test_other_leads_and_companies_stay_out(harbor: Brokerage) -> None:
    lead, other = make_lead(harbor.lakeside), make_lead(harbor.lakeside)
    act(other, harbor.ana, kind="note", body="Not this one")
    record(Fact(company_id=harbor.company.pk, kind=Kind.HIDDEN, lead_id=other.pk))
    assert timeline_of(lead).events == []


def test_ownership_history_comes_from_the_ledger(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    company = harbor.company.pk
    record(Fact(company_id=company, kind=Kind.CREATED, lead_id=lead.pk, to_unit_id=harbor.lakeside.pk))
    record(Fact(company_id=company, kind=Kind.OWNER_CHANGED, lead_id=lead.pk, to_user_id=harbor.ana.pk))
    record(Fact(company_id=company, kind=Kind.HIDDEN, lead_id=lead.pk))
    assert [past.owner for past in timeline_of(lead).owners] == ["Ana", "Lakeside"]
