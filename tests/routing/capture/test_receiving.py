"""The address at which leads arrive: who may send, what is kept, what is answered (C4, C5)."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from routing.capture.storing import LARGEST, refused_of
from routing.models import Channel, InboundRequest
from routing.views.inbound import MOST_REFUSED
from tests.factories.scenes import Brokerage, brokerage
from tests.routing.capture.scenes import SECRET, address_of, make_channel, send, signed

pytestmark = pytest.mark.django_db
BODY = b'{"email": "maya@mail.example"}'


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def channel(harbor: Brokerage) -> Channel:
    return make_channel(harbor.lakeside)


def kept() -> int:
    return InboundRequest.objects.count()


def test_c4_what_came_is_kept_as_it_came(channel: Channel) -> None:
    body = b"\xff\x80 anything at all"
    answer = send(channel, body, content_type="text/weird")
    assert (answer.status_code, answer.json()) == (200, {"status": "received"})
    row = InboundRequest.objects.get()
    assert (bytes(row.body), row.content_type, row.state, row.channel) == (body, "text/weird", "waiting", channel)


def test_c4_the_same_again_is_counted_and_not_kept_twice(channel: Channel, harbor: Brokerage) -> None:
    for _ in range(3):
        assert send(channel, BODY).status_code == 200
    assert InboundRequest.objects.get().times == 3
    send(make_channel(harbor.hilltop), BODY)
    assert kept() == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Channel-Key": SECRET},
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": "Basic " + b64encode(f"{SECRET}:".encode()).decode()},
        {"Authorization": "Basic " + b64encode(f"{SECRET}:ignored".encode()).decode()},
        {"X-Signature-256": signed(BODY, SECRET)},
        {"X-Signature": signed(BODY, SECRET).removeprefix("sha256=").upper()},
    ],
)
def test_c5_the_key_may_come_in_many_ways(channel: Channel, headers: dict[str, str]) -> None:
    assert send(channel, BODY, key="", **headers).status_code == 200
    assert kept() == 1


@pytest.mark.parametrize(
    ("key", "headers", "status"),
    [
        ("", {}, 401),
        ("wrong", {}, 403),
        ("é" * 40, {}, 403),
        ("", {"X-Channel-Key": "wrong"}, 403),
        ("", {"Authorization": "Bearer wrong"}, 403),
        ("", {"Authorization": "Basic not-base64"}, 401),
        ("", {"Authorization": "Basic " + b64encode(b"\xff\xfe:").decode()}, 401),
        ("", {"X-Signature-256": signed(b"another body", SECRET)}, 403),
        ("", {"X-Signature-256": "sha256="}, 403),
        (SECRET, {"X-Signature-256": signed(BODY, "wrong")}, 403),
    ],
)
def test_c5_without_the_key_nothing_is_kept_but_a_count(
    channel: Channel, key: str, headers: dict[str, str], status: int
) -> None:
    answer = send(channel, BODY, key=key, **headers)
    assert answer.status_code == status
    assert (kept(), refused_of(channel)) == (0, 1)


def test_c5_guessing_is_slowed_down(channel: Channel, harbor: Brokerage) -> None:
    for _ in range(MOST_REFUSED):
        assert send(channel, BODY, key="wrong").status_code == 403
    answer = send(channel, BODY, key="wrong")
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert send(channel, BODY, key="", **{"X-Signature": signed(BODY, "wrong")}).status_code == 429
    assert refused_of(channel) == MOST_REFUSED
    assert send(make_channel(harbor.hilltop), BODY).status_code == 200
    assert kept() == 1


@pytest.mark.parametrize("headers", [{"X-Channel-Key": SECRET}, {"X-Signature": signed(BODY, SECRET)}])
def test_c5_who_has_the_key_passes_whoever_else_guesses_from_the_address(
    channel: Channel, headers: dict[str, str]
) -> None:
    for _ in range(MOST_REFUSED + 1):
        send(channel, BODY, key="wrong")
    assert send(channel, BODY, key="", **headers).status_code == 200
    assert kept() == 1


def test_c5_the_body_of_a_wrong_key_is_not_read(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Mock(side_effect=AssertionError("read"))
    monkeypatch.setattr("django.core.handlers.wsgi.WSGIRequest.read", read)
    assert send(channel, BODY, key="wrong").status_code == 403


def test_c5_bodies_over_a_megabyte_are_refused(channel: Channel) -> None:
    assert send(channel, b"x" * (LARGEST + 1)).status_code == 413
    assert kept() == 0
    assert send(channel, b"x" * LARGEST).status_code == 200


def test_an_empty_body_is_refused(channel: Channel) -> None:
    assert send(channel, b" \n").status_code == 400
    assert kept() == 0


def test_unknown_and_closed_channels_are_alike(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).update(closed_at=timezone.now())
    closed, unknown = send(channel, BODY), Client().post("/in/nothinghere0/", BODY, content_type="text/plain")
    assert (closed.status_code, closed.content) == (404, unknown.content)
    assert kept() == 0


@pytest.mark.parametrize("days", [1, -1])
def test_c1_the_key_before_is_good_for_a_while(channel: Channel, days: int) -> None:
    until = timezone.now() + timedelta(days=days)
    Channel.objects.filter(pk=channel.pk).update(old_secret="the-key-before", old_until=until)
    assert send(channel, BODY, key="the-key-before").status_code == (200 if days > 0 else 403)
    assert send(channel, BODY + b" ").status_code == 200


def test_no_form_token_is_asked_for_and_no_session_is_begun(channel: Channel) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post(address_of(channel), BODY, content_type="application/json")
    assert answer.status_code == 200
    assert not client.cookies


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_refused(channel: Channel, method: str) -> None:
    answer = getattr(Client(), method)(address_of(channel))
    assert (answer.status_code, answer["Content-Type"], answer.json()["status"]) == (405, "application/json", 405)
    assert "POST" in answer["Allow"]


def test_it_takes_two_queries(channel: Channel, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        send(channel, BODY)


def test_c4_the_answer_comes_after_the_commit(channel: Channel) -> None:
    """Within the request there is no transaction that could still be rolled back."""
    assert not connection.settings_dict.get("ATOMIC_REQUESTS")


# --- Facebook ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def facebook(harbor: Brokerage) -> Channel:
    return make_channel(harbor.lakeside, "facebook", signing_secret="app-secret", access_token="token")


def subscribe(channel: Channel, **asked: str) -> Any:
    query = {"hub.mode": "subscribe", "hub.verify_token": SECRET, "hub.challenge": "1158201444"}
    return Client().get(address_of(channel, ""), query | {f"hub.{name}": value for name, value in asked.items()})


def test_c3_facebook_is_given_its_challenge_back(facebook: Channel) -> None:
    answer = subscribe(facebook)
    assert (answer.status_code, answer.content) == (200, b"1158201444")
    assert answer["Content-Type"].startswith("text/plain")


def test_c5_facebooks_question_needs_the_token(facebook: Channel, channel: Channel) -> None:
    assert subscribe(facebook, verify_token="wrong").status_code == 403
    assert subscribe(facebook, mode="else").status_code == 405
    assert subscribe(channel).status_code == 405


def test_c5_facebook_has_to_sign_with_the_apps_secret(facebook: Channel) -> None:
    good = {"X-Hub-Signature-256": signed(BODY, "app-secret")}
    assert send(facebook, BODY, key="", **good).status_code == 200
    assert send(facebook, BODY + b" ", key="", **good).status_code == 403
    assert send(facebook, BODY, key="", **{"X-Hub-Signature-256": signed(BODY, SECRET)}).status_code == 403
    assert send(facebook, BODY).status_code == 403
    assert send(facebook, BODY, key="").status_code == 401
    assert kept() == 1
