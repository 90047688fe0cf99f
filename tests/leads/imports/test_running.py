"""A file becomes leads: whose they are, what is kept, what comes of each row, and that nothing happens twice (I1, C1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.db.models.functions import Now

from crm.organization.models import Unit, User
from leads import signals, tasks
from leads.imports import running, services, uploading
from leads.imports.reading import UnreadableFileError
from leads.imports.running import carry_on
from leads.imports.services import NotDraftError, discard_run, start_run
from leads.models import (
    ContactPoint,
    CustomField,
    ImportPart,
    ImportRow,
    ImportRun,
    Lead,
    Source,
)
from leads.search import matches
from permissions.access import Privacy
from permissions.models import LedgerEntry
from tests.factories.people import fresh, leave_company, leave_unit
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import CONTACTS, bring, counts, csv_of, keeps_lists, people, reasons, start, upload

ONE = csv_of("Ana,Silva,ana@mail.example,201-555-0101")


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 10)


def lead_named(last_name: str) -> Lead:
    return Lead.objects.get(last_name=last_name)


def points(lead: Lead) -> list[tuple[str, str, str]]:
    return list(lead.contact_points.order_by("position").values_list("kind", "value", "raw"))


# --- what becomes of a row --------------------------------------------------------------------------------------------


def test_i1_a_file_of_contacts(harbor: Brokerage) -> None:
    keeps_lists(harbor.lead)
    run = bring(harbor.lead, harbor.lakeside, CONTACTS.read_bytes())
    assert (run.state, counts(run), run.total, run.handled) == ("done", (5, 0, 0), 5, 5)
    orla = lead_named("Quist")
    assert (orla.first_name, orla.company_name) == ("Orla", "Quist, Bell & Daughters")
    assert (orla.street, orla.city, orla.state, orla.postal_code) == ("18 Heron Way", "Newark", "NJ", "07102")
    assert points(orla) == [
        ("email", "orla.quist@mail.example", "Orla.Quist@mail.example"),
        ("phone", "+12015550142", "201-555-0142"),
        ("phone", "+12015550187", "201-555-0187"),
    ]
    assert orla.custom == {"county": "Essex", "web": "https://quist.example"}
    assert orla.source is not None
    assert (orla.source.name, orla.stage.name, orla.created_by) == ("Import", "New", harbor.lead)
    assert lead_named("Núñez").street == "1 Plaza Suite 5"
    assert lead_named("Achterberg").company_name == 'Achterberg "Wen" Ltd'


def test_l1_columns_without_a_field_become_custom_fields_once(harbor: Brokerage) -> None:
    keeps_lists(harbor.lead)
    keeps_lists(harbor.dee)
    bring(harbor.lead, harbor.lakeside, CONTACTS.read_bytes())
    bring(harbor.dee, harbor.dee, CONTACTS.read_bytes())
    fields = CustomField.objects.order_by("key").values_list("key", "label", "kind")
    assert list(fields) == [("county", "County", "text"), ("web", "Web", "text")]
    assert Source.objects.count() == 1


def test_c1_a_units_leads_are_of_company_origin_and_wait_unassigned(harbor: Brokerage) -> None:
    bring(harbor.lead, harbor.lakeside, ONE)
    lead = Lead.objects.get()
    assert (lead.owner, lead.origin, lead.origin_unit, lead.privacy) == (
        *(harbor.lakeside, "company", harbor.lakeside),
        None,
    )
    assert (lead.agent, lead.holder_id) == (None, None)


def test_c1_leads_of_ones_own_are_of_agent_origin_under_the_policy_of_today(harbor: Brokerage) -> None:
    bring(harbor.ana, harbor.ana, ONE)
    lead = Lead.objects.get()
    assert (lead.owner, lead.origin, lead.origin_unit, lead.privacy) == (harbor.ana, "agent", None, Privacy.VISIBLE)
    assert lead.holder_id == harbor.ana.pk


def test_m7_each_lead_has_its_first_ledger_row(harbor: Brokerage) -> None:
    run = bring(harbor.lead, harbor.lakeside, people(range(3)))
    entries = LedgerEntry.objects.order_by("id")
    assert [entry.lead_id for entry in entries] == list(Lead.objects.order_by("pk").values_list("pk", flat=True))
    for entry in entries:
        assert (entry.kind, entry.actor_id, entry.to_unit_id, entry.to_user_id) == (
            *("created", harbor.lead.pk, harbor.lakeside.pk),
            None,
        )
        assert (entry.why, entry.detail) == ("import", {"import": run.pk})


def test_l6_imported_leads_are_found_by_search(harbor: Brokerage) -> None:
    bring(harbor.ana, harbor.ana, ONE)
    for text in ("silva", "(201) 555", "ana@mail"):
        assert Lead.objects.filter(matches(text, "US")).count() == 1, text


def test_i1_rows_keep_the_order_of_the_file(harbor: Brokerage) -> None:
    bring(harbor.ana, harbor.ana, people(range(20)))
    names = list(Lead.objects.order_by("pk").values_list("first_name", flat=True))
    assert names == [f"First{number}" for number in range(20)]


def test_16_each_line_has_its_outcome_and_bad_ones_their_reasons(harbor: Brokerage) -> None:
    content = csv_of(
        "Ana,Silva,ana@mail.example,201-555-0101",
        "Ben,Berg,ben at mail,call me",
        "Cal,,,,,surplus",
        ",,,",
        'Dee,"Diaz',
        "Eve\0,Ek,eve@mail.example,",
        "Flo,Frost,,201-555-0106",
        "Ana,Silva,ANA@mail.example,",
    )
    run = bring(harbor.ana, harbor.ana, content)
    assert counts(run) == (2, 1, 4)
    assert (run.total, run.handled) == (7, 7)
    assert reasons(run) == {
        3: "email: “ben” is not an e-mail address. phone: “call me” is not a phone number.",
        4: "It has 6 cells, but the header names 4 columns.",
        6: "A quotation mark opens on this line and is never closed.",
        7: "It holds NUL bytes, which text never has.",
        9: "It has the same e-mail as line 2 of this file.",
    }
    assert ImportRow.objects.get(run=run, number=3).cells == ["Ben", "Berg", "ben at mail", "call me"]
    imported = ImportRow.objects.filter(run=run, outcome="imported").order_by("number")
    assert [row.lead_id for row in imported] == list(Lead.objects.order_by("pk").values_list("pk", flat=True))
    assert [row.cells for row in imported] == [[], []]


def test_l1_columns_can_be_left_out_or_given_another_field(harbor: Brokerage) -> None:
    keeps_lists(harbor.ana)
    mapping = ["last_name", "custom:nick", "email", ""]
    run = start(harbor.ana, harbor.ana, ONE, mapping=mapping)
    carry_on(run.pk)
    lead = Lead.objects.get()
    assert (lead.first_name, lead.last_name, lead.custom) == ("", "Ana", {"nick": "Silva"})
    assert [kind for kind, _, _ in points(lead)] == ["email"]


def test_l1_tags_prices_and_the_like(harbor: Brokerage) -> None:
    header = "Name,Tags,Min price,Max price,Score,Type,Time zone,Language"
    lines = 'Ana Silva,"hot, lake","$350,000",1m,90,Buyer,America/Chicago,es', "Ben Berg,,,,,,,"
    bring(harbor.ana, harbor.ana, csv_of(*lines, header=header))
    ana, ben = lead_named("Silva"), lead_named("Berg")
    assert (ana.tags, ana.price_min, ana.price_max, ana.score) == (["hot", "lake"], 350_000, 1_000_000, 90)
    assert (ana.kind, ana.time_zone, ana.language) == ("buyer", "America/Chicago", "es")
    assert (ben.tags, ben.price_min, ben.score, ben.kind, ben.language) == ([], None, 0, "", "")


SHARED = sorted((Path(__file__).parents[4] / "shared" / "data").glob("us-500.csv"))


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_i1_the_list_in_wide_circulation(harbor: Brokerage, path: Path) -> None:
    run = bring(keeps_lists(harbor.lead), harbor.lakeside, path.read_bytes())
    assert counts(run) == (500, 0, 0)
    states = dict(Lead.objects.values_list("state").annotate(Count("pk")).order_by())
    assert (len(states), states["CA"], states["NJ"], states["NY"]) == (47, 72, 52, 46)
    codes = Lead.objects.filter(state="NJ").values_list("postal_code", flat=True)
    assert all(len(code) == 5 and code.startswith("0") for code in codes)
    phones = ContactPoint.objects.filter(kind="phone")
    assert phones.count() == 1000
    assert not phones.exclude(value__regex=r"^\+1\d{10}$").exists()
    assert set(CustomField.objects.values_list("key", flat=True)) == {"county", "web"}
    assert counts(bring(harbor.lead, harbor.lakeside, path.read_bytes())) == (0, 500, 0)


# --- who may, and whose --------------------------------------------------------------------------------------------


def test_p4_one_imports_for_oneself_and_for_units_one_is_in_or_manages(harbor: Brokerage) -> None:
    allowed: list[tuple[User, Unit | User]] = [
        (harbor.ana, harbor.ana),
        (harbor.ana, harbor.lakeside),
        (harbor.north_admin, harbor.hilltop),
        (harbor.broker, harbor.south),
    ]
    for number, (actor, owner) in enumerate(allowed):
        assert counts(bring(actor, owner, people([number]))) == (1, 0, 0)
    refused: list[tuple[User, Unit | User]] = [
        (harbor.ana, harbor.ben),
        (harbor.ana, harbor.hilltop),
        (harbor.ana, harbor.north),
        (harbor.lead, harbor.hilltop),
        (harbor.broker, harbor.ana),
        (harbor.broker, brokerage().lakeside),
    ]
    for actor, owner in refused:
        with pytest.raises(PermissionDenied):
            start(actor, owner, ONE)


def test_p2_without_the_permission_there_is_no_import(harbor: Brokerage) -> None:
    harbor.ana.holding.profile.permissions.remove("import_lead")
    harbor.ana.holding.profile.save()
    with pytest.raises(PermissionDenied):
        upload(fresh(harbor.ana), ONE)


def test_4_a_run_stops_where_its_maker_may_no_longer_go_on(harbor: Brokerage, small_chunks: None) -> None:
    run = start(harbor.ana, harbor.lakeside, people(range(30)))
    assert carry_on(run.pk, chunks=1)
    leave_unit(harbor.ana, harbor.lakeside)
    assert not carry_on(run.pk)
    assert counts(run) == (10, 0, 0)
    assert (run.state, run.error) == ("failed", "You may import leads for yourself and for your own units.")
    assert not ImportPart.objects.exists()
    other = start(harbor.ben, harbor.ben, people(range(50, 80)))
    leave_company(harbor.ben)
    assert not carry_on(other.pk)
    assert counts(other) == (0, 0, 0)


def test_i1_routing_is_told_chunk_by_chunk_in_the_order_of_rows(harbor: Brokerage, small_chunks: None) -> None:
    told: list[dict[str, Any]] = []

    def listen(sender: object, **kwargs: Any) -> None:
        told.append(kwargs)

    with mock.patch.object(signals.ready_for_routing, "receivers", []):
        signals.ready_for_routing.connect(listen)
        bring(harbor.lead, harbor.lakeside, people(range(15)), route=True)
        bring(harbor.lead, harbor.lakeside, people(range(15)), route=True)
    assert [len(it["lead_ids"]) for it in told] == [10, 5]
    assert [lead for it in told for lead in it["lead_ids"]] == list(
        Lead.objects.order_by("pk").values_list("pk", flat=True)
    )
    assert {(it["company_id"], it["unit_id"]) for it in told} == {(harbor.company.pk, harbor.lakeside.pk)}


def test_i1_only_a_units_leads_are_routed(harbor: Brokerage) -> None:
    with pytest.raises(ValueError, match="unit"):
        start(harbor.ana, harbor.ana, ONE, route=True)


# --- drafts -----------------------------------------------------------------------------------------------------------


def test_i1_a_draft_starts_once_and_can_be_thrown_away(harbor: Brokerage) -> None:
    run = upload(harbor.ana, ONE)
    assert (run.state, run.mapping, run.total) == ("draft", ["first_name", "last_name", "email", "phone"], 1)
    assert uploading.samples_of(run) == [["Ana"], ["Silva"], ["ana@mail.example"], ["201-555-0101"]]
    with pytest.raises(NotDraftError):
        discard_run(actor=harbor.ben, run=run)
    discard_run(actor=harbor.ana, run=run)
    assert not ImportRun.objects.exists()
    assert not ImportPart.objects.exists()
    run = start(harbor.ana, harbor.ana, ONE)
    for again in (discard_run,):
        with pytest.raises(NotDraftError):
            again(actor=harbor.ana, run=run)
    with pytest.raises(NotDraftError):
        start_run(actor=harbor.ana, run=run, mapping=run.mapping, owner=harbor.ana)


def test_i1_a_file_that_is_too_large_is_refused(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploading, "LARGEST_FILE", 2 << 20)
    with pytest.raises(UnreadableFileError, match="larger than 2 MB"):
        upload(harbor.ana, b"x" * ((2 << 20) + 1))


def test_i1_any_name_of_a_file_will_do(harbor: Brokerage) -> None:
    for name in ("x" * 300 + ".csv", "/etc/list.csv", "caf\udce9.csv"):
        upload(harbor.ana, ONE, name=name)
    names = ImportRun.objects.order_by("pk").values_list("file_name", flat=True)
    assert list(names) == ["x" * 196 + ".csv", "list.csv", "caf?.csv"]


def test_i1_files_of_many_parts_are_read_whole(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.imports.storing.PART", 7)
    assert counts(bring(harbor.ana, harbor.ana, people(range(12)))) == (12, 0, 0)
    assert not ImportPart.objects.exists()


def test_i1_drafts_left_alone_are_forgotten(harbor: Brokerage) -> None:
    old, new, done = upload(harbor.ana, ONE), upload(harbor.ana, ONE), bring(harbor.ana, harbor.ana, ONE)
    ImportRun.objects.exclude(pk=new.pk).update(created_at=Now() - services.DRAFTS_LAST)
    for _ in range(2):
        tasks.forget_imports()
        assert set(ImportRun.objects.values_list("pk", flat=True)) == {new.pk, done.pk}
    assert not ImportPart.objects.filter(run=old.pk).exists()
