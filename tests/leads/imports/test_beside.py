"""Who is not to be called or written to, and notes, from columns of a file (I1, L1, D14)."""

from __future__ import annotations

import pytest

from leads.batches.drafting import confirm, draft, preview
from leads.batches.running import carry_on as work_off
from leads.imports.running import carry_on
from leads.imports.services import Options, start_run
from leads.messaging.gates import why_shut
from leads.models import Activity, Consent, ImportChange, ImportRun, Lead
from leads.services.consenting import mark_do_not_call, record_consent
from permissions.keyring import load_keyring
from tests.dialer.test_gates import gates
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import bring, counts, csv_of, reasons, start

pytestmark = pytest.mark.django_db
HEADER = "Name,E-mail,Phone,DNC,Email Opt Out,Text opt out,Notes"
ANA = "Ana Silva,ana@mail.example,201-555-0101"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def file_of(*lines: str, header: str = HEADER) -> bytes:
    return csv_of(*lines, header=header)


def update(harbor: Brokerage, *lines: str, header: str = HEADER) -> ImportRun:
    return bring(harbor.ana, harbor.ana, file_of(*lines, header=header), duplicates="update")


def said(lead: Lead) -> list[tuple[str, bool]]:
    return list(Consent.objects.filter(lead=lead).order_by("pk").values_list("kind", "given"))


def timeline(lead: Lead) -> list[tuple[str, str]]:
    return list(Activity.objects.filter(lead=lead).order_by("pk").values_list("kind", "body"))


def take_back(run: ImportRun) -> None:
    actor = run.created_by
    batch = preview(actor=actor, batch=draft(actor=actor, verb="import", scope={"import": run.pk}), params={})
    confirm(actor=actor, batch=batch)
    work_off(batch.pk)


# --- new leads --------------------------------------------------------------------------------------------------------


def test_d14_who_is_not_to_be_called_or_written_to_comes_in_so(harbor: Brokerage) -> None:
    run = bring(harbor.ana, harbor.ana, file_of(f"{ANA},Yes,TRUE,x,", "Ben,ben@mail.example,,no,0,,", "Cal,,,,,,"))
    assert run.mapping == ["name", "email", "phone", "do_not_call", "no_email", "no_text", "note"]
    assert counts(run) == (3, 0, 0)
    ana, ben, cal = Lead.objects.order_by("pk")
    assert ana.do_not_call
    assert said(ana) == [("email", False), ("text", False)]
    assert why_shut(ana) == "Opted out of e-mails."
    assert gates(ana) == ["do_not_call"]
    assert "opted_out" in gates(ana, kind="text")
    assert timeline(ana) == [
        ("system", "Marked do not call: From people.csv"),
        ("system", "Opted out of e-mails: From people.csv"),
        ("system", "Opted out of texts: From people.csv"),
    ]
    word = Consent.objects.filter(lead=ana).order_by("pk")[0]
    assert (word.words, word.recorded_by, word.company) == ("From people.csv", harbor.ana, harbor.company)
    for lead in (ben, cal):
        assert (lead.do_not_call, said(lead), timeline(lead)) == (False, [], [])


@pytest.mark.parametrize("text", ["yes", "Y", "true", "1", "x", " X ", "T"])
def test_d14_a_yes_is_one_however_it_is_written(harbor: Brokerage, text: str) -> None:
    bring(harbor.ana, harbor.ana, file_of(f"Ana,{text}", header="Name,Do Not Call"))
    assert Lead.objects.get().do_not_call


@pytest.mark.parametrize("text", ["no", "N", "false", "0", "", " "])
def test_d14_a_no_sets_nothing(harbor: Brokerage, text: str) -> None:
    bring(harbor.ana, harbor.ana, file_of(f"Ana,{text}", header="Name,Do Not Call"))
    assert not Lead.objects.get().do_not_call


@pytest.mark.parametrize("text", ["maybe", "2", "🙂", "-", "2020-01-01", "'; DROP TABLE x"])
def test_d14_what_is_neither_is_rejected(harbor: Brokerage, text: str) -> None:
    run = bring(harbor.ana, harbor.ana, file_of(f"Ana,{text}", header="Name,Email Opt Out"))
    assert counts(run) == (0, 0, 1)
    assert reasons(run) == {2: f"Email Opt Out: “{text}” is neither yes nor no."}


def test_d14_do_not_contact_is_all_of_it_and_several_columns_add_up(harbor: Brokerage) -> None:
    header = "Name,Do not contact,Phone 1 DNC,Phone 2 DNC"
    bring(harbor.ana, harbor.ana, file_of("Ana,yes,,", "Ben,,no,yes", header=header))
    ana, ben = Lead.objects.order_by("pk")
    assert (ana.do_not_call, said(ana)) == (True, [("email", False), ("text", False)])
    assert (ben.do_not_call, said(ben)) == (True, [])


def test_l1_a_note_is_on_the_timeline_and_no_work_on_the_lead(harbor: Brokerage) -> None:
    header = "Name,Notes,Background"
    run = bring(harbor.ana, harbor.ana, file_of('Ana,"Likes 🐈,\nand lakes",Teacher', "Ben,n/a,", header=header))
    ana, ben = Lead.objects.order_by("pk")
    note = Activity.objects.get(lead=ana)
    assert (note.kind, note.body) == ("note", "Likes 🐈,\nand lakes\n\nTeacher")
    assert (note.actor, note.automatic, note.bulk) == (harbor.ana, True, False)
    assert timeline(ben) == []
    assert ImportRun.objects.get() == run


