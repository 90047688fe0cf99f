"""The pages of an import: upload, columns, progress, result, report."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.organization.models import User
from leads import tasks
from leads.imports.running import carry_on
from leads.models import ImportRun, Lead
from leads.spreadsheet import safe
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.imports.files import CONTACTS, bring, counts, csv_of, keeps_lists, people, start, upload

pytestmark = pytest.mark.django_db
IMPORT = "/import/"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The runs that were queued."""
    queued: list[int] = []
    monkeypatch.setattr(tasks.run_import, "queue", queued.append)
    return queued


def send(client: Client, user: User, content: bytes, name: str = "contacts.csv") -> Any:
    client.force_login(user)
    return client.post(IMPORT, {"file": SimpleUploadedFile(name, content)})


def address(run: ImportRun) -> str:
    return reverse("import-run", args=[run.public_id])


def draft(client: Client, user: User, content: bytes) -> str:
    return str(send(client, user, content)["Location"])


def choices(header: str, **chosen: str) -> dict[str, str]:
    fields = {f"column-{number}": field for number, field in enumerate(header.split(","))}
    return fields | {"owner": "me", "source_name": "Import"} | chosen


ORDINARY = choices("first_name,last_name,email,phone")


def text_of(response: Any) -> str:
    return str(response.content.decode())


# --- uploading --------------------------------------------------------------------------------------------------------


def test_i1_the_way_from_the_file_to_its_leads(client: Client, harbor: Brokerage, sent: list[int]) -> None:
    keeps_lists(harbor.lead)
    where = draft(client, harbor.lead, CONTACTS.read_bytes())
    run = ImportRun.objects.get()
    assert where == f"/import/{run.public_id}/"
    html = text_of(client.get(where))
    assert "contacts.csv" in html
    assert "5 rows, 12 columns" in html
    assert "Orla · Tomas · Ines" in html
    assert '<option value="postal_code" selected>' in html
    assert '<option value="custom:" selected>' in html
    fields = "first_name,last_name,company_name,street,city,custom:,state,postal_code,phone,phone,email,custom:"
    chosen = choices(fields, owner=f"unit-{harbor.lakeside.pk}", route="on", source_name="Old list")
    response = client.post(where, chosen)
    assert (response.status_code, response["Location"]) == (302, where)
    run.refresh_from_db()
    assert (run.state, run.owner, run.route, run.source_name) == ("queued", harbor.lakeside, True, "Old list")
    assert sent == [run.pk]
    assert "Waiting for its turn" in text_of(client.get(where))
    tasks.run_import(run.pk)
    html = text_of(client.get(where))
    assert "5 leads added, and handed out by the routing of Lakeside." in html
    assert f"/people/?imported={run.pk}" in html


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name,city\n", "The file has a header, but no rows below it."),
        (b"PK\x03\x04", "The workbook is damaged. Open it in a spreadsheet and save it again, or as CSV."),
        (b"", "The submitted file is empty."),
    ],
)
def test_i1_a_file_that_cannot_be_read_is_refused_in_words(
    client: Client, harbor: Brokerage, content: bytes, said: str
) -> None:
    response = send(client, harbor.ana, content)
    assert response.status_code == 422
    assert said in text_of(response)
    assert not ImportRun.objects.exists()


