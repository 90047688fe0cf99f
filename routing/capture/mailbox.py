"""A mailbox polled by IMAP (C3). What is dealt with is marked Answered, by no sign that reading it by hand would leave.

A mail is marked once what it brought is committed. One that brings nothing is flagged too, for people to find.
"""

from __future__ import annotations

import imaplib
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from routing.capture.mail import RefusedMailError, receive
from routing.capture.storing import LARGEST

logger = logging.getLogger(__name__)
PATIENCE = 20  # seconds
MOST_MAILS = 200
STATE = "inbound-mail:state"
STATE_LASTS = 24 * 3600  # seconds
DONE, REFUSED = r"(\Answered)", r"(\Answered \Flagged)"


class MailboxError(Exception):
    """The server did not do what it was asked."""


def mailbox_state() -> dict[str, Any] | None:
    """When (`at`) the mailbox was last looked into, and what went wrong (`error`); none where it never was."""
    return cache.get(STATE) if settings.LEADS_MAILBOX else None


def poll() -> int:
    """Take in up to MOST_MAILS mails that wait: how many it were. What is taken in stays so, whatever happens then."""
    if not settings.LEADS_MAILBOX:
        return 0
    done, error = 0, ""
    try:
        with _opened(settings.LEADS_MAILBOX) as box:
            for uid in (_asked(box, "SEARCH", "UNANSWERED UNDELETED")[0] or b"").split()[:MOST_MAILS]:
                _take(box, uid.decode())
                done += 1
    except (MailboxError, imaplib.IMAP4.error, OSError) as failure:
        error = _reason(failure)
        logger.warning("the mailbox of leads cannot be read: %s", error)
    cache.set(STATE, {"at": timezone.now(), "error": error}, STATE_LASTS)
    return done


@contextmanager
def _opened(box: dict[str, Any]) -> Iterator[imaplib.IMAP4]:
    """The folder, signed in; left whatever happens."""
    if box["tls"] == "imaps":
        server: imaplib.IMAP4 = imaplib.IMAP4_SSL(
            box["host"], box["port"], ssl_context=ssl.create_default_context(), timeout=PATIENCE
        )
    else:
        server = imaplib.IMAP4(box["host"], box["port"], timeout=PATIENCE)
    try:
        if box["tls"] == "imap+tls":
            server.starttls(ssl.create_default_context())
        server.login(box["user"], box["password"])
        answer, said = server.select(f'"{box["folder"]}"')
        if answer != "OK":
            raise MailboxError(f"there is no folder {box['folder']} ({_words(said)})")
        yield server
    finally:
        for leave in (server.logout, server.shutdown):  # a line that went dead cannot be taken leave of
            with suppress(imaplib.IMAP4.error, OSError):
                leave()


def _take(box: imaplib.IMAP4, uid: str) -> None:
    fetched = _asked(box, "FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST + 1}>)")
    raw = next((one[1] for one in fetched if isinstance(one, tuple)), None)
    if raw is None:  # somebody else has dealt with it, and taken it away
        return
    marks = DONE
    try:
        receive(raw)
    except RefusedMailError as refusal:
        logger.warning("mail %s is left in the mailbox: %s", uid, refusal)
        marks = REFUSED
    _asked(box, "STORE", uid, "+FLAGS.SILENT", marks)


def _asked(box: imaplib.IMAP4, command: str, *arguments: str) -> list[Any]:
    answer, said = box.uid(command, *arguments)
    if answer != "OK":
        raise MailboxError(f"{command.lower()} is refused ({_words(said)})")
    return said


def _reason(failure: Exception) -> str:
    """In words; imaplib hands on what the server said as bytes."""
    said = failure.args[0] if failure.args else ""
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(failure)
    return text[:200] or type(failure).__name__


def _words(said: list[Any]) -> str:
    return b" ".join(one for one in said if isinstance(one, bytes)).decode(errors="replace")
