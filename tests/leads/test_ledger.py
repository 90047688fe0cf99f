"""M7, V1: what a reader of the ledger learns of leads she may not see: that something happened, and when."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.html import strip_tags

from crm.organization.models import Company, User
from leads.ledger.export import CONCEALED, HEADER, ledger_lines
from leads.ledger.forms import LedgerForm
from leads.ledger.reading import Question, Row, all_rows, stretch
from leads.models import Batch, Lead
from permissions.access import Privacy
from permissions.keyring import load_keyring
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from permissions.policy.services import change_policy, read_policy
from tests.factories.leads import make_lead
from tests.factories.people import fresh, make_member
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
Kind = LedgerEntry.Kind


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def happens(lead: Lead | None, kind: Kind = Kind.ASSIGNED, company: Company | None = None, **facts: Any) -> None:
    company_id = lead.company_id if lead else company.pk if company else 0
    record(Fact(company_id=company_id, kind=kind, lead_id=lead.pk if lead else None, **facts))


def read(reader: User, **question: Any) -> list[Row]:
    return list(all_rows(load_keyring(fresh(reader)), Question(**question)))


def said(rows: list[Row]) -> list[str]:
    return [strip_tags(row.line) if row.entry else f"{row.kind}?" for row in rows]


def private(harbor: Brokerage, owner: User | None = None) -> Lead:
    return make_lead(owner or harbor.ana, privacy=Privacy.PRIVATE, first_name="Secret")


# --- concealment ------------------------------------------------------------------------------------------------------


def test_v1_of_a_lead_one_may_not_see_only_kind_and_time_are_told(harbor: Brokerage) -> None:
    happens(private(harbor), actor_id=harbor.ana.pk, to_user_id=harbor.ana.pk, why="secret reason", batch_id=7)
    [row] = read(harbor.broker)
    assert row == Row(at=row.at, kind="Assigned")


def test_v1_a_hidden_lead_is_not_told_of_either(harbor: Brokerage) -> None:
    happens(make_lead(harbor.ana, hidden=True), to_user_id=harbor.ana.pk)
    assert said(read(harbor.broker)) == ["Assigned?"]


@pytest.mark.parametrize("end", ["actor", "from", "to", ""])
def test_v1_no_person_is_found_by_facts_about_such_leads(harbor: Brokerage, end: str) -> None:
    ana = harbor.ana.pk
    for lead in (private(harbor), make_lead(harbor.lakeside)):
        happens(lead, Kind.OWNER_CHANGED, actor_id=ana, from_user_id=ana, to_user_id=ana, from_unit_id=harbor.north.pk)
    [row] = read(harbor.broker, people=(ana,), end=end)
    assert row.entry
    assert row.lead.startswith("First")


def test_v1_no_unit_lead_or_batch_is_found_by_them_either(harbor: Brokerage) -> None:
    lead = private(harbor)
    happens(lead, Kind.OWNER_CHANGED, from_unit_id=harbor.lakeside.pk, to_user_id=harbor.ana.pk, batch_id=7)
    for question in ({"unit": harbor.lakeside.pk}, {"lead": lead.pk}, {"batch": 7}):
        assert read(harbor.broker, **question) == []
    assert said(read(harbor.broker, kind="owner_changed")) == ["Owner changed?"]


def test_v1_what_is_asked_for_is_the_same_whether_such_leads_are_there(harbor: Brokerage) -> None:
    """Every question that names something answers as if her private leads had no history at all."""
    ana, ben = harbor.ana.pk, harbor.ben.pk
    happens(make_lead(harbor.lakeside), actor_id=ana, to_user_id=ben, to_unit_id=harbor.lakeside.pk, batch_id=7)
    questions: list[dict[str, Any]] = [
        {"people": (ana,)},
        {"people": (ana, ben), "end": "to"},
        {"people": (ana,), "unit": harbor.lakeside.pk},
        {"unit": harbor.lakeside.pk},
        {"unit": harbor.lakeside.pk, "kind": "assigned"},
        {"batch": 7},
    ]
    before = [read(harbor.broker, **question) for question in questions]
    happens(private(harbor), actor_id=ana, to_user_id=ben, to_unit_id=harbor.lakeside.pk, batch_id=7)
    assert [read(harbor.broker, **question) for question in questions] == before
    assert sum(map(len, before)) > 4


def test_v1_access_of_now_counts(harbor: Brokerage) -> None:
    happens(make_lead(harbor.ana), to_user_id=harbor.ana.pk, role="agent")
    assert said(read(harbor.broker)) == ["Assigned to Ana"]
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="private")
    assert said(read(harbor.broker)) == ["Assigned?"]
    assert said(read(harbor.ana)) == ["Assigned to Ana"]


def test_m7_a_removed_lead_keeps_its_history_without_its_name(harbor: Brokerage) -> None:
    lead, secret = make_lead(harbor.lakeside, first_name="Removedname"), private(harbor)
    for one in (lead, secret):
        happens(one, Kind.DELETED, actor_id=harbor.lead.pk)
        Lead.objects.filter(pk=one.pk).update(removed_at=Now())
    hidden, told = read(harbor.broker)
    assert hidden.entry is None
    assert told.entry
    assert (told.lead, told.url) == ("", "")
    assert "Lead" in told.line
    assert "Removedname" not in told.line


def test_v1_nothing_of_another_company(harbor: Brokerage) -> None:
    other = stranger()
    happens(None, Kind.POLICY_CHANGED, other.company, actor_id=other.pk)
    happens(make_lead(other), actor_id=other.pk)
    assert read(harbor.broker) == []
    assert read(harbor.broker, people=(other.pk,)) == []


# --- finding ----------------------------------------------------------------------------------------------------------


def test_m7_newest_first_in_stretches(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    record(*(Fact(harbor.company.pk, Kind.OFFERED, lead.pk, to_user_id=harbor.ana.pk, batch_id=n) for n in range(7)))
    keyring, cursor, found = load_keyring(harbor.broker), "", []
    for question in (Question(), Question(people=(harbor.ana.pk,))):
        found = []
        while True:
            page = stretch(keyring, question, cursor, size=3)
            found += [row.entry.batch_id for row in page.rows if row.entry]
            cursor = page.next_cursor
            if not cursor:
                break
        assert found == [6, 5, 4, 3, 2, 1, 0]
    assert len(stretch(keyring, Question(), "nonsense").rows) == 7


def test_m7_a_fact_is_found_once_by_any_of_its_ends(harbor: Brokerage) -> None:
    ana, ben = harbor.ana.pk, harbor.ben.pk
    happens(make_lead(harbor.lakeside), actor_id=ana, from_user_id=ana, to_user_id=ben)
    for question in ({"people": (ana,)}, {"people": (ana, ben)}, {"people": (ben,), "end": "to"}):
        assert len(read(harbor.broker, **question)) == 1
    assert read(harbor.broker, people=(ben,), end="from") == []


def test_m7_by_time(harbor: Brokerage) -> None:
    happens(make_lead(harbor.lakeside))
    at = LedgerEntry.objects.get().at
    assert len(read(harbor.broker, since=at)) == 1
    assert read(harbor.broker, until=at) == []
    assert read(harbor.broker, since=at + timedelta(microseconds=1)) == []


def asked(reader: User, **data: Any) -> LedgerForm:
    return LedgerForm({name: str(value) for name, value in data.items()}, actor=reader, keyring=load_keyring(reader))


def test_m7_the_form_reads_what_is_asked(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    batch = Batch.objects.create(company=harbor.company, actor=harbor.lead, verb="assign", confirmed_at=timezone.now())
    form = asked(
        harbor.broker,
        kind="assigned",
        person="ana",
        end="to",
        unit=harbor.lakeside.pk,
        lead=f"http://localhost/people/{lead.public_id}/",
        since="2026-03-02",
        until="2026-03-03",
    )
    with timezone.override("America/New_York"):
        assert form.is_valid(), form.errors
        assert form.question == Question(
            kind="assigned",
            since=datetime(2026, 3, 2, 5, tzinfo=UTC),
            until=datetime(2026, 3, 4, 5, tzinfo=UTC),
            people=(harbor.ana.pk,),
            end="to",
            unit=harbor.lakeside.pk,
            lead=lead.pk,
        )
    batch.refresh_from_db()
    form = asked(harbor.broker, batch=f"http://localhost/batches/{batch.public_id}/")
    assert form.is_valid()
    assert (form.question.batch, form.question.since) == (batch.pk, batch.confirmed_at)


def test_m7_a_mass_action_is_found_by_its_address(harbor: Brokerage) -> None:
    began = timezone.now() - timedelta(minutes=1)
    batch = Batch.objects.create(company=harbor.company, actor=harbor.lead, verb="assign", confirmed_at=began)
    batch.refresh_from_db()
    happens(make_lead(harbor.lakeside), batch_id=batch.pk)
    form = asked(harbor.broker, batch=batch.public_id)
    assert form.is_valid()
    assert len(list(all_rows(load_keyring(harbor.broker), form.question))) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "guessed"}, "Select a valid choice"),
        ({"person": "zzz"}, "Nobody is called so."),
        ({"unit": "99999999"}, "Select a valid choice"),
        ({"lead": "nobodyatall0"}, "There is no such lead that you may see."),
        ({"since": "yesterday"}, "Enter a valid date."),
        ({"batch": "nobodyatall0"}, "There is no such mass action."),
        ({"batch": "9" * 300}, "at most 200 characters"),
        ({"until": "9999-12-31"}, "between 1900 and 2199"),
        ({"since": "2026-03-02", "until": "2026-03-01"}, "before the one it begins with"),
    ],
)
def test_m7_what_cannot_be_read_is_said(harbor: Brokerage, data: dict[str, str], words: str) -> None:
    form = asked(harbor.broker, **data)
    assert not form.is_valid()
    assert words in str(form.errors)


def test_v1_a_lead_she_may_not_see_and_none_are_the_same(harbor: Brokerage) -> None:
    there, nowhere = asked(harbor.broker, lead=private(harbor).public_id), asked(harbor.broker, lead="nobodyatall0")
    assert there.errors == nowhere.errors != {}


def test_m7_a_name_that_many_have_is_asked_for_again(harbor: Brokerage) -> None:
    for number in range(6):
        make_member(harbor.north, f"Alike {number}")
    assert "More than 5 people" in str(asked(harbor.broker, person="alike").errors)
    assert asked(harbor.broker, person="alike 3").is_valid()
    assert "Nobody" in str(asked(harbor.broker, person=stranger().name).errors)


# --- in words ---------------------------------------------------------------------------------------------------------


def test_m7_facts_about_the_company_read_as_sentences(harbor: Brokerage) -> None:
    now = read_policy(harbor.company.pk)
    wanted = now.__class__(**vars(now) | {"personal_leads": "private", "whitelist": frozenset({harbor.lakeside.pk})})
    change_policy(actor=harbor.broker, wanted=wanted, seen=now.digest())
    company, broker, ana, unit = harbor.company, harbor.broker.pk, harbor.ana.pk, harbor.lakeside.pk
    policy, member = Kind.POLICY_CHANGED, Kind.MEMBERSHIP_CHANGED
    detail: Any = {"profile": "agent", "before": ["hide_lead"], "after": ["share_lead"]}
    happens(None, policy, company, actor_id=broker, why="profile", detail=detail)
    happens(None, policy, company, actor_id=broker, why="profile", detail=detail | {"before": None})
    happens(None, policy, company, actor_id=broker, why="profile", detail=detail | {"before": {"name": "Old"}})
    happens(None, policy, company, actor_id=broker, why="profile given", to_user_id=ana, detail={"after": "agent"})
    happens(None, policy, company, actor_id=broker, why="roster", to_unit_id=unit, to_user_id=ana)
    happens(None, Kind.INVITED, company, actor_id=broker, to_unit_id=unit, role="member")
    happens(None, Kind.JOINED, company, actor_id=ana, to_user_id=ana, to_unit_id=unit, role="admin")
    ends = {"actor_id": broker, "to_user_id": ana, "to_unit_id": unit}
    happens(None, member, company, **ends, role="admin", detail={"before": "member", "after": "admin"})
    happens(None, member, company, **ends, detail={"before": "admin", "after": None})
    for why in ("begun", "ended"):
        happens(None, Kind.VIEWED_AS, company, actor_id=broker, to_user_id=ana, why=why)
    happens(None, Kind.EXPORTED, company, actor_id=broker, why="ledger")
    happens(None, Kind.LEFT, company, to_user_id=ana, why="departure")
    assert list(reversed(said(read(harbor.broker)))) == [
        "Broker changed Personal leads: Visible → Private",
        "Broker set that managers of Lakeside may change ownership in mass",
        "Broker changed the profile Agent: + Share leads, − Hide leads",
        "Broker added the profile Agent",
        "Broker renamed the profile Agent",
        "Broker gave Ana the profile Agent",
        "Broker changed the roster of Lakeside for Ana",
        "Broker invited somebody to Lakeside as member",
        "Ana joined Lakeside as admin",
        "Broker made Ana admin of Lakeside, before member",
        "Broker ended that Ana is admin of Lakeside",
        "Broker began to view the product as Ana",
        "Broker stopped viewing the product as Ana",
        "Broker exported the ledger",
        "Left the company: Ana (departure)",
    ]


@pytest.mark.parametrize(
    ("why", "detail", "words"),
    [
        ("leads", {"count": 1, "format": "xlsx", "filters": []}, "1 lead as Excel"),
        (
            "leads",
            {"count": 1200, "format": "csv", "filters": ["q", "score_min"]},
            "1,200 leads as CSV, filtered by search, score from",
        ),
        ("ledger", {"filters": ["kind", "person"]}, "the ledger, filtered by kind, person"),
        (
            "leads",
            {"count": 46, "format": "xlsx", "filters": ["owner", "q"], "said": {"owner": "<b>"}},
            "46 leads as Excel, owned by &lt;b&gt;, filtered by search",
        ),
        ("ledger", {"count": 1, "filters": ["unit"], "said": {"unit": "South"}}, "1 row of the ledger, unit South"),
    ],
)
def test_i2_what_was_taken_out_and_by_which_filters(
    harbor: Brokerage, why: str, detail: dict[str, Any], words: str
) -> None:
    happens(None, Kind.EXPORTED, harbor.company, actor_id=harbor.broker.pk, why=why, detail=detail)
    assert said(read(harbor.broker)) == [f"Broker exported {words}"]


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({"verb": "view_lead", "until": None}, "to view it"),
        ({"verb": "work_lead", "until": "2026-03-03T18:05:00+00:00"}, "to work it until Mar 3, 2026, "),
    ],
)
def test_v8_what_a_share_lets_do_and_until_when(harbor: Brokerage, detail: dict[str, Any], words: str) -> None:
    ends = {"actor_id": harbor.lead.pk, "to_user_id": harbor.dee.pk}
    happens(make_lead(harbor.lakeside), Kind.SHARED, harbor.company, **ends, detail=detail)
    assert said(read(harbor.broker))[0].startswith(f"Shared with Dee {words}")


@pytest.mark.parametrize("kind", list(Kind))
def test_m7_every_kind_of_fact_has_words(harbor: Brokerage, kind: Kind) -> None:
    for lead in (make_lead(harbor.lakeside), None):
        happens(
            lead, kind, harbor.company, actor_id=harbor.lead.pk, to_user_id=harbor.ana.pk, from_user_id=harbor.ben.pk
        )
    assert all(said(read(harbor.broker)))


# --- taking it out ----------------------------------------------------------------------------------------------------


def test_m7_the_file_says_what_the_page_says(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, first_name="=cmd|' /C calc'!A0")
    batch = Batch.objects.create(company=harbor.company, actor=harbor.lead, verb="assign")
    batch.refresh_from_db()
    happens(private(harbor), to_user_id=harbor.ana.pk, why="secret reason", batch_id=9)
    happens(lead, to_user_id=harbor.ana.pk, actor_id=harbor.lead.pk, why="=1+1", role="agent", batch_id=batch.pk)
    text = "".join(ledger_lines(load_keyring(harbor.broker), Question()))
    header, told, concealed = csv.reader(StringIO(text.removeprefix("\ufeff")))
    assert tuple(header) == HEADER
    assert told[1:7] == [
        "Assigned",
        "Assigned to Ana by Lead (=1+1)",
        lead.public_id,
        "agent",
        "'=1+1",
        batch.public_id,
    ]
    assert concealed[1:] == ["Assigned", CONCEALED, "", "", "", ""]
    assert "secret" not in text
