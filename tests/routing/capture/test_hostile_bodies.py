"""Hostile bodies get a clear 4xx and cost nothing; broken ones still wait in the inbox (C4, C5)."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from routing.capture.hostile import DEEPEST, MOST_FIELDS, why_refused
from routing.capture.storing import LARGEST, refused_of
from routing.models import InboundRequest
from tests.factories.scenes import brokerage
from tests.routing.capture.formats.senders import FORMAT_OF, body_of, type_of
from tests.routing.capture.scenes import make_channel, send

FORM, JSON, XML = "application/x-www-form-urlencoded", "application/json", "application/x-adf+xml"
ADF = "<adf><prospect><customer><contact><email>a@b.co</email></contact></customer></prospect></adf>"
BOMB = f'<!DOCTYPE adf [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>{ADF}'
QUOTED = ADF.replace("</customer>", "<comments>{}</comments></customer>")
HOSTILE = {
    "unclosed brackets": (b"[" * 5000, JSON, 400),
    "deep lists": (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), JSON, 400),
    "deep objects": (b'{"email": "a@b.co", "x": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001, JSON, 400),
    "deep without a type": (b" \n" + b'{"a":[' * 5000, "", 400),
    "deep in UTF-16": (("[" * 5000).encode("utf-16"), JSON, 400),
    "bomb": (BOMB.encode(), XML, 400),
    "bomb in small letters": (BOMB.lower().encode(), "text/xml", 400),
    "bomb without a type": (BOMB.encode(), "", 400),
    "bomb in UTF-16": (BOMB.encode("utf-16"), XML, 400),
    "bomb in UTF-16 without a mark": (BOMB.encode("utf-16-be"), f"{XML}; charset=UTF-16BE", 400),
    "entity only": (f'<!ENTITY a SYSTEM "file:///etc/passwd">{ADF}'.encode(), XML, 400),
    "declared after a comment": (f"<?xml version='1.0'?><!-- x -->\n<!DocType adf>{ADF}".encode(), XML, 400),
    "NUL in JSON": (b'{"email": "a\0@b.co"}', JSON, 400),
    "NUL in a form": (b"email=a%40b.co&name=\0", FORM, 400),
    "nothing but NUL": (b"\0" * 1000, "text/plain", 400),
    "many fields": (b"&".join(b"f%d=1" % number for number in range(MOST_FIELDS + 1)), FORM, 400),
}
KEPT = {
    "depth that is allowed": (b"[" * DEEPEST + b"]" * DEEPEST, JSON),
    "brackets in a text": (json.dumps({"email": "a@b.co", "message": '"[{\\' * 1000}).encode(), JSON),
    "brackets side by side": (b"[" + b"{}," * 1000 + b"{}]", JSON),
    "broken in the middle": (b'{"email": "a@b.co", "mess', JSON),
    "a document quoted in JSON": (b'{"email": "a@b.co", "message": "<!DOCTYPE html>"}', JSON),
    "a document quoted in XML": (QUOTED.format("my page has <!DOCTYPE html>").encode(), XML),
    "a document in a section": (QUOTED.format("<![CDATA[<!DOCTYPE html>]]>").encode(), XML),
    "UTF-16": ('{"email": "a@b.co"}'.encode("utf-16"), JSON),
    "UTF-32": ('{"email": "a@b.co"}'.encode("utf-32"), JSON),
    "UTF-16 by its name": ('{"email": "a@b.co"}'.encode("utf-16-le"), f"{JSON}; charset=utf-16le"),
    "a form of many fields": (b"&".join(b"f%d=1" % number for number in range(MOST_FIELDS)), FORM),
    "a picture with a form": (
        b'--x\r\nContent-Disposition: form-data; name="photo"; filename="p.png"\r\n\r\n\x89PNG\0\0\r\n--x--',
        "multipart/form-data; boundary=x",
    ),
}
HUGE = {
    "brackets": (b"[" * LARGEST, JSON),
    "pairs": (b"[]" * (LARGEST // 2), JSON),
    "quotes": (b"[" * 101 + b'"' * LARGEST, JSON),
    "backslashes": (b"]" * 5 + b"[" * 101 + b'"' + b"\\" * LARGEST, JSON),
    "comments": (b"<comments>" * (LARGEST // 10), XML),
    "remarks": (b"<!--" * (LARGEST // 4), XML),
    "declarations": (b"<! " * (LARGEST // 3), XML),
    "spaces": (b"<!" + b" " * LARGEST, XML),
    "equals": (b"=&" * (LARGEST // 2), FORM),
}


@pytest.mark.django_db
@pytest.mark.parametrize("what", HOSTILE)
def test_c4_a_hostile_body_is_refused_and_nothing_is_kept_of_it(what: str) -> None:
    (body, content_type, status), channel = HOSTILE[what], make_channel(brokerage().lakeside)
    answer = send(channel, body, content_type)
    assert answer.status_code == status
    assert answer.json()["detail"].endswith(".")
    assert (InboundRequest.objects.count(), refused_of(channel)) == (0, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP, identity"])
def test_c4_what_is_packed_is_refused(encoding: str) -> None:
    channel = make_channel(brokerage().lakeside)
    answer = send(channel, gzip.compress(b'{"email": "a@b.co"}'), **{"Content-Encoding": encoding})
    assert (answer.status_code, InboundRequest.objects.count()) == (415, 0)
    assert send(channel, b'{"email": "a@b.co"}', **{"Content-Encoding": "Identity"}).status_code == 200


@pytest.mark.django_db
def test_c5_who_has_no_key_is_told_nothing_of_the_body() -> None:
    assert send(make_channel(brokerage().lakeside), b"[" * 5000, key="").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("what", KEPT)
def test_c4_what_is_odd_or_broken_is_kept(what: str) -> None:
    body, content_type = KEPT[what]
    assert send(make_channel(brokerage().lakeside), body, content_type).status_code == 200
    assert bytes(InboundRequest.objects.get().body) == body


@pytest.mark.parametrize("name", FORMAT_OF)
def test_c3_no_sample_is_refused_whole_or_cut_anywhere(name: str) -> None:
    body = body_of(name)
    for end in range(0, len(body) + 1, 7):
        assert why_refused(body[:end], type_of(name), "") is None
    assert why_refused(body, "", "") is None


@pytest.mark.parametrize("what", HUGE)
def test_c4_a_megabyte_of_it_costs_little(what: str) -> None:
    (body, content_type), began = HUGE[what], time.process_time()
    why_refused(body, content_type, "")
    assert time.process_time() - began < 2
