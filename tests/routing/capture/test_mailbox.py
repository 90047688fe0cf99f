"""The mailbox that is polled (C3): what is marked and when, and what happens when the server does not play along."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from leads.models import Lead
from routing.capture.mail import address_of
from routing.capture.mailbox import mailbox_state, poll
from routing.models import Channel, InboundRequest
from routing.tasks import read_mail
from tests.factories.scenes import Brokerage
from tests.routing.capture.mailboxes import Mailbox, serving
from tests.routing.capture.scenes import make_channel, take_all_in
from tests.routing.capture.test_mail import ADF, mail
from tests.routing.scenes import lakeside
from tests.support.racing import together

DONE, REFUSED = {r"\Answered"}, {r"\Answered", r"\Flagged"}


@pytest.fixture
def box(settings: Any) -> Iterator[Mailbox]:
    settings.LEADS_MAIL = "{}@leads.example"
    with serving() as box:
        settings.LEADS_MAILBOX = box.settings
        yield box


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return lakeside()


@pytest.fixture
def channel(harbor: Brokerage) -> Channel:
    return make_channel(harbor.lakeside, "adf")


def about(channel: Channel, number: int) -> bytes:
    return mail(address_of(channel), ADF.replace("zoe@", f"zoe{number}@")).as_bytes()


def kept() -> int:
    return InboundRequest.objects.count()


def test_c3_what_waits_is_taken_in_once_and_marked(box: Mailbox, channel: Channel) -> None:
    box.put(*(about(channel, number) for number in range(3)))
    read_mail()
    assert (kept(), box.flags()) == (3, [DONE] * 3)
    assert poll() == 0
    take_all_in()
    assert Lead.objects.count() == 3
    state = mailbox_state()
    assert state is not None
    assert state["error"] == ""


def test_c3_a_mail_that_somebody_read_by_hand_is_not_missed(box: Mailbox, channel: Channel) -> None:
    box.put(about(channel, 1))
    box.mails[1].flags = {r"\Seen"}
    assert (poll(), kept()) == (1, 1)


def test_c3_a_mail_for_no_channel_stays_there_flagged_and_is_asked_for_no_more(box: Mailbox, channel: Channel) -> None:
    box.put(b"To: sales@leads.example\r\n\r\nBuy now!", about(channel, 1), about(channel, 2) + b"x" * (10 << 20))
    assert poll() == 3
    assert (kept(), box.flags()) == (1, [REFUSED, DONE, REFUSED])
    assert poll() == 0


def test_c4_a_line_that_goes_dead_loses_nothing_and_makes_nothing_twice(box: Mailbox, channel: Channel) -> None:
    box.put(about(channel, 1), about(channel, 2))
    for cut in ("UID STORE", "UID FETCH", "UID SEARCH", "SELECT", "LOGIN"):
        box.cut_at = cut
        poll()
        state = mailbox_state()
        assert state is not None
        assert state["error"]
    assert (kept(), box.flags()) == (1, [set(), set()])  # kept before the line went dead, and not marked
    box.cut_at = ""
    assert poll() == 2
    take_all_in()
    assert (kept(), Lead.objects.count(), box.flags()) == (2, 2, [DONE, DONE])


@pytest.mark.parametrize("what", ["LOGIN", "SELECT", "UID SEARCH", "UID FETCH", "UID STORE"])
def test_c3_what_the_server_refuses_is_said_on_the_page_and_tried_again(
    box: Mailbox, channel: Channel, client: Client, harbor: Brokerage, what: str
) -> None:
    box.put(about(channel, 1))
    box.refuses = what
    poll()
    client.force_login(harbor.lead)
    html = client.get(f"/channels/{channel.public_id}/").content.decode()
    assert "not this time" in html
    assert "opens sesame" not in html
    box.refuses = ""
    assert (poll(), kept()) == (1, 1)
    assert "The mailbox was read" in client.get(f"/channels/{channel.public_id}/").content.decode()


def test_c3_a_wrong_password_and_nobody_there_are_said_without_the_password(box: Mailbox, settings: Any) -> None:
    for wrong in ({"password": "guess who"}, {"port": 9}, {"tls": "imaps"}, {"tls": "imap+tls"}):
        settings.LEADS_MAILBOX = box.settings | wrong
        assert poll() == 0
        state = mailbox_state()
        assert state is not None
        assert state["error"]
        assert "guess who" not in state["error"]


def test_c3_without_a_mailbox_nothing_is_asked(box: Mailbox, settings: Any) -> None:
    settings.LEADS_MAILBOX = None
    assert poll() == 0
    assert (box.asked, mailbox_state()) == ([], None)


def test_c4_two_workers_at_once_make_each_lead_once(box: Mailbox, committing_db: str) -> None:
    channel = make_channel(lakeside().lakeside, "adf")
    box.put(*(about(channel, number) for number in range(20)))
    together(poll, poll, poll)
    together(take_all_in, take_all_in)
    assert (kept(), Lead.objects.count(), box.flags()) == (20, 20, [DONE] * 20)
