"""L4: e-mails really go, in the Agent's name, are tried again, and what did not go says so on the timeline."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email import message_from_string
from email.policy import default
from typing import Any

import pytest
from django.core import mail as post
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models.functions import Now
from django.test import Client

from crm.notifications.models import Notification
from crm.organization.models import User
from leads.messaging import posting
from leads.messaging.gates import RefusedError
from leads.messaging.posting import MOST_TRIES, send_due
from leads.messaging.writing import send_email
from leads.models import Activity, Consent, Lead, Mail
from leads.services.erasing import erase
from permissions.keyring import load_keyring
from tests.factories.leads import assign, make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.messaging.mail_server import MailServer, mail_server

pytestmark = pytest.mark.django_db
NOWHERE = "tests.leads.messaging.test_sending.NoPost"


class NoPost(BaseEmailBackend):
    def open(self) -> bool:
        raise ConnectionRefusedError


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def maya(harbor: Brokerage) -> Lead:
    return make_lead(harbor.lakeside, agent=harbor.ana, first_name="Maya", emails=["maya@mail.example"])


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        yield running


def write(actor: User, lead: Lead, **said: str) -> Mail:
    given = {"to": "maya@mail.example", "subject": "The house ⚓", "body": "It is still free."} | said
    return send_email(keyring=load_keyring(fresh(actor)), actor=actor, lead=lead, **given)


def due_now() -> None:
    Mail.objects.filter(state="waiting").update(due_at=Now())


def on_timeline(mail: Mail) -> Activity:
    return Activity.objects.get(pk=mail.activity_id)


def test_l4_an_email_goes_in_the_agents_name(harbor: Brokerage, maya: Lead) -> None:
    mail = write(harbor.lead, maya)
    assert on_timeline(mail).outcome == "sending"
    assert send_due() == 1
    (sent,) = post.outbox
    ours = "fairlead@localhost"
    assert sent.from_email == f'"{harbor.ana.name} via {harbor.company.name}" <{ours}>'.replace('"', "")
    assert sent.reply_to == [f"{harbor.ana.name} <{harbor.ana.email}>"]
    assert (sent.to, sent.subject) == (["maya@mail.example"], "The house ⚓")
    assert str(sent.body).startswith("It is still free.")
    line = on_timeline(mail)
    assert (line.actor, line.direction, line.outcome, line.automatic, line.bulk) == (
        harbor.lead,
        "out",
        "",
        False,
        False,
    )
    mail.refresh_from_db()
    assert (mail.state, mail.tries, mail.error) == ("sent", 1, "")


def test_l4_a_real_server_gets_it_with_the_way_out(harbor: Brokerage, maya: Lead, server: MailServer) -> None:
    write(harbor.ana, maya)
    assert send_due() == 1
    (taken,) = server.taken
    read = message_from_string(taken, policy=default)
    link = read["List-Unsubscribe"].strip().strip("<>")
    assert link.startswith("http")
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"No more e-mails from {harbor.company.name}: {link}" in read.get_content()


def test_l4_answers_go_where_the_company_says(harbor: Brokerage, maya: Lead) -> None:
    harbor.company.replies_to, harbor.company.mail_footer = "desk@harbor.example", "1 Main Street"
    harbor.company.save()
    write(harbor.ana, maya)
    send_due()
    assert post.outbox[0].reply_to == ["desk@harbor.example"]
    assert "1 Main Street" in str(post.outbox[0].body)


def test_l4_without_an_agent_it_goes_in_the_name_of_whoever_writes(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, emails=["maya@mail.example"])
    assert write(harbor.lead, lead).sender == harbor.lead


def test_l4_run_twice_it_goes_once(harbor: Brokerage, maya: Lead) -> None:
    write(harbor.ana, maya)
    assert (send_due(), send_due(), len(post.outbox)) == (1, 0, 1)


def test_l4_a_worker_that_died_is_relieved_and_the_id_stays(harbor: Brokerage, maya: Lead) -> None:
    """Sent, and then dead before it was marked: it goes again, and the reader's program knows it by its id."""
    mail = write(harbor.ana, maya)
    send_due()
    Mail.objects.filter(pk=mail.pk).update(state="waiting", due_at=Now())
    send_due()
    first, second = (sent.extra_headers["Message-ID"] for sent in post.outbox)
    assert first == second


def test_l4_a_server_that_is_away_is_waited_for(harbor: Brokerage, maya: Lead, settings: Any) -> None:
    mail = write(harbor.ana, maya)
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, NOWHERE
    assert send_due() == 0
    mail.refresh_from_db()
    assert (mail.state, mail.error) == ("waiting", "The mail server cannot be reached.")
    assert on_timeline(mail).outcome == "sending"
    settings.EMAIL_BACKEND = working
    assert send_due() == 0  # not yet
    due_now()
    assert (send_due(), len(post.outbox)) == (1, 1)


