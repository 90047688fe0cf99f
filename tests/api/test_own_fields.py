"""I3 with L1: a company's own fields are sent, read and changed by programs as people type them."""

from __future__ import annotations

import pytest

from leads.models import CustomField, Lead
from tests.api.asking import Program, refusal, said
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.support.racing import together

MAYA = {"first_name": "Maya", "emails": ["maya@example.com"]}


def with_fields(harbor: Brokerage) -> Brokerage:
    for key, kind, choices in (
        ("county", "text", []),
        ("rooms", "number", []),
        ("moves-in", "date", []),
        ("pool", "choice", ["Yes", "No"]),
    ):
        CustomField.objects.create(company=harbor.company, key=key, label=key.title(), kind=kind, choices=choices)
    return harbor


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return with_fields(brokerage())


@pytest.fixture
def ana(harbor: Brokerage) -> Program:
    return Program(harbor.ana)


def test_i3_own_fields_are_listed_and_sent_as_people_write_them(harbor: Brokerage, ana: Program) -> None:
    CustomField.objects.create(company=stranger().company, key="theirs", label="Theirs")
    listed = ana.get("fields")
    assert [(one["key"], one["kind"]) for one in listed] == [
        ("county", "text"),
        ("moves-in", "date"),
        ("pool", "choice"),
        ("rooms", "number"),
    ]
    custom = {"county": "Washoe 😀", "rooms": "1,200.50", "moves-in": "3/1/2027", "pool": " yes "}
    sent = ana.post("leads", {**MAYA, "owner_id": harbor.ana.pk, "custom": {**custom, "county": "Washoe 😀"}})
    assert sent.status_code == 201
    kept = {"county": "Washoe 😀", "rooms": "1200.50", "moves-in": "2027-03-01", "pool": "Yes"}
    assert ana.get(f"leads/{said(sent)['id']}")["custom"] == kept


@pytest.mark.parametrize(
    ("custom", "why"),
    [
        ({"theirs": "x"}, "theirs"),
        ({"rooms": "many"}, "Rooms: “many” is not a number"),
        ({"moves-in": "2027-02-30"}, "is not a day"),
        ({"pool": "Maybe"}, "none of Yes, No"),
        ({"county": "\x00"}, "county"),
        ({"county": 1}, "county"),
        ("x", "custom"),
    ],
)
def test_i3_what_an_own_field_cannot_keep_is_refused_and_nothing_changed(
    harbor: Brokerage, ana: Program, custom: object, why: str
) -> None:
    CustomField.objects.create(company=stranger().company, key="theirs", label="Theirs")
    lead = make_lead(harbor.ana, custom={"county": "Elko"})
    assert why in refusal(ana.ask("PATCH", f"leads/{lead.public_id}", {"city": "Reno", "custom": custom}), 422)
    assert why in refusal(ana.post("leads", {**MAYA, "owner_id": harbor.ana.pk, "custom": custom}), 422)
    lead.refresh_from_db()
    assert (lead.city, lead.custom, Lead.objects.count()) == ("", {"county": "Elko"}, 1)


def test_i3_a_change_leaves_own_fields_alone_that_it_does_not_name(harbor: Brokerage, ana: Program) -> None:
    lead = make_lead(harbor.ana, custom={"county": "Elko", "rooms": "3", "gone": "kept"})
    answer = said(ana.ask("PATCH", f"leads/{lead.public_id}", {"custom": {"rooms": "", "pool": "no"}}))
    assert answer["custom"] == {"county": "Elko", "gone": "kept", "pool": "No"}


def test_i3_who_is_there_already_gets_new_values_and_a_bad_one_leaves_others_alone(
    harbor: Brokerage, ana: Program
) -> None:
    lead = make_lead(harbor.ana, emails=["maya@example.com"], custom={"county": "Elko"})
    common = {"owner_id": harbor.ana.pk, "duplicates": "update"}
    known = {**MAYA, **common, "custom": {"rooms": "4"}}
    other = {"first_name": "Ben", **common, "custom": {"rooms": "four"}}
    results = said(ana.post("leads/batch", {"leads": [other, known]}))["results"]
    assert [one["outcome"] for one in results] == ["refused", "updated"]
    lead.refresh_from_db()
    assert lead.custom == {"county": "Elko", "rooms": "4"}


def test_i3_two_programs_that_change_two_own_fields_at_once_lose_neither(committing_db: str) -> None:
    harbor = with_fields(brokerage())
    lead, programs = make_lead(harbor.ana), [Program(harbor.ana) for _ in range(2)]
    for turn in range(5):
        changes = {"county": f"C{turn}"}, {"rooms": f"{turn}"}
        together(
            *(
                lambda one=one, custom=custom: one.ask("PATCH", f"leads/{lead.public_id}", {"custom": custom})
                for one, custom in zip(programs, changes, strict=True)
            )
        )
        lead.refresh_from_db()
        assert lead.custom == {"county": f"C{turn}", "rooms": f"{turn}"}
