"""Columns find their fields by name (I1)."""

from __future__ import annotations

import pytest

from leads.imports.matching import FIELDS, doubts_about, field_named, match_columns, problems_of, with_custom_keys
from leads.imports.values import Lists, RowReader

LISTS = Lists(stages={"new": 1, "closed": 2}, people={"ana silva": 7, "ana@mail.example": 7, "jo roe": None})


def match(header: str, *rows: str) -> list[str]:
    return match_columns(header.split(","), [row.split(",") for row in rows], RowReader((), (), "US", LISTS).fits())


def test_i1_the_columns_of_a_common_list() -> None:
    header = "first_name,last_name,company_name,address,city,county,state,zip,phone1,phone2,email,web"
    assert match(header) == [
        *("first_name", "last_name", "company_name", "street", "city", "custom:county", "state", "postal_code"),
        *("phone", "phone", "email", "custom:web"),
    ]


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("first_name", "First|FNAME|First Name|FirstName|Given Name|Lead First Name|Forename|First names"),
        ("last_name", "Last|lname|Surname|Family name|Contact's Last Name|LAST_NAME"),
        ("name", "Name|Full Name|Client Name|Contact name|Display Name"),
        ("company_name", "Company|Company Name|Organization|Organisation Name|Organization 1 - Name|Employer"),
        ("email", "E-mail|Email Address|E-mail 1 - Value|EMAIL 2|Work E-Mail|Primary email|mail|E-mail 2 Address"),
        ("phone", "Phone|Phone1|Mobile|Cell #|Cell Phone|Home Phone|Phone 1 - Value|Telephone|phoneNumber"),
        ("street", "Address|Street|Street Address|Address Line 1|Address 2|Home Street|Mailing Address"),
        ("city", "City|Town|Home City|Address 1 - City"),
        ("state", "State|Province|State/Province|Region|Address 1 - Region"),
        ("postal_code", "Zip|ZIP Code|Postal Code|Postcode|ZIP/Postal Code|Address 1 - Postal Code"),
        ("tags", "Tags|Labels|Groups|Hashtags|Categories|Label|Group Membership"),
        ("source", "Source|Lead Source|Original Source|Contact Source"),
        ("stage", "Stage|Lead Status|Lifecycle Stage|Pipeline Stage"),
        ("assigned_to", "Assigned To|Assigned Agent|Lead Owner|Contact owner|Owner Full Name|Person - Owner|Agent"),
        ("note", "Note|Notes|Comments|Description|Background|Lead Notes|Background info|Contact Notes"),
        ("do_not_call", "Do Not Call|DNC|DoNotCall|Do not call?|Is DNC|DNC List|DO_NOT_CALL|Phone 1 DNC|No Calls"),
        ("no_email", "Email Opt Out|HasOptedOutOfEmail|Unsubscribed|Opted Out of Email|E-mail Opt-Out|Do Not Email"),
        ("no_email", "Opted out|Unsubscribed from all email|Opted out of email: Marketing Information|emailOptOut"),
        ("no_text", "Text Opt Out|SMS Opt-Out|Do not text|Opted out of SMS|HasOptedOutOfText"),
        ("do_not_contact", "Do Not Contact|DoNotContact"),
        (
            "",
            "County|Web|Phone 1 - Type|E-mail 1 - Label|Fax|Fax Number|Spouse First Name|Birthday|Email Opt In|DNC date",
        ),
    ],
)
def test_i1_names_of_usual_exports(field: str, names: str) -> None:
    found = {name: field_named(name) for name in names.split("|")}
    assert set(found.values()) == {field}, found


def test_i1_a_field_is_given_once_but_for_those_a_lead_has_many_of() -> None:
    assert match("City,Home city,Email,Email 2,Tags") == ["city", "custom:home-city", "email", "email", "tags"]


def test_i1_the_full_name_gives_way_to_its_parts() -> None:
    assert match("Name,First name,Last name") == ["custom:name", "first_name", "last_name"]
    assert match("Name,Phone") == ["name", "phone"]


def test_i1_a_field_of_certain_values_is_matched_only_where_the_column_holds_them() -> None:
    assert match("Name,Type", "Ana,Buyer", "Ben,") == ["name", "kind"]
    assert match("Name,Type", "Ana,Past client") == ["name", "custom:type"]
    assert match("Name,Type") == ["name", "custom:type"]
    assert match("Name,Price,Score,Time zone", 'Ana,"$350k",high,East') == [
        *("name", "custom:price", "custom:score", "custom:time-zone")
    ]
    assert match("Name,Price,Score,Time zone", "Ana,$350k,90,America/New_York") == [
        *("name", "price_max", "score", "time_zone")
    ]


def test_i1_a_few_unknown_values_do_not_hide_what_a_column_holds() -> None:
    rows = ("Ana,Ana Silva,New", "Ben,Zed,Closed", "Cal,,Martian")
    assert match("Name,Assigned to,Stage", *rows) == ["name", "assigned_to", "stage"]
    rows = tuple(f"N{n},Word {n},Closed" for n in range(9))
    assert match("Name,Stage,Status", *rows, "Z,New,") == ["name", "custom:stage", "stage"]


def test_i1_what_speaks_against_a_columns_name_is_said() -> None:
    header = ["Name", "Stage", "Assigned to", "DNC", "City"]
    rows = [["Ana", "New", "Zed", "perhaps", "9"], ["Ben", "Martian", "Zoe", "yes", ""], ["Cal", "New", "", "", ""]]
    found = doubts_about(header, rows, RowReader((), (), "US", LISTS).problem_of)
    assert found == [
        "",
        "As “Stage”, 1 of its first 2 values cannot be read (“Martian” is none of your stages); their rows would be"
        " rejected.",
        "As “Assigned to”, none of its first values can be read (“Zed” is nobody these leads can be assigned to); their"
        " rows would be rejected.",
        "As “Do not call”, 1 of its first 2 values cannot be read (“perhaps” is neither yes nor no); their rows would be"
        " rejected.",
        "",
    ]
    assert doubts_about(header, [], RowReader((), (), "US", LISTS).problem_of) == [""] * 5


def test_l1_kept_columns_have_keys_of_their_own() -> None:
    header = ["Web", "web!", "日本", "Genève", "x" * 90]
    keys = with_custom_keys(header, ["custom:"] * 5)
    assert keys == ["custom:web", "custom:web-2", "custom:column-3", "custom:geneve", f"custom:{'x' * 56}"]
    assert with_custom_keys(header, keys) == keys


def test_i1_what_is_wrong_with_a_mapping_is_said_where_it_is_wrong() -> None:
    header = ["A", "B", "C"]
    assert problems_of(header, ["first_name", "city", "phone"]) == {}
    assert problems_of(header, ["city", "phone", "city"]) == {2: "City is taken from “A” already."}
    assert problems_of(header, ["phone", "phone", ""]) == {}
    assert problems_of(header, ["phone", "custom:b", "custom:b"]) == {2: "This field is taken from “B” already."}
    assert "not both" in problems_of(header, ["name", "last_name", ""])[-1]
    assert "at least" in problems_of(header, ["city", "custom:b", ""])[-1]


def test_every_field_that_can_be_chosen_has_a_reader() -> None:
    from leads.imports.values import RowReader

    RowReader(list(FIELDS), list(FIELDS), "US")
