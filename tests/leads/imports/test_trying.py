"""Trying an import, cancelling it, taking it back (I1, M6)."""

from __future__ import annotations

from unittest import mock

import pytest

from leads.batches.drafting import confirm, draft, preview
from leads.batches.running import carry_on as work_off
from leads.batches.verb import NotNowError
from leads.imports.running import carry_on
from leads.imports.services import Options, cancel_run, start_run
from leads.models import Activity, Batch, CustomField, ImportChange, ImportedKey, ImportPart, ImportRow, ImportRun, Lead
from leads.services.working import edit_lead
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import bring, counts, csv_of, people, reasons, start

pytestmark = pytest.mark.django_db
LINES = (
    "Ana,Silva,ana@mail.example,",
    "Ben,Berg,no mail,",
    "Ana,Silva,ana@mail.example,",
    "Cal,Cook,there@mail.example,201-555-0103",
)


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def outcome(run: ImportRun) -> tuple[int, int, int, int]:
    run.refresh_from_db()
    return run.imported, run.updated, run.skipped, run.rejected


# --- trying -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicates", ["skip", "update", "create"])
@pytest.mark.parametrize("size", [1, 100])
def test_i1_what_a_trial_foretells_happens(
    harbor: Brokerage, monkeypatch: pytest.MonkeyPatch, duplicates: str, size: int
) -> None:
    monkeypatch.setattr("leads.imports.running.CHUNK", size)
    make_lead(harbor.ana, emails=["there@mail.example"], first_name="Cal", last_name="Cook")
    run = start(harbor.ana, harbor.ana, csv_of(*LINES), duplicates=duplicates, trial=True)
    assert not carry_on(run.pk)
    foretold, why = outcome(run), reasons(run)
    assert (run.state, run.is_tried, run.handled) == ("draft", True, 4)
    start_run(actor=harbor.ana, run=run, mapping=run.mapping, owner=harbor.ana, options=Options(duplicates=duplicates))
    carry_on(run.pk)
    assert (outcome(run), reasons(run), run.state) == (foretold, why, "done")
    assert foretold[3] == 1


def test_i1_a_trial_leaves_no_trace(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, emails=["there@mail.example"], first_name="Cal")
    content = csv_of(*(f"{line},red" for line in LINES), header="First name,Last name,E-mail,Phone,Car")
    run = start(harbor.ana, harbor.ana, content, duplicates="update", trial=True)
    carry_on(run.pk)
    assert Lead.objects.get() == lead
    assert lead.contact_points.count() == 1
    for model in (ImportedKey, ImportChange, Activity, CustomField):
        assert not model._default_manager.exists(), model
    assert not LedgerEntry.objects.filter(why="import").exists()
    assert ImportPart.objects.exists()


