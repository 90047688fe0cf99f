"""Skipped rows whose people want no calls or messages: their word reaches the leads that are there (I1, D14)."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads.imports import running
from leads.imports.duplicates import WORD_KEPT, WORD_LOST
from leads.imports.running import carry_on
from leads.imports.services import Options, start_run
from leads.messaging.gates import why_shut
from leads.models import Activity, Consent, ContactPoint, ImportChange, Lead
from tests.dialer.test_gates import gates
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import bring, counts, csv_of, reasons, start
from tests.leads.imports.test_beside import said, take_back

pytestmark = pytest.mark.django_db
HEADER = "Name,E-mail,Phone,DNC,Email Opt Out,City"
THERE = "A lead with the same e-mail is there already."


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def file_of(*lines: str) -> bytes:
    return csv_of(*lines, header=HEADER)


def test_d14_a_skipped_row_still_stops_calls_and_messages(harbor: Brokerage, client: Client) -> None:
    lead = make_lead(harbor.ana, first_name="Ana", emails=["ana@mail.example"], phones=["201-555-0101"])
    content = file_of("Else,ana@mail.example,201-555-0199,yes,yes,Bonn", "Ben,ben@mail.example,,,,")
    run = bring(harbor.ana, harbor.ana, content, tags=["new"])
    assert counts(run) == (1, 1, 0)
    assert reasons(run) == {2: f"{THERE} {WORD_KEPT}"}
    lead.refresh_from_db()
    assert (lead.do_not_call, lead.first_name, lead.city, lead.tags) == (True, "Ana", "", [])
    assert ContactPoint.objects.filter(lead=lead).count() == 2
    assert gates(lead) == ["do_not_call"]
    assert why_shut(lead) == "Opted out of e-mails."
    client.force_login(harbor.ana)
    page = client.get(f"/import/{run.public_id}/").content.decode()
    assert "1 lead that was here already is not to be called or written to any more" in page
    assert "Take it back" in page


def test_d14_a_skipped_row_says_it_once_and_never_takes_back(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, emails=["ana@mail.example"])
    for text in ("yes", "yes", "no", ""):
        bring(harbor.ana, harbor.ana, file_of(f",ana@mail.example,,{text},{text},"))
    lead.refresh_from_db()
    assert lead.do_not_call
    assert said(lead) == [("email", False)]
    assert Activity.objects.filter(lead=lead).count() == 2


def test_d14_every_lead_like_it_that_is_hers_hears_of_it(harbor: Brokerage) -> None:
    twins = [make_lead(harbor.ana, emails=["ana@mail.example"]) for _ in range(2)]
    others = [make_lead(owner, emails=["ana@mail.example"]) for owner in (harbor.eve, harbor.lakeside)]
    bring(harbor.ana, harbor.ana, file_of(",ana@mail.example,,yes,yes,"))
    marked = set(Lead.objects.filter(do_not_call=True).order_by("pk").values_list("pk", flat=True))
    assert marked == {lead.pk for lead in twins}
    assert not Consent.objects.filter(lead__in=others).exists()


def test_d14_what_cannot_be_taken_over_is_said(harbor: Brokerage) -> None:
    """She reads the leads of her people, and may not change them."""
    lead = make_lead(harbor.ana, emails=["ana@mail.example"])
    run = bring(harbor.lead, harbor.lead, file_of(",ana@mail.example,,yes,,", "Cal,ana@mail.example,,,,"))
    assert reasons(run) == {2: f"{THERE} {WORD_LOST}", 3: THERE}
    lead.refresh_from_db()
    assert not lead.do_not_call


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("owner", ["ana", "lakeside"])
def test_d14_the_word_of_a_twin_further_down_is_heard(
    harbor: Brokerage, monkeypatch: pytest.MonkeyPatch, size: int, owner: str
) -> None:
    """Also of a unit's lead, which she does not see once it is made."""
    monkeypatch.setattr(running, "CHUNK", size)
    lines = ["Ana,ana@mail.example,,,,", "Ana,ana@mail.example,,yes,,", "Ana,ana@mail.example,,,yes,"]
    run = bring(harbor.ana, getattr(harbor, owner), file_of(*lines))
    lead = Lead.objects.get()
    assert (lead.do_not_call, said(lead)) == (True, [("email", False)])
    words = f"It has the same e-mail as line 2 of this file. {WORD_KEPT}"
    assert reasons(run) == {3: words, 4: words}
    take_back(run)
    assert not ImportChange.objects.exists()
    assert owner == "lakeside" or not Lead.objects.filter(removed_at=None).exists()


