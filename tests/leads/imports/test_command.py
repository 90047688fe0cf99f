"""`manage.py import_leads` (I1)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from leads.models import ImportRun, Lead
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import CONTACTS, csv_of, people

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def run(file: Path, **options: Any) -> list[str]:
    out = io.StringIO()
    call_command("import_leads", str(file), stdout=out, **options)
    return out.getvalue().splitlines()


def refusal(file: Path, **options: Any) -> str:
    with pytest.raises(CommandError) as refused:
        run(file, **options)
    assert not Lead.objects.exists()
    return str(refused.value)


def test_i1_the_last_line_says_what_became_of_the_rows(harbor: Brokerage) -> None:
    assert run(CONTACTS, email=harbor.lead.email, owner="lakeside") == ["imported 5, skipped 0, rejected 0"]
    assert run(CONTACTS, email=harbor.lead.email, owner="Lakeside") == ["imported 0, skipped 5, rejected 0"]
    assert {lead.owner for lead in Lead.objects.all()} == {harbor.lakeside}


def test_i1_oneself_is_named_by_email(harbor: Brokerage) -> None:
    run(CONTACTS, email=harbor.ana.email.upper(), owner=harbor.ana.email)
    assert {lead.owner for lead in Lead.objects.all()} == {harbor.ana}


def test_i1_rejected_rows_are_told_before(harbor: Brokerage, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(csv_of("Ana,Silva,ana@mail.example,", *["Ben,Berg,no mail,"] * 22))
    lines = run(file, email=harbor.ana.email, owner=harbor.ana.email)
    assert lines[0] == "line 3: email: “no” is not an e-mail address."
    assert lines[-2:] == ["and 2 more", "imported 1, skipped 0, rejected 22"]


def test_i1_refusals_are_sentences(harbor: Brokerage, tmp_path: Path) -> None:
    me = harbor.lead.email
    assert "nobody with the e-mail who@mail.example" in refusal(CONTACTS, email="who@mail.example", owner="Lakeside")
    for owner in ("Hilltop", harbor.ana.email, "Nowhere"):
        assert f"may not name “{owner}” as the owner" in refusal(CONTACTS, email=me, owner=owner)
    assert "Only a unit's leads" in refusal(CONTACTS, email=me, owner=me, route=True)
    assert "No such file" in refusal(tmp_path / "none.csv", email=me, owner=me)
    assert "cannot be read" in refusal(tmp_path, email=me, owner=me)
    (tmp_path / "empty.csv").write_bytes(b"")
    assert "The file is empty." in refusal(tmp_path / "empty.csv", email=me, owner=me)
    (tmp_path / "places.csv").write_bytes(b"city\nBonn\n")
    assert "Say at least which column holds a name" in refusal(tmp_path / "places.csv", email=me, owner=me)
    assert not ImportRun.objects.exists()


def test_p2_without_the_permission_there_is_no_import(harbor: Brokerage) -> None:
    harbor.lead.holding.profile.permissions.remove("import_lead")
    harbor.lead.holding.profile.save()
    assert "does not include imports" in refusal(CONTACTS, email=harbor.lead.email, owner="Lakeside")


def test_i1_a_file_of_thousands(harbor: Brokerage, tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    file.write_bytes(people(range(6000)))
    assert run(file, email=harbor.lead.email, owner="Lakeside")[-1] == "imported 6000, skipped 0, rejected 0"
