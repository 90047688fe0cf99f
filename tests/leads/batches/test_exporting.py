"""I2: taking leads out as a file. Who may (P3), what it holds, that the ledger says so, and that owners are told (M8)."""

from __future__ import annotations

import csv
import re
import tracemalloc
from datetime import UTC, datetime
from io import BytesIO, StringIO
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import Company, User
from leads import exporting
from leads.batches.drafting import act_of
from leads.batches.undoing import why_not_undo
from leads.batches.verb import verb_of
from leads.batches.verbs.exporting import FETCHED_FOR
from leads.exporting import COLUMNS, lines_of_file
from leads.models import Batch, CustomField, Lead
from leads.xlsx import workbook
from permissions.models import LedgerEntry, Profile
from permissions.profiles.services import give_profile
from tests.factories.leads import make_lead, make_stage
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.batches.doing import done, drafted, outcomes

pytestmark = pytest.mark.django_db
ALL = list(COLUMNS)


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def export(actor: User, leads: list[Lead] | str, columns: list[str] = ALL, kind: str = "csv") -> Batch:
    return done(actor, "export", leads, format=kind, columns=columns)


def table(batch: Batch) -> list[list[str]]:
    text = "".join(str(line) for line in lines_of_file(batch, fresh(batch.actor)))
    return list(csv.reader(StringIO(text.removeprefix("\ufeff"))))


def cells(data: bytes) -> list[list[tuple[str, str | None]]]:
    """Type and text of each cell of a workbook."""
    with ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    rows = sheet.findall("{*}sheetData/{*}row")
    return [[(cell.get("t", ""), "".join(cell.itertext()) or None) for cell in row] for row in rows]


def test_p3_only_what_one_may_export_is_in_the_file_and_the_rest_has_a_reason(harbor: Brokerage) -> None:
    hers, team = make_lead(harbor.lead, first_name="Hers"), make_lead(harbor.lakeside, first_name="Team")
    anas = make_lead(harbor.ana, first_name="Anas")
    batch = export(harbor.lead, [hers, team, anas], ["first_name", "owner"])
    assert outcomes(batch) == {hers.pk: "changed", team.pk: "unit", anas.pk: "personal"}
    assert table(batch) == [["First name", "Owned by"], ["Hers", "Lead"]]


def test_p3_with_the_permission_an_agent_exports_leads_of_units_that_she_works(harbor: Brokerage) -> None:
    worked, free = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.lakeside)
    held = [*harbor.ana.holding.profile.permissions, "export_unit_lead", "view_unit_lead", "mass_edit_lead"]
    Profile.objects.create(company=harbor.company, code="taker", name="Taker", permissions=held)
    give_profile(harbor.ana, "taker")
    assert outcomes(export(harbor.ana, [worked, free])) == {worked.pk: "changed", free.pk: "unit"}


def test_i2_the_file_has_the_columns_chosen_in_words_a_person_reads(harbor: Brokerage) -> None:
    CustomField.objects.create(company=harbor.company, key="pet", label="Pet")
    lead = make_lead(harbor.lakeside, phones=["(555) 201-0001", "555 201 0002"], agent=harbor.ben, first_name="Maya")
    Lead.objects.filter(pk=lead.pk).update(custom={"pet": "Cat"}, tags=["hot", "vip"], score=70)
    batch = export(harbor.broker, "", ["first_name", "phones", "tags", "score", "agent", "custom:pet"])
    assert table(batch) == [
        ["First name", "Phone", "Tags", "Score", "Assigned to", "Pet"],
        ["Maya", "'+15552010001; +15552010002", "hot, vip", "70", "Ben", "Cat"],
    ]


@pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "\r=1", "＝1"])
def test_i2_nothing_in_a_file_is_a_formula(harbor: Brokerage, name: str) -> None:
    make_lead(harbor.lakeside, first_name=name)
    assert table(export(harbor.broker, "", ["first_name"]))[1] == [f"'{name}"]
    data = b"".join(bytes(piece) for piece in workbook([["First name"], [name, 5]]))
    assert cells(data) == [[("inlineStr", "First name")], [("inlineStr", name), ("", "5")]]
    assert b"<f>" not in data


def test_i2_a_workbook_holds_what_xml_cannot_and_empty_cells(harbor: Brokerage) -> None:
    data = b"".join(workbook([["a\x00b\x0bc", "", "<&>\"'", "é😀", "x" * 40_000]]))
    row = cells(data)[0]
    assert [text for _, text in row[:4]] == ["abc", None, "<&>\"'", "é😀"]
    assert len(row[4][1] or "") == 32_767