def test_l4_what_was_tried_enough_failed_and_whoever_wrote_it_is_told(
    client: Client, harbor: Brokerage, maya: Lead, settings: Any
) -> None:
    mail = write(harbor.ana, maya)
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, NOWHERE
    for _ in range(MOST_TRIES):
        due_now()
        send_due()
    mail.refresh_from_db()
    assert (mail.state, on_timeline(mail).outcome) == ("failed", "undelivered")
    assert Notification.objects.filter(user=harbor.ana, kind="email", lead_id=maya.pk).count() == 1
    client.force_login(harbor.ana)
    html = client.get(f"/people/{maya.public_id}/").content.decode()
    assert "The mail server cannot be reached." in html
    again = f"/people/{maya.public_id}/mails/{mail.pk}/again/"
    assert again in html
    settings.EMAIL_BACKEND = working
    for _ in range(2):  # a double click
        assert client.post(again).status_code == 302
    assert (send_due(), send_due(), len(post.outbox)) == (1, 0, 1)
    assert on_timeline(mail).outcome == ""
    assert again not in client.get(f"/people/{maya.public_id}/").content.decode()


def test_l4_an_address_that_is_refused_fails_at_once_and_holds_up_nobody(
    harbor: Brokerage, maya: Lead, server: MailServer
) -> None:
    server.answers = {"maya@mail.example": "550 no such person", "busy@mail.example": "451 later"}
    other = make_lead(harbor.ana, emails=["other@mail.example"])
    refused, busy = write(harbor.ana, maya), write(harbor.ana, maya, to="busy@mail.example")
    fine = write(harbor.ana, other, to="other@mail.example")
    assert send_due() == 2
    states = {mail.to: mail.state for mail in Mail.objects.filter(pk__in=[refused.pk, busy.pk, fine.pk])}
    assert states == {"maya@mail.example": "failed", "busy@mail.example": "waiting", "other@mail.example": "sent"}
    refused.refresh_from_db()
    assert "no such person" in refused.error
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("error", "for_good"),
    [
        (smtplib.SMTPDataError(554, b"spam"), True),
        (smtplib.SMTPDataError(452, b"full"), False),
        (smtplib.SMTPAuthenticationError(535, b"who?"), False),
        (smtplib.SMTPServerDisconnected(), False),
        (TimeoutError(), False),
        (ValueError(), True),
    ],
)
def test_l4_what_is_worth_another_try(error: Exception, for_good: bool) -> None:
    assert posting._failed(error).for_good is for_good


def test_l4_it_does_not_go_past_an_opt_out_said_meanwhile(harbor: Brokerage, maya: Lead) -> None:
    mail = write(harbor.ana, maya)
    Consent.objects.create(company=harbor.company, lead=maya, kind="email", given=False)
    send_due()
    mail.refresh_from_db()
    assert (mail.state, post.outbox) == ("failed", [])


def test_o4_nothing_goes_in_the_name_of_who_was_deactivated(harbor: Brokerage, maya: Lead) -> None:
    mail = write(harbor.ana, maya)
    User.objects.filter(pk=harbor.ana.pk).update(is_active=False)
    send_due()
    mail.refresh_from_db()
    assert (mail.state, post.outbox) == ("failed", [])
    maya.refresh_from_db()
    assert write(harbor.lead, Lead.objects.get(pk=maya.pk)).sender == harbor.lead


def test_m9_erased_while_it_waits_it_does_not_go(harbor: Brokerage, maya: Lead) -> None:
    mail = write(harbor.ana, maya)
    erase(actor=harbor.broker, kind="email", value="maya@mail.example")
    send_due()
    mail.refresh_from_db()
    assert (mail.to, mail.state, post.outbox) == ("", "failed", [])


def test_l4_emojis_and_long_lines_and_names_of_two_lines(harbor: Brokerage, maya: Lead, server: MailServer) -> None:
    User.objects.filter(pk=harbor.ana.pk).update(name="Ana\nBcc: all@mail.example")
    write(harbor.ana, maya, subject="🏡" * 70, body="Zürich 🎉 " * 500)
    assert send_due() == 1
    read = message_from_string(server.taken[0], policy=default)
    assert (read["Bcc"], read["Subject"].strip()) == (None, "🏡" * 70)
    assert "Zürich 🎉" in read.get_content()


def test_l4_a_lead_that_opted_out_is_not_written_to(harbor: Brokerage, maya: Lead) -> None:
    Consent.objects.create(company=harbor.company, lead=maya, kind="email", given=False)
    with pytest.raises(RefusedError, match="Opted out of e-mails"):
        write(harbor.ana, maya)
    assert not Mail.objects.exists()


def test_l4_backoff_grows(harbor: Brokerage, maya: Lead, settings: Any) -> None:
    mail = write(harbor.ana, maya)
    settings.EMAIL_BACKEND = NOWHERE
    waits = []
    for _ in range(3):
        due_now()
        before = Mail.objects.values_list("due_at", flat=True).get(pk=mail.pk)
        send_due()
        waits.append((Mail.objects.values_list("due_at", flat=True).get(pk=mail.pk) - before).total_seconds())
    assert [round(wait, -1) for wait in waits] == [30, 60, 120]


def test_v2_the_agent_in_the_slot_is_the_sender_whoever_assists(harbor: Brokerage, maya: Lead) -> None:
    assign(maya, harbor.ben, "assistant")
    assert write(harbor.ben, maya).sender == harbor.ana