def test_i1_a_trial_writes_nothing_of_it(harbor: Brokerage) -> None:
    there = make_lead(harbor.ana, emails=["ana@mail.example"])
    run = start(
        harbor.ana, harbor.ana, file_of(f"{ANA},y,y,y,Hello", "Ben,,,y,y,y,Hi"), duplicates="update", trial=True
    )
    carry_on(run.pk)
    there.refresh_from_db()
    assert (there.do_not_call, Consent.objects.count(), Activity.objects.count()) == (False, 0, 0)
    start_run(actor=harbor.ana, run=run, mapping=run.mapping, owner=harbor.ana, options=Options(duplicates="update"))
    carry_on(run.pk)
    carry_on(run.pk)
    assert Consent.objects.count() == 4
    assert Activity.objects.filter(kind="note").count() == 2


# --- leads that are there ---------------------------------------------------------------------------------------------


def test_d14_an_update_sets_and_never_takes_away(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, emails=["ana@mail.example"], phones=["201-555-0101"])
    keyring = load_keyring(harbor.ana)
    mark_do_not_call(keyring=keyring, actor=harbor.ana, lead=lead, on=True)
    record_consent(keyring=keyring, actor=harbor.ana, lead=lead, kind="email", given=False)
    update(harbor, f"{ANA},no,no,no,", header=HEADER)
    lead.refresh_from_db()
    assert (lead.do_not_call, lead.first_name) == (True, "Ana")
    assert said(lead) == [("email", False)]
    assert reasons(update(harbor, f"{ANA},,,,")) == {2: "The lead has all of it already."}
    assert reasons(update(harbor, f"{ANA},yes,yes,,")) == {2: "The lead has all of it already."}


def test_d14_an_update_is_the_latest_word(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, emails=["ana@mail.example"])
    record_consent(keyring=load_keyring(harbor.ana), actor=harbor.ana, lead=lead, kind="email", given=True)
    run = update(harbor, "ana@mail.example,yes,yes,Called twice", header="E-mail,Unsubscribed,DNC,Comments")
    assert run.updated == 1
    lead.refresh_from_db()
    assert lead.do_not_call
    assert said(lead) == [("email", True), ("email", False)]
    assert timeline(lead)[1:] == [
        ("note", "Called twice"),
        ("system", "Marked do not call: From people.csv"),
        ("system", "Opted out of e-mails: From people.csv"),
        ("system", "Updated from people.csv."),
    ]


def test_i1_a_note_comes_once(harbor: Brokerage) -> None:
    make_lead(harbor.ana, emails=["ana@mail.example"])
    header = "E-mail,Notes"
    assert update(harbor, "ana@mail.example,Hello", header=header).updated == 1
    again = update(harbor, "ana@mail.example,Hello", header=header)
    assert reasons(again) == {2: "The lead has all of it already."}
    assert Activity.objects.filter(kind="note").count() == 1


# --- taking it back ---------------------------------------------------------------------------------------------------


def test_i1_taking_it_back_takes_back_what_the_import_set(harbor: Brokerage) -> None:
    keyring = load_keyring(harbor.ana)
    lead = make_lead(harbor.ana, emails=["ana@mail.example"])
    marked = make_lead(harbor.ana, emails=["ben@mail.example"])
    mark_do_not_call(keyring=keyring, actor=harbor.ana, lead=marked, on=True)
    record_consent(keyring=keyring, actor=harbor.ana, lead=marked, kind="email", given=False)
    lines = ("Ana,ana@mail.example,,y,y,y,Hi", "Ben,ben@mail.example,,y,y,y,Hi", "Cal,cal@mail.example,,y,y,y,Hi")
    run = update(harbor, *lines)
    assert (run.updated, run.imported) == (2, 1)
    take_back(run)
    lead.refresh_from_db()
    marked.refresh_from_db()
    assert (lead.do_not_call, said(lead)) == (False, [])
    assert (marked.do_not_call, said(marked)) == (True, [("email", False)])
    assert Lead.objects.filter(removed_at=None).count() == 2
    assert not ImportChange.objects.exists()


def test_i1_what_a_person_said_since_stays(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, emails=["ana@mail.example"])
    run = update(harbor, "ana@mail.example,y", header="E-mail,Opted out")
    record_consent(keyring=load_keyring(harbor.ana), actor=harbor.ana, lead=lead, kind="email", given=False)
    take_back(run)
    assert said(lead) == [("email", False)]
    assert why_shut(lead) == "Opted out of e-mails."


def test_i1_a_mark_that_a_person_took_away_leaves_the_lead_alone(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, emails=["ana@mail.example"], city="Bonn")
    run = update(harbor, "ana@mail.example,y,Kiel", header="E-mail,DNC,City")
    mark_do_not_call(keyring=load_keyring(harbor.ana), actor=harbor.ana, lead=Lead.objects.get(), on=False)
    take_back(run)
    lead.refresh_from_db()
    assert (lead.do_not_call, lead.city) == (False, "Kiel")
