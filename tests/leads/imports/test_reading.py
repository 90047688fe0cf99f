"""CSV in every shape people have it (I1; reliability.md 16)."""

from __future__ import annotations

import codecs
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.imports import reading
from leads.imports.reading import Record, UnreadableFileError, records, survey


def read(content: bytes) -> list[Record]:
    """The records below the header."""
    found = survey(io.BytesIO(content))
    rows = list(records(io.BytesIO(content), found.encoding, found.delimiter))[1:]
    assert len(rows) == found.total
    return rows


def cells(content: bytes) -> list[list[str]]:
    return [row.cells for row in read(content)]


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableFileError) as refused:
        survey(io.BytesIO(content))
    return str(refused.value)


TEXT = "name,city\nZoë,Łódź\nAda,Bonn\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
    ],
    ids=["utf-8", "utf-8-bom", "utf-16", "utf-16-be", "utf-16-le-unmarked", "utf-16-be-unmarked", "utf-32"],
)
def test_i1_unicode_in_every_dress(content: bytes) -> None:
    assert cells(content) == [["Zoë", "Łódź"], ["Ada", "Bonn"]]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_i1_western_bytes_that_are_no_utf_8(encoding: str) -> None:
    assert cells("name,city\nJosé,Genève\n".encode(encoding)) == [["José", "Genève"]]


def test_i1_windows_quotes_and_bytes_windows_never_defined() -> None:
    assert cells(b"name,city\n\x93Bo\x94,Paris\n") == [["“Bo”", "Paris"]]
    assert cells(b"name,city\nBo\x81,Paris\n") == [["Bo\x81", "Paris"]]


