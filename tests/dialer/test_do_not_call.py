"""The page of the do-not-call list (D14), and the files that come into it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.models import DoNotCall, DoNotCallFile, DoNotCallReject
from dialer.services import do_not_call_files
from dialer.services.do_not_call import add_numbers
from dialer.services.do_not_call_files import carry_on, forsaken, numbers_in, take_in
from dialer.tasks import read_numbers, resume_numbers
from leads.imports.reading import UnreadableFileError
from tests.factories.scenes import Brokerage, brokerage, stranger

PATH = "/admin/do-not-call/"


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def bring(harbor: Brokerage, data: bytes) -> DoNotCallFile:
    return take_in(actor=harbor.broker, file=BytesIO(data), name="list.csv", reason="registry")


def on_list(harbor: Brokerage) -> list[str]:
    rows = DoNotCall.objects.filter(company=harbor.company, removed_at=None)
    return sorted(rows.order_by("pk").values_list("number", flat=True))


def test_d14_a_number_goes_on_the_list_and_off_again(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    assert "Nobody is on the list" in client.get(PATH).content.decode()
    added = client.post(PATH, {"step": "add", "number": "602 555 0100", "reason": "asked"}, follow=True)
    assert "(602) 555-0100 is on the list." in added.content.decode()
    again = client.post(PATH, {"step": "add", "number": "(602) 555-0100", "reason": "x"}, follow=True)
    assert "was on the list already" in again.content.decode()
    one = DoNotCall.objects.get()
    assert (one.number, one.reason, one.added_by) == ("+16025550100", "asked", harbor.broker)

    path = f"{PATH}{one.pk}/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"reason": ""}).status_code == 422
    assert client.post(path, {"reason": "a mistake"})["Location"] == PATH
    one.refresh_from_db()
    assert (one.removed_by, one.removed_why, one.removed_in) == (harbor.broker, "a mistake", 3)
    assert client.get(path).status_code == 404


def test_d14_the_list_is_searched_by_digits(client: Client, harbor: Brokerage) -> None:
    numbers = ["+16025550100", "+12125550199"]
    add_numbers(company_id=harbor.company.pk, user_id=None, numbers=numbers, reason="")
    client.force_login(harbor.broker)
    html = client.get(PATH, {"q": "(212)"}).content.decode()
    assert "(212) 555-0199" in html
    assert "(602)" not in html
    assert "No number on the list has these digits" in client.get(PATH, {"q": "99999"}).content.decode()


@pytest.mark.parametrize(
    ("number", "said"), [("12", "not a possible phone number"), ("call me", "is not a phone number")]
)
def test_d14_what_is_no_number_is_refused(client: Client, harbor: Brokerage, number: str, said: str) -> None:
    client.force_login(harbor.broker)
    response = client.post(PATH, {"step": "add", "number": number, "reason": "asked"})
    assert response.status_code == 422
    assert said in response.content.decode()


def test_d14_a_file_is_read_in_the_background_with_its_rejects(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    data = b"Area,Number,Note\n602,5550100,\n212,5550199,\n602,5550100,twice\n,nonsense,=1+1\n"
    sent = {"step": "file", "reason": "registry", "file": SimpleUploadedFile("dnc.csv", data)}
    assert client.post(PATH, sent)["Location"] == PATH
    file = DoNotCallFile.objects.get()
    assert "0 of 4" in client.get(PATH).content.decode()
    read_numbers(file.pk)
    file.refresh_from_db()
    assert (file.state, file.handled, file.added, file.known, file.rejected) == ("done", 4, 2, 1, 1)
    assert bytes(file.data) == b""
    assert on_list(harbor) == ["+12125550199", "+16025550100"]
    fragment = client.get(PATH, headers={"HX-Request": "true"}).content.decode()
    assert "2 added, 1 on the list already" in fragment
    assert "every 2s" not in fragment
    csv = b"".join(client.get(f"{PATH}files/{file.pk}/rejected/").streaming_content).decode()  # type: ignore[attr-defined]
    assert '5,", nonsense, =1+1"' in csv


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "The submitted file is empty"), (b"PK\x03\x04", "Save the sheet as CSV"), (b"\n\n", "The file is empty")],
)
def test_d14_a_file_that_cannot_be_read_is_refused(client: Client, harbor: Brokerage, data: bytes, said: str) -> None:
    client.force_login(harbor.broker)
    sent = {"step": "file", "reason": "registry", "file": SimpleUploadedFile("dnc.csv", data)}
    response = client.post(PATH, sent)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not DoNotCallFile.objects.exists()


def test_d14_a_file_is_read_once_whoever_takes_it_up(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(do_not_call_files, "CHUNK", 10)
    file = bring(harbor, b"".join(b"602555%04d\n" % number for number in range(35)))
    assert carry_on(file.pk, chunks=2)
    assert len(on_list(harbor)) == 20
    while carry_on(file.pk, chunks=1):
        continue
    assert not carry_on(file.pk)
    file.refresh_from_db()
    assert (file.state, file.added, len(on_list(harbor))) == ("done", 35, 35)


def test_d14_a_file_whose_worker_died_is_taken_up(harbor: Brokerage) -> None:
    file = bring(harbor, b"6025550100\n")
    assert forsaken() == []
    DoNotCallFile.objects.update(touched_at="2026-01-01T00:00Z")
    resume_numbers()
    assert forsaken() == [file.pk]
    DoNotCallFile.objects.update(tries=do_not_call_files.MOST_TRIES)
    assert not carry_on(file.pk)
    file.refresh_from_db()
    assert file.state == "failed"


def test_d14_the_first_row_is_a_number_where_nothing_names_the_columns(harbor: Brokerage) -> None:
    carry_on(bring(harbor, "\ufeff6025550100\r\n2125550199\r\n".encode("utf-16")).pk)
    assert len(on_list(harbor)) == 2


def test_d14_a_first_row_that_is_a_damaged_number_is_rejected_and_not_lost(harbor: Brokerage) -> None:
    file = bring(harbor, b"12125\n2125583001\n")
    carry_on(file.pk)
    file.refresh_from_db()
    assert (file.total, file.added, file.rejected) == (2, 1, 1)


@settings(deadline=None, max_examples=100)
@given(cells=st.lists(st.text(max_size=20), max_size=4))
def test_d14_any_row_is_read(cells: list[str]) -> None:
    found = numbers_in(cells, "US")
    assert all(one.startswith("+") for one in found)
    assert len(found) == len(set(found)) <= len(cells)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["6025550100", "(212) 555-0199"], ["+16025550100", "+12125550199"]),
        (["602", "5550100"], ["+16025550100"]),
        (["602", "5550100", "2125550199"], ["+16025550100", "+12125550199"]),
        (["6025550100", "602-555-0100"], ["+16025550100"]),
        (["6025550100.0"], ["+16025550100"]),
        (["6.025550100E+9", "Maya"], ["+16025550100"]),
        (["6.02555E+09"], []),  # the last digits are lost
        (["20260101", "Maya"], []),
    ],
)
def test_d14_every_number_of_a_row_is_taken_as_spreadsheets_write_them(cells: list[str], numbers: list[str]) -> None:
    assert numbers_in(cells, "US") == numbers


def test_d14_no_row_that_may_hold_a_number_is_taken_for_a_header(harbor: Brokerage) -> None:
    file = bring(harbor, b"6.02555E+09\n6.025550100E+9,2125550199\n6025550100\n")
    carry_on(file.pk)
    file.refresh_from_db()
    assert (file.total, file.added, file.known, file.rejected) == (3, 2, 1, 1)
    assert on_list(harbor) == ["+12125550199", "+16025550100"]


def test_d14_a_huge_file_is_refused(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(do_not_call_files, "LARGEST", 1 << 20)
    with pytest.raises(UnreadableFileError, match="larger than 1 MB"):
        bring(harbor, b"6025550100\n" * 200_000)


def test_d14_the_list_is_for_managers_of_the_company(client: Client, harbor: Brokerage) -> None:
    add_numbers(company_id=harbor.company.pk, user_id=None, numbers=["+16025550100"], reason="")
    file = bring(harbor, b"nonsense\n6025550100\n")
    one = DoNotCall.objects.get()
    paths = [PATH, f"{PATH}{one.pk}/", f"{PATH}files/{file.pk}/rejected/"]
    for user in (harbor.ana, harbor.north_admin):
        client.force_login(user)
        assert [client.get(path).status_code for path in paths] == [403, 403, 403]
        assert client.post(PATH, {"step": "add", "number": "2125550199", "reason": "x"}).status_code == 403
    with pytest.raises(PermissionDenied):
        take_in(actor=harbor.ana, file=BytesIO(b"1"), name="x", reason="")
    client.force_login(stranger())
    assert [client.get(path).status_code for path in paths] == [200, 404, 404]
    assert "(602)" not in client.get(PATH).content.decode()
    assert len(on_list(harbor)) == 1
    assert not DoNotCallReject.objects.exists()


def test_d14_the_page_asks_no_more_of_more_numbers(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: Any
) -> None:
    numbers = [f"+1602555{1000 + n}" for n in range(60)]
    add_numbers(company_id=harbor.company.pk, user_id=harbor.broker.pk, numbers=numbers, reason="")
    client.force_login(harbor.broker)
    with django_assert_max_num_queries(12):
        html = client.get(PATH).content.decode()
    assert html.count("Take off") == 50 + 1
    assert "Older" in html