def test_i1_a_trial_can_be_broken_off_and_begun_again(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.imports.running.CHUNK", 10)
    run = start(harbor.ana, harbor.ana, people(range(25)) + b"x,y,no mail,\n", trial=True)
    with mock.patch("leads.imports.running.keep_rows", side_effect=RuntimeError("killed")), pytest.raises(RuntimeError):
        carry_on(run.pk)
    carry_on(run.pk)
    assert outcome(run) == (25, 0, 0, 1)
    assert ImportRow.objects.count() == 1


def test_i1_a_trial_is_done_in_one_go_for_it_remembers_its_rows(
    harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads.imports.running.CHUNK", 2)
    run = start(harbor.ana, harbor.ana, people([1, 2, 3, 4, 5, 1]), trial=True)
    assert not carry_on(run.pk, chunks=1)
    assert reasons(run) == {7: "It has the same e-mail as line 2 of this file."}


# --- cancelling -------------------------------------------------------------------------------------------------------


def test_i1_a_run_is_cancelled_after_the_chunk_in_hand(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.imports.running.CHUNK", 10)
    run = start(harbor.ana, harbor.ana, people(range(25)))
    carry_on(run.pk, chunks=1)
    cancel_run(actor=harbor.ben, run=run)
    cancel_run(actor=harbor.ana, run=run)
    assert not carry_on(run.pk)
    assert (counts(run), run.state, run.finished_at is not None) == ((10, 0, 0), "cancelled", True)
    assert not ImportPart.objects.exists()
    cancel_run(actor=harbor.ana, run=run)
    assert not carry_on(run.pk)


def test_i1_what_waits_is_cancelled_at_once(harbor: Brokerage) -> None:
    run = start(harbor.ana, harbor.ana, people([1]))
    cancel_run(actor=harbor.ana, run=run)
    run.refresh_from_db()
    assert (run.state, ImportPart.objects.exists()) == ("cancelled", False)


def test_i1_a_trial_that_is_cancelled_is_a_draft_again(harbor: Brokerage) -> None:
    for begun in (False, True):
        run = start(harbor.ana, harbor.ana, people([1]), trial=True)
        if begun:
            ImportRun.objects.filter(pk=run.pk).update(state="running")
        cancel_run(actor=harbor.ana, run=run)
        carry_on(run.pk)
        run.refresh_from_db()
        assert (run.state, run.trial, run.parts.exists()) == ("draft", False, True)


# --- taking back ------------------------------------------------------------------------------------------------------


def take_back(run: ImportRun) -> Batch:
    batch = preview(
        actor=run.created_by, batch=draft(actor=run.created_by, verb="import", scope={"import": run.pk}), params={}
    )
    confirm(actor=run.created_by, batch=batch)
    work_off(batch.pk)
    batch.refresh_from_db()
    return batch


def test_i1_an_import_is_taken_back_and_can_come_again(harbor: Brokerage) -> None:
    run = bring(harbor.ana, harbor.ana, people(range(5)))
    batch = take_back(run)
    assert (batch.state, batch.changed, batch.preview and batch.preview["reasons"]) == ("done", 5, {"": 5})
    assert not Lead.objects.visible_to(harbor.ana).exists()
    assert LedgerEntry.objects.filter(kind="deleted", batch_id=batch.pk).count() == 5
    assert not ImportedKey.objects.exists()
    assert counts(bring(harbor.ana, harbor.ana, people(range(5)))) == (5, 0, 0)


def test_i1_what_an_update_changed_becomes_as_it_was(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, emails=["ana@mail.example"], first_name="Anna", last_name="Silva")
    lead.tags, lead.custom, lead.price_max = ["Hot"], {"seat": "7"}, None
    lead.save()
    header = "First name,E-mail,Phone,Tags,Price to,Seat,Car"
    row = "Ana,ana@mail.example,201-555-0101,lake,500,9,red"
    run = bring(harbor.ana, harbor.ana, csv_of(row, header=header), duplicates="update")
    assert outcome(run) == (0, 1, 0, 0)
    assert take_back(run).changed == 1
    lead.refresh_from_db()
    assert (lead.first_name, lead.tags, lead.custom, lead.price_max) == ("Anna", ["Hot"], {"seat": "7"}, None)
    assert list(lead.contact_points.values_list("value", flat=True)) == ["ana@mail.example"]
    assert not ImportChange.objects.exists()
    assert take_back(run).total == 0


def test_m6_what_somebody_has_worked_with_since_is_left_alone(harbor: Brokerage) -> None:
    there = make_lead(harbor.ana, emails=["there@mail.example"], first_name="Carl")
    run = bring(harbor.ana, harbor.ana, people([1, 2]) + b"Cal,Cook,there@mail.example,\n", duplicates="update")
    first = Lead.objects.get(last_name="Last1")
    for lead in (first, there):
        edit_lead(keyring=load_keyring(harbor.ana), lead=lead, fields={"first_name": "Newer"})
    batch = take_back(run)
    assert batch.changed == 1
    items = dict(batch.items.order_by("number").values_list("lead", "reason"))
    assert (items[first.pk], items[there.pk]) == ("newer", "other")
    assert {lead.first_name for lead in Lead.objects.visible_to(harbor.ana)} == {"Newer"}


def test_i1_only_an_import_of_ones_own_that_is_over_is_taken_back(harbor: Brokerage) -> None:
    run = start(harbor.ana, harbor.ana, people([1]))
    with pytest.raises(NotNowError):
        take_back(run)
    carry_on(run.pk)
    run.created_by = harbor.broker
    with pytest.raises(NotNowError):
        take_back(run)


def test_p4_an_agent_takes_back_no_units_leads_that_she_cannot_manage(harbor: Brokerage) -> None:
    run = bring(harbor.ana, harbor.lakeside, people([1]))
    assert take_back(run).changed == 0
    assert Lead.objects.filter(removed_at=None).count() == 1
