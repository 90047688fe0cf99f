"""Sending the e-mails that are due: each is claimed for a while, sent outside any transaction, then marked (L4).

From is the installation's own address, with the agent's name: mail servers check (SPF, DKIM, DMARC) that whoever sends may
speak for the domain in From, which is true of ours and not of each agent's. Answers go to her, or where the company says.
"""

from __future__ import annotations

import smtplib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.utils import formataddr, parseaddr
from typing import Any, NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import connection, transaction
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.utils.crypto import salted_hmac

from crm.notifications.services import Message, notify
from leads.messaging.gates import why_word, word_of
from leads.messaging.way_out import address_for
from leads.models import Activity, Mail

State, Delivery = Mail.State, Activity.Delivery
MOST_TRIES = 6  # over a quarter of an hour: then a person decides
FIRST_WAIT = 15  # seconds
# those a person waits for first; claimed for longer than all of them can take
CLAIM = """
UPDATE leads_mail SET tries = tries + 1, due_at = statement_timestamp() + interval '10 minutes'
WHERE id IN (
    SELECT id FROM leads_mail WHERE state = 'waiting' AND due_at <= statement_timestamp()
    ORDER BY bulk, due_at LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id
"""


class Outcome(NamedTuple):
    """`error` is empty once it is sent; `for_good`: to try again is of no use."""

    error: str = ""
    for_good: bool = False


def send_due(limit: int = 20) -> int:
    """Try up to `limit` e-mails that are due: how many are done with. The others are due again, ever later."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [limit])
        claimed = [pk for (pk,) in cursor.fetchall()]
    related = ("activity__lead__company", "activity__actor", "sender", "company")
    mails = list(Mail.objects.filter(pk__in=claimed).select_related(*related).order_by("bulk", "pk"))
    done = 0
    for mail, outcome in _sent(mails) if mails else ():
        done += _mark(mail, outcome)
    return done


def _sent(mails: Sequence[Mail]) -> Iterator[tuple[Mail, Outcome]]:
    """All over one line, so that a server that is away is waited for once."""
    post = get_connection()
    try:
        post.open()
    except (OSError, smtplib.SMTPException) as error:
        yield from ((mail, _failed(error)) for mail in mails)
        return
    try:
        for mail in mails:
            yield mail, _send(mail, post)
    finally:
        post.close()


def _send(mail: Mail, post: Any) -> Outcome:
    lead = mail.activity.lead
    if refusal := _too_late(mail):
        return Outcome(refusal, for_good=True)
    try:
        message_of(mail, address_for(lead), post).send()
    except Exception as error:  # one that cannot be written or sent holds up nobody else's
        return _failed(error)
    return Outcome()


def _too_late(mail: Mail) -> str:
    """What has happened since it was written that keeps it from going."""
    if not mail.to:
        return "The lead’s data were erased."
    if not mail.sender.is_active:
        return f"{mail.sender} is deactivated."
    lead = mail.activity.lead
    return why_word(lead.company, word_of(lead))


def message_of(mail: Mail, way_out: str, post: Any = None) -> EmailMessage:
    """The e-mail as it goes. Its id is the same each time, so that one sent twice is shown once."""
    lead, sender, company = mail.activity.lead, mail.sender, mail.company
    ours = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    replies = company.replies_to or sender.email
    name = _line(sender.name)
    key = salted_hmac("leads.mail", str(mail.pk)).hexdigest()[:32]
    return EmailMessage(
        subject=_line(mail.subject),
        body=render_to_string("leads/mail.txt", {"mail": mail, "company": company, "way_out": way_out, "lead": lead}),
        from_email=formataddr((_line(f"{name} via {company.name}"), ours)),
        reply_to=[formataddr((name, replies)) if replies == sender.email else replies],
        to=[mail.to],
        headers={
            "Message-ID": f"<{key}@{ours.rpartition('@')[2] or 'localhost'}>",
            "List-Unsubscribe": f"<{way_out}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
        },
        connection=post,
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _failed(error: Exception) -> Outcome:
    """A refusal of this e-mail is for good; a server that is away, busy or set up wrongly may be right the next time."""
    codes = []
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        words = "; ".join(_said(text) for _, text in error.recipients.values())
        return Outcome(f"The address was refused: {words}"[:200], for_good=min(codes, default=0) >= 500)
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPHeloError | smtplib.SMTPConnectError):
        return Outcome("The mail server does not let us in.")
    if isinstance(error, smtplib.SMTPResponseException):
        return Outcome(f"The mail server refused it: {_said(error.smtp_error)}"[:200], for_good=error.smtp_code >= 500)
    if isinstance(error, smtplib.SMTPException | OSError):
        return Outcome("The mail server cannot be reached.")
    return Outcome(f"It cannot be written: {type(error).__name__}.", for_good=True)


def _said(text: bytes | str) -> str:
    return _line(text.decode(errors="replace") if isinstance(text, bytes) else text)


@transaction.atomic
def _mark(mail: Mail, outcome: Outcome) -> bool:
    """Whether it is done with. One that somebody gave up or sent again meanwhile is left as it is."""
    row = Mail.objects.filter(pk=mail.pk, state=State.WAITING, tries=mail.tries)
    line = Activity.objects.filter(pk=mail.activity_id)
    if not outcome.error:
        if row.update(state=State.SENT, sent_at=Now(), error=""):
            line.update(outcome="")
        return True
    if not outcome.for_good and mail.tries < MOST_TRIES:
        row.update(due_at=Now() + timedelta(seconds=FIRST_WAIT * 2**mail.tries), error=outcome.error)
        return False
    if row.update(state=State.FAILED, error=outcome.error):
        line.update(outcome=Delivery.FAILED)
        _tell(mail)
    return True


def _tell(mail: Mail) -> None:
    """Whoever wrote it; not a thousand times of one bulk."""
    actor, activity = mail.activity.actor, mail.activity
    if actor is not None and actor.is_active and not activity.bulk:
        notify(
            mail.company_id, [Message(actor.pk, "email", "An e-mail to {lead} was not sent", lead_id=activity.lead_id)]
        )
