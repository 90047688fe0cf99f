"""The bell, the poll, the availability switch and the post (R10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from crm.notifications.delivering import MOST_TRIES, send_due
from crm.notifications.models import Delivery, Notification
from crm.notifications.services import Message, notify
from crm.organization.models import User
from tests.factories.crossing import beyond_her, crossing
from tests.factories.marks import told
from tests.factories.people import make_company, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return make_user(make_company(), "Ana")


@pytest.fixture
def hers(ana: User, client: Client) -> Client:
    client.force_login(ana)
    return client


def tell(user: User, title: str = "New lead") -> None:
    notify(user.company_id, [Message(user.pk, "offer", title, "Claim within 60 minutes.", "/people/abc/")])


def pause(client: Client, ana: User, **choice: str) -> User:
    client.post("/availability/", choice)
    return User.objects.get(pk=ana.pk)


def test_r10_what_is_told_is_in_the_bell_and_in_one_mail(hers: Client, ana: User) -> None:
    tell(ana)
    assert b"New lead" in hers.get("/notifications/").content
    assert send_due() == 1
    assert send_due() == 0
    assert [message.subject for message in mail.outbox] == ["New lead"]
    assert "/people/abc/" in mail.outbox[0].body


def test_r10_a_failed_mail_is_tried_again_later_and_not_for_ever(ana: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "tests.notifications.test_telling.NoPost"
    tell(ana)
    for _ in range(MOST_TRIES + 2):
        Delivery.objects.update(due_at=timezone.now() - timedelta(minutes=1))
        send_due()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries) == ("failed", MOST_TRIES)


class NoPost(BaseEmailBackend):
    """A mail server that is away."""

    def open(self) -> None:
        raise ConnectionRefusedError


def test_nobody_sees_what_others_were_told(hers: Client, ana: User) -> None:
    tell(make_user(ana.company, "Ben"), "For Ben alone")
    assert b"For Ben alone" not in hers.get("/notifications/").content
    hers.post("/notifications/seen/")
    assert Notification.objects.get().seen_at is None


def test_seen_is_a_post(hers: Client, ana: User) -> None:
    tell(ana)
    assert hers.get("/notifications/seen/").status_code == 405
    hers.post("/notifications/seen/")
    assert Notification.objects.get().seen_at is not None


def test_the_poll_costs_no_query_while_nothing_is_new(
    hers: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = hers.get("/live/").json()["token"]
    with django_assert_num_queries(0):
        assert hers.get("/live/", {"token": token}).status_code == 204


def test_the_poll_names_what_is_new(hers: Client, ana: User, django_capture_on_commit_callbacks: object) -> None:
    token = hers.get("/live/").json()["token"]
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        tell(ana)
    answer = hers.get("/live/", {"token": token}).json()
    assert answer["topics"] == ["notifications"]
    assert answer["counts"] == {"notifications": 1, "offers": 0, "requests": 0}
    cache.clear()  # counters may vanish: the page asks once more and goes on
    assert hers.get("/live/", {"token": answer["token"]}).status_code == 200


def test_strangers_get_no_poll(client: Client) -> None:
    assert client.get("/live/").status_code == 401


def test_pausing_and_coming_back(hers: Client, ana: User) -> None:
    assert not pause(hers, ana, pause="open").available
    assert pause(hers, ana, available="1").available
    until = pause(hers, ana, pause="hour").out_of_office_until
    assert until is not None
    assert timedelta(minutes=59) < until - timezone.now() < timedelta(minutes=61)


@pytest.mark.parametrize("until", ["", "tomorrow", "2020-01-01T10:00", "9999-12-31T23:59", "3026-01-01T00:00"])
def test_a_pause_ends_within_a_year_and_not_in_the_past(hers: Client, ana: User, until: str) -> None:
    after = pause(hers, ana, pause="until", until=until)
    assert after.available
    assert after.out_of_office_until is None
    assert hers.get("/").status_code == 200


@pytest.mark.parametrize(
    ("until", "why"),
    [
        ("2020-01-01T10:00", "passed already"),
        ("3026-01-01T00:00", "between 1900 and 2199"),
        ("2190-01-01T00:00", "a year at most"),
        ("2027-03-14T02:30", "the clocks skip from 02:00 to 03:00"),
    ],
)
@time_machine.travel("2026-11-23T15:00Z", tick=False)
def test_r3_a_pause_that_is_refused_keeps_what_was_typed(hers: Client, ana: User, until: str, why: str) -> None:
    User.objects.filter(pk=ana.pk).update(time_zone="America/New_York")
    refused = hers.post("/availability/", {"pause": "until", "until": until, "next": "/people/?q=x"})
    page = refused.content.decode()
    assert (refused.status_code, why in page) == (422, True)
    assert f'value="{until}"' in page
    again = {"pause": "until", "until": "2026-12-24T09:00", "next": "/people/?q=x"}
    assert 'name="next" value="/people/?q=x"' in page
    assert hers.post("/availability/", again)["Location"] == "/people/?q=x"
    ana.refresh_from_db()
    assert str(ana.out_of_office_until) == "2026-12-24 14:00:00+00:00"


def test_the_switch_leads_back_to_pages_of_ours_only(hers: Client) -> None:
    assert hers.post("/availability/", {"next": "/people/"}).headers["Location"] == "/people/"
    assert hers.post("/availability/", {"next": "https://evil.example/"}).headers["Location"] == "/"


def test_v5_mails_tell_of_a_lead_no_more_than_the_reader_may_know() -> None:
    """Everybody is told of every lead."""
    scene = crossing()
    send_due(limit=200)
    assert len(mail.outbox) > 20
    for person, user in scene.people.items():
        hers = [f"{one.subject} {one.body}" for one in mail.outbox if user and one.to == [user.email]]
        assert beyond_her(person, told("\n".join(hers))) == {}, person
    assert any("Secret" in one.subject for one in mail.outbox)