def test_i2_an_export_is_in_the_ledger_once_for_each_lead_and_once_for_all(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, first_name="Maya")
    batch = export(harbor.broker, "q=Maya&state=")
    facts = list(LedgerEntry.objects.filter(batch_id=batch.pk).order_by("pk"))
    assert [(one.kind, one.actor_id, one.lead_id) for one in facts] == [
        ("exported", harbor.broker.pk, lead.pk),
        ("exported", harbor.broker.pk, None),
    ]
    assert facts[1].detail == {"count": 1, "format": "csv", "filters": ["q"]}
    assert "Maya" not in str([one.detail for one in facts])


def test_i2_the_ledger_says_by_which_values_and_nothing_that_was_typed(harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, first_name="Maya", tags=["maya"], score=80)
    stage = make_stage(harbor.company, "New home")
    Lead.objects.update(stage=stage)
    chosen = f"owner=unit-{harbor.lakeside.pk}&owner=me&stage={stage.pk}&score_min=50"
    batch = export(harbor.broker, f"{chosen}&q=Maya&like=Maya&tag=maya&sort=created&columns=stage&cursor=")
    assert batch.changed == 1
    detail = LedgerEntry.objects.get(batch_id=batch.pk, lead_id=None).detail
    assert detail == {
        "count": 1,
        "format": "csv",
        "filters": ["like", "owner", "q", "score_min", "stage", "tag"],
        "said": {"owner": "Lakeside or Broker", "stage": "New home", "score_min": "50"},
    }
    many = "&".join(f"stage={make_stage(harbor.company, f'Stage {n}').pk}" for n in range(7))
    batch = export(harbor.broker, f"stage={stage.pk}&{many}")
    detail = LedgerEntry.objects.get(batch_id=batch.pk, lead_id=None).detail
    assert detail
    assert detail["said"] == {"stage": "New home or Stage 0 or Stage 1 or Stage 2 or Stage 3 and 3 more"}


def test_m8_owners_are_told_of_what_somebody_else_takes_out() -> None:
    harbor = brokerage("managed")
    export(harbor.broker, [make_lead(harbor.ana), make_lead(harbor.ana), make_lead(harbor.broker)])
    told = Notification.objects.get()
    assert (told.user, told.title) == (harbor.ana, "2 leads of yours were exported")


def test_m8_the_owner_of_one_lead_is_told_which() -> None:
    harbor = brokerage("managed")
    lead = make_lead(harbor.ana)
    export(harbor.broker, [lead])
    told = Notification.objects.get()
    assert (told.title, told.lead_id, told.url) == ("{own lead} was exported", lead.pk, "")


def test_m6_an_export_has_no_undo_and_says_so(harbor: Brokerage, client: Client) -> None:
    make_lead(harbor.lakeside)
    batch = export(harbor.broker, "")
    assert "no undo" in why_not_undo(fresh(harbor.broker), batch)
    client.force_login(harbor.broker)
    answer = client.post(reverse("batch-undo", args=[batch.public_id]), follow=True)
    assert b"an export has no undo" in answer.content
    assert not batch.undoings.exists()


def test_i2_the_file_is_hers_alone_and_for_a_day(harbor: Brokerage, client: Client) -> None:
    make_lead(harbor.lead, first_name="Maya")
    batch = export(harbor.lead, "", kind="xlsx")
    there = reverse("batch-file", args=[batch.public_id])
    for other in (harbor.broker, harbor.ana, stranger()):
        client.force_login(other)
        assert client.get(there).status_code == 404
    client.force_login(harbor.lead)
    assert client.post(there).status_code == 405
    answer = client.get(there)
    assert re.fullmatch(r'attachment; filename="leads-[\d-]{10}\.xlsx"', answer.headers["Content-Disposition"])
    assert cells(b"".join(answer.streaming_content))[1][0] == ("inlineStr", "Maya")  # type: ignore[arg-type]
    Batch.objects.filter(pk=batch.pk).update(ended_at=timezone.now() - FETCHED_FOR)
    assert client.get(there).status_code == 404


def test_v3_what_she_may_no_longer_export_is_not_in_the_file(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lead)
    batch = export(harbor.lead, "", ["first_name"])
    Lead.objects.filter(pk=lead.pk).update(owner_user=harbor.ana)
    assert table(batch) == [["First name"]]


def test_i2_from_its_page_one_lead_is_exported_in_the_browser(harbor: Brokerage, client: Client) -> None:
    lead = make_lead(harbor.ana, first_name="Maya")
    client.force_login(harbor.ana)
    there = client.post(reverse("lead-export", args=[lead.public_id])).headers["Location"]
    assert 'name="columns"' in client.get(there).content.decode()
    assert client.post(there, {"format": "pdf", "columns": ["first_name"]}).status_code == 422
    said = client.post(there, {"format": "csv", "columns": ["first_name"]}, follow=True).content.decode()
    assert "Export 1 lead" in said
    said = client.post(f"{there}confirm/", follow=True).content.decode()
    assert f"{there}file/" in said
    assert "Maya" in b"".join(client.get(f"{there}file/").streaming_content).decode()  # type: ignore[arg-type]


