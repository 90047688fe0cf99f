"""Large uploads: kept as they come, read in the background (I1)."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.test import Client

from crm.organization.models import User
from leads import tasks
from leads.imports import receiving, storing
from leads.imports.receiving import read_upload, receive
from leads.imports.services import forget_drafts
from leads.imports.storing import stored_records
from leads.models import ImportPart, ImportRun, Lead
from leads.xlsx import workbook
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.imports.files import HEADER, people, upload

pytestmark = pytest.mark.django_db
NAME = "Größe 🙂.xlsx"
BROKEN = b"PK\x03\x04 and nothing more"
EMPTY = b"".join(workbook([["Name"]]))


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The runs that were queued; every file is a large one."""
    queued: list[int] = []
    monkeypatch.setattr(tasks.run_import, "queue", queued.append)
    monkeypatch.setattr(receiving, "LARGEST_AT_ONCE", {True: 0, False: 0})
    monkeypatch.setattr(storing, "PART", 500)
    monkeypatch.setattr(receiving, "PARTS_AT_ONCE", 2)
    return queued


def book(count: int = 200) -> bytes:
    rows = ([f"Ana {n}", "Ruiz", f"a{n}@mail.example", f"201-555-{n:04d}"] for n in range(count))
    return b"".join(workbook([HEADER.split(","), *rows]))


def taken(user: User, content: bytes, name: str = NAME) -> ImportRun:
    return receive(actor=user, file=io.BytesIO(content), name=name)


def send(client: Client, user: User, content: bytes) -> Any:
    client.force_login(user)
    return client.post("/import/", {"file": SimpleUploadedFile(NAME, content)})


def silent(run: ImportRun) -> None:
    ImportRun.objects.filter(pk=run.pk).update(touched_at=Now() - timedelta(minutes=1))


def text_of(response: Any) -> str:
    return str(response.content.decode())


@pytest.mark.parametrize(
    "content",
    [book(), people(range(300)), people(range(3)).decode().encode("utf-16")],
    ids=["workbook", "text", "utf-16"],
)
def test_i1_what_is_read_in_the_background_is_what_is_read_at_once(
    harbor: Brokerage, sent: list[int], content: bytes
) -> None:
    at_once, run = upload(harbor.ana, content, NAME), taken(harbor.ana, content)
    assert (run.state, run.header, run.mapping) == ("reading", [], [])
    read_upload(run.pk)
    run.refresh_from_db()
    for name in ("state", "encoding", "delimiter", "header", "note", "mapping", "total", "handled", "tries", "error"):
        assert getattr(run, name) == getattr(at_once, name), name
    assert run.state == "draft"
    assert list(stored_records(run)) == list(stored_records(at_once))
    read_upload(run.pk)  # the task run twice
    assert len(list(stored_records(run))) == run.total + 1


def test_i1_the_wizard_goes_on_by_itself_once_the_file_is_read(
    client: Client, harbor: Brokerage, sent: list[int]
) -> None:
    where = send(client, harbor.ana, book())["Location"]
    run = ImportRun.objects.get()
    assert sent == [run.pk]
    html = text_of(client.get(where))
    assert "Reading the file" in html
    assert 'hx-trigger="every 1s"' in html
    assert "Being read" in text_of(client.get("/import/"))
    again = client.post(where, {"owner": "me", "act": "try"}, follow=True)
    assert "The file is still being read." in text_of(again)
    tasks.run_import(run.pk)
    poll = client.get(where, headers={"HX-Request": "true", "HX-Target": "run"})
    assert (poll.status_code, poll["HX-Redirect"]) == (204, where)
    assert "200 rows, 4 columns" in text_of(client.get(where))
    assert not Lead.objects.exists()


