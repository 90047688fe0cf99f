"""ADF by e-mail: where a mail was sent, and what of it is ADF, whatever it was wrapped in."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from typing import NamedTuple

# in which a mail server says for whom it was, then those that its sender wrote
RECIPIENTS = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
MOST_READ = 64 * 1024  # characters of these headers
PROSPECT = re.compile(rb"(?:<|&lt;)\s*(?:[\w.-]+:)?prospect\b", re.IGNORECASE)
NOT_PRINTED = re.compile("[^ -~]")
WHOLE = "message/rfc822"


class Part(NamedTuple):
    body: bytes
    content_type: str


def recipients_of(raw: bytes) -> str:
    """The headers that say where it was sent, as one text in small letters."""
    try:
        headers = BytesHeaderParser().parsebytes(raw)
        found = [str(value) for name in RECIPIENTS for value in headers.get_all(name, [])]
    except Exception:  # on hostile mail the library fails in ways of every kind
        return ""
    return "\n".join(found)[:MOST_READ].lower()


def adf_in(raw: bytes) -> list[Part]:
    """Each document with a prospect in it; of a mail that says it as text and as attachment the attachments.

    A mail with none, or that cannot be taken apart, is one part as a whole.
    """
    try:
        parts = [_part(one) for one in BytesParser().parsebytes(raw).walk() if not one.is_multipart()]
    except Exception:  # as above
        parts = []
    found = [part for part in parts if PROSPECT.search(part.body.replace(b"\0", b""))]
    documents = [part for part in found if not part.content_type.startswith(("text/plain", "text/html"))]
    return [*dict.fromkeys(documents or found[:1])] or [Part(raw, WHOLE)]


def _part(message: Message) -> Part:
    body = message.get_payload(decode=True)
    charset = message.get_content_charset()
    kind = message.get_content_type()
    named = NOT_PRINTED.sub("", f"{kind}; charset={charset}" if charset else kind)
    return Part(body if isinstance(body, bytes) else b"", named)