def test_i2_memory_and_queries_do_not_grow_with_the_leads(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "AT_ONCE", 10)
    for _ in range(5):
        make_lead(harbor.lakeside, phones=["555 201 0001"])
    few = export(harbor.broker, "")
    for _ in range(40):
        make_lead(harbor.lakeside, phones=["555 201 0001"])
    many = export(harbor.broker, "")
    with CaptureQueriesContext(connection) as once:
        table(few)
    with CaptureQueriesContext(connection) as often:
        table(many)
    assert len(often) <= len(once) * 5
    tracemalloc.start()
    for _ in workbook([f"cell {number} {row}" for number in range(20)] for row in range(5_000)):
        assert tracemalloc.get_traced_memory()[0] < 3_000_000
    tracemalloc.stop()


def test_i2_moments_are_moments_in_a_workbook_and_text_in_a_csv(harbor: Brokerage) -> None:
    CustomField.objects.create(company=harbor.company, key="born", label="Born", kind="date")
    lead = make_lead(harbor.lakeside, created_at=datetime(2026, 1, 5, 12, 30, tzinfo=UTC), last_contact_at=None)
    for born, cell in (
        ("2020-02-03", ("", "43864")),
        ("1899-01-01", ("inlineStr", "1899-01-01")),
        ("?", ("inlineStr", "?")),
    ):
        Lead.objects.filter(pk=lead.pk).update(custom={"born": born})
        batch = export(harbor.broker, "", ["created_at", "last_contact_at", "custom:born"], "xlsx")
        data = b"".join(map(bytes, lines_of_file(batch, fresh(harbor.broker))))
        assert cells(data)[1] == [("", "46027.5208333"), ("", None), cell]
    with ZipFile(BytesIO(data)) as archive:
        sheet, styles = (archive.read(f"xl/{name}.xml").decode() for name in ("worksheets/sheet1", "styles"))
    assert '<c s="1"><v>46027.5208333</v></c>' in sheet
    assert 'formatCode="yyyy\\-mm\\-dd hh:mm"' in styles
    assert table(export(harbor.broker, "", ["created_at", "custom:born"]))[1] == ["2026-01-05 12:30:00", "?"]


def test_v3_access_lost_before_the_file_is_fetched_is_said(harbor: Brokerage, client: Client) -> None:
    one, two = make_lead(harbor.lead), make_lead(harbor.lead)
    batch = export(harbor.lead, "", ["first_name"])
    page, there = (reverse(name, args=[batch.public_id]) for name in ("batch", "batch-file"))
    client.force_login(harbor.lead)
    assert (
        "may no longer export" in client.get(page).content.decode(),
        there in client.get(page).content.decode(),
    ) == (
        False,
        True,
    )
    Lead.objects.filter(pk=one.pk).update(owner_user=harbor.ana)
    said = client.get(page).content.decode()
    assert ("without 1 lead that you may no longer export" in said, there in said) == (True, True)
    Lead.objects.filter(pk=two.pk).update(owner_user=harbor.ana)
    said = client.get(page).content.decode()
    assert ("You may no longer export any of these leads" in said, there in said) == (True, False)
    refused = client.get(there)
    assert (refused.status_code, "You may no longer export any" in refused.content.decode()) == (403, True)


def test_i2_a_file_is_kept_by_nobody_on_the_way(harbor: Brokerage, client: Client) -> None:
    make_lead(harbor.lead)
    batch = export(harbor.lead, "")
    client.force_login(harbor.lead)
    for name in ("batch-file", "batch-skipped"):
        assert client.get(reverse(name, args=[batch.public_id])).headers["Cache-Control"] == "private, no-store"


def test_m8_it_is_said_only_that_owners_are_told_who_will_be() -> None:
    harbor = brokerage("managed")

    def told(*leads: Lead) -> str:
        batch = drafted(harbor.broker, "export", leads, format="csv", columns=ALL)
        return str(verb_of(batch).loss(act_of(batch, fresh(harbor.broker))))

    unit, own, anas, bens = (make_lead(one) for one in (harbor.lakeside, harbor.broker, harbor.ana, harbor.ben))
    assert "told" not in told(unit, own)
    assert "and 1 personal owner is told" in told(unit, own, anas, make_lead(harbor.ana))
    assert "and 2 personal owners are told" in told(anas, bens)
    User.objects.filter(pk=harbor.ana.pk).update(owner_notifications=False)
    assert "and 1 personal owner is told" in told(anas, bens)
    Company.objects.update(owner_notifications="off")
    assert "told" not in told(anas, bens)
