"""C4: whatever is sent is read or refused in words, at once. Nothing else is ever raised."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.capture.formats.inquiry import FORMATS, Inquiry, SpamError, UnreadableError, questions, read
from tests.routing.capture.formats.senders import FORMAT_OF, body_of, read_one, type_of

MEGABYTE = 1_000_000
TYPES = st.sampled_from([
    "",
    "application/json",
    "application/json; charset=utf-16",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "text/xml; charset=big5",
    "charset=\0\n",
])  # fmt: skip
PIECES = st.sampled_from([
    *(b'{"', b'":', b'"', b"[", b"]", b"}", b",", b"null", b"\\ud800", b"\\u0000", b"1e999", b"NaN", b"-"),
    *(b"<adf>", b"</adf>", b"<prospect>", b"</prospect>", b"<name part='full'>", b"</name>", b"<![CDATA[", b"]]>"),
    *(b"<!--", b"-->", b"<?", b"?>", b"<!DOCTYPE", b"&amp;", b"&x;", b"&#0;", b"&#xFFFF;", b"<comments>", b"<a b='"),
    *(b"name", b"email", b"phone", b"field_data", b"entry", b"changes", b"value", b"a@b.co", b"5125550142", b"&", b"="),
    *(b"%", b"%FF", b"[0]", b"--x\r\n", b'; name="email"', b"\r\n\r\n", b"\0", b"\xff\xfe", b"\xfe\xff", b"\x80"),
    *(b"0000-00-00T99:99", b"2026-02-30", b"99999999999999999999", b"$", b"k", b"requestdate", b"budget", b"price"),
])  # fmt: skip
HUGE = {
    "brackets": b"[" * MEGABYTE,
    "objects": b'{"a":' * (MEGABYTE // 5),
    "digits": b'{"phone":' + b"9" * MEGABYTE + b"}",
    "at signs": json.dumps({"email": "a@" * (MEGABYTE // 2)}).encode(),
    "one name": json.dumps({"name": "x" * MEGABYTE}).encode(),
    "one key": json.dumps({"x" * MEGABYTE: "a@b.co", "email": "a@b.co"}).encode(),
    "emails": json.dumps({"emails": [f"a{n}@b.co" for n in range(50_000)]}).encode(),
    "spaces": json.dumps({"email": "a@b.co", "budget": " " * MEGABYTE}).encode(),
    "in itself": json.dumps({"data": json.dumps({"data": json.dumps({"data": "[" * 200_000})})}).encode(),
    "equals": b"=&" * (MEGABYTE // 2),
    "percents": b"email=" + b"%" * MEGABYTE,
    "key of brackets": b"[" * 1 + b"a]" * (MEGABYTE // 2) + b"=1",
    "parts": b"--x\r\n\r\n" * (MEGABYTE // 7),
    "elements": b"<a>" * (MEGABYTE // 3),
    "closed elements": b"<a>" * 140_000 + b"</a>" * 140_000,
    "comments": b"<comments>" * (MEGABYTE // 10),
    "sections": b"<![CDATA[" * (MEGABYTE // 9),
    "remarks": b"<!--" * (MEGABYTE // 4),
    "instructions": b"<?" * (MEGABYTE // 2),
    "ampersands": b"<a>" + b"&" * MEGABYTE,
    "angles": b"<" * MEGABYTE,
    "attributes": b"<a" + b" b='" * (MEGABYTE // 4),
    "wide tag": b"<a" + b" " * MEGABYTE + b">",
    "nothing": b"\0" * MEGABYTE,
}
HEAD = b"<adf><prospect><customer><contact><name part='full'>Ana Silva</name>"
TAIL = b"</contact></customer></prospect></adf>"


def tried(format: str, body: bytes, content_type: str = "") -> None:
    """Read, or refused in words; also where somebody looks at its questions."""
    for act in (read, questions):
        try:
            act(format, body, content_type)
        except UnreadableError as error:
            assert 10 < len(str(error)) < 1_000, str(error)  # noqa: PT017


@pytest.mark.parametrize("format", FORMATS)
@given(body=st.binary(max_size=200) | st.lists(PIECES, max_size=40).map(b"".join), content_type=TYPES)
def test_c4_any_bytes(format: str, body: bytes, content_type: str) -> None:
    tried(format, body, content_type)


@pytest.mark.parametrize("format", FORMATS)
@given(text=st.text(max_size=30), pieces=st.lists(PIECES, max_size=6).map(b"".join))
def test_c4_any_text_where_an_answer_belongs(format: str, text: str, pieces: bytes) -> None:
    answer = text + pieces.decode("latin-1")
    keys = ("name", "email", "phone", "budget", "created", "tags", "message", "agent", "price", "city", "source")
    tried(format, json.dumps(dict.fromkeys(keys, answer)).encode())
    tried(format, HEAD + b"<email>" + answer.encode() + b"</email>" + TAIL)


@pytest.mark.parametrize("name", FORMAT_OF)
def test_c4_cut_off_after_every_seventh_byte(name: str) -> None:
    """A form may end anywhere; of anything else only the whole is read."""
    body = body_of(name).strip()
    for end in range(0, len(body), 7):
        if name.endswith(".form"):
            tried(FORMAT_OF[name], body[:end], type_of(name))
        elif b"</prospect>" not in body[:end]:
            with pytest.raises(UnreadableError):
                read(FORMAT_OF[name], body[:end], type_of(name))


@pytest.mark.parametrize("name", FORMAT_OF)
def test_c4_with_seven_bytes_missing_anywhere(name: str) -> None:
    body = body_of(name)
    for start in range(0, len(body), 7):
        tried(FORMAT_OF[name], body[:start] + body[start + 7 :], type_of(name))


@pytest.mark.parametrize("what", HUGE)
def test_c4_a_megabyte_of_it_costs_little(what: str) -> None:
    body, began = HUGE[what], time.process_time()
    tried("adf", HEAD + body + TAIL) if body.startswith(b"<") else tried("zillow", body)
    tried("form", body, "multipart/form-data; boundary=x")
    assert time.process_time() - began < 8


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE adf [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
        '<!DOCTYPE adf [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!doctype adf [<!ENTITY % a SYSTEM "http://example.com/a.dtd"> %a;]>',
        "<!DOCTYPE adf>",
        '<!ENTITY a "ha">',
        '< !DOCTYPE adf><! DOCTYPE adf [<!ENTITY a "ha">]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_c3_no_declaration_of_entities_is_read(declaration: str, encoding: str) -> None:
    text = f"{declaration}{HEAD.decode()}<email>&c;&a;@example.com</email>{TAIL.decode()}"
    with pytest.raises(UnreadableError, match=r"DOCTYPE|ENTITY"):
        read("adf", text.encode(encoding), "")


def test_c3_an_unknown_entity_stays_the_text_it_is() -> None:
    body = HEAD + b"</contact><comments>&xxe; &eacute; &amp; &#233; & <!DOCTYPE></comments></customer></prospect></adf>"
    assert read_one("adf", body).message == "&xxe; é & é & <!DOCTYPE>"


def test_c3_a_hidden_field_filled_in_is_spam() -> None:
    body = body_of("website_form.form") + b"http%3A%2F%2Fexample.com"
    with pytest.raises(SpamError, match="hidden field"):
        read("form", body, "")
    assert read_one("form", body, mapping={"website": "extra"}).extra == {"Website": "http://example.com"}
    assert read_one("json", body).extra == {"Website": "http://example.com"}


def test_c4_too_many_at_once() -> None:
    people: list[Any] = [{"email": f"a{n}@example.com"} for n in range(201)]
    with pytest.raises(UnreadableError, match="201 inquiries; up to 200"):
        read("json", json.dumps(people).encode(), "")
    assert len(read("json", json.dumps(people[:200]).encode(), "")) == 200
    with pytest.raises(UnreadableError, match="201 prospects"):
        read("adf", (HEAD + b"</contact></customer></prospect>" + b"<prospect></prospect>" * 200 + b"</adf>"), "")


@pytest.mark.parametrize(
    ("format", "body", "words"),
    [
        ("json", b"", "It is empty"),
        ("json", b'{"name":\n "Ana",\n oops}', "not JSON: line 3, column 2"),
        ("json", b'"Ana"', "no object with answers"),
        ("json", b"[]", "no object with answers"),
        ("json", b"[1, 2]", "no object with answers"),
        ("json", b"hello", "neither JSON nor form data"),
        ("json", b"\x1f\x8b\x08\x00\x01\x02\x03\x04\x05\x06\x0e\x0f", "It is not text"),
        ("json", b'{"colour": "red", "size": null}', "no name, phone or e-mail in it, only: Colour."),
        ("json", b'[{"email": "a@b.co"}, {"size": 4}]', "Number 2 of 2: There is no name, phone or e-mail in it"),
        ("form", b"message=Hi", "no name, phone or e-mail in it, only: Message."),
        ("facebook", b'{"id": "5"}', "neither a change"),
        ("facebook", b'{"error": {"message": "Session has expired"}}', "Facebook refused: Session has expired"),
        ("facebook", b'{"entry": [{"changes": [{"field": "leadgen", "value": {}}]}]}', "has no “leadgen_id”"),
        ("adf", b"", "It is empty"),
        ("adf", b"Dear all,", "It is not XML"),
        ("adf", b"<adf><customer></customer></adf>", "no whole <prospect>"),
        ("adf", HEAD + b"\n\n</customer></contact></prospect></adf>", "not XML: line 3: mismatched tag"),
        ("adf", b"<adf><prospect></prospect></adf>", "no name, phone or e-mail in it."),
    ],
)
def test_c4_the_words_say_what_is_wrong_and_where(format: str, body: bytes, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        read(format, body, "")


def test_c3_other_news_of_a_page_is_no_lead_and_no_error() -> None:
    body = {"object": "page", "entry": [{"id": "1", "changes": [{"field": "feed", "value": {"item": "post"}}]}]}
    assert read("facebook", json.dumps(body).encode(), "application/json") == []


def test_c4_what_the_database_cannot_keep_is_taken_out() -> None:
    found = read_one("json", {"name": "A\0na \ud800", "email": "\ufeffana@example.com\u200b", "k\0ey": "\x07x"})
    assert (found.fields, found.emails) == ({"first_name": "Ana", "last_name": "\ufffd"}, ("ana@example.com",))
    assert found.extra == {"Key": "x"}
    assert isinstance(found, Inquiry)
