"""Workbooks as spreadsheets write them, as others do, and as nobody should (I1)."""

from __future__ import annotations

import io
import random
import resource
import time
import tracemalloc
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import pytest
from openpyxl import Workbook as Made
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from leads.imports import workbook
from leads.imports.reading import Record, UnreadableFileError
from leads.imports.workbook import open_workbook
from leads.xlsx import workbook as written

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


def saved(made: Made) -> bytes:
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def sheet_of(made: Made) -> Worksheet:
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    return sheet


def made_of(*rows: Iterable[Any]) -> bytes:
    made = Made()
    for row in rows:
        sheet_of(made).append(list(row))
    return saved(made)


def rows_of(content: bytes) -> list[Record]:
    return list(next(open_workbook(io.BytesIO(content))).records)


def cells_of(content: bytes) -> list[list[str]]:
    return [row.cells for row in rows_of(content)]


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableFileError) as refused:
        rows_of(content)
    return str(refused.value)


EMPTY = made_of(["x"])
TEXTS = '<Relationship Id="rId9" Type="http://x/relationships/sharedStrings" Target="texts.xml"/>'


def by_hand(sheet: str, *, texts: str = "", **parts: str) -> bytes:
    """A workbook whose sheet, or other parts, are this XML; with a table of texts, if any."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(EMPTY)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in old.namelist():
            name = path.rpartition("/")[2].partition(".")[0]
            kept = old.read(path).decode()
            if path.endswith("workbook.xml.rels"):
                kept = kept.replace("</Relationships>", f"{TEXTS}</Relationships>") if texts else kept
            elif path.endswith(".xml"):
                kept = sheet if name == "sheet1" else parts.get(name, kept)
            archive.writestr(path, kept)
        archive.writestr("xl/texts.xml", texts)
    return file.getvalue()


def xml(rows: str, space: str = MAIN) -> str:
    return f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'


def test_i1_texts_numbers_and_truths() -> None:
    content = made_of(
        ["Name", "Phone", "Zip", "Price", "Share", "VIP", "Big"],
        ["Zoë 🏡", 6021234567, "07102", 350000.5, 0.1, True, 1234567890123456],
        [" <b>&amp; ", 6021234567.0, 7102, -3, 1 / 3, False, 6.02e23],
    )
    assert cells_of(content)[1:] == [
        ["Zoë 🏡", "6021234567", "07102", "350000.5", "0.1", "TRUE", "1234567890123456"],
        [" <b>&amp; ", "6021234567", "7102", "-3", "0.333333333333333", "FALSE", "6.02E+23"],
    ]


def test_i1_days_and_times_of_both_calendars() -> None:
    moments = [date(2024, 2, 29), datetime(2024, 3, 1, 14, 30), datetime(1999, 12, 31, 23, 59, 59), date(1904, 1, 2)]
    for mac in (False, True):
        made = Made()
        if mac:
            made.epoch = CALENDAR_MAC_1904
        sheet_of(made).append(moments)
        assert cells_of(saved(made)) == [["2024-02-29", "2024-03-01 14:30", "1999-12-31 23:59:59", "1904-01-02"]]


def test_i1_what_a_number_is_shown_as() -> None:
    made = Made()
    formats = {
        "00000": (501, "00501"),
        'dd"/"mm': (45352, "2024-03-01"),
        "h:mm": (0.5, "12:00"),
        "[Red]0.00": (3, "3"),
        '0.0 "days"': (3, "3"),
        "$#,##0": (350000, "350000"),
        "General": (45352, "45352"),
    }
    sheet_of(made).append([value for value, _ in formats.values()])
    for cell, shown in zip(sheet_of(made)[1], formats, strict=True):
        cell.number_format = shown
    assert cells_of(saved(made)) == [[shown for _, shown in formats.values()]]


def test_i1_the_days_that_never_were() -> None:
    made = Made()
    sheet_of(made).append([1, 59, 61, -1, 3_000_000])
    for cell in sheet_of(made)[1]:
        cell.number_format = "yyyy-mm-dd"
    assert cells_of(saved(made)) == [["1900-01-01", "1900-02-28", "1900-03-01", "-1", "3000000"]]


def test_i1_rows_keep_their_numbers_and_columns_their_places() -> None:
    made = Made()
    sheet = sheet_of(made)
    sheet["B2"], sheet["D2"], sheet["C7"] = "Name", "City", "Ana"
    sheet["A5"].number_format = "yyyy"  # it is styled, and holds nothing
    sheet["A6"] = "  "
    rows = rows_of(saved(made))
    assert [(row.line, row.cells) for row in rows] == [(2, ["", "Name", "", "City"]), (7, ["", "", "Ana"])]


def test_i1_the_value_of_a_formula_is_read_and_never_the_formula() -> None:
    cells = '<c r="A1" t="str"><f>A9&amp;"x"</f><v>Ana</v></c><c r="B1"><f>1+1</f><v>2</v></c>'
    assert cells_of(by_hand(xml(f'<row r="1">{cells}</row>'))) == [["Ana", "2"]]
    empty = '<c r="A1" t="str"><f>""</f><v></v></c><c r="B1" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
    assert cells_of(by_hand(xml(f'<row r="1">{empty}</row>'))) == [["", "#DIV/0!"]]


def test_i1_a_formula_that_was_never_worked_out_costs_its_row() -> None:
    (header, bad) = rows_of(made_of(["Name", "Phone"], ["Ana", '=HYPERLINK("x")']))
    assert header.problem == ""
    assert bad.cells == ["Ana"]
    assert bad.problem.startswith("The cell B2 is a formula that was never worked out.")


def test_i1_rich_texts_escapes_and_how_words_are_spoken() -> None:
    texts = (
        f'<sst xmlns="{MAIN}"><si><r><t>An</t></r><r><t xml:space="preserve">a </t></r></si>'
        "<si><t>東京</t><rPh><t>トウキョウ</t></rPh></si><si><t>two_x000A_lines_x0000_</t></si><si/></sst>"
    )
    cells = "".join(f'<c t="s"><v>{number}</v></c>' for number in range(4))
    inline = '<c t="inlineStr"><is><r><t>Be</t></r><r><t>n</t></r></is></c>'
    content = by_hand(xml(f"<row>{cells}{inline}</row>"), texts=texts)
    assert cells_of(content) == [["Ana ", "東京", "two\nlines\0", "", "Ben"]]


@pytest.mark.parametrize("space", [MAIN, STRICT])
def test_i1_any_prefix_and_the_strict_form(space: str) -> None:
    row = "<x:row><x:c><x:v>7</x:v></x:c></x:row>"
    sheet = f'<x:worksheet xmlns:x="{space}"><x:sheetData>{row}</x:sheetData></x:worksheet>'
    assert cells_of(by_hand(sheet)) == [["7"]]


def test_i1_the_first_sheet_that_people_see() -> None:
    made = Made()
    sheet_of(made).title = "Secrets"
    sheet_of(made)["A1"] = "hidden"
    sheet_of(made).sheet_state = "hidden"
    made.create_sheet("Old")["A1"] = "very hidden"
    made["Old"].sheet_state = "veryHidden"
    made.create_sheet("Leads")["A1"] = "Name"
    made.create_sheet("More")["A1"] = "Else"
    first, second = open_workbook(io.BytesIO(saved(made)))
    assert (first.sheet, first.others, second.sheet) == ("Leads", ["More"], "More")
    made.active = 2
    for name in ("Leads", "More"):
        made[name].sheet_state = "hidden"
    made["Secrets"].sheet_state = "visible"
    assert [sheet.sheet for sheet in open_workbook(io.BytesIO(saved(made)))] == ["Secrets"]


def test_i1_what_is_exported_can_be_imported() -> None:
    rows = [["Name", "Since"], ["=Ana\n<b>", date(2024, 3, 1)], ["+1 201", 5]]
    assert cells_of(b"".join(written(rows))) == [["Name", "Since"], ["=Ana\n<b>", "2024-03-01"], ["+1 201", "5"]]


# --- what nobody should write -----------------------------------------------------------------------------------------


def test_i1_a_cell_far_to_the_right_costs_its_row_and_no_memory() -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c><c r="XFD{n}"><v>1</v></c></row>' for n in range(2, 2000))
    found = rows_of(
        by_hand(xml(f'<row r="1"><c r="A1"><v>1</v></c></row>{rows}<row r="1048576"><c><v>1</v></c></row>'))
    )
    assert len(found) == 2000
    assert found[1] == (2, ["1"], "The cell XFD2 is too far to the right: an import takes up to 200 columns.")
    assert found[-1] == (1_048_576, ["1"], "")


def test_i1_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "LARGEST_PART", 10_000_000)
    monkeypatch.setattr(workbook, "LARGEST_TEXTS", 5_000_000)
    bomb = by_hand(xml(" " * 30_000_000))
    assert len(bomb) < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "larger than an import reads" in refusal(bomb)
    texts = f'<sst xmlns="{MAIN}">' + "<si><t>x</t></si>" * 400_000 + "</sst>"
    assert "holds more text than an import reads" in refusal(by_hand(xml(""), texts=texts))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def padded(content: bytes) -> bytes:
    """With a picture in it, that makes up for how little the rest is packed into."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/media/x.png", random.Random(1).randbytes(1_000_000))
    return file.getvalue()