def test_i1_an_upload_without_a_file_is_refused(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    response = client.post(IMPORT)
    assert response.status_code == 422
    assert "This field is required." in text_of(response)


def test_i1_large_files_come_by_way_of_the_disk(client: Client, harbor: Brokerage) -> None:
    content = csv_of(*(f"First{n},Last{n},p{n}@mail.example,{'x' * 300}" for n in range(10_000)))
    assert len(content) > 2_621_440  # what Django keeps in memory
    draft(client, harbor.ana, content)
    assert ImportRun.objects.get().total == 10_000


# --- the draft --------------------------------------------------------------------------------------------------------


def test_p4_the_owners_to_choose_from_are_ones_own(client: Client, harbor: Brokerage) -> None:
    html = text_of(client.get(draft(client, harbor.ana, people([1]))))
    assert f'value="unit-{harbor.lakeside.pk}"' in html
    for foreign in (harbor.hilltop, harbor.north, harbor.whole):
        assert f'value="unit-{foreign.pk}"' not in html


def test_p4_another_owner_is_refused(client: Client, harbor: Brokerage, sent: list[int]) -> None:
    where = draft(client, harbor.ana, people([1]))
    for owner in (f"unit-{harbor.hilltop.pk}", f"person-{harbor.ben.pk}", ""):
        assert client.post(where, ORDINARY | {"owner": owner}).status_code == 422
    assert (ImportRun.objects.get().state, sent) == ("draft", [])


def test_i1_a_refusal_keeps_what_was_typed(client: Client, harbor: Brokerage, sent: list[int]) -> None:
    keeps_lists(harbor.ana)
    where = draft(client, harbor.ana, people([1]))
    response = client.post(where, choices("city,city,,custom:", route="on", source_name="Old list"))
    html = text_of(response)
    assert response.status_code == 422
    assert "City is taken from “first_name” already." in html
    assert "Say at least which column holds a name, a company, an e-mail or a phone." in html
    assert "Leads of your own stay with you." in html
    assert 'value="Old list"' in html
    assert html.count('<option value="city" selected>') == 2
    assert 'name="route"' in html
    assert "checked" in html.split('name="route"')[1].split(">")[0]
    assert sent == []


def test_i1_the_page_follows_the_choice_of_owner(client: Client, harbor: Brokerage) -> None:
    where = draft(client, harbor.ana, people([1]))
    fragment = {"HX-Request": "true"}
    mine = text_of(client.get(where, {"owner": "me"}, headers=fragment))
    team = text_of(client.get(where, {"owner": f"unit-{harbor.lakeside.pk}", "route": "on"}, headers=fragment))
    assert "disabled" in mine
    assert "Choose a unit as their owner" in mine
    assert "disabled" not in team
    assert "checked" in team
    assert "<html" not in mine
    assert "disabled" not in text_of(client.get(where)).split('name="route"')[1].split(">")[0]  # it must work by itself


def test_i1_starting_twice_starts_once(client: Client, harbor: Brokerage, sent: list[int]) -> None:
    where = draft(client, harbor.ana, people([1]))
    client.post(where, ORDINARY)
    response = client.post(where, ORDINARY | {"owner": f"unit-{harbor.lakeside.pk}"})
    assert response.status_code == 302
    assert len(sent) == 1
    assert ImportRun.objects.get().owner == harbor.ana


def test_i1_a_draft_is_thrown_away(client: Client, harbor: Brokerage) -> None:
    where = draft(client, harbor.ana, people([1]))
    assert client.get(f"{where}discard/").status_code == 405
    response = client.post(f"{where}discard/", follow=True)
    assert "is thrown away. Nothing was imported." in text_of(response)
    assert not ImportRun.objects.exists()
    started = start(harbor.ana, harbor.ana, people([1]))
    assert "has started already" in text_of(client.post(f"{address(started)}discard/", follow=True))
    assert ImportRun.objects.exists()


# --- on its way, and after --------------------------------------------------------------------------------------------


def test_i1_progress_is_shown_and_asked_for_until_it_is_over(
    client: Client, harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads.imports.running.CHUNK", 10)
    run = start(harbor.ana, harbor.ana, people(range(1, 25)))
    carry_on(run.pk, chunks=1)
    client.force_login(harbor.ana)
    html = text_of(client.get(address(run), headers={"HX-Request": "true"}))
    assert "10 of 24 rows: 0 skipped, 0 rejected" in html
    assert 'hx-trigger="every 1s"' in html
    assert "10 of 24" in text_of(client.get(IMPORT))
    carry_on(run.pk)
    html = text_of(client.get(address(run), headers={"HX-Request": "true"}))
    assert "24 leads added." in html
    assert "hx-trigger" not in html
    assert "The import is over: 24 imported, 0 skipped, 0 rejected." in html


def test_i1_the_result_says_what_did_not_go_in_and_why(client: Client, harbor: Brokerage) -> None:
    lines = ["Ana,Silva,ana@mail.example,", "Ana,Silva,ana@mail.example,", *["Ben,Berg,no mail,"] * 12]
    run = bring(harbor.ana, harbor.ana, csv_of(*lines))
    client.force_login(harbor.ana)
    html = text_of(client.get(address(run)))
    assert "email: “no” is not an e-mail address." in html
    assert "And 2 more" in html
    assert f"{address(run)}rejected.csv" in html
    assert f"{address(run)}skipped.csv" in html


def test_i1_a_run_that_stopped_says_why(client: Client, harbor: Brokerage) -> None:
    run = start(harbor.ana, harbor.ana, people([1, 2]))
    ImportRun.objects.update(state="failed", error="Something is missing.")
    client.force_login(harbor.ana)
    html = text_of(client.get(address(run)))
    assert "Something is missing. 0 leads came in before that; 2 rows were not read." in html
    assert "Stopped" in text_of(client.get(IMPORT))


def report(client: Client, run: ImportRun, outcome: str) -> list[list[str]]:
    response = client.get(reverse("import-rows", args=[run.public_id, outcome]))
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert f"people-{outcome}.csv" in response["Content-Disposition"]
    content = response.getvalue().decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(content)))


