"""Duplicates: by which keys, among which leads, and what the answer may tell (I6, V3, V5)."""

from __future__ import annotations

import pytest

from leads.imports import running
from leads.models import ImportedKey, Lead
from leads.services.working import edit_lead
from permissions.keyring import load_keyring
from tests.factories.leads import assign, make_lead
from tests.factories.people import fresh, leave_unit
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import bring, counts, csv_of, people, reasons

pytestmark = pytest.mark.django_db
ANA = "Ana,Silva,ana@mail.example,201-555-0101"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def outcome(harbor: Brokerage, *lines: str) -> dict[int, str]:
    return reasons(bring(harbor.ana, harbor.ana, csv_of(*lines)))


def test_i6_the_same_email_is_the_same_person(harbor: Brokerage) -> None:
    make_lead(harbor.ana, emails=["ana@mail.example"], first_name="Somebody", last_name="Else")
    assert outcome(harbor, "Ana,Silva,Ana@Mail.example,") == {2: "A lead with the same e-mail is there already."}


def test_i6_the_same_phone_counts_only_with_the_same_name(harbor: Brokerage) -> None:
    make_lead(harbor.ana, phones=["201-555-0101"], first_name="ANA", last_name="silva")
    assert outcome(harbor, "Ana,Silva,,(201) 555 0101", "Ben,Silva,,201-555-0101") == {
        2: "A lead with the same phone and name is there already."
    }


def test_i6_a_phone_without_a_name_is_not_everybody(harbor: Brokerage) -> None:
    make_lead(harbor.ana, phones=["201-555-0101"], first_name="Ana", last_name="Silva")
    assert outcome(harbor, ",,,201-555-0101", ",,,201-555-0101") == {
        3: "It has the same phone and name as line 2 of this file."
    }


def test_i6_a_lead_one_may_not_see_is_not_found(harbor: Brokerage) -> None:
    make_lead(harbor.eve, emails=["ana@mail.example"], phones=["201-555-0101"], first_name="Ana", last_name="Silva")
    make_lead(harbor.lakeside, emails=["ben@mail.example"])
    assert counts(bring(harbor.ana, harbor.ana, csv_of(ANA, "Ben,Berg,ben@mail.example,"))) == (2, 0, 0)


def test_v5_a_lead_one_sees_redacted_is_not_found_by_what_is_concealed(harbor: Brokerage) -> None:
    hidden = make_lead(harbor.ana, emails=["ana@mail.example"], hidden=True)
    assert Lead.objects.visible_to(harbor.lead).filter(pk=hidden.pk).exists()
    assert counts(bring(harbor.lead, harbor.lakeside, csv_of(ANA))) == (1, 0, 0)


def test_i6_what_another_rule_opens_is_found(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, emails=["ana@mail.example"])
    assign(lead, harbor.ana)
    assert list(outcome(harbor, ANA)) == [2]


def test_i6_nothing_crosses_companies(harbor: Brokerage) -> None:
    other = brokerage()
    bring(other.broker, other.whole, csv_of(ANA))
    assert counts(bring(harbor.broker, harbor.whole, csv_of(ANA))) == (1, 0, 0)


def test_i6_the_same_file_twice_makes_nothing_twice(harbor: Brokerage) -> None:
    content = csv_of(ANA, "Ben,Berg,,201-555-0102", "Cal,Cook,,", ",,dee@mail.example,")
    assert counts(bring(harbor.lead, harbor.lakeside, content)) == (4, 0, 0)
    again = bring(harbor.lead, harbor.lakeside, content)
    assert counts(again) == (0, 4, 0)
    assert reasons(again) == {
        2: "It has the same e-mail as line 2 of people.csv, imported before.",
        3: "It has the same phone and name as line 3 of people.csv, imported before.",
        4: "It has the same values as line 4 of people.csv, imported before.",
        5: "It has the same e-mail as line 5 of people.csv, imported before.",
    }


def test_i6_an_import_knows_its_own_rows_when_their_leads_are_out_of_sight(harbor: Brokerage) -> None:
    bring(harbor.ana, harbor.lakeside, csv_of(ANA))
    assert not Lead.objects.visible_to(harbor.ana).exists()
    assert counts(bring(harbor.ana, harbor.ana, csv_of(ANA))) == (0, 1, 0)
    leave_unit(harbor.ana, harbor.lakeside)
    assert counts(bring(fresh(harbor.ana), harbor.ana, csv_of(ANA))) == (0, 1, 0)


def test_i6_what_became_of_a_lead_since_is_not_told(harbor: Brokerage) -> None:
    """Her rows are known by what she gave, not by what others wrote into leads she cannot see."""
    bring(harbor.ana, harbor.lakeside, csv_of(ANA))
    lead = Lead.objects.get()
    edit_lead(keyring=load_keyring(harbor.lead), lead=lead, fields={}, emails=["new@mail.example"])
    content = csv_of("Ana,Silva,new@mail.example,", ANA)
    run = bring(harbor.ana, harbor.ana, content)
    assert reasons(run) == {3: "It has the same e-mail as line 2 of people.csv, imported before."}


def test_i6_another_persons_imports_are_not_ones_own(harbor: Brokerage) -> None:
    bring(harbor.eve, harbor.eve, csv_of(ANA))
    assert counts(bring(harbor.dee, harbor.dee, csv_of(ANA))) == (1, 0, 0)


def test_i6_rows_above_count_only_if_they_went_in(harbor: Brokerage) -> None:
    lines = (
        "Ana,Silva,ana@mail.example,201-555-0101",
        "Ana,Silva,ana@mail.example,201-555-0102",  # the e-mail of line 2: its phone is not known yet
        "Ana,Silva,,201-555-0102",
        "Ana,Silva,,201-555-0102",
    )
    assert outcome(harbor, *lines) == {
        3: "It has the same e-mail as line 2 of this file.",
        5: "It has the same phone and name as line 4 of this file.",
    }


def test_i6_skipped_and_rejected_rows_leave_no_keys(harbor: Brokerage) -> None:
    make_lead(harbor.ana, emails=["ana@mail.example"])
    bring(harbor.ana, harbor.ana, csv_of(ANA, "Ben,Berg,no mail,"))
    assert not ImportedKey.objects.exists()


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_i6_the_outcome_does_not_depend_on_the_chunks(
    harbor: Brokerage, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(running, "CHUNK", size)
    lines = ["A,B,a@mail.example,", "C,D,,201-555-0101", "C,D,a@mail.example,", "C,D,,201-555-0101", "E,F,,", "E,F,,"]
    assert outcome(harbor, *lines) == {
        4: "It has the same e-mail as line 2 of this file.",
        5: "It has the same phone and name as line 3 of this file.",
        7: "It has the same values as line 6 of this file.",
    }


def test_i6_the_number_of_queries_does_not_grow_with_rows(harbor: Brokerage, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    bring(harbor.ana, harbor.ana, people(range(2)))
    with django_assert_max_num_queries(54):
        bring(harbor.ana, harbor.ana, people(range(500)))
