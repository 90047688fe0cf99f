"""Bodies that no sender of leads makes: they are refused in words, and nothing is kept of them.

One that is merely broken is not among them: it waits in the inbox. Nor is what is only quoted, such as a declaration
in the text of a comment.
"""

from __future__ import annotations

import re
from itertools import accumulate

from routing.capture.formats.adf import FORBIDDEN, VERBATIM
from routing.capture.formats.shape import UnreadableError
from routing.capture.formats.text import MARKS, decode

DEEPEST = 100
MOST_FIELDS = 1_000
STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
BRACKETS, OPENS = b"[{]}", b"\1\1\0\0"
ELSE = bytes(set(range(256)) - set(BRACKETS))
WIDE = re.compile(r"charset\s*=\s*[\"']?utf-?(16|32)", re.IGNORECASE)
WIDE_MARKS = tuple(mark for mark, encoding in MARKS if encoding != "utf-8-sig")


def why_refused(body: bytes, content_type: str, content_encoding: str) -> tuple[int, str] | None:
    """The status and the sentence with which a body is refused; None where it is to be kept."""
    if content_encoding.strip().lower() not in ("", "identity"):
        return 415, "Send it as it is: a Content-Encoding is not taken."
    if _has_nul(body, content_type):
        return 400, "It holds NUL bytes, which are no text."
    try:
        text = decode(body, content_type).lstrip()
    except UnreadableError:
        return None
    if text.startswith("<") or "xml" in content_type.lower():
        return (400, "XML with a DOCTYPE or an ENTITY is not read.") if _declares(text) else None
    if text[:1] in ("{", "[", '"') or "json" in content_type.lower():
        return (400, f"It is nested deeper than {DEEPEST} levels.") if _is_too_deep(text) else None
    if "form-urlencoded" in content_type.lower() and text.count("&") >= MOST_FIELDS:
        return 400, f"A form may have {MOST_FIELDS:,} fields at most."
    return None


def _has_nul(body: bytes, content_type: str) -> bool:
    """Of a file that comes with a form only its name is read: what is in it may be anything."""
    if b"\0" not in body or body.startswith(WIDE_MARKS) or WIDE.search(content_type):
        return False
    return not ("multipart/form-data" in content_type.lower() and b'filename="' in body)


def _declares(text: str) -> bool:
    return FORBIDDEN.search(VERBATIM.sub(" ", text)) is not None


def _is_too_deep(text: str) -> bool:
    """Counted rather than parsed, so that one that is broken off is told as well and nothing can overflow."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    brackets = STRING.sub("", text).encode(errors="replace").translate(None, ELSE)
    steps = brackets.translate(bytes.maketrans(BRACKETS, OPENS))
    return max(accumulate(map((-1, 1).__getitem__, steps)), default=0) > DEEPEST
