"""Bytes as text whatever they claim to be, and text as the database can keep it."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence

from routing.capture.formats.shape import UnreadableError

MARKS = (  # UTF-32 before UTF-16, whose mark it starts with
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# by name without punctuation; a table, so that a sender cannot make Python look for a codec of her own
CHARSETS = {
    **{f"windows125{digit}": f"cp125{digit}" for digit in range(9)},
    **{f"iso8859{number}": f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    "utf16": "utf-16",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "macintosh": "mac-roman",
    "koi8r": "koi8-r",
    "shiftjis": "shift_jis",
    "gb18030": "gb18030",
    "gbk": "gbk",
    "big5": "big5",
}
CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
IN_XML = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE)
# controls, what nobody sees, and what turns the direction of text
NOT_TEXT = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufffe\uffff]"
)
SURROGATES = re.compile("[\ud800-\udfff]")
NUMBER = re.compile(r"(\d+)\.0+", re.ASCII)
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_A-Za-z]+")
ACRONYMS = {"id": "ID", "url": "URL", "mls": "MLS"}
WRAPPERS = frozenset({
    *("lead", "leads", "leadinfo", "leadconsumerinfo", "contact", "customer", "person", "sender", "consumer", "prospect"),
    *("data", "fields", "fielddata", "payload", "form", "formdata", "formfields", "answers", "details", "event", "body"),
    *("property", "propertyinfo", "leadpropertyinfo", "listing", "financeinfo", "formresponse"),
})  # fmt: skip
BINARY = 0.1  # the share of control characters from which on it is no text


def decode(body: bytes, content_type: str) -> str:
    """The text of `body`. UTF-8 goes before what is declared: many declare Latin-1 and send UTF-8, none the reverse."""
    text = _decoded(body, content_type)
    if len(NOT_TEXT.findall(text[:4096].replace("\0", ""))) > len(text[:4096]) * BINARY:
        raise UnreadableError("It is not text: it may be an archive or a picture.")
    return text.replace("\0", "")


def _decoded(body: bytes, content_type: str) -> str:
    for mark, encoding in MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    head = body[:512]
    for half, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(head) >= 4 and head[half::2].count(0) > len(head) * 0.3:
            return body.decode(encoding, "replace")
    named = CHARSET.search(content_type) or IN_XML.search(head)
    name = named[1].decode() if named and isinstance(named[1], bytes) else str(named[1]) if named else ""
    declared = CHARSETS.get(re.sub("[^a-z0-9]", "", name.lower()), "cp1252")
    for encoding in ("utf-8", declared, "cp1252"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1")


def clean(text: str) -> str:
    """Without what PostgreSQL or a reader cannot take, and without space around it."""
    return NOT_TEXT.sub("", SURROGATES.sub("\ufffd", text)).strip()


def one_line(text: str) -> str:
    return " ".join(text.split())


def whole(text: str) -> str:
    """A number that came as 78704.0, as people write it."""
    return NUMBER.sub(r"\1", text) if NUMBER.fullmatch(text) else text


def squeeze(name: str) -> str:
    """A key without capitals, punctuation and accents: firstName, First_Name and FIRST NAME are one."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", name[:400]).casefold() if sign.isalnum())


def words_of(key: str) -> str:
    """A key as words: `movingDate` → Moving date. A question keeps its own."""
    text = one_line(key[:200].replace("_", " "))
    if " " not in text and text.isascii():
        text = " ".join(WORDS.findall(text)).lower() or text
    text = " ".join(ACRONYMS.get(word, word) for word in text.split())
    return text[:1].upper() + text[1:]


def label_of(path: Sequence[str]) -> str:
    """The keys above an answer as words: without wrappers, and without what a later one says again."""
    words: list[str] = []
    for key in reversed(path):
        said = words_of(key).removesuffix(" json").removesuffix(" info")
        again = set(said.lower().split()) & set(" ".join(words).lower().split())
        if not words or not (again or squeeze(key) in WRAPPERS):
            words.insert(0, said)
    words = [word for word in words if word]
    return " ".join([*words[:1], *(word[:1].lower() + word[1:] for word in words[1:])])[:200] or "Answer"