def test_i1_rejected_rows_come_back_as_they_were_with_their_reasons(client: Client, harbor: Brokerage) -> None:
    lines = [
        "Ana,Silva,ana@mail.example,",
        '"=1+1",Berg,no mail,+1 201 555 0101',
        'Cal,"two\nlines",no mail',
        "Ana,Silva,ana@mail.example,",
    ]
    run = bring(harbor.ana, harbor.ana, csv_of(*lines))
    client.force_login(harbor.ana)
    assert report(client, run, "rejected") == [
        ["first_name", "last_name", "email", "phone", "Line", "Reason"],
        ["'=1+1", "Berg", "no mail", "+1 201 555 0101", "3", "email: “no” is not an e-mail address."],
        ["Cal", "two\nlines", "no mail", "", "4", "email: “no” is not an e-mail address."],
    ]
    assert [row[-1] for row in report(client, run, "skipped")[1:]] == ["It has the same e-mail as line 2 of this file."]


def test_i1_a_corrected_report_can_be_uploaded_again(client: Client, harbor: Brokerage) -> None:
    run = bring(harbor.ana, harbor.ana, csv_of("=Ana,Silva,no mail,"))
    client.force_login(harbor.ana)
    content = client.get(reverse("import-rows", args=[run.public_id, "rejected"])).getvalue()  # type: ignore[attr-defined]
    again = bring(harbor.ana, harbor.ana, content.replace(b"no mail", b"ana@mail.example"))
    assert counts(again) == (1, 0, 0)
    assert Lead.objects.get().first_name == "=Ana"


@pytest.mark.parametrize(
    "cell", ["=1", "+1+cmd", "-1+1|x", "@x", "\t=1", "\r=1", "\ufeff=1", "\u200e+cmd", "＝1", "＋cmd", "-cmd"]
)
def test_17_a_report_is_no_formula(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["+1 (201) 555-0101", "-12.5", "a=1", "", "1+1"])
def test_17_what_is_no_formula_stays(cell: str) -> None:
    assert safe(cell) == cell


def test_i1_there_is_no_report_of_imported_rows(client: Client, harbor: Brokerage) -> None:
    run = bring(harbor.ana, harbor.ana, people([1]))
    client.force_login(harbor.ana)
    assert client.get(f"{address(run)}imported.csv").status_code == 404


# --- who may ----------------------------------------------------------------------------------------------------------


def test_v3_a_run_is_there_for_its_maker_alone(client: Client, harbor: Brokerage, sent: list[int]) -> None:
    run = upload(harbor.ana, people([1]))
    pages = [address(run), f"{address(run)}rejected.csv"]
    for other in (harbor.ben, harbor.lead, harbor.broker, stranger()):
        client.force_login(other)
        assert [client.get(page).status_code for page in pages] == [404, 404]
        assert client.post(address(run), ORDINARY).status_code == 404
        assert client.post(f"{address(run)}discard/").status_code == 404
        assert run.public_id not in text_of(client.get(IMPORT))
    assert (ImportRun.objects.get().state, sent) == ("draft", [])


def test_p2_without_the_permission_the_pages_are_closed(client: Client, harbor: Brokerage) -> None:
    run = upload(harbor.ana, people([1]))
    harbor.ana.holding.profile.permissions.remove("import_lead")
    harbor.ana.holding.profile.save()
    client.force_login(fresh(harbor.ana))
    for page in (IMPORT, address(run), f"{address(run)}rejected.csv"):
        assert client.get(page).status_code == 403
    assert client.post(f"{address(run)}discard/").status_code == 403


def test_wrong_methods_are_refused(client: Client, harbor: Brokerage) -> None:
    run = upload(harbor.ana, people([1]))
    client.force_login(harbor.ana)
    assert client.put(IMPORT).status_code == 405
    assert client.delete(address(run)).status_code == 405
    assert client.post(f"{address(run)}rejected.csv").status_code == 405


def test_the_list_of_imports_costs_the_same_however_long(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    upload(harbor.ana, people([1]))
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(IMPORT)
    for number in range(2, 25):
        bring(harbor.ana, harbor.lakeside, people([number]))
    with CaptureQueriesContext(connection) as many:
        html = text_of(client.get(IMPORT))
    assert len(many) <= len(few) <= 12
    assert "Older" in html


def test_names_of_files_and_columns_are_shown_as_text(client: Client, harbor: Brokerage) -> None:
    content = csv_of("Ana,<b>x</b>,no mail", header="name,<script>alert(1)</script>,email")
    run = upload(harbor.ana, content, name="<i>.csv")
    client.force_login(harbor.ana)
    pages = text_of(client.get(address(run))) + text_of(client.get(IMPORT))
    assert "<script>alert" not in pages
    assert "<b>x" not in pages
    assert "<i>.csv" not in pages