@pytest.mark.parametrize("delimiter", list(reading.DELIMITERS))
def test_i1_delimiters(delimiter: str) -> None:
    lines = [["name", "note", "city"], ["Ana", "one, two; three", "Bonn"], ["Ben", "", "Rome"]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(lines)
    assert cells(text.getvalue().encode()) == lines[1:]


def test_i1_a_file_may_declare_its_delimiter() -> None:
    assert read(b"sep=|\nname|city\nAna|Bonn\n") == [Record(3, ["Ana", "Bonn"])]
    assert cells(b"sep=;\r\nname;city\r\nAna;Bonn\r\n") == [["Ana", "Bonn"]]


@pytest.mark.parametrize("declared", ["sep=", 'sep="', "sep=x", "SEP=,", "sep=\t"])
def test_i1_a_strange_declaration_does_no_harm(declared: str) -> None:
    assert "Bonn" in "".join(cells(f"{declared}\nname,city\nAna,Bonn\nBen,Rome\n".encode())[0])


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_i1_line_endings_and_quoted_newlines(ending: str) -> None:
    content = ending.join(["name,note", 'Ana,"first', 'second, ""third"""', "Ben,x", ""]).encode()
    assert read(content) == [Record(2, ["Ana", f'first{ending}second, "third"']), Record(4, ["Ben", "x"])]


def test_i1_one_column_and_no_newline_at_the_end() -> None:
    assert cells(b"email\na@b.example\nc@d.example") == [["a@b.example"], ["c@d.example"]]


def test_i1_blank_lines_and_empty_rows_are_nothing() -> None:
    assert read(b"name,city\n\n,,\nAna,Bonn\n \n") == [Record(4, ["Ana", "Bonn"])]


def test_i1_characters_that_only_python_takes_for_line_ends() -> None:
    assert cells("name,city\nAna\u2028B,C\x0bD\n".encode()) == [["Ana\u2028B", "C\x0bD"]]


def test_16_nul_bytes_cost_their_row_only() -> None:
    assert read(b"name,city\nA\0na,Bonn\nBen,Rome\n") == [
        Record(2, ["A␀na", "Bonn"], reading.NUL),
        Record(3, ["Ben", "Rome"]),
    ]


@pytest.mark.parametrize("last", ["", "\n"])
def test_16_a_quote_that_never_closes_costs_its_row_only(last: str) -> None:
    assert read(f'name,city\nAna,"Bonn\nBen,Rome\nCal,Oslo{last}'.encode()) == [
        Record(2, ['Ana,"Bonn'], reading.NEVER_CLOSED),
        Record(3, ["Ben", "Rome"]),
        Record(4, ["Cal", "Oslo"]),
    ]


def test_16_two_stray_quotes_do_not_swallow_what_is_between() -> None:
    rows = read(b'name,city\nAna,"Bonn\nBen,Rome\nCal,"Oslo\nDee,Bern\n')
    assert [row.line for row in rows] == [2, 3, 4, 5]
    assert [row.problem for row in rows] == [reading.NEVER_CLOSED, "", reading.NEVER_CLOSED, ""]


def test_16_a_stray_quote_far_from_the_end() -> None:
    content = b'name,city\nAna,"Bonn\n' + b"Ben,Rome\n" * 5000
    rows = read(content)
    assert len(rows) == 5001
    assert [row.line for row in rows if row.problem] == [2]


def test_16_quotes_inside_a_word_are_words() -> None:
    assert cells(b'name,city\nBo "the Boat" Berg,5" Pipe Road\n') == [['Bo "the Boat" Berg', '5" Pipe Road']]


def test_16_a_line_without_end_costs_itself_only() -> None:
    long = b"x" * (3 * reading.LONGEST_LINE)
    rows = read(b"name,city\nAna,Bonn\n" + long + b",Rome\nCal,Oslo\n")
    assert [(row.line, row.problem) for row in rows] == [(2, ""), (3, reading.TOO_LONG), (4, "")]
    inside = read(b'name,city\nAna,"Bonn\n' + long + b"\nCal,Oslo\n")
    assert [(row.line, row.problem) for row in inside] == [(2, reading.NEVER_CLOSED), (3, reading.TOO_LONG), (4, "")]


def test_16_bytes_that_break_a_marked_encoding_cost_their_row_only() -> None:
    rows = read(codecs.BOM_UTF8 + b"name,city\nJos\xe9,Bonn\nBen,Rome\n")
    assert [row.problem for row in rows] == [reading.UNDECODABLE, ""]


def test_16_ten_thousand_columns_are_refused_in_words() -> None:
    header = ",".join(f"c{number}" for number in range(10_000)).encode()
    assert refusal(header + b"\n1\n") == "The file has 10,000 columns; an import takes up to 200."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (codecs.BOM_UTF8, "The file is empty."),
        (b"\n \n,,\n", "The file is empty."),
        (b"name,city\n", "The file has a header, but no rows below it."),
        (b"PK\x03\x04rest", "This is a damaged zip archive. Save the sheet as XLSX or CSV and upload that."),
        (b"%PDF-1.7", "This is a PDF. Save the sheet as XLSX or CSV and upload that."),
        (b"\x89PNG\r\n", "This is a picture. Save the sheet as XLSX or CSV and upload that."),
        (b" <html><table>", "This is a web page or XML. Save the sheet as XLSX or CSV and upload that."),
        (b'[{"name": "Ana"}]', "This is JSON. Save the sheet as XLSX or CSV and upload that."),
        (b'"name,city\nAna,Bonn\n', f"The first line cannot be read as a header. {reading.NEVER_CLOSED}"),
    ],
)
def test_i1_files_that_cannot_be_read_are_refused_in_words(content: bytes, said: str) -> None:
    assert refusal(content) == said


@pytest.mark.parametrize("first", [b"Ana,ana@mail.example", b"Ana,(201) 555-0101", b"Ana,2015550101"])
def test_i1_a_file_without_a_header_does_not_lose_its_first_lead(first: bytes) -> None:
    assert "looks like a lead already" in refusal(first + b"\nBen,ben@mail.example\n")


def test_i1_columns_without_a_name_are_called_by_their_number() -> None:
    assert survey(io.BytesIO(b"name,, city \nAna,x,Bonn\n")).header == ["name", "Column 2", "city"]


CELL = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=8))
def test_i1_what_a_csv_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], *rows])
    kept = [row for row in rows if "".join(row).strip()]
    read_back = list(records(io.BytesIO(text.getvalue().encode()), "utf-8", ","))[1:]
    assert [row.cells for row in read_back] == kept
    assert not any(row.problem for row in read_back)


@given(st.binary(max_size=400))
def test_16_no_bytes_break_the_reader_or_vanish_in_silence(content: bytes) -> None:
    try:
        found = survey(io.BytesIO(content))
    except UnreadableFileError:
        return
    rows = list(records(io.BytesIO(content), found.encoding, found.delimiter))
    assert len(rows) == found.total + 1
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))


@given(st.text(alphabet='a",\n', max_size=60))
def test_16_every_letter_of_a_broken_file_is_in_some_record(text: str) -> None:
    rows = list(records(io.BytesIO(text.encode()), "utf-8", ","))
    assert sum("".join(row.cells).count("a") for row in rows) == text.count("a")
