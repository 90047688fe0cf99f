"""One list in every dress it comes in: the same leads each time (I1)."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from crm.organization.models import User
from leads.models import ImportRun, Lead
from leads.xlsx import workbook
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import CONTACTS, bring, counts, csv_of, keeps_lists, reasons, upload

pytestmark = pytest.mark.django_db
SHARED = sorted((Path(__file__).parents[4] / "shared" / "data").glob("us-500.csv"))
FILES = [CONTACTS, *SHARED]
# the names that other systems give to the columns of contacts.csv
FOLLOWED_UP = (
    "First Name,Last Name,Company,Address 1 - Street,Address 1 - City,County,Address 1 - State,Address 1 - Zip"
)
FOLLOWED_UP += ",Phone 1,Phone 2,Email 1,Web"
OUTLOOK = "First Name,Last Name,Company,Business Street,Business City,County,Business State,Business Postal Code"
OUTLOOK += ",Business Phone,Mobile Phone,E-mail Address,Web"
SALES = "First Name,Last Name,Company / Account,Mailing Street,Mailing City,County,Mailing State/Province"
SALES += ",Mailing Zip/Postal Code,Phone,Mobile,Email,Web"
GOOGLE = "First Name,Last Name,Organization Name,Address 1 - Street,Address 1 - City,County,Address 1 - Region"
GOOGLE += ",Address 1 - Postal Code,Phone 1 - Value,Phone 2 - Value,E-mail 1 - Value,Web"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def as_csv(rows: list[list[str]], encoding: str, delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding, errors="replace")


def as_workbook(rows: list[list[str]]) -> bytes:
    """As a spreadsheet keeps it once it has been opened there: postal codes are numbers, and have lost their zeros."""
    made, file = Workbook(), io.BytesIO()
    sheet: Any = made.active
    for row in rows:
        sheet.append([int(cell) if cell.isdigit() else cell or None for cell in row])
    made.save(file)
    return file.getvalue()


def dresses(rows: list[list[str]]) -> dict[str, bytes]:
    def named(names: str) -> bytes:
        return as_csv([names.split(","), *rows[1:]], "utf-8", ",")

    return {
        "workbook": as_workbook(rows),
        "our own workbook": b"".join(workbook(rows)),
        "UTF-16 with semicolons": as_csv(rows, "utf-16", ";"),
        "UTF-16 without a mark": as_csv(rows, "utf-16-le", "\t"),
        "Latin-1": as_csv(rows, "latin-1", ","),
        "Windows with bars": as_csv(rows, "cp1252", "|"),
        "UTF-8 with a mark": as_csv(rows, "utf-8-sig", ","),
        "old Mac lines": as_csv(rows, "utf-8", ",").replace(b"\r\n", b"\r"),
        **{name: named(names) for name, names in (("a", FOLLOWED_UP), ("b", OUTLOOK), ("c", SALES), ("d", GOOGLE))},
    }


def leads_of(user: User) -> list[tuple[Any, ...]]:
    leads = Lead.objects.filter(owner_user=user).order_by("pk").prefetch_related("contact_points")
    return [
        (
            *(lead.first_name, lead.last_name, lead.company_name, lead.street, lead.city, lead.state, lead.postal_code),
            sorted((point.kind, point.value) for point in lead.contact_points.all()),
            sorted(lead.custom.items()),
        )
        for lead in leads
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_i1_the_same_leads_in_every_dress(harbor: Brokerage, path: Path) -> None:
    rows = rows_of(path)
    bring(harbor.ana, harbor.ana, path.read_bytes())
    wanted = leads_of(harbor.ana)
    assert len(wanted) == len(rows) - 1
    for name, content in dresses(rows).items():
        Lead.objects.all().delete()
        ImportRun.objects.all().delete()
        scene = brokerage()
        run = bring(scene.ana, scene.ana, content, name=name)
        assert counts(run) == (len(rows) - 1, 0, 0), (name, reasons(run))
        assert leads_of(scene.ana) == wanted, name


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (
            "ID,Name,First Name,Last Name,Stage,Lead Source,Assigned To,Email 1,Email 1 - Type,Phone 1,Phone 1 - Type,Tags",
            "custom:id,custom:name,first_name,last_name,stage,source,assigned_to,email,custom:email-1-type,phone,"
            "custom:phone-1-type,tags",
        ),
        (
            "First Name,Last Name,Cell Phone 1,Work Phone,Email,Primary Address,Primary City,Primary Zip,Hashtags,Agent",
            "first_name,last_name,phone,phone,email,street,city,postal_code,tags,assigned_to",
        ),
        (
            "Record ID,First Name,Last Name,Mobile Phone Number,Contact owner,Lead Status,State/Region,Company name",
            "custom:record-id,first_name,last_name,phone,assigned_to,stage,state,company_name",
        ),
        (
            "Person - Name,Person - Email - Work,Person - Phone - Mobile,Organization - Name,Person - Owner,Label",
            "name,email,phone,company_name,assigned_to,tags",
        ),
        (
            "Lead Owner,Company,Secondary Email,Zip Code,Lead Source,Tag,Rating",
            "assigned_to,company_name,email,postal_code,source,tags,score",
        ),
    ],
)
def test_i1_columns_of_other_systems_are_known(harbor: Brokerage, header: str, wanted: str) -> None:
    keeps_lists(harbor.lead)
    values = {"Stage": "New", "Lead Status": "new", "Rating": "90"}
    people = {"Assigned To", "Agent", "Contact owner", "Person - Owner", "Lead Owner"}
    row = [harbor.ben.name if name in people else values.get(name, "x") for name in header.split(",")]
    content = csv_of(",".join(row), header=header)
    assert upload(harbor.lead, content).mapping == wanted.split(",")


def test_i1_people_in_a_column_are_for_managers_to_name(harbor: Brokerage) -> None:
    keeps_lists(harbor.ben)
    keeps_lists(harbor.lead)
    content = csv_of(f"Ana,{harbor.ben.name}", "Ben,Nobody Known", header="Name,Agent")
    assert upload(harbor.ben, content).mapping == ["name", "custom:agent"]
    assert upload(harbor.lead, content).mapping == ["name", "assigned_to"]  # though one of them is nobody
    unknown = csv_of("Ana,Nobody Known", header="Name,Agent")
    assert upload(harbor.lead, unknown).mapping == ["name", "custom:agent"]


def test_i1_google_separates_values_its_own_way(harbor: Brokerage) -> None:
    header = "Name,E-mail 1 - Value,Phone 1 - Value,Labels"
    bring(
        harbor.ana,
        harbor.ana,
        csv_of("Ana Silva,a@m.example ::: b@m.example,2015550101 ::: 2015550102,x ::: y", header=header),
    )
    lead = Lead.objects.get()
    points = lead.contact_points.order_by("position").values_list("value", flat=True)
    assert list(points) == ["a@m.example", "b@m.example", "+12015550101", "+12015550102"]
    assert lead.tags == ["x", "y"]


@pytest.mark.parametrize("phone", ["6.02E+09", "6,02E+09", "6.02155512E9", "1e10"])
def test_i1_phones_that_lost_their_digits_are_refused_and_not_mangled(harbor: Brokerage, phone: str) -> None:
    run = bring(harbor.ana, harbor.ana, csv_of(f'Ana,Silva,,"{phone}"'))
    assert reasons(run) == {2: f"phone: “{phone}” lost its digits in a spreadsheet; make the column text there."}


def test_i1_what_a_spreadsheet_could_not_work_out_is_refused(harbor: Brokerage) -> None:
    run = bring(harbor.ana, harbor.ana, csv_of("#REF!,Silva,,", "Ana,#N/A,,201-555-0101.0", "Ben,Berg,,2015550102.0"))
    assert reasons(run)[2] == "first_name: the spreadsheet could not work it out (#REF!)."
    assert counts(run)[0] >= 1


def test_i1_hostile_cells_are_only_text(harbor: Brokerage) -> None:
    names = [
        "'); DROP TABLE leads_lead;--",
        '=HYPERLINK("http://x")',
        "{{ 7*7 }}",
        "🏡👩‍👩‍👧",
        "\\N",
        "\\.",
        "NULL x",
        "a\tb",
    ]
    rows = [["Name", "Company"], *[[name, f"c{number}"] for number, name in enumerate(names)]]
    run = bring(harbor.ana, harbor.ana, as_csv(rows, "utf-8", ","))
    assert counts(run) == (len(names), 0, 0)
    kept = {lead.company_name: f"{lead.first_name} {lead.last_name}".strip() for lead in Lead.objects.order_by("pk")}
    assert kept == {f"c{number}": " ".join(name.split()) for number, name in enumerate(names)}


def test_i1_a_cell_of_ten_megabytes_costs_its_row(harbor: Brokerage) -> None:
    run = bring(harbor.ana, harbor.ana, csv_of(f'Ana,Silva,,"{"x" * 10_000_000}"', "Ben,Berg,ben@mail.example,"))
    assert counts(run) == (1, 0, 1)


def test_i1_headers_that_are_alike_are_kept_apart(harbor: Brokerage) -> None:
    keeps_lists(harbor.ana)
    run = upload(harbor.ana, csv_of("Ana,1,2,3,4", header="Name,Web,Web,City,City"))
    assert run.mapping == ["name", "custom:web", "custom:web-2", "city", "custom:city"]
