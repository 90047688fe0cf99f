"""Leads through the API (I3, I4): sent once, owned as the rules say, seen and changed as far as their person may."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.organization.models import PersonalLeads
from leads.models import Activity, ContactPoint, Lead
from permissions.access import Level
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from tests.api.asking import Program, refusal, said
from tests.factories.leads import make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.support.racing import together

MAYA = {"first_name": "Maya", "last_name": "O’Brien", "emails": ["Maya@Example.com"], "phones": ["(201) 555-0123"]}


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


@pytest.fixture
def ana(harbor: Brokerage) -> Program:
    return Program(harbor.ana)


def lead_of(answer: dict[str, str]) -> Lead:
    return Lead.objects.get(public_id=answer["id"])


def test_i3_a_lead_that_is_sent_is_there_with_all_that_was_said(harbor: Brokerage, ana: Program) -> None:
    known = {
        **MAYA,
        "company_name": "O’Brien & Söhne 😀",
        "street": "1 Main'); DROP TABLE leads_lead; --",
        "city": "Reno",
        "state": "nv",
        "postal_code": "01234",
        "time_zone": "America/Los_Angeles",
        "language": "es",
        "type": "buyer",
        "source": "Partner",
        "tags": ["VIP", "vip", "two words, with a comma"],
        "score": 70,
        "price_min": 1,
        "price_max": 900_000,
    }
    response = ana.post("leads", {**known, "owner_id": harbor.ana.pk, "note": "Wants a garden."})
    assert response.status_code == 201
    answer = said(response)
    assert answer["outcome"] == "created"
    lead = lead_of(answer)
    assert (lead.owner_user, lead.origin, lead.origin_unit, lead.created_by) == (harbor.ana, "agent", None, harbor.ana)
    fact = LedgerEntry.objects.get(lead_id=lead.pk, kind="created")
    assert (fact.actor_id, fact.to_user_id, fact.why) == (harbor.ana.pk, harbor.ana.pk, "by the API")
    assert Activity.objects.get(lead=lead).body == "Wants a garden."
    read = ana.get(f"leads/{answer['id']}")
    assert read["state"] == "NV"
    assert read["tags"] == ["VIP", "two words, with a comma"]
    assert (read["phones"], read["emails"]) == (["+12015550123"], ["maya@example.com"])
    same = set(known) - {"phones", "emails", "state", "tags"}
    assert {name: read[name] for name in same} == {name: known[name] for name in same}
    assert read["owner"] == {"id": harbor.ana.pk, "name": "Ana", "kind": "person"}
    assert read["access"] == "manage"
    assert ana.get("leads?q=obrien%20DROP")["count"] == 0
    assert [one["id"] for one in ana.get("leads?q=maya@exam")["leads"]] == [answer["id"]]


def test_i4_an_owner_makes_it_personal_where_policy_allows(harbor: Brokerage) -> None:
    lead = Program(harbor.lead)
    for name in ("owner_id", "user_id"):
        found = lead_of(said(lead.post("leads", {"first_name": "Ann", name: harbor.ana.pk, "duplicates": "create"})))
        assert (found.owner_user, found.agent) == (harbor.ana, None)
        assert (found.origin, found.origin_unit) == ("company", harbor.lakeside), "a manager generated it for her"
    harbor.company.personal_leads = PersonalLeads.COMPANY_ONLY
    harbor.company.save()
    found = lead_of(said(lead.post("leads", {"first_name": "Ann", "owner_id": harbor.ana.pk})))
    assert (found.owner_unit, found.agent) == (harbor.whole, harbor.ana)


def test_i4_no_owner_is_a_general_lead_of_the_unit(harbor: Brokerage, ana: Program) -> None:
    found = lead_of(said(ana.post("leads", {"first_name": "Ann", "unit_id": harbor.lakeside.pk})))
    assert (found.owner_unit, found.holder_id, found.origin_unit) == (harbor.lakeside, None, harbor.lakeside)


@pytest.mark.parametrize(
    "owner", ["owner_id:ben", "owner_id:eve", "owner_id:broker", "unit_id:hilltop", "unit_id:whole", "unit_id:north"]
)
def test_p4_nobody_names_an_owner_she_could_not_name_by_hand(harbor: Brokerage, ana: Program, owner: str) -> None:
    name, _, whom = owner.partition(":")
    said_why = refusal(ana.post("leads", {"first_name": "Ann", name: getattr(harbor, whom).pk}), 422)
    assert "You may create leads for" in said_why
    assert not Lead.objects.exists()


def test_p4_others_companies_people_units_channels_and_stages_are_nobody(harbor: Brokerage) -> None:
    other = stranger()
    broker = Program(harbor.broker)
    for sent in ({"owner_id": other.pk}, {"owner_id": 2**40}, {"unit_id": 2**40}, {"channel": "nobodyatall0"}):
        refusal(broker.post("leads", {"first_name": "Ann", **sent}), 422)
    refusal(broker.post("leads", {"first_name": "Ann", "owner_id": harbor.ana.pk, "stage_id": 2**40}), 422)
    assert not Lead.objects.exists()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({}, "Give at least a name"),
        ({"first_name": "Ann", "owner_id": None, "unit_id": None}, "Say whose it is"),
        ({"emails": ["nonsense"]}, "“nonsense” is not an e-mail address."),
        ({"phones": ["12"]}, "phone"),
        ({"first_name": "A\x00"}, "first_name"),
        ({"first_name": "\ud800"}, "first_name"),
        ({"first_name": "A" * 121}, "first_name"),
        ({"first_name": "A", "score": 101}, "score"),
        ({"first_name": "A", "price_min": 2, "price_max": 1}, "less than the price"),
        ({"first_name": "A", "price_min": 10**18}, "price_min"),
        ({"first_name": "A", "time_zone": "Mars/Base"}, "IANA"),
        ({"first_name": "A", "frist_name": "B"}, "frist_name"),
        ({"first_name": "A", "hidden": True}, "hidden"),
    ],
    ids=str,
)
def test_i3_what_cannot_be_kept_is_refused_with_its_place(
    harbor: Brokerage, ana: Program, sent: dict[str, object], why: str
) -> None:
    assert why in refusal(ana.post("leads", {"owner_id": harbor.ana.pk, **sent}), 422)
    assert not Lead.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"first_name": NaN}', b"[" * 5000])
def test_i3_a_body_that_is_no_lead_is_refused(harbor: Brokerage, ana: Program, body: bytes) -> None:
    given = {"Authorization": f"Bearer {ana.key}"}
    response = Client().generic("POST", "/api/v1/leads", body, content_type="application/json", headers=given)
    assert response.status_code in (400, 422)
    refusal(response, response.status_code)


def test_i3_a_batch_has_an_outcome_for_each(harbor: Brokerage, ana: Program) -> None:
    mine = {"owner_id": harbor.ana.pk}
    leads = [
        {**MAYA, **mine},
        {"first_name": "Ben", "emails": ["ben@example.com"], **mine},
        {"first_name": "Maya", "last_name": "O’Brien", "emails": ["maya@example.com"], **mine},
        {"first_name": "Cal", "owner_id": harbor.ben.pk},
        {"first_name": "Dan", "phones": ["12"], **mine},
    ]
    results = said(ana.post("leads/batch", {"leads": leads}))["results"]
    assert [(one["index"], one["outcome"]) for one in results] == [
        (0, "created"),
        (1, "created"),
        (2, "existing"),
        (3, "refused"),
        (4, "refused"),
    ]
    assert results[2]["id"] == results[0]["id"]
    assert Lead.objects.count() == 2
    assert "1000" in refusal(ana.post("leads/batch", {"leads": [mine | {"first_name": "A"}] * 1001}), 422)
    refusal(ana.post("leads/batch", {"leads": []}), 422)


def test_i3_one_of_a_batch_that_is_no_lead_leaves_the_others_alone(harbor: Brokerage, ana: Program) -> None:
    mine = {"owner_id": harbor.ana.pk}
    bad: dict[str, Any] = {
        "Give at least a name": mine,
        "Say whose it is": {"first_name": "Ann"},
        "time_zone: ": {"first_name": "Ann", "time_zone": "Mars/Base", **mine},
        "first_name: ": {"first_name": "\ud800", **mine},
        "frist␀name: Extra": {"first_name": "Ann", "frist\x00name": "B", **mine},
        "Input": {"first_name": "Ann", "frist\ud800name": "B", **mine},
        "“?␀”": {"first_name": "Ann", "custom": {"\ud800\x00": "B"}, **mine},
        "score: ": {"first_name": "Ann", "score": 101, "hopper": 1, "campaign_id": 1, **mine},
        "emails.1: ": {"emails": ["a@b.example", 5], **mine},
        "valid": None,
        "diction": [],
    }
    leads = [{"first_name": "Ben", **mine}, *bad.values(), {"first_name": "Cal", **mine}, "Dan"]
    for _ in range(2):
        answer = ana.post("leads/batch", {"leads": leads}, **{"Idempotency-Key": "one"})
        results = said(answer)["results"]
        assert [one["outcome"] for one in results] == ["created", *["refused"] * len(bad), "created", "refused"]
        for why, one in zip(bad, results[1:], strict=False):
            assert why in one["detail"], one
    assert sorted(Lead.objects.values_list("first_name", flat=True)) == ["Ben", "Cal"]
    (only,) = said(ana.post("leads/batch", {"leads": [{"first_name": "Ann", "x" * 9_000: 1, **mine}]}))["results"]
    assert (only["outcome"], len(only["detail"]) < 300) == ("refused", True)
    for body in ({}, [], {"leads": {}}, {"leads": None}, {"leads": [], "more": 1}, {"leads": leads, "more": 1}):
        refusal(ana.post("leads/batch", body), 422)
    assert Lead.objects.count() == 2


def test_i3_a_thousand_at_once_take_no_more_queries_than_two(harbor: Brokerage, ana: Program) -> None:
    def queries(count: int, first: int) -> int:
        many = [
            {"first_name": "A", "emails": [f"a{first + number}@example.com"], "unit_id": harbor.lakeside.pk}
            for number in range(count)
        ]
        with CaptureQueriesContext(
            connection,
        ) as caught:
            answer = said(ana.post("leads/batch", {"leads": many}))
        assert {one["outcome"] for one in answer["results"]} == {"created"}
        return len(caught)

    few = queries(2, 0)
    assert queries(1000, 10) <= few + 2
    assert Lead.objects.count() == 1002


def test_i6_somebody_she_may_not_see_is_not_found(harbor: Brokerage, ana: Program) -> None:
    make_lead(harbor.hilltop, first_name="Maya", emails=["maya@example.com"])
    answer = said(ana.post("leads", {**MAYA, "owner_id": harbor.ana.pk}))
    assert answer["outcome"] == "created"
    again = ana.post("leads", {**MAYA, "owner_id": harbor.ana.pk})
    assert (again.status_code, said(again)["outcome"], said(again)["id"]) == (200, "existing", answer["id"])


def test_i3_who_is_there_already_is_brought_up_to_date_where_she_works_the_lead(
    harbor: Brokerage, ana: Program
) -> None:
    lead = make_lead(harbor.ana, first_name="Maya", emails=["maya@example.com"], city="Reno")
    sent = {**MAYA, "owner_id": harbor.ana.pk, "duplicates": "update", "source": "Partner", "tags": ["hot"]}
    answer = said(ana.post("leads", sent))
    assert (answer["outcome"], answer["id"]) == ("updated", lead.public_id)
    lead.refresh_from_db()
    assert (lead.last_name, lead.city, lead.tags, str(lead.source)) == ("O’Brien", "Reno", ["hot"], "Partner")
    assert ContactPoint.objects.filter(lead=lead).count() == 2
    seen = Program(harbor.lead)
    assert said(seen.post("leads", {**sent, "owner_id": harbor.ben.pk, "city": "Elko"}))["outcome"] == "existing"
    lead.refresh_from_db()
    assert lead.city == "Reno"


# --- once -------------------------------------------------------------------------------------------------------------


def test_i3_a_repeated_key_is_answered_the_same_and_done_once(harbor: Brokerage, ana: Program) -> None:
    sent = {**MAYA, "owner_id": harbor.ana.pk, "duplicates": "create"}
    first = ana.post("leads", sent, **{"Idempotency-Key": "one"})
    again = ana.post("leads", sent, **{"Idempotency-Key": "one"})
    assert (again.status_code, said(again)) == (201, said(first))
    assert again["Idempotency-Replayed"] == "true"
    assert Lead.objects.count() == 1
    assert "another request" in refusal(ana.post("leads", {**sent, "city": "Elko"}, **{"Idempotency-Key": "one"}), 422)
    Program(harbor.broker).post("leads", sent, **{"Idempotency-Key": "one"})
    assert Lead.objects.count() == 2, "a key is its person’s"
    refusal(ana.post("leads", sent, **{"Idempotency-Key": "x" * 256}), 400)


def test_i3_what_was_refused_may_be_sent_again_with_its_key(harbor: Brokerage, ana: Program) -> None:
    refusal(ana.post("leads", {**MAYA, "owner_id": harbor.ben.pk}, **{"Idempotency-Key": "one"}), 422)
    assert ana.post("leads", {**MAYA, "owner_id": harbor.ana.pk}, **{"Idempotency-Key": "one"}).status_code == 201


def test_i3_twenty_posts_with_one_key_at_once_make_one_lead(committing_db: str) -> None:
    harbor = brokerage()
    ana = Program(harbor.ana)
    sent = {**MAYA, "owner_id": harbor.ana.pk, "duplicates": "create"}
    keyed = {"Idempotency-Key": "one"}
    answers = together(*[lambda: ana.post("leads", sent, **keyed)] * 20)
    assert {answer.status_code for answer in answers} == {201}
    assert len({said(answer)["id"] for answer in answers}) == 1
    assert Lead.objects.count() == 1


def test_i3_ten_of_one_person_at_once_without_a_key_make_one_lead(committing_db: str) -> None:
    harbor = brokerage()
    ana = Program(harbor.ana)
    answers = together(*[lambda: ana.post("leads", {**MAYA, "owner_id": harbor.ana.pk})] * 10)
    assert sorted(said(answer)["outcome"] for answer in answers) == ["created"] + ["existing"] * 9
    assert Lead.objects.count() == 1


# --- seen and changed -------------------------------------------------------------------------------------------------


def test_v1_a_token_sees_exactly_what_its_person_sees(harbor: Brokerage) -> None:
    own = make_lead(harbor.ana, first_name="Own")
    hidden = make_lead(harbor.ana, first_name="Hidden", last_name="Secret", hidden=True)
    team = make_lead(harbor.lakeside, first_name="Team")
    bens = make_lead(harbor.ben, first_name="Bens")
    for user in (harbor.ana, harbor.ben, harbor.lead, harbor.broker, harbor.eve, stranger()):
        program = Program(user)
        found = program.get("leads")
        ids = {one.get("id") for one in found["leads"]}
        keyring = load_keyring(fresh(user))
        seen = set(Lead.objects.visible_to(keyring, Level.VIEW).values_list("public_id", flat=True))
        assert ids - {None} == seen
        assert found["count"] == Lead.objects.visible_to(keyring).count()
        for lead in (own, hidden, team, bens):
            assert (program.ask("GET", f"leads/{lead.public_id}").status_code == 200) == (lead.public_id in seen)
    managers = Program(harbor.lead).ask("GET", "leads")
    assert b"Secret" not in managers.content
    (closed,) = [one for one in said(managers)["leads"] if one["redacted"]]
    assert set(closed) == {
        *("redacted", "first_name", "stage", "owner", "score", "last_activity_at", "communications"),
    }


def test_i3_a_lead_is_changed_as_far_as_she_works_it_and_never_its_owner(harbor: Brokerage, ana: Program) -> None:
    lead = make_lead(harbor.lakeside, first_name="Maya", emails=["maya@example.com"], agent=harbor.ana)
    path = f"leads/{lead.public_id}"
    stage = next(one for one in ana.get("stages") if one["name"] == "Contacted")
    answer = ana.ask("PATCH", path, {"city": "Reno", "phones": ["2015550199"], "stage_id": stage["id"]})
    assert answer.status_code == 200
    assert (said(answer)["city"], said(answer)["stage"]["name"]) == ("Reno", "Contacted")
    assert (said(answer)["phones"], said(answer)["emails"]) == (["+12015550199"], ["maya@example.com"])
    for owner in ("owner_id", "user_id", "unit_id", "hidden"):
        assert owner in refusal(ana.ask("PATCH", path, {owner: harbor.ana.pk}), 422)
    refusal(ana.ask("PATCH", path, {"stage_id": 2**40}), 422)
    refusal(ana.ask("PATCH", path, {"emails": ["x"]}), 422)
    refusal(Program(harbor.eve).ask("PATCH", path, {"city": "Elko"}), 404)
    bens = make_lead(harbor.ben, first_name="B")
    refusal(Program(harbor.lead).ask("PATCH", f"leads/{bens.public_id}", {"city": "Elko"}), 403)
    lead.refresh_from_db()
    assert (lead.city, lead.owner_unit) == ("Reno", harbor.lakeside)


def test_i3_a_timeline_is_read_and_written(harbor: Brokerage, ana: Program) -> None:
    lead = make_lead(harbor.ana, first_name="Maya")
    path = f"leads/{lead.public_id}/activities"
    sent = {"kind": "call", "direction": "out", "outcome": "reached", "body": "Talked."}
    for _ in range(2):
        assert ana.post(path, sent, **{"Idempotency-Key": "c"}).status_code == 201
    (one,) = ana.get(path)["activities"]
    assert (one["kind"], one["outcome"], one["body"], one["by"]["name"]) == ("call", "reached", "Talked.", "Ana")
    refusal(ana.post(path, {"kind": "call"}), 422)
    refusal(ana.post(path, {"kind": "system", "body": "x"}), 422)
    refusal(Program(harbor.eve).post(path, sent), 404)
    refusal(Program(harbor.eve).ask("GET", path), 404)
    lead.refresh_from_db()
    assert lead.attempts == 1


def test_l6_leads_are_found_by_the_filters_of_the_people_page(harbor: Brokerage, ana: Program) -> None:
    for number in range(60):
        make_lead(harbor.ana, first_name=f"Lead {number}", state="NV" if number % 2 else "CA")
    first = ana.get("leads?state=nv&sort=-created")
    assert (first["count"], len(first["leads"]), first["next"]) == (30, 30, "")
    page = ana.get("leads")
    rest = ana.get(f"leads?cursor={page['next']}")
    assert (len(page["leads"]), len(rest["leads"]), rest["next"]) == (50, 10, "")
    assert "frobnicate" in refusal(ana.ask("GET", "leads?frobnicate=1"), 422)
    assert "score_min" in refusal(ana.ask("GET", "leads?score_min=x"), 422)
    for name in ("columns", "view"):
        assert name in refusal(ana.ask("GET", f"leads?{name}=score"), 422)


def test_i3_a_change_that_leaves_nobody_is_refused_whole(harbor: Brokerage, ana: Program) -> None:
    lead = make_lead(harbor.ana, first_name="Maya", last_name="", phones=["2015550123"], city="Newark")
    path = f"leads/{lead.public_id}"
    assert said(ana.ask("PATCH", path, {"first_name": "", "city": "Trenton"}))["city"] == "Trenton"
    refusal(ana.ask("PATCH", path, {"phones": [], "city": "Camden"}), 422)
    lead.refresh_from_db()
    assert (lead.city, lead.contact_points.count()) == ("Trenton", 1)
    assert said(ana.ask("PATCH", path, {"phones": [], "company_name": "Ash & Co"}))["phones"] == []