@pytest.mark.parametrize("size", [1, 100])
def test_i1_taking_it_back_takes_back_the_marks(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(running, "CHUNK", size)
    leads = [make_lead(harbor.ana, emails=[f"p{n}@mail.example"]) for n in range(3)]
    run = bring(
        harbor.ana, harbor.ana, file_of(*(f",p{n}@mail.example,,yes,yes,X" for n in range(3)), ",p1@mail.example,,y,,")
    )
    assert Lead.objects.filter(do_not_call=True).count() == 3
    carry_on(run.pk)
    assert Consent.objects.count() == 3
    take_back(run)
    assert Lead.objects.filter(do_not_call=True, removed_at=None).count() == 0
    assert [said(lead) for lead in leads] == [[], [], []]


def test_i1_a_trial_says_so_and_marks_nobody(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, emails=["ana@mail.example"])
    run = start(harbor.ana, harbor.ana, file_of(",ana@mail.example,,yes,yes,"), trial=True)
    carry_on(run.pk)
    lead.refresh_from_db()
    assert (lead.do_not_call, said(lead), Activity.objects.count()) == (False, [], 0)
    foreseen = reasons(run)
    start_run(actor=harbor.ana, run=run, mapping=run.mapping, owner=harbor.ana, options=Options())
    carry_on(run.pk)
    assert reasons(run) == foreseen == {2: f"{THERE} {WORD_KEPT}"}
    lead.refresh_from_db()
    assert lead.do_not_call


def test_d14_the_number_of_queries_does_not_grow_with_marks(harbor: Brokerage) -> None:
    asked = []
    for count in (2, 60):
        for n in range(count):
            make_lead(harbor.ana, emails=[f"p{count}.{n}@mail.example"])
        content = file_of(*(f",p{count}.{n}@mail.example,,yes,yes,X" for n in range(count)))
        with CaptureQueriesContext(connection) as queries:
            bring(harbor.ana, harbor.ana, content)
        asked.append(len(queries))
    assert asked[1] <= asked[0]


@pytest.mark.parametrize("number", [1, 2])
def test_d14_a_row_that_updates_none_of_them_still_stops_calls(harbor: Brokerage, number: int) -> None:
    """Of several like it, or of one that an earlier line updates."""
    leads = [make_lead(harbor.ana, emails=["ana@mail.example"]) for _ in range(number)]
    others = make_lead(harbor.eve, emails=["ana@mail.example"])
    content = file_of(*([",ana@mail.example,,,,Bonn"] if number == 1 else []), ",ana@mail.example,,yes,yes,")
    run = bring(harbor.ana, harbor.ana, content, duplicates="update")
    (why,) = reasons(run).values()
    assert why.endswith(WORD_KEPT)
    assert set(Lead.objects.filter(do_not_call=True).order_by("pk")) == set(leads)
    assert [said(lead) for lead in [*leads, others]] == [*[[("email", False)]] * number, []]
    take_back(run)
    assert not Lead.objects.filter(do_not_call=True).exists()
    assert {lead.city for lead in Lead.objects.order_by("pk")} == {""}
    assert [said(lead) for lead in leads] == [[]] * number


def test_i1_all_that_skipped_rows_say_of_one_lead_is_taken_back(
    harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK", 1)
    lead = make_lead(harbor.ana, emails=["ana@mail.example"])
    run = bring(harbor.ana, harbor.ana, file_of(",ana@mail.example,,yes,,", ",ana@mail.example,,,yes,"))
    assert said(lead) == [("email", False)]
    take_back(run)
    lead.refresh_from_db()
    assert (lead.do_not_call, said(lead)) == (False, [])