LONG = 20_000_000  # characters


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "cell",
    [
        '<c t="str"><v>{}</v></c>',
        '<c t="inlineStr"><is><t>{}</t></is></c>',
        '<c r="{}"><v>1</v></c>',
        "<!--{}-->",
    ],
)
def test_i1_a_sheet_that_unpacks_to_far_more_than_the_file_is_refused_at_once(cell: str) -> None:
    bomb = by_hand(xml(f"<row>{cell.format('A' * LONG)}</row>"))
    assert len(bomb) < 50_000
    with little_memory():
        assert "unpacks to far more" in refusal(bomb)


@pytest.mark.parametrize("cell", ['<c r="{}"><v>1</v></c>', "<!--{}-->"])
def test_i1_a_tag_without_end_is_refused_whatever_is_beside_it(cell: str) -> None:
    content = padded(by_hand(xml(f"<row>{cell.format('A' * LONG)}</row>")))
    with little_memory():
        assert "unpacks to far more" in refusal(content)


def test_i1_a_cell_longer_than_spreadsheets_take_costs_its_row_and_no_memory() -> None:
    texts = f'<sst xmlns="{MAIN}"><si><t>{"A" * 100_000}</t></si><si><t>{"_x0041_" * 32_767}</t></si></sst>'
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>{n % 2}</v></c></row>' for n in range(2, 4))
    long = f'<row r="4"><c r="A4" t="str"><v>{"A" * LONG}</v></c><c r="B4"><v>1</v></c></row>'
    content = padded(by_hand(xml(f"<row><c><v>1</v></c></row>{rows}{long}"), texts=texts))
    with little_memory():
        header, shared, whole, inline = rows_of(content)
    assert (header.problem, whole.problem, whole.cells) == ("", "", ["A" * 32_767])
    assert (shared.problem, inline.problem) == tuple(
        f"The cell A{n} holds more than 32,767 characters." for n in (2, 4)
    )
    assert (len(shared.cells[0]), len(inline.cells[0]), inline.cells[1]) == (32_768, 32_768, "1")