def test_i1_how_far_it_is_read_is_told(harbor: Brokerage, sent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    run, seen = taken(harbor.ana, book(20_000)), []
    monkeypatch.setattr(storing, "PART", 100_000)
    whole = receiving.store_parts

    def store(*given: Any) -> None:
        seen.append(ImportRun.objects.get(pk=run.pk).handled)
        whole(*given)

    monkeypatch.setattr(receiving, "store_parts", store)
    read_upload(run.pk)
    assert seen == sorted(seen)
    assert len({*seen}) > 3
    assert seen[-1] == 100


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BROKEN, "The workbook is damaged."),
        (EMPTY, "The sheet has a header, but no rows below it."),
        (b"name,city\n", "The file has a header, but no rows below it."),
        (b"%PDF-1.7", "This is a PDF."),
    ],
    ids=["damaged", "empty-workbook", "empty-text", "pdf"],
)
def test_i1_a_file_that_turns_out_unreadable_says_why(
    client: Client, harbor: Brokerage, sent: list[int], content: bytes, said: str
) -> None:
    where = send(client, harbor.ana, content)["Location"]
    tasks.run_import(sent[0])
    html = text_of(client.get(where))
    assert said in html
    assert "Nothing was imported." in html
    assert 'hx-trigger="every' not in html
    assert not ImportPart.objects.exists()
    assert "already" in text_of(client.post(where, {"act": "go"}, follow=True))
    assert said in text_of(client.get(where, headers={"HX-Request": "true", "HX-Target": "run"}))


def test_10_a_reader_that_dies_halfway_is_relieved_and_nothing_is_doubled(
    harbor: Brokerage, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = taken(harbor.ana, book())
    with monkeypatch.context() as patch:
        patch.setattr(receiving, "_finish", lambda *given, **more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            read_upload(run.pk)
    assert run.parts.filter(number__gte=receiving.ROWS_FROM).exists()
    read_upload(run.pk)  # too early: whoever was at it may be alive
    assert ImportRun.objects.get().state == "reading"
    silent(run)
    tasks.resume_imports()
    assert sent == [run.pk]
    tasks.run_import(run.pk)
    run.refresh_from_db()
    assert (run.state, run.total, run.tries) == ("draft", 200, 0)
    assert len(list(stored_records(run))) == 201


def test_14_who_was_overtaken_stops_without_a_trace(
    harbor: Brokerage, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, others = taken(harbor.ana, book()), [1]
    whole = receiving.store_parts

    def store(*given: Any) -> None:
        whole(*given)
        if others:
            others.clear()
            silent(run)
            read_upload(run.pk)  # somebody else, from its beginning to its end

    monkeypatch.setattr(receiving, "store_parts", store)
    read_upload(run.pk)
    run.refresh_from_db()
    assert (run.state, run.total) == ("draft", 200)
    assert [row.cells[0] for row in stored_records(run)][1:] == [f"Ana {n}" for n in range(200)]


def test_i1_a_file_that_breaks_every_reader_is_given_up_with_a_word(harbor: Brokerage, sent: list[int]) -> None:
    run = taken(harbor.ana, book())
    ImportRun.objects.update(tries=receiving.MOST_TRIES)
    silent(run)
    read_upload(run.pk)
    run.refresh_from_db()
    assert (run.state, run.parts.exists()) == ("failed", False)
    assert run.error == "Reading it broke off 3 times. Split the file, or save it as CSV."


def test_i1_a_file_may_be_thrown_away_while_it_is_read(
    client: Client, harbor: Brokerage, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = send(client, harbor.ana, book())["Location"]
    whole = receiving.store_parts

    def store(*given: Any) -> None:
        whole(*given)
        client.post(f"{where}discard/")

    monkeypatch.setattr(receiving, "store_parts", store)
    tasks.run_import(sent[0])
    assert not ImportRun.objects.exists()
    assert not ImportPart.objects.exists()
    read_upload(sent[0])
    assert client.get(where).status_code == 404


def test_i1_what_nobody_read_for_a_week_is_forgotten(harbor: Brokerage, sent: list[int]) -> None:
    taken(harbor.ana, book())
    ImportRun.objects.update(created_at=Now() - timedelta(days=8))
    forget_drafts()
    assert not ImportRun.objects.exists()


def test_v7_nobody_else_sees_that_a_file_is_read(client: Client, harbor: Brokerage, sent: list[int]) -> None:
    where = send(client, harbor.ana, book())["Location"]
    for other in (harbor.lead, stranger()):
        client.force_login(other)
        assert client.get(where).status_code == 404
        assert client.post(f"{where}discard/").status_code == 404
    assert ImportRun.objects.exists()


def test_i1_a_small_file_is_read_at_once(harbor: Brokerage) -> None:
    assert receive(actor=harbor.ana, file=io.BytesIO(book()), name="a.xlsx").state == "draft"
    assert receive(actor=harbor.ana, file=io.BytesIO(people([1])), name="a.csv").state == "draft"