def test_i1_many_texts_take_the_memory_that_they_take_in_the_file() -> None:
    texts = "".join(f"<si><t>🙂 {n}, as long as an address is</t></si>" for n in range(20_000))
    content = by_hand(xml('<row><c t="s"><v>19999</v></c></row>'), texts=f'<sst xmlns="{MAIN}">{texts}</sst>')
    with little_memory():  # as many texts of Python are 3.4 MB beside what reading takes
        assert cells_of(content) == [["🙂 19999, as long as an address is"]]
    damaged = by_hand(xml('<row><c t="s"><v>-1</v></c></row>'), texts=f'<sst xmlns="{MAIN}">{texts}</sst>')
    assert "damaged" in refusal(damaged)


def test_i1_one_long_text_in_many_cells_is_refused_before_it_is_much() -> None:
    texts = f'<sst xmlns="{MAIN}"><si><t>{"A" * 32_000}</t></si></sst>'
    cell = '<row><c t="s"><v>0</v></c></row>'
    content = by_hand(xml(cell * 8_000), texts=texts)
    assert len(content) < 10_000
    with little_memory():
        assert "far more than the file" in refusal(content)
    assert "far more than the file" in refusal(padded(content))
    assert len(rows_of(by_hand(xml(cell * 100), texts=texts))) == 100


def test_i1_cells_far_apart_are_refused_before_they_are_much() -> None:
    content = by_hand(xml('<row><c r="GR1"><v>1</v></c></row>' * 60_000))
    assert "far more than the file" in refusal(content)
    assert len(rows_of(by_hand(xml('<row><c r="GR1"><v>1</v></c></row>' * 5_000)))) == 5_000


def test_i1_only_what_spreadsheets_pack_by_is_unpacked() -> None:
    """The others can unpack to any size between two looks at how much it is."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(EMPTY)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as made:
        for path in old.namelist():
            made.writestr(path, old.read(path))
    assert "damaged" in refusal(file.getvalue())


def test_i1_sheets_beyond_number_and_measure_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    sheets = '<sheet name="x" r:id="rId1"/>'
    book = f'<workbook xmlns="{MAIN}" xmlns:r="{relations}"><sheets>{{}}</sheets></workbook>'
    assert "more than 1,000 sheets" in refusal(by_hand(xml(""), workbook=book.format(sheets * 1_001)))
    monkeypatch.setattr(workbook, "LARGEST_PART", 2_000_000)
    read = open_workbook(io.BytesIO(by_hand(xml(" " * 1_000_000), workbook=book.format(sheets * 100))))
    with pytest.raises(UnreadableFileError, match="larger than an import reads"):
        deque(row for sheet in read for row in sheet.records)


def test_i1_a_part_longer_than_it_says_is_refused() -> None:
    content = bytearray(by_hand(xml("<row><c><v>1</v></c></row>" * 10_000)))
    at = content.rfind(b"xl/worksheets/sheet1.xml") - 46
    content[at + 24 : at + 28] = (100).to_bytes(4, "little")  # its size, as the directory has it
    assert "damaged" in refusal(bytes(content))


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa">]>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE x [<!ENTITY % e "">%e;]>',
    ],
)
def test_i1_entities_are_refused(declared: str) -> None:
    sheet = declared + xml('<row><c t="str"><v>&a;</v></c></row>')
    assert "damaged" in refusal(by_hand(sheet))


def archive(**parts: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, text in parts.items():
            made.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04",
        b"PK\x03\x04" + b"\0" * 1000,
        made_of(["Name"])[:-200],
        by_hand("<worksheet"),
        by_hand(xml('<row><c t="s"><v>99</v></c></row>')),
        by_hand(xml('<row><c t="s"><v>x</v></c></row>')),
        by_hand(xml('<row r="x"><c><v>1</v></c></row>')),
        by_hand(xml('<row><c r="?1"><v>1</v></c></row>')),
        by_hand(xml("<row><c><v>one</v></c></row>")),
        by_hand(xml(""), workbook=f'<workbook xmlns="{MAIN}"><sheets><sheet name="x"/></sheets></workbook>'),
        made_of(["x"]).replace(b"PK\x05\x06", b"PK\x05\x06PK\x05\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    ],
    ids=map(str, range(11)),  # what is made here holds the time of day
)
def test_i1_a_damaged_workbook_is_refused_in_words(content: bytes) -> None:
    assert refusal(content) == "The workbook is damaged. Open it in a spreadsheet and save it again, or as CSV."


def test_i1_other_archives_are_refused_in_words() -> None:
    assert "no Excel workbook" in refusal(archive(**{"leads.csv": "name\nAna\n"}))
    word = '<Relationships xmlns="{}"><Relationship Id="1" Type="x/officeDocument" Target="{}"/></Relationships>'
    document = word.format(workbook.PACKAGE, "word/document.xml")
    assert "no Excel workbook" in refusal(archive(**{"_rels/.rels": document, "word/document.xml": "<x/>"}))
    binary = word.format(workbook.PACKAGE, "xl/workbook.bin")
    assert "binary workbook" in refusal(archive(**{"_rels/.rels": binary, "xl/workbook.bin": "x"}))


def test_i1_a_hundred_thousand_rows_in_little_memory() -> None:
    """Through Python's own writer of rows, so that only the reading counts."""
    content = b"".join(written([["Ana", f"Silva{n}", f"p{n}@mail.example", 6_020_000_000 + n] for n in range(100_000)]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    assert sum(1 for _ in next(open_workbook(io.BytesIO(content))).records) == 100_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kilobytes
    assert time.monotonic() - started < 30
